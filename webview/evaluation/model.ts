// What the evaluation panel computes from an evaluation's images: decisions at a threshold, and curves.
import { rankingCurve } from '../../src/metrics/ranking';
import type { Counts, Quality, ScoredSet } from '../../src/metrics/types';
import type { EvaluationData } from '../../src/protocol/windows';
import type { Moving } from './moving';

export type Cell = keyof Counts;

/** The images as the metrics want them: exactly the scores that were written. */
export function scoredSetOf({ result, images }: Pick<EvaluationData, 'result' | 'images'>): ScoredSet {
  const { categories } = result.evaluation;
  const width = categories.length;
  const labels = new Uint8Array(images.length * width);
  const scores = new Float64Array(images.length * width);
  images.forEach((image, row) => {
    for (const c of image.labels) labels[row * width + c] = 1;
    scores.set(image.scores, row * width);
  });
  return { images: images.length, categories, labels, scores };
}

export interface CurvePoint extends Quality {
  readonly threshold: number;
  readonly jaccard: number | null;
}

/** Micro values and the Jaccard index at `steps` + 1 thresholds from 0 to 1. */
export function curveOf({ decide }: Pick<Moving, 'decide'>, steps = 50): CurvePoint[] {
  return Array.from({ length: steps + 1 }, (_, k) => {
    const threshold = k / steps;
    const { micro, jaccard } = decide(threshold);
    return { threshold, ...micro, jaccard };
  });
}

/** Precision over recall of category `c`, from the highest score down; nothing without positives. */
export function precisionRecall(set: ScoredSet, c: number): (readonly [recall: number, precision: number])[] {
  const { positives, tp, fp } = rankingCurve(set, c);
  if (positives === 0) return [];
  return Array.from(tp, (hits, k) => [hits / positives, hits / (hits + fp[k]!)] as const);
}
