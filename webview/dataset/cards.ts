// The report's charts of categories, labels, sizes and aspect ratios. Each bar leads to its images.
import { html, type TemplateResult } from 'lit';
import type { DatasetReport } from '../../src/protocol/messages';
import type { Card } from '../kit/card';
import { barChart, bubbleChart } from '../kit/chart';
import { count } from '../kit/format';
import { t } from '../kit/l10n';
import { openEnd, span } from './filters';
import type { Actions, CategoryOrder, ViewState } from './state';

/** Indices of the categories in the order chosen. */
export function orderedCategories({ categories }: DatasetReport, order: CategoryOrder): number[] {
  const rows = Array.from(categories.keys());
  if (order === 'file') return rows;
  if (order === 'name') return rows.sort((a, b) => categories[a]!.name.localeCompare(categories[b]!.name));
  return rows.sort((a, b) => categories[b]![order] - categories[a]![order]);
}

/** Those whose name holds what is looked for. */
export function foundCategories({ categories }: DatasetReport, ordered: readonly number[], search: string): readonly number[] {
  const wanted = search.trim().toLowerCase();
  return ordered.filter((k) => categories[k]!.name.toLowerCase().includes(wanted));
}

export function classesCard(
  { categories }: DatasetReport,
  found: readonly number[],
  { unit }: ViewState,
  actions: Actions,
): Card {
  const title = unit === 'images' ? t('Images by category') : t('Annotations by category');
  const bars = found.map((k) => ({ name: categories[k]!.name, value: categories[k]![unit] }));
  const chart = barChart(t('{0}; Enter shows the images; the table holds the numbers', title), bars, (k) =>
    actions.show({ filter: { has: [found[k]!] } }),
  );
  return {
    name: 'categories',
    title,
    more: unitChoice(unit, actions),
    chart: html`<div class="tall" tabindex="0" role="group" aria-label=${title}>${chart}</div>`,
    table: {
      caption: title,
      columns: [{ title: t('Category') }, { title: t('Images'), numeric: true }, { title: t('Annotations'), numeric: true }],
      rows: found.map((k) => {
        const { name, images, annotations } = categories[k]!;
        return { key: String(k), cells: [name, images, annotations] };
      }),
    },
    tableOptions: { onChoose: (key) => actions.show({ filter: { has: [Number(key)] } }) },
  };
}

function unitChoice(unit: ViewState['unit'], { change }: Actions): TemplateResult {
  const button = (one: ViewState['unit'], words: string) =>
    html`<button class="plain" data-unit=${one} aria-pressed=${one === unit} @click=${() => change({ unit: one })}>
      ${words}
    </button>`;
  return html`<div class="row choices" role="group" aria-label=${t('Count')}>
    ${button('images', t('Images'))} ${button('annotations', t('Annotations'))}
  </div>`;
}

export function labelsCard({ labelsPerImage: { histogram } }: DatasetReport, actions: Actions): Card {
  const bars = histogram.map((value, labels) => ({ name: labels === 1 ? t('1 label') : t('{0} labels', labels), value }));
  const show = (labels: number) => actions.show({ filter: { labels: [labels, labels] } });
  return {
    name: 'labels-per-image',
    title: t('Images by number of labels'),
    chart: barChart(t('Images by their number of labels; Enter shows them; the table holds the numbers'), bars, show),
    table: {
      caption: t('Images by number of labels'),
      columns: [{ title: t('Labels') }, { title: t('Images'), numeric: true }],
      rows: histogram.map((value, labels) => ({ key: String(labels), cells: [String(labels), value] })),
    },
    tableOptions: { onChoose: (key) => show(Number(key)) },
  };
}

export function sizesCard({ sizes: { common, distinct, unknown } }: DatasetReport, actions: Actions): Card {
  const show = (k: number) => actions.show({ filter: { size: [common[k]!.width, common[k]!.height] } });
  const notes = [
    t('{0} sizes; the area of a circle is its number of images', count(distinct)),
    ...(distinct > common.length ? [t('the {0} commonest are drawn', count(common.length))] : []),
    ...(unknown > 0 ? [t('{0} images declare none', count(unknown))] : []),
  ];
  return {
    name: 'sizes',
    title: t('Images by size'),
    more: html`<p class="quiet">${notes.join('; ')}</p>`,
    chart: bubbleChart({
      label: t('Images by width and height; Enter shows them; the table holds the numbers'),
      x: t('width in pixels'),
      y: t('height in pixels'),
      bubbles: common.map(({ width, height, images }) => ({
        x: width,
        y: height,
        value: images,
        words: t('{0} × {1}: {2} images', width, height, count(images)),
      })),
      choose: show,
    }),
    table: {
      caption: t('Images by size'),
      columns: [
        { title: t('Size') },
        { title: t('Width'), numeric: true },
        { title: t('Height'), numeric: true },
        { title: t('Images'), numeric: true },
      ],
      rows: common.map(({ width, height, images }, k) => ({
        key: String(k),
        cells: [`${width} × ${height}`, width, height, images],
      })),
    },
    tableOptions: { onChoose: (key) => show(Number(key)) },
  };
}

/** Ratios that people know by name. */
const KNOWN: readonly (readonly [string, number])[] = [
  ['9:16', 9 / 16],
  ['2:3', 2 / 3],
  ['3:4', 3 / 4],
  ['1:1', 1],
  ['4:3', 4 / 3],
  ['3:2', 3 / 2],
  ['16:9', 16 / 9],
];

export function aspectsCard({ sizes: { aspects } }: DatasetReport, actions: Actions): Card {
  const range = ({ from, to }: (typeof aspects)[number]) => [from, openEnd(to)] as const;
  const known = (from: number, to: number) => KNOWN.find(([, ratio]) => ratio >= from && ratio < to)?.[0];
  const nameOf = (bin: (typeof aspects)[number]) => {
    const name = known(...range(bin));
    return name === undefined ? span(range(bin)) : `${span(range(bin))} (${name})`;
  };
  const show = (k: number) => actions.show({ filter: { aspect: range(aspects[k]!) } });
  return {
    name: 'aspect-ratios',
    title: t('Images by width over height'),
    chart: barChart(
      t('Images by width over height; Enter shows them; the table holds the numbers'),
      aspects.map((bin) => ({ name: nameOf(bin), value: bin.images })),
      show,
    ),
    table: {
      caption: t('Images by width over height'),
      columns: [
        { title: t('Ratio') },
        { title: t('From'), numeric: true, digits: 2 },
        { title: t('To'), numeric: true, digits: 2 },
        { title: t('Images'), numeric: true },
      ],
      rows: aspects.map((bin, k) => ({ key: String(k), cells: [nameOf(bin), bin.from, bin.to, bin.images] })),
    },
    tableOptions: { onChoose: (key) => show(Number(key)) },
  };
}
