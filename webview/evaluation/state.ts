// What the evaluation panel keeps of itself and computes once, and what its tabs are given to draw from.
import type { ScoredSet, Threshold } from '../../src/metrics/types';
import type { EvaluationData } from '../../src/protocol/windows';
import type { Host } from '../kit/host';
import type { Sorting } from '../kit/table';
import { type FittingChoices, fittingChoices } from './fitting';
import { type FailureChoices, failureChoices } from './slices';
import type { Behind } from './behind';
import type { Cell, CurvePoint } from './model';
import type { Fitter } from './fitter';
import type { Moving } from './moving';

export interface ViewState {
  /** Name of the tab that is shown. */
  tab: string;
  threshold: number;
  /** Whether the model's own thresholds are used in place of it. */
  own: boolean;
  /** Index of the chosen category. */
  category: number;
  /** The cell of the confusion chart whose images are shown. */
  cell: Cell | undefined;
  /** Images that a tab has asked to show, as long as that tab is shown. */
  behind: (Behind & { readonly tab: string }) | undefined;
  /** What the tab of failures shows. */
  failures: FailureChoices;
  sorting: Sorting;
  readonly tables: Set<string>;
  /** How thresholds and calibration are to be fitted. */
  fitting: FittingChoices;
  /** What is being saved, and why the last saving failed. */
  saving: { readonly busy: boolean; readonly failure: string | undefined };
  looking: LookingState;
}

/** Misses of maps that are shown at once; more come when asked for. */
export const MISSES = 24;

/** What the tab of where the model looks keeps of itself. */
export interface LookingState {
  /** Whose misses are shown; '' for all. */
  readonly category: string;
  /** How many of them. */
  readonly shown: number;
  readonly busy: boolean;
  readonly failure: string | undefined;
}

/** What is computed once for an evaluation. */
export interface Prepared {
  readonly data: EvaluationData;
  readonly set: ScoredSet;
  readonly moving: Moving;
  readonly curve: readonly CurvePoint[];
  readonly fitter: Fitter;
}

export interface Actions {
  readonly change: (change: Partial<ViewState>) => void;
  readonly toggle: (name: string) => void;
  /** Shows the images behind a number below the tab, and gives them the keyboard. */
  readonly show: (behind: Behind) => void;
}

/** What a tab draws from. Only the tab that is shown is drawn. */
export interface Panel {
  readonly prepared: Prepared;
  readonly state: ViewState;
  readonly actions: Actions;
  readonly host: Host<'evaluation'>;
}

/** What decides: the number of the slider, or the model's own thresholds. */
export function appliedThreshold({
  prepared: { data },
  state: { threshold, own },
}: Pick<Panel, 'prepared' | 'state'>): Threshold {
  return own ? (data.result.has?.thresholds ?? threshold) : threshold;
}

export function firstState({ kept }: Host<'evaluation'>): ViewState {
  const number = (value: unknown, otherwise: number) => (typeof value === 'number' ? value : otherwise);
  return {
    tab: typeof kept?.tab === 'string' ? kept.tab : '',
    threshold: number(kept?.threshold, NaN),
    own: kept?.own === true,
    category: number(kept?.category, 0),
    behind: undefined,
    failures: failureChoices(kept?.failures),
    cell: (['tp', 'fp', 'fn', 'tn'] as const).find((cell) => cell === kept?.cell),
    sorting: { column: 0, descending: false },
    tables: new Set(),
    fitting: fittingChoices(kept?.fitting),
    saving: { busy: false, failure: undefined },
    looking: { category: '', shown: MISSES, busy: false, failure: undefined },
  };
}
