// The tab of thresholds: one or one a category, by an objective, fitted on some images and judged on others, and saved into the model.
import { html, nothing, type TemplateResult } from 'lit';
import type { Objective } from '../../../src/metrics/objective';
import type { ThresholdFit } from '../../../src/metrics/thresholds';
import { type Card, cardOf } from '../../kit/card';
import { lineChart } from '../../kit/chart';
import { fixed } from '../../kit/format';
import { t } from '../../kit/l10n';
import { tileList } from '../../kit/tiles';
import {
  choice,
  divisionOf,
  type FittingChoices,
  fittingTab,
  FOLDS,
  KINDS,
  numberField,
  saveRow,
  specOf,
  whenFitted,
} from '../fitting';
import type { ObjectiveCurves } from '../fits';
import type { Panel } from '../state';

export function thresholdsTab(panel: Panel): TemplateResult {
  return fittingTab(panel, () => drawn(panel));
}

function drawn(panel: Panel): TemplateResult {
  const { prepared, state, actions, host } = panel;
  const { set, fitter } = prepared;
  const { fitting, category } = state;
  const params = { spec: specOf(fitting), division: divisionOf(fitting), seed: fitting.seed };
  const fit = fitter.ask<'thresholds'>({ kind: 'thresholds', set, params });
  const of = fitting.mode === 'global' ? -1 : category;
  const curves = fitter.ask<'curves'>({ kind: 'curves', set, params: { ...params, category: of } });
  const draw = (card: Card) => cardOf(card, state.tables, actions.toggle, host);
  const curveName = of < 0 ? t('all categories') : (set.categories[of] ?? '');
  return html`${controls(panel)} ${whenFitted<'thresholds'>(fit, tiles)} ${typeof fit === 'string' ? nothing : saving(panel)}
    <div class="grid">
      ${whenFitted<'curves'>(curves, (found) => draw(curveCard(found, fitting.kind, curveName)))}
      ${fit && typeof fit !== 'string' ? draw(categoriesCard(fit, panel)) : nothing}
    </div>`;
}

/** The value's name. */
function valueWord(kind: Objective['kind']): string {
  const words: Record<Objective['kind'], string> = {
    f1: 'F1',
    fbeta: 'F-beta',
    'precision-at-recall': t('precision'),
    'recall-at-precision': t('recall'),
    cost: t('cost of an image'),
  };
  return words[kind];
}

function kindWord(kind: Objective['kind']): string {
  const words: Record<Objective['kind'], string> = {
    f1: t('best F1'),
    fbeta: t('best F-beta'),
    'precision-at-recall': t('best precision at a recall'),
    'recall-at-precision': t('best recall at a precision'),
    cost: t('least cost'),
  };
  return words[kind];
}

function controls({ state, actions }: Panel): TemplateResult {
  const { fitting } = state;
  // Two changes may come in one frame: the second adds to the first.
  const change = (part: Partial<FittingChoices>) => actions.change({ fitting: { ...state.fitting, ...part } });
  const modes = [
    { value: 'global', words: t('one for all') },
    { value: 'per-category', words: t('one a category') },
  ] as const;
  return html`<div class="row fitting">
    ${choice(t('Thresholds'), modes, fitting.mode, (mode) => change({ mode }))}
    ${choice(
      t('for the'),
      KINDS.map((kind) => ({ value: kind, words: kindWord(kind) })),
      fitting.kind,
      (kind) => change({ kind }),
    )}
    ${parameters(fitting, change)}
    ${choice(
      t('judged by'),
      FOLDS.map((folds) => ({ value: folds, words: folds === 0 ? t('halves') : t('{0} folds', folds) })),
      fitting.folds,
      (folds) => change({ folds }),
    )}
    ${numberField(t('Seed'), fitting.seed, { min: 0, max: 1e6, step: 1 }, (seed) => change({ seed: Math.floor(seed) }))}
  </div>`;
}

function parameters(
  { kind, beta, atLeast, falseAlarm, miss }: FittingChoices,
  change: (part: Partial<FittingChoices>) => void,
): TemplateResult | typeof nothing {
  const share = { min: 0.01, max: 1, step: 0.01 };
  const price = { min: 0, max: 1e6, step: 0.1 };
  switch (kind) {
    case 'f1':
      return nothing;
    case 'fbeta':
      return numberField('β', beta, { min: 0.1, max: 100, step: 0.1 }, (value) => change({ beta: value }));
    case 'cost':
      return html`${numberField(t('False alarm'), falseAlarm, price, (value) => change({ falseAlarm: value }))}
      ${numberField(t('Miss'), miss, price, (value) => change({ miss: value }))}`;
    default:
      return numberField(t('at least'), atLeast, share, (value) => change({ atLeast: value }));
  }
}

function tiles({ micro, macro, objective }: ThresholdFit): TemplateResult {
  const name = valueWord(objective.kind);
  const { precision, recall } = micro.heldOut;
  // What is the value itself has its tile already.
  const others = [
    { key: 'precision', name: t('Precision held out'), share: precision, isValue: objective.kind === 'precision-at-recall' },
    { key: 'recall', name: t('Recall held out'), share: recall, isValue: objective.kind === 'recall-at-precision' },
  ].filter(({ isValue }) => !isValue);
  const plain = (key: string, title: string, value: number | null) => ({ key, name: title, value: fixed(value) });
  const all = [
    plain('fitted', t('{0} where fitted', name), micro.fitted.value),
    plain('held-out', t('{0} held out', name), micro.heldOut.value),
    ...others.map((other) => ({ ...plain(other.key, other.name, other.share), below: askedWords(objective, other.share) })),
    plain('optimism', t('Optimism'), micro.optimism),
    plain('at-half', t('Held out at 0.5'), micro.atHalf.value),
    plain('mean-held-out', t('Mean of categories, held out'), macro.heldOut),
    plain('mean-optimism', t('Mean optimism'), macro.optimism),
  ];
  return html`${tileList(all)}
    <p class="quiet">
      ${t('Held out: images that the thresholds were not fitted on. Optimism: how much better it looks where it was fitted. Saved thresholds are fitted on all images.')}
    </p>`;
}

/** Whether what an objective asks for holds on the held-out images, where it asks for something. */
function askedWords(objective: Objective, share: number): string[] {
  if (!('atLeast' in objective)) return [];
  const { atLeast } = objective;
  return [share < atLeast ? t('less than the {0} asked for', fixed(atLeast)) : t('at least {0}, as asked for', fixed(atLeast))];
}

function saving(panel: Panel): TemplateResult {
  const { prepared, state, host } = panel;
  const record = prepared.data.result.has?.thresholdsRecord ?? null;
  const params = { ...specOf(state.fitting), division: divisionOf(state.fitting), seed: state.fitting.seed };
  return html`<p>
      ${
        record
          ? t('The model has its own thresholds: {0}, fitted on {1} images.', kindWord(record.objective.kind), record.images)
          : t('The model has the threshold 0.5 for every category.')
      }
    </p>
    ${saveRow(panel, {
      save: () => host.call('saveThresholds', params),
      reset: record ? () => host.call('resetFitted', { what: 'thresholds' }) : undefined,
      resetWords: t('Back to 0.5'),
    })}`;
}

/** The objective over the threshold on either side of the first round: where they part, the fit is luck. */
function curveCard({ at, fitted, heldOut }: ObjectiveCurves, kind: Objective['kind'], name: string): Card {
  const value = valueWord(kind);
  const title = t('{0} over the threshold: {1}', value, name);
  return {
    name: 'fitted-and-held-out',
    title,
    wide: true,
    chart: lineChart({
      wide: true,
      label: t('{0}, on the images fitted on and on held-out images; the table holds the numbers', title),
      x: t('threshold'),
      y: value,
      series: [
        { name: t('fitted on'), points: fitted },
        { name: t('held out'), points: heldOut },
      ],
      xRange: [0, 1],
      ...(kind !== 'cost' && { yRange: [0, 1] as const }),
      marker: { at, text: fixed(at, 3) },
    }),
    table: {
      caption: title,
      columns: [
        { title: t('Threshold') },
        { title: t('Fitted on'), numeric: true, digits: 3 },
        { title: t('Held out'), numeric: true, digits: 3 },
      ],
      rows: fitted.map(([x, y], k) => ({ key: String(x), cells: [x.toFixed(2), finite(y), finite(heldOut[k]![1])] })),
    },
  };
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function categoriesCard({ perCategory, objective }: ThresholdFit, { state, actions: { change } }: Panel): Card {
  const digits = { numeric: true, digits: 3 };
  const value = valueWord(objective.kind);
  const title = t('Thresholds of every category');
  return {
    name: 'thresholds',
    title,
    wide: true,
    table: {
      caption: title,
      columns: [
        { title: t('Category') },
        { title: t('Images'), numeric: true },
        { title: t('Threshold'), ...digits },
        { title: t('{0} where fitted', value), ...digits },
        { title: t('{0} held out', value), ...digits },
        { title: t('Optimism'), ...digits },
        { title: t('Held out at 0.5'), ...digits },
        { title: t('Precision held out'), ...digits },
        { title: t('Recall held out'), ...digits },
        { title: t('Note') },
      ],
      rows: perCategory.map((row) => ({
        key: row.category,
        cells: [
          row.category,
          row.positives,
          row.threshold,
          row.fitted.value,
          row.heldOut.value,
          row.optimism,
          row.atHalf.value,
          row.heldOut.precision,
          row.heldOut.recall,
          noteOf(row),
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

function noteOf({ positives, from, reached }: ThresholdFit['perCategory'][number]): string {
  if (from === 'default') return t('nothing to fit to');
  if (positives === 0) return t('no image shows it: the threshold of all');
  return reached ? '' : t('out of reach: the closest');
}
