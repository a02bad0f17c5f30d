// What the metrics are computed from and what `labelscope evaluate --json` prints.
import type { Intervals } from './bootstrap';

/**
 * The truth and a model's answer for a number of images.
 *
 * Scores are compared with thresholds as the doubles they are: a float32 array holds 0.699999988 where a program wrote 0.7,
 * so scores that were doubles must stay in a Float64Array for decisions at 0.7 to agree with that program's.
 */
export interface ScoredSet {
  readonly images: number;
  readonly categories: readonly string[];
  /** images × categories, row-major; 1 where the image has the category, else 0. */
  readonly labels: Uint8Array;
  /** images × categories, row-major; probabilities within 0..1. */
  readonly scores: Float64Array | Float32Array;
}

/** One threshold for all categories, or one for each in the set's order. A category is predicted where score ≥ threshold. */
export type Threshold = number | readonly number[];

/** How often a category was rightly predicted, wrongly predicted, missed, and rightly left out; each counts images. */
export interface Counts {
  readonly tp: number;
  readonly fp: number;
  readonly fn: number;
  readonly tn: number;
}

/** Precision, recall and F1, each within 0..1; 0/0 counts as 0 in all three. */
export interface Quality {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

/** What a threshold decides for one category. */
export interface CategoryDecision extends Counts, Quality {
  readonly category: string;
}

/** Every number that moves with the threshold; what a slider recomputes. */
export interface Decision {
  readonly threshold: Threshold;
  /** From tp, fp and fn summed over the categories first. */
  readonly micro: Quality;
  /** Means over all categories of the categories' values (macro F1 is the mean of F1s). */
  readonly macro: Quality;
  /** Mean over the images of |predicted and true| / |predicted or true|, 1 where both are empty; null without images. */
  readonly jaccard: number | null;
  /** Share of the images × categories entries that are wrong; null without images. */
  readonly hammingLoss: number | null;
  /** Share of the images whose every entry is right; null without images. */
  readonly exactMatch: number | null;
  /** Per-category precision and recall (the macro means) and their harmonic mean, which is not macro F1. */
  readonly CP: number;
  readonly CR: number;
  readonly CF1: number;
  /** Overall precision, recall and F1: the micro values under the names of the multilabel literature. */
  readonly OP: number;
  readonly OR: number;
  readonly OF1: number;
  readonly perCategory: readonly CategoryDecision[];
}

/** What is known of one category: the decisions at the threshold, and how its scores rank and calibrate at any. */
export interface CategoryEvaluation extends CategoryDecision {
  /** Average precision; null for a category without positives, which has no recall to average over. */
  readonly ap: number | null;
  /** Expected calibration error over 15 bins; null without images. */
  readonly ece: number | null;
  /** The highest of the category's scores that, as its threshold, gives the best F1; null without positives (F1 is 0 at any). */
  readonly bestThreshold: number | null;
  /** The F1 at `bestThreshold`; null without positives. */
  readonly bestF1: number | null;
}

/** Micro-averaged precision, recall and F1, and the Jaccard index of the images (null without images), at one threshold. */
export interface SweepPoint extends Quality {
  readonly threshold: number;
  readonly jaccard: number | null;
}

/** The result of `evaluate`; its JSON is the command line's. No number is rounded. */
export interface Evaluation extends Decision {
  readonly images: number;
  readonly categories: readonly string[];
  /** Mean binary cross-entropy over all entries, scores clipped to 1e-7..1 − 1e-7; null without images. */
  readonly loss: number | null;
  /** Mean of the average precisions that exist; null where no category has a positive. */
  readonly mAP: number | null;
  /** How far the numbers would move on other images like these; absent where nobody asked for it. */
  readonly intervals?: Intervals;
  readonly perCategory: readonly CategoryEvaluation[];
  /** At the thresholds 0.1, 0.2 … 0.9, each one for all categories. */
  readonly sweep: readonly SweepPoint[];
}
