// The evaluation panel's charts and its table of categories.
import { html, nothing } from 'lit';
import { guard } from 'lit/directives/guard.js';
import { FEWEST_IMAGES, type Interval } from '../../src/metrics/bootstrap';
import { isNotKnown, notKnown, notKnownNote } from '../../src/metrics/not-known';
import type { Decision } from '../../src/metrics/types';
import type { Card } from '../kit/card';
import { lineChart, type Series, thinned } from '../kit/chart';
import { fixed } from '../kit/format';
import { t } from '../kit/l10n';
import { confusionChart } from './confusion';
import { behindCell } from './behind';
import { type Cell, precisionRecall } from './model';
import type { Actions, Panel, Prepared, ViewState } from './state';

export function sweepCard({ curve, data }: Prepared, { threshold }: ViewState): Card {
  const series = [
    { name: 'F1', points: curve.map((point) => [point.threshold, point.f1] as const) },
    { name: t('precision'), points: curve.map((point) => [point.threshold, point.precision] as const) },
    { name: t('recall'), points: curve.map((point) => [point.threshold, point.recall] as const) },
    { name: 'Jaccard', points: curve.map((point) => [point.threshold, point.jaccard ?? NaN] as const) },
  ];
  const digits = { numeric: true, digits: 3 };
  return {
    name: 'sweep',
    title: t('Threshold sweep'),
    chart: lineChart({
      label: t('Micro F1, precision, recall and the Jaccard index over the threshold; the table holds the numbers'),
      x: t('threshold'),
      y: t('micro average'),
      series,
      xRange: [0, 1],
      yRange: [0, 1],
      marker: { at: threshold, text: fixed(threshold, 2) },
    }),
    table: {
      caption: t('Threshold sweep'),
      columns: [
        { title: t('Threshold') },
        { title: 'F1', ...digits },
        { title: t('Precision'), ...digits },
        { title: t('Recall'), ...digits },
        { title: 'Jaccard', ...digits },
      ],
      rows: data.result.evaluation.sweep.map((point) => ({
        key: String(point.threshold),
        cells: [point.threshold.toFixed(1), point.f1, point.precision, point.recall, point.jaccard],
      })),
    },
  };
}

export function confusionCard({ perCategory }: Decision, { state, actions }: Panel): Card {
  const { category, cell, behind } = state;
  const { change } = actions;
  const row = perCategory[category]!;
  const choose = (event: Event) => change({ category: Number((event.target as HTMLSelectElement).value), behind: undefined });
  return {
    name: 'confusion',
    title: t('Confusion'),
    chart: confusionChart(row, behind ? undefined : cell, (chosen) => change({ cell: chosen, behind: undefined })),
    more: html`<label class="row"
      >${t('Category')}
      <select @change=${choose} data-choice="category">
        ${perCategory.map(({ category: name }, k) => html`<option value=${k} ?selected=${k === category}>${name}</option>`)}
      </select>
    </label>`,
    table: {
      caption: t('Confusion of every category'),
      columns: [
        { title: t('Category') },
        { title: t('True positives'), numeric: true, leads: true },
        { title: t('False positives'), numeric: true, leads: true },
        { title: t('False negatives'), numeric: true, leads: true },
        { title: t('True negatives'), numeric: true, leads: true },
      ],
      rows: perCategory.map(({ category: name, tp, fp, fn, tn }) => ({ key: name, cells: [name, tp, fp, fn, tn] })),
    },
    tableOptions: {
      apart: true,
      onCell: (key, column) => showCell(perCategory, actions, key, (['tp', 'fp', 'fn', 'tn'] as const)[column - 1]),
    },
  };
}

/** The images behind a count of a table, by the category's name. */
function showCell(rows: Decision['perCategory'], { show }: Actions, key: string, cell: Cell | undefined): void {
  const names = rows.map(({ category }) => category);
  if (cell) show(behindCell(names, names.indexOf(key), cell));
}

/** Columns of the table of categories. */
const CELL_COLUMNS: Readonly<Record<number, Cell>> = { 2: 'tp', 3: 'fp', 4: 'fn', 5: 'tn' };

/** What does not move with the slider, of the evaluation that is shown: the curves of all categories, and the card of the chosen one. */
interface Ranking {
  readonly curves: readonly Series[];
  readonly cards: Map<number, Card>;
}

const rankings = new WeakMap<Prepared, Ranking>();

/** Points of a curve in the background. */
const FAINT_POINTS = 200;

function rankingOf(prepared: Prepared): Ranking {
  const known = rankings.get(prepared);
  if (known) return known;
  const { set } = prepared;
  const curves = set.categories.map((name, c) => ({ name, points: [...precisionRecall(set, c)].sort(([x], [y]) => x - y) }));
  const ranking = { curves, cards: new Map<number, Card>() };
  rankings.set(prepared, ranking);
  return ranking;
}

export function precisionRecallCard(prepared: Prepared, { category }: ViewState): Card {
  const { curves, cards } = rankingOf(prepared);
  const card = cards.get(category) ?? cardOfCurve(curves, category);
  cards.set(category, card);
  return card;
}

function cardOfCurve(curves: readonly Series[], category: number): Card {
  const chosen = curves[category]!;
  const draw = () =>
    lineChart({
      label: t('Precision over recall of {0}, the other categories faint; the table holds the numbers', chosen.name),
      x: t('recall'),
      y: t('precision'),
      series: [
        ...curves
          .filter((one) => one !== chosen)
          .map(({ name, points }) => ({ name, points: thinned(points, FAINT_POINTS), faint: true })),
        chosen,
      ],
      xRange: [0, 1],
      yRange: [0, 1],
    });
  return {
    name: 'precision-recall',
    title: t('Precision over recall'),
    chart: html`${guard([chosen], draw)}`,
    table: {
      caption: t('Precision over recall of {0}', chosen.name),
      columns: [
        { title: t('Point') },
        { title: t('Recall'), numeric: true, digits: 3 },
        { title: t('Precision'), numeric: true, digits: 3 },
      ],
      rows: chosen.points.map(([recall, precision], k) => ({ key: String(k), cells: [String(k + 1), recall, precision] })),
    },
  };
}

/** What stands for the interval of a number where one was looked for. */
export function spanOf(images: number, value: number | null, interval: Interval): string | null {
  if (isNotKnown(images, value, interval)) return notKnown(t);
  return interval ? `${fixed(interval[0])}–${fixed(interval[1])}` : null;
}

/** Undefined while it is being computed. */
function spanOfF1({ data, moving }: Prepared, { perCategory, threshold: at }: Decision, c: number): string | null | undefined {
  const { images, intervals, threshold } = data.result.evaluation;
  // At the evaluation's own threshold they are there at once.
  const isOwn = JSON.stringify(threshold) === JSON.stringify(at);
  const interval = isOwn && intervals ? intervals.perCategory[c]!.f1 : moving.intervalOfF1(at, c);
  return interval === undefined ? undefined : spanOf(images, perCategory[c]!.f1, interval);
}

export function categoryTable(decision: Decision, panel: Panel): Card {
  const { prepared, state, actions } = panel;
  const { change } = actions;
  const { perCategory } = decision;
  const { images, perCategory: fixedNumbers, intervals } = prepared.data.result.evaluation;
  const digits = { numeric: true, digits: 3 };
  return {
    name: 'categories',
    title: t('Every category at this threshold'),
    wide: true,
    // Which intervals are not known follows the slider, and to look through all of them takes longer than a frame.
    more: images >= FEWEST_IMAGES ? html`<p class="quiet">${notKnownNote(t)}</p>` : nothing,
    table: {
      caption: t('Every category at this threshold'),
      columns: [
        { title: t('Category') },
        { title: t('Images'), numeric: true },
        { title: 'TP', numeric: true, leads: true },
        { title: 'FP', numeric: true, leads: true },
        { title: 'FN', numeric: true, leads: true },
        { title: 'TN', numeric: true, leads: true },
        { title: t('Precision'), ...digits },
        { title: t('Recall'), ...digits },
        { title: 'F1', ...digits },
        { title: 'AP', ...digits },
        { title: t('Best threshold'), ...digits },
        { title: t('F1, 95 %'), numeric: true },
        { title: t('AP, 95 %'), numeric: true },
      ],
      rows: perCategory.map(({ category, tp, fp, fn, tn, precision, recall, f1 }, c) => ({
        key: category,
        cells: [
          category,
          tp + fn,
          tp,
          fp,
          fn,
          tn,
          precision,
          recall,
          f1,
          fixedNumbers[c]?.ap ?? null,
          fixedNumbers[c]?.bestThreshold ?? null,
          () => spanOfF1(prepared, decision, c),
          intervals ? spanOf(images, fixedNumbers[c]?.ap ?? null, intervals.perCategory[c]!.ap) : null,
        ],
      })),
    },
    tableOptions: {
      apart: true,
      sorting: state.sorting,
      onSort: (sorting) => change({ sorting }),
      chosen: perCategory[state.category]?.category ?? '',
      onCell: (key, column) => showCell(perCategory, actions, key, CELL_COLUMNS[column]),
      onChoose: (key) => change({ category: perCategory.findIndex(({ category }) => category === key) }),
    },
  };
}
