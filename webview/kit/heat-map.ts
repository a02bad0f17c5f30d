// A matrix of many cells as squares, with a cursor that follows pointer and arrow keys and says in words what it stands on.
import { shortened } from './format';

export interface HeatMap {
  readonly label: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  /** -1 to 1: how strong a cell is drawn, and in which of two colours; null for none. */
  readonly strength: (row: number, column: number) => number | null;
  /** Said where no cell is pointed at. */
  readonly hint: string;
  readonly words: (row: number, column: number) => string;
  readonly onChoose: (row: number, column: number) => void;
  /** What the weakest and the strongest colour of each side stand for. */
  readonly legend: readonly { readonly strength: number; readonly text: string }[];
}

export interface HeatMapView {
  readonly element: HTMLElement;
  show(map: HeatMap): void;
}

/** Pixels: squares shrink where there are many, but names stay legible. */
const CELL = { few: 22, many: 13.5 };
const MANY = 30;
const SIDE = 124;
const NAME = 17;

export function heatMapView(): HeatMapView {
  return new View();
}

class View implements HeatMapView {
  readonly element = document.createElement('div');
  private readonly readout = document.createElement('p');
  private readonly pane = document.createElement('div');
  private map: HeatMap | undefined;
  private cell = CELL.few;
  private at = { row: 0, column: 0 };
  private readonly cursor = rectOf({ class: 'cursor', width: 0, height: 0 });

  constructor() {
    this.element.className = 'heat-map';
    this.readout.className = 'readout';
    this.readout.setAttribute('role', 'status');
    this.pane.className = 'pane';
    this.pane.tabIndex = 0;
    this.pane.setAttribute('role', 'group');
    this.element.append(this.readout, this.pane);
    this.pane.addEventListener('pointermove', (event) => this.follow(event));
    this.pane.addEventListener('pointerleave', () => this.leave());
    this.pane.addEventListener('focus', () => this.moveTo(this.at.row, this.at.column));
    this.pane.addEventListener('blur', () => this.leave());
    this.pane.addEventListener('keydown', (event) => this.onKey(event));
    this.pane.addEventListener('click', (event) => {
      if (this.follow(event)) this.map?.onChoose(this.at.row, this.at.column);
    });
  }

  show(map: HeatMap): void {
    if (map === this.map) return;
    this.map = map;
    this.cell = map.columns.length > MANY ? CELL.many : CELL.few;
    this.at = { row: Math.min(this.at.row, map.rows.length - 1), column: Math.min(this.at.column, map.columns.length - 1) };
    this.pane.setAttribute('aria-label', map.label);
    this.pane.replaceChildren(this.draw(map));
    this.leave();
  }

  private draw(map: HeatMap): SVGSVGElement {
    const { rows, columns } = map;
    const [width, height] = [SIDE + columns.length * this.cell + 4, SIDE + rows.length * this.cell + 4];
    const chart = svgOf('svg', { class: 'chart natural', width, height, viewBox: `0 0 ${width} ${height}`, role: 'img' });
    chart.setAttribute('aria-label', map.label);
    const middle = this.cell / 2 + 4;
    rows.forEach((name, k) =>
      chart.append(textOf(name, { x: SIDE - 6, y: SIDE + k * this.cell + middle, 'text-anchor': 'end' })),
    );
    columns.forEach((name, k) =>
      chart.append(textOf(name, { transform: `translate(${SIDE + k * this.cell + middle} ${SIDE - 6}) rotate(-90)` })),
    );
    rows.forEach((_, row) => columns.forEach((_, column) => chart.append(this.square(map, row, column))));
    chart.append(...legendOf(map), this.cursor);
    return chart;
  }

  private square({ strength }: HeatMap, row: number, column: number): SVGElement {
    const size = this.cell - (this.cell > CELL.many ? 1.5 : 1);
    const [x, y] = [SIDE + column * this.cell, SIDE + row * this.cell];
    return rectOf({ x, y, width: size, height: size, ...looks(strength(row, column)) });
  }

  private follow({ clientX, clientY }: MouseEvent): boolean {
    const chart = this.pane.querySelector('svg')!.getBoundingClientRect();
    const column = Math.floor((clientX - chart.left - SIDE) / this.cell);
    const row = Math.floor((clientY - chart.top - SIDE) / this.cell);
    const inside = row >= 0 && column >= 0 && row < this.map!.rows.length && column < this.map!.columns.length;
    if (inside) this.moveTo(row, column);
    return inside;
  }

  private moveTo(row: number, column: number): void {
    if (!this.map || row < 0 || column < 0) return;
    this.at = { row, column };
    const size = this.cell + 1;
    const place = { x: SIDE + column * this.cell - 1, y: SIDE + row * this.cell - 1, width: size, height: size };
    setAll(this.cursor, place);
    this.readout.textContent = this.map.words(row, column);
  }

  private leave(): void {
    if (document.activeElement === this.pane) return;
    // A cursor without size is in no file that is saved.
    setAll(this.cursor, { width: 0, height: 0 });
    this.readout.textContent = this.map?.hint ?? '';
  }

  private onKey(event: KeyboardEvent): void {
    const { row, column } = this.at;
    const { rows, columns, onChoose } = this.map!;
    if (event.key === 'Enter' || event.key === ' ') onChoose(row, column);
    else {
      const steps: Readonly<Record<string, readonly [number, number]>> = {
        ArrowLeft: [row, column - 1],
        ArrowRight: [row, column + 1],
        ArrowUp: [row - 1, column],
        ArrowDown: [row + 1, column],
        Home: [row, 0],
        End: [row, columns.length - 1],
        PageUp: [0, column],
        PageDown: [rows.length - 1, column],
      };
      const to = steps[event.key];
      if (!to) return;
      this.moveTo(within(to[0], rows.length), within(to[1], columns.length));
      this.cursor.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    }
    event.preventDefault();
  }
}

const within = (value: number, length: number): number => Math.max(0, Math.min(length - 1, value));

/** Nothing is faint, the weakest something is not. */
function looks(strength: number | null): Readonly<Record<string, string | number>> {
  const none = strength === null || strength === 0;
  const opacity = none ? 0.05 : 0.12 + 0.88 * Math.min(1, Math.abs(strength));
  return { class: strength !== null && strength < 0 ? 'cell low' : 'cell', opacity: Math.round(1000 * opacity) / 1000 };
}

function legendOf({ legend }: HeatMap): SVGElement[] {
  return legend.flatMap(({ strength, text }, k) => [
    rectOf({ x: 2, y: 4 + 18 * k, width: 12, height: 12, ...looks(strength) }),
    textOf(text, { x: 20, y: 14 + 18 * k }),
  ]);
}

type Attributes = Readonly<Record<string, string | number>>;

function setAll(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
}

function svgOf<K extends keyof SVGElementTagNameMap>(name: K, attributes: Attributes): SVGElementTagNameMap[K] {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  setAll(element, attributes);
  return element;
}

const rectOf = (attributes: Attributes) => svgOf('rect', attributes);

function textOf(text: string, attributes: Attributes): SVGTextElement {
  const element = svgOf('text', attributes);
  element.textContent = shortened(text, NAME);
  return element;
}
