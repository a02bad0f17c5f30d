// The card of categories that share images: a heat map by one of three measures, and the pairs as a table.
import { html, type TemplateResult } from 'lit';
import type { DatasetReport } from '../../src/protocol/messages';
import type { Card } from '../kit/card';
import { count, fixed } from '../kit/format';
import type { HeatMap, HeatMapView } from '../kit/heat-map';
import { t } from '../kit/l10n';
import { conditional, countOf, isSurprising, lift, type Measure, measured, pairsOf, type Together } from './measures';
import type { Actions, ViewState } from './state';

/** Categories that are drawn: 10,000 squares. The table has all. */
const MOST_DRAWN = 100;

/** At four times as often as by chance, or a fourth, the colour is full. */
const FULL_LIFT = Math.log2(4);

const MEASURES: readonly Measure[] = ['count', 'conditional', 'lift'];

export function togetherOf({ categories, coOccurrence, labelsPerImage: { histogram } }: DatasetReport): Together {
  return { counts: coOccurrence, categories: categories.length, images: histogram.reduce((a, b) => a + b, 0) };
}

export interface TogetherChart {
  readonly report: DatasetReport;
  readonly together: Together;
  readonly state: ViewState;
  /** Indices of the categories that the person looks for, in the order chosen. */
  readonly found: readonly number[];
  readonly all: readonly number[];
}

export function togetherCard(chart: TogetherChart, view: HeatMapView, actions: Actions): Card {
  const { report, state } = chart;
  const drawn = heatMapOf(chart, actions);
  view.show(drawn);
  return {
    name: 'co-occurrence',
    title: t('Categories that share images'),
    wide: true,
    more: measureChoice(state.measure, actions),
    chart: html`${view.element}
    ${chart.all.length > MOST_DRAWN ? html`<p class="quiet">${t('The first {0} categories are drawn; the table has all.', MOST_DRAWN)}</p>` : ''}`,
    table: pairTable(chart),
    tableOptions: {
      sorting: state.pairSorting,
      onSort: (pairSorting) => actions.change({ pairSorting }),
      onChoose: (key) => actions.show({ filter: { has: key.split(' ').map(Number) } }),
    },
  };

  function pairTable({ together, found }: TogetherChart): Card['table'] {
    const wanted = new Set(found);
    const name = (k: number) => report.categories[k]!.name;
    const numeric = { numeric: true, digits: 3 };
    return {
      caption: t('Pairs of categories that share images'),
      columns: [
        { title: t('Categories A + B') },
        { title: t('Images'), numeric: true },
        { title: t('P(B | A)'), ...numeric },
        { title: t('P(A | B)'), ...numeric },
        { title: t('Lift'), ...numeric },
      ],
      rows: pairsOf(together)
        .filter(({ a, b }) => wanted.has(a) || wanted.has(b))
        .map(({ a, b, images }) => ({
          key: `${a} ${b}`,
          cells: [
            `${name(a)} + ${name(b)}`,
            images,
            conditional(together, a, b),
            conditional(together, b, a),
            lift(together, a, b),
          ],
        })),
    };
  }
}

function measureChoice(chosen: Measure, { change }: Actions): TemplateResult {
  const words: Record<Measure, string> = { count: t('Images'), conditional: t('P(column | row)'), lift: t('Lift') };
  return html`<div class="row choices" role="group" aria-label=${t('Measure')}>
    ${MEASURES.map(
      (measure) =>
        html`<button class="plain" data-measure=${measure} aria-pressed=${measure === chosen} @click=${() => change({ measure })}>
          ${words[measure]}
        </button>`,
    )}
  </div>`;
}

/** The map drawn last: drawn anew only where it differs. */
const drawnOf = new WeakMap<ViewState, { readonly key: string; readonly report: DatasetReport; readonly map: HeatMap }>();

function heatMapOf(chart: TogetherChart, actions: Actions): HeatMap {
  const { report, state, found, all } = chart;
  const key = JSON.stringify([state.measure, found, all]);
  const drawn = drawnOf.get(state);
  if (drawn?.key === key && drawn.report === report) return drawn.map;
  const map = newHeatMap(chart, actions);
  drawnOf.set(state, { key, report, map });
  return map;
}

function newHeatMap({ report, together, state: { measure }, found, all }: TogetherChart, { show }: Actions): HeatMap {
  const [rows, columns] = [found.slice(0, MOST_DRAWN), all.slice(0, MOST_DRAWN)];
  const name = (k: number) => report.categories[k]!.name;
  const strongest = Math.max(1, ...rows.flatMap((a) => columns.map((b) => (a === b ? 0 : countOf(together, a, b)))));
  const { strength, legend } = scaleOf(measure, strongest);
  return {
    label: t('Categories that share images; arrow keys move, Enter shows the images; the table holds the numbers'),
    hint: t('Point at a square, or move with the arrow keys; a click or Enter shows its images.'),
    rows: rows.map(name),
    columns: columns.map(name),
    strength: (row, column) => {
      const [a, b] = [rows[row]!, columns[column]!];
      // How often a category meets itself says nothing of pairs.
      if (a === b && measure !== 'count') return null;
      if (measure === 'lift' && !isSurprising(together, a, b)) return null;
      return strength(measured(together, measure, a, b));
    },
    words: (row, column) => wordsOf(report, together, rows[row]!, columns[column]!),
    onChoose: (row, column) => show({ filter: { has: [...new Set([rows[row]!, columns[column]!])] } }),
    legend,
  };
}

interface Scale {
  readonly strength: (value: number | null) => number | null;
  readonly legend: HeatMap['legend'];
}

/** Counts by their square root: a few pairs would else be all that is seen. */
function scaleOf(measure: Measure, strongest: number): Scale {
  const byCount = (value: number | null) => value && Math.sqrt(Math.min(1, value / strongest));
  const byLift = (value: number | null) =>
    value === null ? null : value === 0 ? -1 : Math.max(-1, Math.min(1, Math.log2(value) / FULL_LIFT));
  const steps = (values: readonly number[], of: Scale['strength'], words: (value: number) => string): HeatMap['legend'] =>
    values.map((value) => ({ strength: of(value) ?? 0, text: words(value) }));
  if (measure === 'count') {
    const values = [...new Set([0, 1, Math.round(strongest / 4), strongest])];
    return { strength: byCount, legend: steps(values, byCount, count) };
  }
  if (measure === 'conditional')
    return {
      strength: (value) => value,
      legend: steps(
        [0, 0.25, 0.5, 1],
        (value) => value,
        (value) => fixed(value, 2),
      ),
    };
  const words = (value: number) => (value === 4 ? '≥ 4' : value === 0.25 ? '≤ 0.25' : fixed(value, value === 0.5 ? 1 : 0));
  return { strength: byLift, legend: steps([0.25, 0.5, 1, 2, 4], byLift, words) };
}

function wordsOf({ categories }: DatasetReport, together: Together, a: number, b: number): string {
  const [first, second] = [categories[a]!.name, categories[b]!.name];
  const images = count(countOf(together, a, b));
  if (a === b) return t('{0}: {1} images', first, images);
  return t(
    '{0} + {1}: {2} images; {3} of those with {0} show {1}; lift {4}',
    first,
    second,
    images,
    percent(conditional(together, a, b)),
    fixed(lift(together, a, b), 2),
  );
}

const percent = (share: number | null): string => (share === null ? '–' : `${fixed(100 * share, 1)} %`);
