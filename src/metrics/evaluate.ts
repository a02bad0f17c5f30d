// The whole evaluation of a scored set: what `labelscope evaluate` prints and the evaluation panel shows.
import { binaryCrossEntropy, calibrationBins, calibrationError } from './calibration';
import { decide, sweep } from './decision';
import { mean } from './quality';
import { averagePrecision, bestThreshold, rankingCurve } from './ranking';
import type { CategoryDecision, CategoryEvaluation, Evaluation, ScoredSet, Threshold } from './types';

/**
 * Every metric of a scored set, at a threshold (0.5 unless given) and over all of them.
 * @throws MetricsError where shapes disagree, a label is not 0 or 1, or a score or threshold is not within 0..1.
 */
export function evaluate(set: ScoredSet, options: { readonly threshold?: Threshold } = {}): Evaluation {
  const { threshold, perCategory: decisions, ...rest } = decide(set, options.threshold ?? 0.5);
  const { images, categories } = set;
  const perCategory = decisions.map((decision, c) => evaluateCategory(set, decision, c));
  const mAP = mean(perCategory.flatMap(({ ap }) => ap ?? []));
  const loss = binaryCrossEntropy(set);
  return { images, categories, threshold, loss, ...rest, mAP, perCategory, sweep: sweep(set) };
}

function evaluateCategory(set: ScoredSet, decision: CategoryDecision, c: number): CategoryEvaluation {
  const curve = rankingCurve(set, c);
  const best = bestThreshold(curve);
  return {
    ...decision,
    ap: averagePrecision(curve),
    ece: calibrationError(calibrationBins(set, c)),
    bestThreshold: best?.threshold ?? null,
    bestF1: best?.f1 ?? null,
  };
}
