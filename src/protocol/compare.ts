// Runs compared on the same images: the request `compare`, and what is known of runs side by side without judging them.
import type { BootstrapOptions } from '../metrics/bootstrap';
import type { ComparedScores } from '../metrics/compare';
import type { Threshold } from '../metrics/types';
import type { CountProgress, EvaluateResult } from './messages';

export interface CompareParams {
  /** Folders of two or more runs or imported models that have been evaluated; the first is what the others are compared with. */
  readonly runs: readonly string[];
  /** One for all, or what each one's model has; each run's own evaluation's where left out. */
  readonly threshold?: number | 'saved';
  /** Without it 1000 resamples by seed 0; no intervals and verdicts with 0 resamples. */
  readonly bootstrap?: BootstrapOptions;
}

export interface ComparedRun extends ComparedScores {
  readonly run: string;
  /** No two of a comparison have the same. */
  readonly name: string;
  /** Where its evaluation's images come from. */
  readonly annotations: string;
  readonly split: EvaluateResult['split'];
  readonly threshold: Threshold;
  /** How many images its evaluation has, */
  readonly evaluated: number;
  /** and how many of them are not compared on: another evaluation lacks them, or has other labels for them. */
  readonly leftOut: { readonly notShared: number; readonly otherLabels: number };
  readonly categoriesLeftOut: readonly string[];
  /** Whether it was evaluated on the file that it was trained on. */
  readonly trainedOnThem: boolean;
}

export interface CompareResult {
  /** How many images are compared on. */
  readonly images: number;
  /** Those that all runs know, in the first one's order, each with the number of the images that show it. */
  readonly categories: readonly { readonly category: string; readonly images: number }[];
  readonly level: number;
  readonly replicates: number;
  readonly seed: number;
  readonly runs: readonly ComparedRun[];
  readonly settings: readonly SettingRow[];
}

/** A setting that is not the same in all runs. */
export interface SettingRow {
  readonly setting: string;
  /** One a run; null where a run has no such setting. */
  readonly values: readonly (string | number | boolean | null)[];
}

export interface CompareRequests {
  /** Counted in resamples, of all runs. */
  readonly compare: { params: CompareParams; result: CompareResult; progress: CountProgress };
}
