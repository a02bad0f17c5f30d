// What a calibration is worth: the errors before it, and after it on images that it was not fitted on.
import { binaryCrossEntropy, type CalibrationBin, calibrationBins, calibrationError } from './calibration';
import { divide, pooled } from './divide';
import { mean } from './quality';
import { rescaled, type Scaling, type ScalingMethod, scalingSteps } from './scaling';
import { finished, told } from './steps';
import type { ScoredSet } from './types';

/** How far scores are from probabilities; each null without images. */
export interface CalibrationErrors {
  /** Expected calibration error over 15 bins. */
  readonly ece: number | null;
  /** Mean binary cross-entropy, scores clipped as for `Evaluation.loss`. */
  readonly nll: number | null;
  /** Mean squared difference of score and label (Brier 1950). */
  readonly brier: number | null;
}

/** The errors, and the reliability diagram that the expected calibration error sums up. */
interface Reliability extends CalibrationErrors {
  readonly bins: readonly CalibrationBin[];
}

interface CalibrationReport {
  /** Means over the categories. */
  readonly mean: CalibrationErrors;
  /** All images × categories in one diagram. */
  readonly pooled: Reliability;
  readonly perCategory: readonly (Reliability & { readonly category: string })[];
}

function calibrationReport(set: ScoredSet): CalibrationReport {
  const perCategory = set.categories.map((category, c) => ({ category, ...reliabilityOf(column(set, c)) }));
  const over = (key: keyof CalibrationErrors) => mean(perCategory.flatMap((errors) => errors[key] ?? []));
  return { mean: { ece: over('ece'), nll: over('nll'), brier: over('brier') }, pooled: reliabilityOf(pooled(set)), perCategory };
}

function reliabilityOf(one: ScoredSet): Reliability {
  const { scores, labels } = one;
  const bins = calibrationBins(one, 0);
  let squares = 0;
  scores.forEach((p, at) => (squares += (p - labels[at]!) ** 2));
  return {
    ece: calibrationError(bins),
    nll: binaryCrossEntropy(one),
    brier: scores.length === 0 ? null : squares / scores.length,
    bins,
  };
}

/** Category `c` alone. */
function column({ images, categories, labels, scores }: ScoredSet, c: number): ScoredSet {
  const at = (row: number) => row * categories.length + c;
  return {
    images,
    categories: [categories[c]!],
    labels: Uint8Array.from({ length: images }, (_, row) => labels[at(row)]!),
    scores: Float64Array.from({ length: images }, (_, row) => scores[at(row)]!),
  };
}

export interface CalibrationFit {
  /** Fitted on all images: the one to use. */
  readonly scaling: Scaling;
  readonly folds: number;
  readonly seed: number;
  readonly images: number;
  readonly before: CalibrationReport;
  /** Of scores that were each calibrated by what was fitted on the other folds. */
  readonly after: CalibrationReport;
}

/**
 * @param set scores that were not calibrated yet
 * @throws MetricsError as `fitScaling` and `divide` do
 */
export function judgeScaling(set: ScoredSet, method: ScalingMethod, folds: number, seed: number): CalibrationFit {
  return finished(judgingScaling(set, method, folds, seed));
}

/** As `judgeScaling`, a step at a time: yields the share that is done. */
export function* judgingScaling(
  set: ScoredSet,
  method: ScalingMethod,
  folds: number,
  seed: number,
): Generator<number, CalibrationFit> {
  const fits = folds + 1;
  const scaling = yield* told(scalingSteps(set, method), (share) => share / fits);
  const crossed = yield* told(crossFitting(set, method, folds, seed), (share) => (1 + folds * share) / fits);
  const after = calibrationReport(crossed);
  return { scaling, folds, seed, images: set.images, before: calibrationReport(set), after };
}

/** Each image's scores, calibrated by what was fitted on the other folds. */
export function crossFitted(set: ScoredSet, method: ScalingMethod, folds: number, seed: number): ScoredSet {
  return finished(crossFitting(set, method, folds, seed));
}

function* crossFitting(set: ScoredSet, method: ScalingMethod, folds: number, seed: number): Generator<number, ScoredSet> {
  const width = set.categories.length;
  const scores = new Float64Array(set.scores.length);
  for (const [k, { fit, judge, rows }] of divide(set, { kind: 'folds', folds }, seed).entries()) {
    const scaling = yield* told(scalingSteps(fit, method), (share) => (k + share) / folds);
    const { scores: own } = rescaled(judge, scaling);
    rows.forEach((row, k) => scores.set(own.subarray(k * width, (k + 1) * width), row * width));
  }
  return { ...set, scores };
}
