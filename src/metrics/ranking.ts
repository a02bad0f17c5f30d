// What only depends on how a category's scores order its images: the precision-recall curve, average precision, the best threshold.
import { f1Score } from './quality';
import type { ScoredSet } from './types';

/** A point for each distinct score of a category, from the highest down; all three have one entry a point. */
export interface RankingCurve {
  /** How many images have the category; recall is tp / positives. */
  readonly positives: number;
  /** The distinct scores. At each, as the threshold, `tp` of the images with and `fp` of those without the category are predicted. */
  readonly thresholds: Float64Array;
  readonly tp: Uint32Array;
  readonly fp: Uint32Array;
}

/** The ranking of category `c` (an index): equal scores are one point. The set must be checked. Sorts once, O(images log images). */
export function rankingCurve(set: ScoredSet, c: number): RankingCurve {
  const [negative, positive] = sortedScores(set, c);
  const thresholds = new Float64Array(set.images);
  const tp = new Uint32Array(set.images);
  const fp = new Uint32Array(set.images);
  let points = 0;
  // Both lists ascend: walk them from their ends, a distinct score at a time.
  for (let p = positive.length, n = negative.length; p + n > 0; points++) {
    const score = Math.max(endOf(positive, p), endOf(negative, n));
    while (endOf(positive, p) === score) p--;
    while (endOf(negative, n) === score) n--;
    thresholds[points] = score;
    tp[points] = positive.length - p;
    fp[points] = negative.length - n;
  }
  const upTo = { thresholds: thresholds.subarray(0, points), tp: tp.subarray(0, points), fp: fp.subarray(0, points) };
  return { positives: positive.length, ...upTo };
}

/**
 * The sum over the distinct scores, high to low, of (R_k − R_{k−1}) P_k, without interpolation (scikit-learn's
 * `average_precision_score`); null without positives.
 */
export function averagePrecision({ positives, tp, fp }: RankingCurve): number | null {
  if (positives === 0) return null;
  let sum = 0;
  for (let k = 0, before = 0; k < tp.length; before = tp[k]!, k++) {
    sum += ((tp[k]! - before) / positives) * (tp[k]! / (tp[k]! + fp[k]!));
  }
  return sum;
}

/**
 * The highest distinct score that as a threshold attains the best F1 (the one with the fewest predictions among equals);
 * null without positives, where every threshold gives 0.
 */
export function bestThreshold({ positives, thresholds, tp, fp }: RankingCurve): { threshold: number; f1: number } | null {
  if (positives === 0) return null;
  let best = { threshold: 1, f1: 0 };
  for (let k = 0; k < tp.length; k++) {
    const f1 = f1Score(tp[k]!, fp[k]!, positives - tp[k]!);
    if (f1 > best.f1) best = { threshold: thresholds[k]!, f1 };
  }
  return best;
}

/** The last of the first `length` scores, and less than any score where there is none. */
function endOf(scores: Float64Array, length: number): number {
  return length === 0 ? -1 : scores[length - 1]!;
}

/** The scores of category `c` where its label is 0, and where it is 1, each ascending. Typed arrays sort several times faster than pairs. */
function sortedScores({ labels, scores, categories, images }: ScoredSet, c: number): [Float64Array, Float64Array] {
  const split = [new Float64Array(images), new Float64Array(images)] as const;
  const counts: [number, number] = [0, 0];
  for (let i = 0, at = c; i < images; i++, at += categories.length) {
    const label = labels[at] === 1 ? 1 : 0;
    split[label][counts[label]++] = scores[at]!;
  }
  return [split[0].subarray(0, counts[0]).sort(), split[1].subarray(0, counts[1]).sort()];
}
