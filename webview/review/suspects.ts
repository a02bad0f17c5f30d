// The page of suspects: the list on the left, the one at hand on the right, and the keys that decide.
import { html, type TemplateResult } from 'lit';
import type { BrowsedImage } from '../../src/protocol/browse';
import { labelOf, type SuspectLabel, type SuspectsResult } from '../../src/protocol/review';
import type { ModelsMap } from '../../src/protocol/windows';
import { HeatStore } from '../kit/heat-store';
import type { Host } from '../kit/host';
import { t } from '../kit/l10n';
import { ThumbnailStore } from '../kit/thumbnails';
import { type VirtualGrid, virtualGrid } from '../kit/virtual-grid';
import { detailOf } from './detail';
import { fillLine, LINE_HEIGHT } from './list';
import { type Decisions, type Filters, filtered, type Verdict } from './state';

/** What the file says of the images seen last. */
const MOST_IMAGES = 50;
/** Whose pictures are fetched before they are at hand. */
const AHEAD = 3;
/** Whose maps are: they take longer, and the engine does nothing else meanwhile. */
const MAPS_AHEAD = 2;

interface HeatKey {
  readonly row: number;
  readonly category: string;
}

const heatKey = ({ row, category }: SuspectLabel): HeatKey => ({ row, category });

export class SuspectsPage {
  shown: readonly SuspectLabel[] = [];
  private result: SuspectsResult | undefined;
  private at = 0;
  private readonly images = new Map<number, BrowsedImage | null | undefined>();
  private readonly grid: VirtualGrid;
  private readonly pictures: ThumbnailStore;
  private readonly heats: HeatStore<HeatKey, ModelsMap>;
  private isExplaining = false;

  constructor(
    private readonly host: Host<'review'>,
    private readonly decisions: Decisions,
    private readonly filters: Filters,
    private readonly redraw: () => void,
    private readonly onError: (message: string) => void,
  ) {
    this.pictures = new ThumbnailStore(
      {
        ask: (ticket, rows) => host.call('thumbnails', { ticket, rows }),
        giveUp: (ticket) => void host.call('giveUp', { ticket }).catch(() => undefined),
      },
      redraw,
      1,
    );
    this.heats = new HeatStore((key) => host.call('explain', key), redraw);
    this.grid = virtualGrid({
      label: t('Suspect labels'),
      cellWidth: Number.MAX_SAFE_INTEGER,
      cellHeight: LINE_HEIGHT,
      fill: (cell, index) => this.fill(cell, index),
      onView: () => undefined,
      onOpen: (index) => this.choose(index),
      onActive: (index) => this.choose(index),
    });
    document.addEventListener('keydown', (event) => this.onKey(event));
  }

  /** Another list, or the same with other filters. */
  open(result: SuspectsResult): void {
    if (result.fingerprint !== this.result?.fingerprint) {
      this.pictures.clear();
      this.images.clear();
      this.heats.clear();
    }
    this.result = result;
    this.list();
    this.choose(0);
    this.grid.reset(this.shown.length, 0);
  }

  focus(): void {
    this.grid.focus();
  }

  template(): TemplateResult {
    return html`<div class="columns">${this.grid.element} ${this.detail()}</div>`;
  }

  private detail(): TemplateResult {
    const suspect = this.shown[this.at];
    if (!suspect) return html`<p class="quiet" data-empty>${t('No suspect label meets all of these conditions.')}</p>`;
    return detailOf({
      suspect,
      image: this.images.get(suspect.row),
      picture: this.pictures.get(suspect.row),
      heat: this.isExplaining ? (this.heats.get(heatKey(suspect)) ?? 'awaited') : undefined,
      categories: this.result!.categories.map(({ category }) => category),
      verdict: this.decisions.of(suspect),
      canUndo: this.decisions.canUndo,
      decide: (verdict) => this.decide(verdict),
      undo: () => this.undo(),
      explain: () => this.explain(),
      open: (file) => void this.host.call('open', { file }).catch(() => undefined),
    });
  }

  private list(): void {
    this.shown = filtered(this.result?.suspects ?? [], this.filters, this.decisions);
  }

  private fill(cell: HTMLElement, index: number): void {
    const suspect = this.shown[index];
    if (suspect) fillLine(cell, suspect, this.decisions.of(suspect), index === this.at);
  }

  private choose(index: number): void {
    this.at = Math.max(0, Math.min(this.shown.length - 1, index));
    const rows = this.shown.slice(this.at, this.at + AHEAD).map(({ row }) => row);
    this.pictures.want([...new Set(rows)]);
    if (rows[0] !== undefined) void this.look(rows[0]);
    this.wantHeats();
    this.grid.refresh();
    this.redraw();
  }

  private async look(row: number): Promise<void> {
    if (this.images.has(row)) return;
    this.images.set(row, undefined);
    const [oldest] = this.images.keys();
    if (this.images.size > MOST_IMAGES && oldest !== undefined) this.images.delete(oldest);
    try {
      this.images.set(row, await this.host.call('image', { row }));
      this.redraw();
    } catch (error) {
      this.images.delete(row);
      this.onError((error as Error).message);
    }
  }

  private explain(): void {
    this.isExplaining = !this.isExplaining;
    // Another model may have been chosen since.
    if (this.isExplaining) this.heats.clear();
    this.wantHeats();
    this.redraw();
  }

  private wantHeats(): void {
    const inSight = this.isExplaining ? this.shown.slice(this.at, this.at + MAPS_AHEAD) : [];
    this.heats.want(inSight.map(heatKey));
  }

  /** Goes on to the next one; under a filter that the decided one does not meet any more, that is the one in its place. */
  private decide(verdict: Verdict): void {
    const suspect = this.shown[this.at];
    if (!suspect) return;
    const made = this.decisions.decide(suspect, verdict);
    this.keep(made);
    this.relist(suspect, 1);
  }

  private undo(): void {
    const step = this.decisions.undo();
    if (!step) return;
    const { suspect, before } = step;
    const { image, category } = suspect;
    this.keep(before ?? { image, category, decision: null });
    this.list();
    const at = this.shown.findIndex((one) => labelOf(one) === labelOf(suspect));
    this.show(at >= 0 ? at : this.at);
  }

  private keep(change: Parameters<typeof this.host.call<'decide'>>[1]['changes'][number]): void {
    this.host.call('decide', { changes: [change] }).catch((error: unknown) => this.onError((error as Error).message));
  }

  private relist(suspect: SuspectLabel, step: number): void {
    const before = this.shown.length;
    this.list();
    const isStill = this.shown.length === before && this.shown[this.at] === suspect;
    this.show(isStill ? this.at + step : this.at);
  }

  private show(index: number): void {
    const at = Math.max(0, Math.min(this.shown.length - 1, index));
    this.grid.reset(this.shown.length, Math.max(0, at - AHEAD));
    this.choose(at);
    this.grid.select(this.at);
  }

  private onKey(event: KeyboardEvent): void {
    const { key, ctrlKey, metaKey, altKey, defaultPrevented } = event;
    if (ctrlKey || metaKey || altKey || defaultPrevented || this.grid.element.closest('[hidden]') || isTyping(event)) return;
    const actions: Readonly<Record<string, () => void>> = {
      a: () => this.decide('accept'),
      r: () => this.decide('reject'),
      s: () => this.decide('skip'),
      u: () => this.undo(),
      g: () => this.explain(),
      ArrowDown: () => this.show(this.at + 1),
      ArrowUp: () => this.show(this.at - 1),
    };
    const action = actions[key.length === 1 ? key.toLowerCase() : key];
    if (!action || !this.grid.element.isConnected) return;
    event.preventDefault();
    action();
  }
}

/** Letters and arrows belong to what is being filled in. */
function isTyping({ target }: KeyboardEvent): boolean {
  return target instanceof HTMLElement && target.closest('input, select, textarea, [role="tablist"]') !== null;
}
