// How far scores can be read as probabilities: binary cross-entropy, and the calibration error with the bins behind it.
import type { ScoredSet } from './types';

const BINS = 15;
const CLIP = 1e-7;

/**
 * The mean over all images × categories of −(y ln p + (1 − y) ln(1 − p)), with p clipped to 1e-7..1 − 1e-7 as Keras does, so that
 * a wrong score of exactly 0 or 1 costs 16.1 rather than infinity; null without images. The set must be checked.
 */
export function binaryCrossEntropy({ labels, scores, images }: ScoredSet): number | null {
  if (images === 0) return null;
  let sum = 0;
  for (let at = 0; at < scores.length; at++) {
    const p = Math.min(Math.max(scores[at]!, CLIP), 1 - CLIP);
    sum -= Math.log(labels[at] === 1 ? p : 1 - p);
  }
  return sum / scores.length;
}

/** One bin of a reliability diagram: the images whose score for the category is ≥ `from` and below the next bin's. */
export interface CalibrationBin {
  readonly from: number;
  readonly images: number;
  /** Null in an empty bin. */
  readonly meanScore: number | null;
  /** The share of the bin's images that have the category; null in an empty bin. */
  readonly positives: number | null;
}

/** The 15 bins of category `c` (an index), ascending; bin k holds k/15 ≤ score < (k + 1)/15, the last one also 1. */
export function calibrationBins(set: ScoredSet, c: number): CalibrationBin[] {
  const bins = Array.from({ length: BINS }, (_, k) => ({ from: k / BINS, images: 0, scores: 0, positives: 0 }));
  for (let at = c; at < set.scores.length; at += set.categories.length) {
    const bin = bins[binOf(set.scores[at]!)]!;
    bin.images++;
    bin.scores += set.scores[at]!;
    bin.positives += set.labels[at]!;
  }
  return bins.map(({ from, images, scores, positives }) =>
    images === 0
      ? { from, images, meanScore: null, positives: null }
      : { from, images, meanScore: scores / images, positives: positives / images },
  );
}

/** The sum over the bins of (images in it / images) |mean score − share of positives| (Naeini et al. 2015); null without images. */
export function calibrationError(bins: readonly CalibrationBin[]): number | null {
  const images = bins.reduce((sum, bin) => sum + bin.images, 0);
  if (images === 0) return null;
  return bins.reduce((sum, bin) => sum + (bin.images / images) * Math.abs((bin.meanScore ?? 0) - (bin.positives ?? 0)), 0);
}

/** The largest k in 0..14 with score ≥ k / 15; the product may round across an edge, the comparisons put it right. */
function binOf(score: number): number {
  const k = Math.min(Math.floor(score * BINS), BINS - 1);
  if (score < k / BINS) return k - 1;
  return k < BINS - 1 && score >= (k + 1) / BINS ? k + 1 : k;
}
