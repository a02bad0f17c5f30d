// The controls above the grid: which images, in which order, and a chip for each condition that can be taken off.
import { html, nothing, type TemplateResult } from 'lit';
import type { ImageFilter, ImageOrder } from '../../src/protocol/browse';
import type { DatasetReport } from '../../src/protocol/messages';
import type { BrowseQuery } from '../../src/protocol/windows';
import { count, short } from '../kit/format';
import { t } from '../kit/l10n';
import { colourOf } from '../kit/boxes';
import { EVERYTHING, ORDERS, type ViewState } from './state';

/** Changes the query as it is by then: two changes may come before the panel is drawn anew. */
type Ask = (change: (query: BrowseQuery) => BrowseQuery) => void;

export interface Toolbar {
  readonly report: DatasetReport;
  readonly state: ViewState;
  /** Images that the filter lets through; undefined until known. */
  readonly total: number | undefined;
  readonly ask: Ask;
  readonly setBoxes: (withBoxes: boolean) => void;
}

export function toolbar(bar: Toolbar): TemplateResult {
  const { report, state, ask } = bar;
  const { query } = state;
  const text = (event: Event) => {
    const typed = (event.target as HTMLInputElement).value;
    ask((last) => ({ ...last, filter: { ...last.filter, text: typed } }));
  };
  return html`<div class="row toolbar" role="group" aria-label=${t('Filters')}>
      <input
        type="search"
        data-filter="text"
        placeholder=${t('File name')}
        aria-label=${t('File name contains')}
        .value=${query.filter.text ?? ''}
        @input=${text}
      />
      ${categoryChoice(report, t('Shows…'), 'has', query, ask)} ${categoryChoice(report, t('Shows not…'), 'hasNot', query, ask)}
      ${range(t('Labels'), 'labels', query.filter.labels, (labels) => ask((last) => withRange(last, 'labels', labels)))}
      ${range(t('Longer side (px)'), 'longSide', query.filter.longSide, (side) => ask((last) => withRange(last, 'longSide', side)))}
    </div>
    <div class="row spread">
      <div class="row">${total(bar)} ${chips(report, query, ask)}</div>
      <div class="row">${orderChoice(query, ask)} ${boxesButton(bar)}</div>
    </div>`;
}

function total({ total: images, report }: Toolbar): TemplateResult {
  const words =
    images === undefined
      ? t('Looking…')
      : images === report.images
        ? t('{0} images', count(images))
        : t('{0} of {1} images', count(images), count(report.images));
  return html`<strong role="status">${words}</strong>`;
}

function boxesButton({ state, setBoxes }: Toolbar): TemplateResult {
  return html`<button data-toggle="boxes" aria-pressed=${state.withBoxes} @click=${() => setBoxes(!state.withBoxes)}>
    ${t('Boxes')}
  </button>`;
}

function categoryChoice(
  { categories }: DatasetReport,
  title: string,
  key: 'has' | 'hasNot',
  { filter }: BrowseQuery,
  ask: Ask,
): TemplateResult {
  const chosen = filter[key] ?? [];
  const choose = (event: Event) => {
    const select = event.target as HTMLSelectElement;
    const category = Number(select.value);
    select.value = '';
    ask((last) => ({ ...last, filter: { ...last.filter, [key]: [...(last.filter[key] ?? []), category] } }));
  };
  const byName = categories.map(({ name }, k) => ({ name, k })).sort((a, b) => a.name.localeCompare(b.name));
  return html`<select data-filter=${key} aria-label=${title} @change=${choose}>
    <option value="">${title}</option>
    ${byName.map(({ name, k }) => html`<option value=${k} ?disabled=${chosen.includes(k)}>${name}</option>`)}
  </select>`;
}

type Range = readonly [from: number, to: number];

function range(title: string, key: string, given: Range | undefined, set: (range: Range | undefined) => void): TemplateResult {
  const field = (end: 0 | 1, words: string) => {
    const known = given?.[end];
    const change = (event: Event) => {
      const typed = (event.target as HTMLInputElement).value;
      const other = given?.[1 - end] ?? (end === 0 ? MOST : 0);
      const value = typed === '' ? (end === 0 ? 0 : MOST) : Number(typed);
      const both: Range = end === 0 ? [value, other] : [other, value];
      set(both[0] <= 0 && both[1] >= MOST ? undefined : both);
    };
    const shown = known === undefined || known >= MOST || (end === 0 && known <= 0 && given![1] >= MOST) ? '' : String(known);
    return html`<input
      type="number"
      min="0"
      data-filter="${key}-${end}"
      aria-label=${words}
      .value=${shown}
      @change=${change}
    />`;
  };
  return html`<span class="range">${title} ${field(0, t('{0}: at least', title))}–${field(1, t('{0}: at most', title))}</span>`;
}

/** An open end: JSON knows no infinity. */
const MOST = Number.MAX_SAFE_INTEGER;

function without(filter: ImageFilter, key: keyof ImageFilter): ImageFilter {
  return Object.fromEntries(Object.entries(filter).filter(([other]) => other !== key));
}

function withRange(query: BrowseQuery, key: 'labels' | 'longSide', given: Range | undefined): BrowseQuery {
  return { ...query, filter: given ? { ...query.filter, [key]: given } : without(query.filter, key) };
}

function orderWords(order: ImageOrder): string {
  const words: Record<ImageOrder, string> = {
    file: t('Order of the file'),
    name: t('File name'),
    labels: t('Number of labels'),
    boxes: t('Number of boxes'),
    size: t('Size in pixels'),
  };
  return words[order];
}

function orderChoice(query: BrowseQuery, ask: Ask): TemplateResult {
  const choose = (event: Event) => {
    const order = ORDERS[(event.target as HTMLSelectElement).selectedIndex]!;
    ask((last) => ({ ...last, order, descending: ['labels', 'boxes', 'size'].includes(order) }));
  };
  const turn = () => ask((last) => ({ ...last, descending: !last.descending }));
  return html`<select data-filter="order" aria-label=${t('Sort by')} @change=${choose}>
      ${ORDERS.map((order) => html`<option value=${order} .selected=${order === query.order}>${orderWords(order)}</option>`)}
    </select>
    <button data-filter="descending" aria-pressed=${query.descending} aria-label=${t('Descending')} @click=${turn}>
      ${query.descending ? '↓' : '↑'}
    </button>`;
}

function chips(report: DatasetReport, query: BrowseQuery, ask: Ask): TemplateResult | typeof nothing {
  const { filter, finding } = query;
  const takeOff = (key: keyof ImageFilter) => () => ask((last) => ({ ...last, filter: without(last.filter, key) }));
  const categories = (key: 'has' | 'hasNot') =>
    (filter[key] ?? []).map((category) =>
      chip(`${key === 'hasNot' ? t('not') + ' ' : ''}${report.categories[category]?.name ?? ''}`, category, () =>
        ask((last) => ({ ...last, filter: { ...last.filter, [key]: last.filter[key]!.filter((other) => other !== category) } })),
      ),
    );
  const all = [
    finding === null
      ? []
      : chip(report.findings.find(({ code }) => code === finding)?.message ?? '', undefined, () =>
          ask((last) => ({ ...last, finding: null })),
        ),
    categories('has'),
    categories('hasNot'),
    filter.aspect ? chip(t('width / height {0}', span(filter.aspect)), undefined, takeOff('aspect')) : [],
    filter.size ? chip(`${filter.size[0]} × ${filter.size[1]}`, undefined, takeOff('size')) : [],
  ].flat();
  const isAll =
    finding === null && Object.values(filter).every((value) => value === '' || (Array.isArray(value) && value.length === 0));
  return html`${all}
  ${isAll ? nothing : html`<button class="plain" data-filter="none" @click=${() => ask(({ order, descending }) => ({ ...EVERYTHING, order, descending }))}>${t('Show all')}</button>`}`;
}

export function span([from, to]: Range): string {
  if (to >= MOST) return t('from {0}', short(from));
  return from === 0 ? t('below {0}', short(to)) : `${short(from)}–${short(to)}`;
}

export const openEnd = (to: number | null): number => to ?? MOST;

function chip(words: string, category: number | undefined, remove: () => void): TemplateResult {
  return html`<button class="chip" data-chip title=${t('Take off: {0}', words)} @click=${remove}>
    ${category === undefined ? nothing : html`<svg class="swatch" viewBox="0 0 10 10" aria-hidden="true"><rect width="10" height="10" fill=${colourOf(category)}></rect></svg>`}
    <span class="words">${words}</span> <span aria-hidden="true">✕</span>
  </button>`;
}
