// The requests that fit a model's thresholds and its calibration to the scores of its evaluation, and what the model file keeps of that.
import type { CalibrationErrors, CalibrationFit } from '../metrics/calibrate';
import type { Division } from '../metrics/divide';
import type { ScalingMethod } from '../metrics/scaling';
import type { ThresholdFit, ThresholdSpec } from '../metrics/thresholds';
import type { CountProgress } from './messages';

/** How a model's thresholds were fitted: it stands in the model file beside them. */
export interface ThresholdsRecord extends ThresholdSpec {
  readonly division: Division;
  readonly seed: number;
  readonly images: number;
  readonly annotations: string;
  /** What the objective says of all categories together, on the images fitted on and on held-out ones. */
  readonly fitted: number | null;
  readonly heldOut: number | null;
}

/** How a model's calibration was fitted. Scale and shift themselves stand in the graph. */
export interface CalibrationRecord {
  readonly method: ScalingMethod;
  readonly temperature: number;
  readonly folds: number;
  readonly seed: number;
  readonly images: number;
  readonly annotations: string;
  /** Means over the categories: without it, and with it on images that it was not fitted on. */
  readonly before: CalibrationErrors;
  readonly after: CalibrationErrors;
}

/** What was fitted to a model after its training. */
export interface Fitted {
  /** One a category: a score at or above it is a label. */
  readonly thresholds: readonly number[];
  /** Null where nobody has fitted the thresholds: they are 0.5. */
  readonly thresholdsRecord: ThresholdsRecord | null;
  /** Null where probabilities are as the network was trained to give them. */
  readonly calibrationRecord: CalibrationRecord | null;
}

/** Which scores were used, and what the model has now. */
interface FittingResult {
  readonly model: string;
  readonly annotations: string;
  readonly split: 'validation' | 'given';
  readonly saved: boolean;
  readonly has: Fitted;
}

interface FittingParams {
  /** The folder of a run or of an imported model, evaluated. */
  readonly model: string;
  readonly seed: number;
  /** Writes what was fitted into the model file. */
  readonly save: boolean;
}

export interface ThresholdsParams extends FittingParams, ThresholdSpec {
  readonly division: Division;
}

export interface ThresholdsResult extends FittingResult, ThresholdFit {}

export interface CalibrateParams extends FittingParams {
  readonly method: ScalingMethod;
  readonly folds: number;
}

export interface CalibrateResult extends FittingResult, CalibrationFit {}

export interface ResetParams {
  readonly model: string;
  readonly what: 'thresholds' | 'calibration';
}

export interface FittingRequests {
  /** Their progress is of the fitting, in hundredths. */
  readonly thresholds: { params: ThresholdsParams; result: ThresholdsResult; progress: CountProgress };
  readonly calibrate: { params: CalibrateParams; result: CalibrateResult; progress: CountProgress };
  /** Takes thresholds back to 0.5, or the calibration out of the model. */
  readonly reset: { params: ResetParams; result: { readonly model: string; readonly has: Fitted }; progress: never };
}
