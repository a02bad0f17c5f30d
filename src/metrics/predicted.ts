// Which categories a threshold predicts for every image, and the images behind a count of a category.
import type { Limits } from './ranked';
import type { Counts, ScoredSet, Threshold } from './types';

/** images × categories, row-major: 1 where score ≥ threshold. The set and the threshold must be checked. */
export function predictionsAt(set: ScoredSet, threshold: Threshold): Uint8Array {
  const predicted = new Uint8Array(set.scores.length);
  writePredictions(set, threshold, predicted);
  return predicted;
}

/** The same, into an array of its own length. */
export function writePredictions({ categories, scores }: ScoredSet, threshold: Limits, predicted: Uint8Array): void {
  const width = categories.length;
  const limits = typeof threshold === 'number' ? new Float64Array(width).fill(threshold) : Float64Array.from(threshold);
  for (let at = 0; at < scores.length;) for (let c = 0; c < width; c++, at++) predicted[at] = Number(scores[at]! >= limits[c]!);
}

/** An image by its row in the set, with its score for the category that is looked at. */
export interface ImageScore {
  readonly row: number;
  readonly score: number;
}

/**
 * The images behind a count of category `c` (an index), the most wrong or least certain first: false alarms and what nearly became one
 * by falling score, misses and hits by rising score; equal scores in the set's order.
 */
export function imagesBehind(set: ScoredSet, c: number, cell: keyof Counts, threshold: Threshold): ImageScore[] {
  const { images, labels, scores, categories } = set;
  const limit = typeof threshold === 'number' ? threshold : threshold[c]!;
  const isTrue = cell === 'tp' || cell === 'fn';
  const isPredicted = cell === 'tp' || cell === 'fp';
  const found: ImageScore[] = [];
  for (let row = 0, at = c; row < images; row++, at += categories.length) {
    if ((labels[at] === 1) === isTrue && scores[at]! >= limit === isPredicted) found.push({ row, score: scores[at]! });
  }
  return found.sort((a, b) => (isTrue ? a.score - b.score : b.score - a.score) || a.row - b.row);
}
