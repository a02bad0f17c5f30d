// What is asked and answered about a model file for use elsewhere, and about what smaller weights in it cost.
import type { CountProgress } from './messages';
import type { DeviceChoice } from './recipe';

export const WEIGHT_FORMATS = ['float32', 'float16', 'int8'] as const;

/** How weights are stored in the file; every runtime computes with them in float32. */
export type WeightFormat = (typeof WEIGHT_FORMATS)[number];

export interface ExportParams {
  readonly run: string;
  readonly out: string;
  /** Default: float32, as they were trained. */
  readonly weights?: WeightFormat;
  /** What the loss of smaller weights is measured on. Default: the validation images of the run. */
  readonly annotations?: string;
  readonly images?: string;
  /** Where it is measured. */
  readonly device?: DeviceChoice;
}

/** A number with the weights as they were trained, and with the stored ones. */
interface BeforeAfter {
  readonly before: number | null;
  readonly after: number | null;
}

/** What stored weights change on the same images. */
export interface WeightLoss {
  readonly annotations: string;
  readonly images: number;
  readonly mAP: BeforeAfter;
  readonly microF1: BeforeAfter;
  /** The largest difference of a probability, over all images and categories. */
  readonly largestDifference: number;
  /** Labels that are given or taken at the thresholds of the model, and how many decisions there are. */
  readonly changedLabels: number;
  readonly decisions: number;
}

export interface ExportResult {
  readonly path: string;
  readonly bytes: number;
  readonly categories: readonly string[];
  readonly weights: WeightFormat;
  /** Where weights are stored smaller; absent where there is nothing to measure it on, and `unmeasured` says why. */
  readonly loss?: WeightLoss;
  readonly unmeasured?: string;
}

/** Images that are scored to measure what smaller weights cost, with both models; then bytes of the file that is written. */
export interface ExportProgress extends CountProgress {
  readonly stage: 'measuring' | 'writing';
}

export interface ExportRequests {
  readonly export: { params: ExportParams; result: ExportResult; progress: ExportProgress };
}
