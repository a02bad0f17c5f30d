// A grid of any number of cells of one height, of which only those in sight exist: rows that leave are filled anew and come in at the other end.

export interface GridOptions {
  readonly label: string;
  /** Pixels: cells are at least this wide and share what is left over. */
  readonly cellWidth: number;
  /** Pixels, with the gap. */
  readonly cellHeight: number;
  /** Fills an element that may have shown another cell before. */
  readonly fill: (cell: HTMLElement, index: number) => void;
  /** Hears which cells exist, whenever that changes: `last` is not one of them. */
  readonly onView: (first: number, last: number) => void;
  /** Enter, or a click. */
  readonly onOpen: (index: number) => void;
  /** Hears where the keyboard goes within the grid. */
  readonly onActive?: (index: number) => void;
}

export interface VirtualGrid {
  readonly element: HTMLElement;
  /** First cell of the first row in sight. */
  readonly first: number;
  /** Pixels that a cell has, with its gap. */
  readonly cellWidth: number;
  /** How many cells there are, and which is to be in the first row in sight. */
  reset(total: number, first: number): void;
  /** Fills the cells in sight anew. */
  refresh(): void;
  /** Gives the keyboard to the cell that had it last. */
  focus(): void;
  /** Makes a cell the one that has the keyboard next and brings it into sight; it gets the keyboard where the grid has it. */
  select(index: number): void;
}

/** Browsers cannot lay out more than about 33 million pixels: a longer grid scrolls in longer steps. */
const MOST_PIXELS = 16_000_000;

/** Rows beyond either edge, so that scrolling meets filled ones. */
const BEYOND = 2;

export function virtualGrid(options: GridOptions): VirtualGrid {
  return new Grid(options);
}

class Grid implements VirtualGrid {
  readonly element = document.createElement('div');
  private readonly space = document.createElement('div');
  /** The rows that exist, by their number. */
  private readonly rows = new Map<number, HTMLElement>();
  private total = 0;
  private columns = 1;
  private active = 0;
  private top = 0;
  private width = 0;
  /** What is to be first as soon as the grid has a size: it may be on a page that is not shown. */
  private awaited: number | undefined;

  constructor(private readonly options: GridOptions) {
    this.element.className = 'virtual-grid';
    this.element.setAttribute('role', 'grid');
    this.element.setAttribute('aria-label', options.label);
    this.space.className = 'virtual-space';
    this.space.setAttribute('role', 'presentation');
    this.element.append(this.space);
    this.element.addEventListener('scroll', () => this.update());
    this.element.addEventListener('keydown', (event) => this.onKey(event));
    this.element.addEventListener('click', (event) => this.onClick(event));
    new ResizeObserver(() => this.onResize()).observe(this.element);
  }

  get cellWidth(): number {
    return this.width / this.columns;
  }

  get first(): number {
    return this.awaited ?? this.top * this.columns;
  }

  reset(total: number, first: number): void {
    this.total = total;
    this.active = Math.min(first, Math.max(0, total - 1));
    this.layOut(first);
  }

  refresh(): void {
    for (const [number, row] of this.rows) this.fillRow(row, number);
  }

  focus(): void {
    const row = this.rowOf(this.active);
    this.reveal(row);
    this.cellOf(this.active)?.focus({ preventScroll: true });
  }

  select(index: number): void {
    const isFocused = this.element.contains(document.activeElement);
    this.move(index);
    if (isFocused) this.focus();
  }

  private onResize(): void {
    if (this.element.clientWidth > 0) this.layOut(this.first);
  }

  /** Sizes, for the width that there is; `first` comes into the first row. */
  private layOut(first: number): void {
    this.width = this.element.clientWidth;
    this.awaited = this.width === 0 ? first : undefined;
    if (this.width === 0) return;
    const columns = Math.max(1, Math.floor(this.width / this.options.cellWidth));
    if (columns !== this.columns) this.dropRows();
    this.columns = columns;
    this.element.style.setProperty('--columns', String(columns));
    this.element.style.setProperty('--cell-height', `${this.options.cellHeight}px`);
    this.element.setAttribute('aria-rowcount', String(this.rowCount));
    this.element.setAttribute('aria-colcount', String(columns));
    this.space.style.height = `${Math.min(this.pixels, MOST_PIXELS)}px`;
    this.element.scrollTop = (this.rowOf(first) * this.options.cellHeight) / this.stretch;
    this.update();
    this.refresh();
  }

  private dropRows(): void {
    for (const row of this.rows.values()) row.remove();
    this.rows.clear();
  }

  private get rowCount(): number {
    return Math.ceil(this.total / this.columns);
  }

  private get pixels(): number {
    return this.rowCount * this.options.cellHeight;
  }

  /** How many pixels of the grid one pixel of the scroll bar stands for. */
  private get stretch(): number {
    const height = this.element.clientHeight;
    return this.pixels > MOST_PIXELS ? (this.pixels - height) / (MOST_PIXELS - height) : 1;
  }

  private rowOf(index: number): number {
    return Math.floor(index / this.columns);
  }

  /** Makes the rows in sight exist, out of those that are not any more. */
  private update(): void {
    const { cellHeight, onView } = this.options;
    const { scrollTop, clientHeight } = this.element;
    const from = scrollTop * this.stretch;
    this.top = Math.min(Math.floor(from / cellHeight + 0.01), Math.max(0, this.rowCount - 1));
    const first = Math.max(0, this.top - BEYOND);
    const last = Math.min(this.rowCount, Math.ceil((from + clientHeight) / cellHeight) + BEYOND);
    const free = [...this.rows.keys()].filter((number) => number < first || number >= last);
    for (let number = first; number < last; number++) {
      if (!this.rows.has(number)) this.bringIn(number, free.pop());
      this.rows.get(number)!.style.transform = `translateY(${number * cellHeight - from + scrollTop}px)`;
    }
    for (const number of free) this.drop(number);
    this.element.tabIndex = this.cellOf(this.active) ? -1 : 0;
    onView(first * this.columns, Math.min(this.total, last * this.columns));
  }

  private bringIn(number: number, recycled: number | undefined): void {
    const row = recycled === undefined ? this.newRow() : this.take(recycled);
    this.rows.set(number, row);
    this.fillRow(row, number);
  }

  private take(number: number): HTMLElement {
    const row = this.rows.get(number)!;
    // The keyboard must not be lost with a cell that scrolls away.
    if (row.contains(document.activeElement)) this.element.focus({ preventScroll: true });
    this.rows.delete(number);
    return row;
  }

  private drop(number: number): void {
    this.take(number).remove();
  }

  private newRow(): HTMLElement {
    const row = document.createElement('div');
    row.className = 'virtual-row';
    row.setAttribute('role', 'row');
    for (let column = 0; column < this.columns; column++) {
      const cell = row.appendChild(document.createElement('div'));
      cell.className = 'virtual-cell';
      cell.setAttribute('role', 'gridcell');
      cell.setAttribute('aria-colindex', String(column + 1));
    }
    return this.space.appendChild(row);
  }

  private fillRow(row: HTMLElement, number: number): void {
    row.setAttribute('aria-rowindex', String(number + 1));
    for (let column = 0; column < this.columns; column++) {
      const cell = row.children[column] as HTMLElement;
      const index = number * this.columns + column;
      cell.hidden = index >= this.total;
      cell.tabIndex = index === this.active ? 0 : -1;
      cell.dataset.index = String(index);
      if (!cell.hidden) this.options.fill(cell, index);
    }
  }

  private cellOf(index: number): HTMLElement | undefined {
    return this.rows.get(this.rowOf(index))?.children[index % this.columns] as HTMLElement | undefined;
  }

  private onClick({ target }: MouseEvent): void {
    const cell = (target as Element).closest<HTMLElement>('.virtual-cell');
    if (!cell) return;
    this.activate(Number(cell.dataset.index));
    this.options.onOpen(this.active);
  }

  private onKey(event: KeyboardEvent): void {
    if (event.key === 'Enter' || event.key === ' ') this.options.onOpen(this.active);
    else {
      const next = this.next(event);
      if (next === undefined) return;
      this.activate(Math.max(0, Math.min(this.total - 1, next)));
    }
    event.preventDefault();
  }

  private next({ key, ctrlKey, metaKey }: KeyboardEvent): number | undefined {
    const { columns, active } = this;
    const page = Math.max(1, Math.floor(this.element.clientHeight / this.options.cellHeight)) * columns;
    const start = active - (active % columns);
    const whole = ctrlKey || metaKey;
    const steps: Readonly<Record<string, number>> = {
      ArrowLeft: active - 1,
      ArrowRight: active + 1,
      ArrowUp: active >= columns ? active - columns : active,
      ArrowDown: this.rowOf(active) < this.rowCount - 1 ? active + columns : active,
      PageUp: active - page,
      PageDown: active + page,
      Home: whole ? 0 : start,
      End: whole ? this.total - 1 : start + columns - 1,
    };
    return steps[key];
  }

  private activate(index: number): void {
    this.move(index);
    this.cellOf(index)?.focus({ preventScroll: true });
    this.options.onActive?.(index);
  }

  private move(index: number): void {
    const before = this.cellOf(this.active);
    if (before) before.tabIndex = -1;
    this.active = index;
    this.reveal(this.rowOf(index));
    const cell = this.cellOf(index);
    if (cell) cell.tabIndex = 0;
  }

  /** Scrolls no further than it takes to see all of a row. */
  private reveal(row: number): void {
    const { cellHeight } = this.options;
    const { clientHeight, scrollTop } = this.element;
    const [from, upper] = [scrollTop * this.stretch, row * cellHeight];
    const to = upper < from ? upper : Math.max(from, upper + cellHeight - clientHeight);
    if (to !== from) this.element.scrollTop = to / this.stretch;
    this.update();
  }
}
