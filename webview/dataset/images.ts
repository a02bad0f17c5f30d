// The page of images: a grid of all that a filter lets through, with their boxes.
import { html, type TemplateResult } from 'lit';
import type { DatasetReport } from '../../src/protocol/messages';
import type { BrowseQuery } from '../../src/protocol/windows';
import type { Host } from '../kit/host';
import { t } from '../kit/l10n';
import { type VirtualGrid, virtualGrid } from '../kit/virtual-grid';
import { CELL_HEIGHT, CELL_WIDTH, fillCell } from './cell';
import { toolbar } from './filters';
import { type RowWindows, rowWindows } from './row-windows';
import type { ViewState } from './state';
import { ThumbnailStore } from '../kit/thumbnails';

/** Between typing and looking, in milliseconds. */
const TYPING = 150;

/** Cell padding and borders, in pixels: what the style sheet leaves of a cell's width for its picture. */
const FRAME = 18;

export interface Redrawing {
  /** Draws the panel anew, soon. */
  readonly redraw: () => void;
  /** Keeps the state. */
  readonly keep: () => void;
}

export class ImagesPage {
  private report: DatasetReport | undefined;
  private categories: readonly string[] = [];
  private total: number | undefined;
  private error: string | undefined;
  private typing: ReturnType<typeof setTimeout> | undefined;
  private view = { first: 0, last: 0 };
  private due = 0;
  /** The keyboard goes to the grid as soon as there is one. */
  private isAwaited = false;
  private readonly grid: VirtualGrid;
  private readonly rows: RowWindows;
  private readonly thumbnails: ThumbnailStore;

  constructor(
    private readonly state: ViewState,
    private readonly host: Host<'dataset'>,
    private readonly drawing: Redrawing,
  ) {
    this.thumbnails = new ThumbnailStore(
      {
        ask: (ticket, rows) => host.call('thumbnails', { ticket, rows }),
        giveUp: (ticket) => void host.call('giveUp', { ticket }).catch(() => undefined),
      },
      () => this.soon(),
    );
    this.rows = rowWindows(
      (offset, limit) => host.call('browse', { ...state.query, offset, limit }),
      (total) => this.onRows(total),
      ({ message }) => this.onError(message),
    );
    this.grid = virtualGrid({
      label: t('Images'),
      cellWidth: CELL_WIDTH,
      cellHeight: CELL_HEIGHT,
      fill: (cell, index) => this.fill(cell, index),
      onView: (first, last) => this.onView(first, last),
      onOpen: (index) => this.openFile(index),
    });
  }

  /** Shows the images of the state's query, from the state's first on. */
  open(report: DatasetReport): void {
    const { fingerprint, imageFolder } = this.report ?? {};
    if (report.fingerprint !== fingerprint || report.imageFolder !== imageFolder) this.thumbnails.clear();
    this.report = report;
    this.categories = report.categories.map(({ name }) => name);
    this.begin();
  }

  focus(): void {
    this.isAwaited = true;
  }

  /** @param progress share of the file that is read: below 1 where the engine had forgotten it */
  template(progress: number): TemplateResult {
    const { report, state, total, error, grid } = this;
    const ask = (change: (query: BrowseQuery) => BrowseQuery) => this.ask(change(state.query));
    const setBoxes = (withBoxes: boolean) => this.setBoxes(withBoxes);
    return html`${report ? toolbar({ report, state, total, ask, setBoxes }) : ''}
    ${error ? html`<p class="notice error" role="alert">${error}</p>` : ''} ${progress < 1 ? readingAgain(progress) : ''}
    ${total === 0 ? html`<p class="quiet">${t('No image meets all of these conditions.')}</p>` : ''}${grid.element}`;
  }

  private begin(): void {
    this.total = undefined;
    this.rows.clear();
    this.rows.want(this.state.first, this.state.first + 1);
    this.drawing.redraw();
  }

  private ask(query: BrowseQuery): void {
    const isTyping = query.filter.text !== this.state.query.filter.text;
    this.state.query = query;
    this.state.first = 0;
    this.drawing.keep();
    this.drawing.redraw();
    clearTimeout(this.typing);
    if (isTyping) this.typing = setTimeout(() => this.begin(), TYPING);
    else this.begin();
  }

  private setBoxes(withBoxes: boolean): void {
    this.state.withBoxes = withBoxes;
    this.drawing.keep();
    this.drawing.redraw();
    this.grid.refresh();
  }

  private onRows(total: number): void {
    this.error = undefined;
    if (total !== this.total) this.grid.reset((this.total = total), this.state.first);
    this.drawing.redraw();
    this.soon();
    if (this.isAwaited) this.grid.focus();
    this.isAwaited = false;
  }

  private onError(message: string): void {
    this.error = message;
    this.drawing.redraw();
  }

  private onView(first: number, last: number): void {
    this.view = { first, last };
    if (this.total === undefined) return;
    if (this.state.first !== this.grid.first) {
      this.state.first = this.grid.first;
      this.drawing.keep();
    }
    this.look();
  }

  /** Several pictures that come in one frame are drawn together. */
  private soon(): void {
    this.due ||= requestAnimationFrame(() => {
      this.due = 0;
      this.grid.refresh();
      this.look();
    });
  }

  private look(): void {
    const { first, last } = this.view;
    this.rows.want(first, last);
    const inSight = Array.from({ length: Math.max(0, last - first) }, (_, k) => this.rows.get(first + k)?.row);
    this.thumbnails.want(inSight.filter((row) => row !== undefined));
  }

  private fill(cell: HTMLElement, index: number): void {
    const image = this.rows.get(index);
    const picture = image && this.thumbnails.get(image.row);
    const { categories } = this;
    fillCell(cell, { image, picture, categories, withBoxes: this.state.withBoxes, width: this.grid.cellWidth - FRAME });
  }

  private openFile(index: number): void {
    const file = this.rows.get(index)?.file;
    if (file) void this.host.call('open', { file }).catch(() => undefined);
  }
}

function readingAgain(progress: number): TemplateResult {
  return html`<p class="row quiet" role="status" data-reading="again">
    <progress max="1" value=${progress} aria-label=${t('Reading the file')}></progress>
    ${t('The file is read again.')}
  </p>`;
}
