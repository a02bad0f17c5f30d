// The evaluation panel's charts and its table of categories.
import { html } from 'lit';
import type { Decision } from '../../src/metrics/types';
import type { Card } from '../kit/card';
import { lineChart } from '../kit/chart';
import { fixed } from '../kit/format';
import { t } from '../kit/l10n';
import { confusionChart } from './confusion';
import { precisionRecall } from './model';
import type { Actions, Prepared, ViewState } from './state';

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

export function confusionCard({ perCategory }: Decision, { category, cell }: ViewState, { change }: Actions): Card {
  const row = perCategory[category]!;
  const choose = (event: Event) => change({ category: Number((event.target as HTMLSelectElement).value) });
  return {
    name: 'confusion',
    title: t('Confusion'),
    chart: confusionChart(row, cell, (chosen) => change({ cell: chosen, shown: 60 })),
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
        { title: t('True positives'), numeric: true },
        { title: t('False positives'), numeric: true },
        { title: t('False negatives'), numeric: true },
        { title: t('True negatives'), numeric: true },
      ],
      rows: perCategory.map(({ category: name, tp, fp, fn, tn }) => ({ key: name, cells: [name, tp, fp, fn, tn] })),
    },
  };
}

export function precisionRecallCard({ set }: Prepared, { category }: ViewState): Card {
  const curves = set.categories.map((name, c) => ({ name, points: [...precisionRecall(set, c)].sort(([a], [b]) => a - b) }));
  const others = curves.filter((_, c) => c !== category).map((one) => ({ ...one, faint: true }));
  const chosen = curves[category]!;
  return {
    name: 'precision-recall',
    title: t('Precision over recall'),
    chart: lineChart({
      label: t('Precision over recall of {0}, the other categories faint; the table holds the numbers', chosen.name),
      x: t('recall'),
      y: t('precision'),
      series: [...others, chosen],
      xRange: [0, 1],
      yRange: [0, 1],
    }),
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

export function categoryTable({ data }: Prepared, { perCategory }: Decision, state: ViewState, { change }: Actions): Card {
  const fixedNumbers = data.result.evaluation.perCategory;
  const digits = { numeric: true, digits: 3 };
  return {
    name: 'categories',
    title: t('Every category at this threshold'),
    wide: true,
    table: {
      caption: t('Every category at this threshold'),
      columns: [
        { title: t('Category') },
        { title: t('Images'), numeric: true },
        { title: 'TP', numeric: true },
        { title: 'FP', numeric: true },
        { title: 'FN', numeric: true },
        { title: 'TN', numeric: true },
        { title: t('Precision'), ...digits },
        { title: t('Recall'), ...digits },
        { title: 'F1', ...digits },
        { title: 'AP', ...digits },
        { title: t('Best threshold'), ...digits },
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
        ],
      })),
    },
    tableOptions: {
      sorting: state.sorting,
      onSort: (sorting) => change({ sorting }),
      chosen: perCategory[state.category]?.category ?? '',
      onChoose: (key) => change({ category: perCategory.findIndex(({ category }) => category === key) }),
    },
  };
}
