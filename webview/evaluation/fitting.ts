// What the tabs of thresholds and calibration share: the choices, the fits (each computed once), and saving into the model.
import { html, nothing, type TemplateResult } from 'lit';
import { guard } from 'lit/directives/guard.js';
import type { Division } from '../../src/metrics/divide';
import type { Objective } from '../../src/metrics/objective';
import type { ScalingMethod } from '../../src/metrics/scaling';
import type { ThresholdSpec } from '../../src/metrics/thresholds';
import type { ScoredSet } from '../../src/metrics/types';
import type { EvaluationData } from '../../src/protocol/windows';
import { failureOf } from '../kit/failure';
import { t } from '../kit/l10n';
import type { Fit, Fits } from './fits';
import type { Panel } from './state';

/** Every parameter keeps its value while another objective is shown. */
export interface FittingChoices {
  readonly mode: ThresholdSpec['mode'];
  readonly kind: Objective['kind'];
  readonly beta: number;
  readonly atLeast: number;
  readonly falseAlarm: number;
  readonly miss: number;
  /** 0: one half is fitted, the other judged. */
  readonly folds: number;
  readonly method: ScalingMethod;
  readonly seed: number;
}

export const KINDS: readonly Objective['kind'][] = ['f1', 'fbeta', 'precision-at-recall', 'recall-at-precision', 'cost'];
export const FOLDS: readonly number[] = [0, 3, 5, 10];
export const METHODS: readonly ScalingMethod[] = ['temperature', 'platt'];
const MODES: readonly ThresholdSpec['mode'][] = ['global', 'per-category'];

/** @param kept what the window had kept of itself before: any value */
export function fittingChoices(kept: unknown): FittingChoices {
  const old = (typeof kept === 'object' && kept !== null ? kept : {}) as Readonly<Record<string, unknown>>;
  const one = <T>(choices: readonly T[], value: unknown, otherwise: T) => choices.find((choice) => choice === value) ?? otherwise;
  const number = (value: unknown, otherwise: number) => (typeof value === 'number' && value >= 0 ? value : otherwise);
  return {
    mode: one(MODES, old.mode, 'global'),
    kind: one(KINDS, old.kind, 'f1'),
    beta: number(old.beta, 2),
    atLeast: number(old.atLeast, 0.9),
    falseAlarm: number(old.falseAlarm, 1),
    miss: number(old.miss, 1),
    folds: one(FOLDS, old.folds, 0),
    method: one(METHODS, old.method, 'temperature'),
    seed: number(old.seed, 0),
  };
}

export function specOf({ mode, kind, beta, atLeast, falseAlarm, miss }: FittingChoices): ThresholdSpec {
  switch (kind) {
    case 'f1':
      return { mode, objective: { kind } };
    case 'fbeta':
      return { mode, objective: { kind, beta } };
    case 'cost':
      return { mode, objective: { kind, falseAlarm, miss } };
    default:
      return { mode, objective: { kind, atLeast } };
  }
}

export function divisionOf({ folds }: FittingChoices): Division {
  return folds === 0 ? { kind: 'half' } : { kind: 'folds', folds };
}

/** Folds of a calibration: it is always cross-fitted. */
export function calibrationFolds({ folds }: FittingChoices): number {
  return folds === 0 ? 5 : folds;
}

const raw = new WeakMap<EvaluationData, ScoredSet>();

/** What the network says without its calibration. */
export function uncalibratedSet(data: EvaluationData, set: ScoredSet): ScoredSet {
  const known = raw.get(data);
  if (known) return known;
  if (!data.images.some(({ uncalibrated }) => uncalibrated)) return set;
  const scores = set.scores.slice();
  data.images.forEach(({ uncalibrated }, row) => uncalibrated && scores.set(uncalibrated, row * set.categories.length));
  const made = { ...set, scores };
  raw.set(data, made);
  return made;
}

/** A tab of what is fitted: nothing of it moves with the threshold slider, so it is not drawn again while that does. Both tabs share one place in the page: hence the tab. */
export function fittingTab({ prepared, state }: Panel, draw: () => TemplateResult): TemplateResult {
  const { tab, fitting, category, sorting, saving, tables } = state;
  const { fitter } = prepared;
  return html`${guard([tab, prepared, fitting, category, sorting, saving, [...tables].join(), fitter.answers()], draw)}`;
}

/** What is drawn of a fit where it is there; else that it is awaited, or why there is none. */
export function whenFitted<K extends keyof Fits>(
  fit: Fit<K> | undefined,
  draw: (answer: Fits[K]['answer']) => TemplateResult,
): TemplateResult {
  if (fit === undefined) return html`<p class="quiet" role="status" data-awaited>${t('Fitting…')}</p>`;
  return typeof fit === 'string' ? html`<p class="notice error" role="alert">${fit}</p>` : draw(fit);
}

interface SaveActions {
  readonly save: () => Promise<unknown>;
  /** Undefined where the model has nothing to take back. */
  readonly reset: (() => Promise<unknown>) | undefined;
  readonly resetWords: string;
}

/** Buttons that write into the model; a report has none. */
export function saveRow(
  { state, actions, host }: Panel,
  { save, reset, resetWords }: SaveActions,
): TemplateResult | typeof nothing {
  if (!host.isEditor) return nothing;
  const { busy, failure } = state.saving;
  const run = async (work: () => Promise<unknown>) => {
    actions.change({ saving: { busy: true, failure: undefined } });
    const told = await work().then(() => undefined, failureOf);
    actions.change({ saving: { busy: false, failure: told } });
  };
  return html`<div class="row">
      <button class="primary" data-action="save" ?disabled=${busy} @click=${() => void run(save)}>${t('Save into Model')}</button>
      ${reset ? html`<button data-action="reset" ?disabled=${busy} @click=${() => void run(reset)}>${resetWords}</button>` : nothing}
      ${busy ? html`<span role="status">${t('Writing the model…')}</span>` : nothing}
    </div>
    ${failure === undefined ? nothing : html`<p class="notice error" role="alert">${failure}</p>`}`;
}

export interface Option<T> {
  readonly value: T;
  readonly words: string;
}

export function choice<T extends string | number>(
  label: string,
  options: readonly Option<T>[],
  chosen: T,
  choose: (value: T) => void,
): TemplateResult {
  const onChange = (event: Event) => choose(options[(event.target as HTMLSelectElement).selectedIndex]!.value);
  return html`<label class="row"
    >${label}
    <select @change=${onChange}>
      ${options.map(({ value, words }) => html`<option ?selected=${value === chosen}>${words}</option>`)}
    </select>
  </label>`;
}

export function numberField(
  label: string,
  value: number,
  { min, max, step }: { readonly min: number; readonly max: number; readonly step: number },
  change: (value: number) => void,
): TemplateResult {
  const onChange = ({ target }: Event) => {
    const { valueAsNumber } = target as HTMLInputElement;
    if (valueAsNumber >= min && valueAsNumber <= max) change(valueAsNumber);
  };
  return html`<label class="row"
    >${label}
    <input type="number" min=${min} max=${max} step=${step} .value=${String(value)} @change=${onChange} />
  </label>`;
}
