// The evaluation panel's charts and its table of categories.
import { html, type TemplateResult } from 'lit';
import type { CategoryDecision, Decision } from '../../src/metrics/types';
import type { Card } from '../kit/card';
import { lineChart } from '../kit/chart';
import { count, fixed } from '../kit/format';
import { t } from '../kit/l10n';
import { type Cell, precisionRecall } from './model';
import type { Actions, Prepared, ViewState } from './view';

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

/** Rows are the truth, columns the prediction, as in MATLAB's confusionchart. */
export function confusionCard({ perCategory }: Decision, { category, cell }: ViewState, { change }: Actions): Card {
  const row = perCategory[category]!;
  const choose = (event: Event) => change({ category: Number((event.target as HTMLSelectElement).value) });
  const chart = html`<div class="confusion" role="group" aria-label=${t('Confusion chart of {0}', row.category)}>
    <span></span><span class="head">${t('predicted')}</span><span class="head">${t('not predicted')}</span>
    <span class="head">${t('has it')}</span>${cellButton('tp', row, cell, change)}${cellButton('fn', row, cell, change)}
    <span class="head">${t('has it not')}</span>${cellButton('fp', row, cell, change)}${cellButton('tn', row, cell, change)}
  </div>`;
  return {
    name: 'confusion',
    title: t('Confusion'),
    drawn: false,
    chart,
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

function cellButton(cell: Cell, row: CategoryDecision, chosen: Cell | undefined, change: Actions['change']): TemplateResult {
  const words: Record<Cell, string> = { tp: t('right'), tn: t('right'), fp: t('false alarm'), fn: t('missed') };
  const isRight = cell === 'tp' || cell === 'tn';
  return html`<button
    class=${isRight ? 'right' : 'wrong'}
    data-cell=${cell}
    aria-pressed=${cell === chosen}
    @click=${() => change({ cell, shown: 60 })}
  >
    <strong>${count(row[cell])}</strong>${words[cell]}
  </button>`;
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
