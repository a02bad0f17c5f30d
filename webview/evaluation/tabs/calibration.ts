// The tab of calibration: how far scores are from probabilities, before and after a scaling that was fitted on other images, and saving it.
import { html, nothing, type TemplateResult } from 'lit';
import { calibrationBins } from '../../../src/metrics/calibration';
import type { ScalingMethod, ScalingNote } from '../../../src/metrics/scaling';
import type { ImageScore } from '../../../src/metrics/predicted';
import type { ScoredSet } from '../../../src/metrics/types';
import { type Card, cardOf } from '../../kit/card';
import { barChart, lineChart } from '../../kit/chart';
import { fixed } from '../../kit/format';
import { t } from '../../kit/l10n';
import { tileList } from '../../kit/tiles';
import {
  calibrationFolds,
  choice,
  type FittingChoices,
  fittingTab,
  FOLDS,
  METHODS,
  numberField,
  saveRow,
  uncalibratedSet,
  whenFitted,
} from '../fitting';
import type { CalibrationView } from '../fits';
import { behindImages } from '../behind';
import type { Panel } from '../state';

export function calibrationTab(panel: Panel): TemplateResult {
  return fittingTab(panel, () => drawn(panel));
}

function drawn(panel: Panel): TemplateResult {
  const { prepared, state, actions, host } = panel;
  const { method, seed } = state.fitting;
  const set = uncalibratedSet(prepared.data, prepared.set);
  const params = { method, seed, folds: calibrationFolds(state.fitting) };
  const view = prepared.fitter.ask<'calibration'>({ kind: 'calibration', set, params });
  const draw = (card: Card) => cardOf(card, state.tables, actions.toggle, host);
  const category = prepared.set.categories[state.category] ?? '';
  return html`${controls(panel)} ${whenFitted<'calibration'>(view, tiles)} ${typeof view === 'string' ? nothing : saving(panel)}
  ${
    view && typeof view !== 'string'
      ? html`<div class="grid">
          ${draw(diagram(view.pooledBins, 'reliability-all', t('Reliability, all categories pooled')))}
          ${draw(diagram(binsOf(set, view, state.category), 'reliability', t('Reliability: {0}', category)))}
          ${draw(binCounts(set, view, category, panel))} ${draw(categoriesCard(view, panel))}
        </div>`
      : nothing
  }`;
}

function methodWord(method: ScalingMethod): string {
  return method === 'platt' ? t('Platt: a scale and a shift a category') : t('temperature: one scale for all');
}

function controls({ prepared, state, actions }: Panel): TemplateResult {
  const { fitting, category } = state;
  const change = (part: Partial<FittingChoices>) => actions.change({ fitting: { ...state.fitting, ...part } });
  const categories = prepared.set.categories.map((words, value) => ({ value, words }));
  return html`<div class="row fitting">
    ${choice(
      t('Scaling'),
      METHODS.map((method) => ({ value: method, words: methodWord(method) })),
      fitting.method,
      (method) => change({ method }),
    )}
    ${choice(
      t('judged by'),
      FOLDS.filter((folds) => folds > 0).map((folds) => ({ value: folds, words: t('{0} folds', folds) })),
      calibrationFolds(fitting),
      (folds) => change({ folds }),
    )}
    ${numberField(t('Seed'), fitting.seed, { min: 0, max: 1e6, step: 1 }, (seed) => change({ seed: Math.floor(seed) }))}
    ${choice(t('Category'), categories, category, (value) => actions.change({ category: value }))}
  </div>`;
}

function tiles({ fit: { before, after, scaling } }: CalibrationView): TemplateResult {
  const all: (readonly [string, string, number | null, number | null])[] = [
    ['ece', t('ECE, mean of categories'), before.mean.ece, after.mean.ece],
    ['ece-pooled', t('ECE, all pooled'), before.pooled.ece, after.pooled.ece],
    ['nll', t('Cross-entropy'), before.pooled.nll, after.pooled.nll],
    ['brier', t('Brier score'), before.pooled.brier, after.pooled.brier],
  ];
  const compared = all.map(([key, name, one, other]) => ({ key, name, value: `${fixed(one)} → ${fixed(other)}` }));
  const temperature = { key: 'temperature', name: t('Temperature'), value: fixed(scaling.temperature) };
  return html`${tileList([...compared, temperature])}
    <p class="quiet">
      ${t('Before → after. Before: what the network says. After: every image calibrated by what was fitted on the other folds. The saved calibration is fitted on all images.')}
    </p>`;
}

function saving(panel: Panel): TemplateResult {
  const { prepared, state, host } = panel;
  const record = prepared.data.result.has?.calibrationRecord ?? null;
  const { method, seed } = state.fitting;
  return html`<p>
      ${
        record
          ? t('The model is calibrated: {0}, fitted on {1} images.', methodWord(record.method), record.images)
          : t('The model is not calibrated.')
      }
    </p>
    ${saveRow(panel, {
      save: () => host.call('saveCalibration', { method, seed, folds: calibrationFolds(state.fitting) }),
      reset: record ? () => host.call('resetFitted', { what: 'calibration' }) : undefined,
      resetWords: t('Take Calibration Out'),
    })}`;
}

type Bins = CalibrationView['pooledBins'];

function binsOf(before: ScoredSet, { after }: CalibrationView, category: number): Bins {
  return [calibrationBins(before, category), calibrationBins(after, category)];
}

function diagram([before, after]: Bins, name: string, title: string): Card {
  const points = (bins: typeof before) =>
    bins.flatMap(({ meanScore, positives }) =>
      meanScore === null || positives === null ? [] : [[meanScore, positives] as const],
    );
  const digits = { numeric: true, digits: 3 };
  return {
    name,
    title,
    chart: lineChart({
      label: t('{0}: share of images that have it over the mean score of each bin; the table holds the numbers', title),
      x: t('mean score'),
      y: t('share that has it'),
      series: [
        { name: t('before'), points: points(before), dots: true },
        { name: t('after'), points: points(after), dots: true },
        {
          name: '',
          faint: true,
          points: [
            [0, 0],
            [1, 1],
          ],
        },
      ],
      xRange: [0, 1],
      yRange: [0, 1],
    }),
    table: {
      caption: title,
      columns: [
        { title: t('Scores from') },
        { title: t('Before: images'), numeric: true },
        { title: t('mean score'), ...digits },
        { title: t('share that has it'), ...digits },
        { title: t('After: images'), numeric: true },
        { title: t('mean score'), ...digits },
        { title: t('share that has it'), ...digits },
      ],
      rows: before.map((bin, k) => {
        const other = after[k]!;
        const numbers = [bin, other].flatMap(({ images, meanScore, positives }) => [images, meanScore, positives]);
        return { key: String(k), cells: [bin.from.toFixed(3), ...numbers] };
      }),
    },
  };
}

function binCounts(set: ScoredSet, view: CalibrationView, name: string, { state: { category }, actions }: Panel): Card {
  const [before, after] = binsOf(set, view, category);
  const title = t('Images by score: {0}', name);
  return {
    name: 'bin-counts',
    title,
    more: html`<p class="quiet">${t('Broad bars and their numbers: before; narrow bars: after.')}</p>`,
    chart: barChart(
      t('{0}, before and below it after; the table holds the numbers', title),
      before.map(({ from, images }, k) => ({ name: t('from {0}', from.toFixed(2)), value: images, second: after[k]!.images })),
    ),
    table: {
      caption: title,
      columns: [
        { title: t('Scores from') },
        { title: t('Before'), numeric: true, leads: true },
        { title: t('After'), numeric: true, leads: true },
      ],
      rows: before.map(({ from, images }, k) => ({ key: String(k), cells: [from.toFixed(3), images, after[k]!.images] })),
    },
    tableOptions: {
      onCell: (key, column) => {
        const from = before[Number(key)]!.from;
        const to = before[Number(key) + 1]?.from ?? Infinity;
        const [side, shown] = column === 1 ? ['before', set] : ['after', view.after];
        const words = t('{0}: scores from {1}', name, from.toFixed(3));
        actions.show(behindImages(`bin ${category} ${side} ${key}`, words, category, imagesWithin(shown, category, from, to)));
      },
    },
  };
}

function imagesWithin({ scores, images, categories }: ScoredSet, category: number, from: number, to: number): ImageScore[] {
  const all = Array.from({ length: images }, (_, row) => ({ row, score: scores[row * categories.length + category]! }));
  return all.filter(({ score }) => from <= score && score < to);
}

function noteOf(note: ScalingNote | null | undefined): string {
  const words: Record<ScalingNote, string> = {
    'no-positives': t('no image shows it: the scale of all'),
    'no-negatives': t('every image shows it: the scale of all'),
    'not-rising': t('scores do not rise with it: the scale of all'),
  };
  return note ? words[note] : '';
}

function categoriesCard({ fit: { before, after, scaling } }: CalibrationView, { state, actions: { change } }: Panel): Card {
  const digits = { numeric: true, digits: 3 };
  const title = t('Calibration of every category');
  const keys = ['ece', 'nll', 'brier'] as const;
  return {
    name: 'calibration',
    title,
    wide: true,
    table: {
      caption: title,
      columns: [
        { title: t('Category') },
        { title: t('Scale'), ...digits },
        { title: t('Shift'), ...digits },
        { title: t('ECE before'), ...digits },
        { title: t('ECE after'), ...digits },
        { title: t('Cross-entropy before'), ...digits },
        { title: t('Cross-entropy after'), ...digits },
        { title: t('Brier before'), ...digits },
        { title: t('Brier after'), ...digits },
        { title: t('Note') },
      ],
      rows: before.perCategory.map((row, c) => ({
        key: row.category,
        cells: [
          row.category,
          scaling.scale[c]!,
          scaling.shift[c]!,
          ...keys.flatMap((key) => [row[key], after.perCategory[c]![key]]),
          noteOf(scaling.notes[c]),
        ],
      })),
    },
    tableOptions: {
      sorting: state.sorting,
      onSort: (sorting) => change({ sorting }),
      chosen: before.perCategory[state.category]?.category ?? '',
      onChoose: (key) => change({ category: before.perCategory.findIndex(({ category }) => category === key) }),
    },
  };
}
