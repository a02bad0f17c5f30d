// The images behind a number: a grid of any length, sorted, with Grad-CAM over the pictures when asked for; names alone in a report.
import { html, nothing, type TemplateResult } from 'lit';
import type { EvaluatedImage, EvaluationData } from '../../src/protocol/windows';
import { save } from '../kit/card';
import { count, fileName } from '../kit/format';
import type { Host } from '../kit/host';
import { HeatStore } from '../kit/heat-store';
import { t } from '../kit/l10n';
import { csvOf } from '../kit/save';
import { type VirtualGrid, virtualGrid } from '../kit/virtual-grid';
import type { BehindImage } from '../../src/metrics/behind';
import type { Behind, Judged } from './behind';
import { CELL, fillCell } from './gallery-cell';

const ORDERS = ['wrong', 'high', 'low', 'name'] as const;
type Order = (typeof ORDERS)[number];

/** Rows of pictures that are in sight at once. */
const MOST_ROWS = 3;

/** What the gallery is of. */
export interface GalleryContent extends Judged {
  readonly behind: Behind;
  readonly data: EvaluationData;
}

interface HeatKey {
  readonly file: string;
  readonly category: string;
}

export class Gallery {
  private content: GalleryContent | undefined;
  private images: readonly BehindImage[] = [];
  private shownKey = '';
  private order: Order = 'wrong';
  private isExplaining = false;
  private isAwaited = false;
  private view = { first: 0, last: 0 };
  private due = 0;
  private readonly grid: VirtualGrid;
  private readonly heats: HeatStore<HeatKey>;

  constructor(
    private readonly host: Host<'evaluation'>,
    private readonly redraw: () => void,
  ) {
    this.heats = new HeatStore(
      (key) => host.call('explain', key),
      () => this.soon(),
    );
    const size = host.isEditor ? CELL.picture : CELL.name;
    this.grid = virtualGrid({
      label: t('Images'),
      cellWidth: size.width,
      cellHeight: size.height,
      fill: (cell, index) => this.fill(cell, index),
      onView: (first, last) => this.onView({ first, last }),
      onOpen: (index) => this.open(index),
    });
    this.grid.element.classList.add('gallery-grid');
  }

  /** Other scores, of a model that may be another one. */
  forget(): void {
    this.heats.clear();
    this.shownKey = '';
  }

  /** The keyboard goes to the images as soon as they are drawn: a number was chosen to see them. */
  focus(): void {
    this.isAwaited = true;
  }

  template(content: GalleryContent): TemplateResult {
    this.take(content);
    const { title } = content.behind;
    const choose = (event: Event) => this.sortBy((event.target as HTMLSelectElement).value as Order);
    return html`<section class="card wide gallery" aria-label=${title} data-card="images">
      <div class="row spread">
        <h2>${title} (${count(this.images.length)})</h2>
        <div class="row">
          <label class="row"
            >${t('Order')}
            <select @change=${choose} data-choice="order">
              ${ORDERS.map((order) => html`<option value=${order} ?selected=${order === this.order}>${orderWord(order)}</option>`)}
            </select>
          </label>
          ${
            this.host.isEditor
              ? html`<button aria-pressed=${this.isExplaining} data-action="explain" @click=${() => this.toggle()}>
                  Grad-CAM
                </button>`
              : nothing
          }
          <button class="plain" @click=${() => this.save()}>CSV</button>
        </div>
      </div>
      ${this.images.length === 0 ? html`<p class="quiet">${t('There is no such image at this threshold.')}</p>` : nothing}
      ${this.grid.element}
    </section>`;
  }

  private take(content: GalleryContent): void {
    const { behind, data } = content;
    const before = this.content;
    this.content = content;
    const images = this.sorted(behind.find(content), data.images);
    const key = `${behind.key} ${this.order}`;
    const isSame = key === this.shownKey;
    if (isSame && areSame(images, this.images)) {
      // What is said of an image depends on the threshold, also where the images are the same.
      if (before?.threshold !== content.threshold) queueMicrotask(() => this.grid.refresh());
      if (this.isAwaited) queueMicrotask(() => this.reveal());
      return;
    }
    this.shownKey = key;
    this.images = images;
    this.grid.element.hidden = images.length === 0;
    // After the element is in the page.
    queueMicrotask(() => {
      this.size();
      this.grid.reset(images.length, isSame ? Math.min(this.grid.first, Math.max(0, images.length - 1)) : 0);
      if (this.isAwaited) this.reveal();
    });
  }

  /** As high as its rows, up to the most that leaves room for the number that they are behind. */
  private size(): void {
    const { element } = this.grid;
    const { width, height } = this.host.isEditor ? CELL.picture : CELL.name;
    const columns = Math.max(1, Math.floor(element.clientWidth / width));
    element.style.height = `${Math.min(MOST_ROWS, Math.ceil(this.images.length / columns)) * height}px`;
  }

  private reveal(): void {
    this.isAwaited = false;
    requestAnimationFrame(() => {
      this.grid.element.closest('section')?.scrollIntoView({ block: 'nearest' });
      if (this.images.length > 0) this.grid.focus();
    });
  }

  private sorted(images: readonly BehindImage[], all: readonly EvaluatedImage[]): readonly BehindImage[] {
    const name = ({ row }: BehindImage) => all[row]!.file;
    const orders: Record<Order, ((a: BehindImage, b: BehindImage) => number) | undefined> = {
      wrong: undefined,
      high: (a, b) => b.score - a.score,
      low: (a, b) => a.score - b.score,
      name: (a, b) => (name(a) < name(b) ? -1 : Number(name(a) > name(b))),
    };
    return orders[this.order] ? [...images].sort(orders[this.order]) : images;
  }

  private sortBy(order: Order): void {
    this.order = ORDERS.find((one) => one === order) ?? 'wrong';
    this.redraw();
  }

  private toggle(): void {
    this.isExplaining = !this.isExplaining;
    this.redraw();
    this.soon();
  }

  private onView(view: Gallery['view']): void {
    this.view = view;
    this.look();
  }

  /** Maps that come in one frame are drawn together. */
  private soon(): void {
    this.due ||= requestAnimationFrame(() => {
      this.due = 0;
      this.grid.refresh();
      this.look();
    });
  }

  private look(): void {
    const inSight = this.images.slice(this.view.first, this.view.last);
    this.heats.want(this.isExplaining ? inSight.map((image) => this.heatKey(image)) : []);
  }

  private heatKey({ row, category }: BehindImage): HeatKey {
    const { data, set } = this.content!;
    return { file: data.images[row]!.file, category: set.categories[category]! };
  }

  private fill(cell: HTMLElement, index: number): void {
    const shown = this.images[index];
    if (!shown || !this.content) return;
    const { data, set, threshold } = this.content;
    fillCell(cell, {
      image: data.images[shown.row]!,
      shown,
      categories: set.categories,
      limit: typeof threshold === 'number' ? threshold : threshold[shown.category]!,
      heat: this.isExplaining ? (this.heats.get(this.heatKey(shown)) ?? 'awaited') : undefined,
      withPicture: this.host.isEditor,
    });
  }

  private open(index: number): void {
    const shown = this.images[index];
    if (!shown || !this.host.isEditor) return;
    void this.host.call('open', { file: this.content!.data.images[shown.row]!.file }).catch(() => undefined);
  }

  private save(): void {
    const { data, set, behind } = this.content!;
    const rows = this.images.map(({ row, category, score }, k) => {
      const { file, labels } = data.images[row]!;
      const names = labels.map((c) => set.categories[c]).join(', ');
      return { key: String(k), cells: [fileName(file), set.categories[category]!, score, names] };
    });
    const columns = [
      { title: t('Image') },
      { title: t('Category') },
      { title: t('Score'), numeric: true },
      { title: t('Labels') },
    ];
    void save(this.host, 'images.csv', csvOf({ caption: behind.title, columns, rows }));
  }
}

function areSame(images: readonly BehindImage[], others: readonly BehindImage[]): boolean {
  const isSame = ({ row, category }: BehindImage, k: number) => row === others[k]!.row && category === others[k]!.category;
  return images === others || (images.length === others.length && images.every(isSame));
}

function orderWord(order: Order): string {
  const words: Record<Order, string> = {
    wrong: t('most wrong first'),
    high: t('highest score first'),
    low: t('lowest score first'),
    name: t('by file name'),
  };
  return words[order];
}
