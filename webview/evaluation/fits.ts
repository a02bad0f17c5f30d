// What the tabs of thresholds and calibration compute of an evaluation: seconds of work for many images, so it is done in a worker.
import { type CalibrationFit, crossFitted, judgeScaling } from '../../src/metrics/calibrate';
import { type CalibrationBin, calibrationBins } from '../../src/metrics/calibration';
import { MetricsError } from '../../src/metrics/check';
import { confusionAt } from '../../src/metrics/decision';
import { type Division, divide, pooled } from '../../src/metrics/divide';
import { type Objective, valueOf } from '../../src/metrics/objective';
import type { ScalingMethod } from '../../src/metrics/scaling';
import { fitThresholds, judgeThresholds, type ThresholdFit, type ThresholdSpec } from '../../src/metrics/thresholds';
import type { ScoredSet } from '../../src/metrics/types';

interface ThresholdParams {
  readonly spec: ThresholdSpec;
  readonly division: Division;
  readonly seed: number;
}

export interface CalibrationView {
  readonly fit: CalibrationFit;
  /** Scores that were each calibrated by what was fitted on the other folds. */
  readonly after: ScoredSet;
  /** All images × categories in one diagram, before and after. */
  readonly pooledBins: readonly [readonly CalibrationBin[], readonly CalibrationBin[]];
}

/** The objective over the threshold on both sides of the first round. */
export interface ObjectiveCurves {
  /** The threshold that was fitted. */
  readonly at: number;
  readonly fitted: readonly CurvePoint[];
  readonly heldOut: readonly CurvePoint[];
}

/** The value is NaN where it is undefined. */
type CurvePoint = readonly [threshold: number, value: number];

/** Every fit: what it is asked with, and what it answers. */
export interface Fits {
  readonly thresholds: { readonly params: ThresholdParams; readonly answer: ThresholdFit };
  readonly calibration: {
    readonly params: { readonly method: ScalingMethod; readonly folds: number; readonly seed: number };
    readonly answer: CalibrationView;
  };
  /** Of a category, an index; −1: of all together. */
  readonly curves: { readonly params: ThresholdParams & { readonly category: number }; readonly answer: ObjectiveCurves };
}

/** An answer, or why there is none in words. */
export type Fit<K extends keyof Fits> = Fits[K]['answer'] | string;

const COMPUTE: { readonly [K in keyof Fits]: (set: ScoredSet, params: Fits[K]['params']) => Fits[K]['answer'] } = {
  thresholds: (set, { spec, division, seed }) => judgeThresholds(set, spec, division, seed),
  calibration: (before, { method, folds, seed }) => {
    const fit = judgeScaling(before, method, folds, seed);
    const after = crossFitted(before, method, folds, seed);
    return { fit, after, pooledBins: [calibrationBins(pooled(before), 0), calibrationBins(pooled(after), 0)] };
  },
  curves: (set, { spec, division, seed, category }) => {
    const { fit, judge } = divide(set, division, seed)[0]!;
    const at = fitThresholds(fit, spec)[Math.max(0, category)]!.threshold;
    const points = (side: ScoredSet) =>
      Array.from({ length: STEPS + 1 }, (_, k) => [k / STEPS, valueAt(side, k / STEPS, spec.objective, category)] as const);
    return { at, fitted: points(fit), heldOut: points(judge) };
  },
};

const STEPS = 50;

function valueAt(side: ScoredSet, threshold: number, objective: Objective, category: number): number {
  const counts = category < 0 ? confusionAt(pooled(side), threshold)[0]! : confusionAt(side, threshold)[category]!;
  return valueOf(objective, counts, side.images) ?? NaN;
}

export interface FitTask<K extends keyof Fits = keyof Fits> {
  readonly kind: K;
  readonly set: ScoredSet;
  readonly params: Fits[K]['params'];
}

export function answerOf<K extends keyof Fits>({ kind, set, params }: FitTask<K>): Fit<K> {
  try {
    return COMPUTE[kind](set, params);
  } catch (error) {
    if (error instanceof MetricsError) return error.message;
    throw error;
  }
}
