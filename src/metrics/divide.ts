// Dividing a scored set's images into those that something is fitted on and those that it is judged on.
import { MetricsError } from './check';
import { randomStream } from './random';
import type { ScoredSet } from './types';

/** One half to fit and the other to judge, or cross-fitting: each fold is judged by what was fitted on all the others. */
export type Division = { readonly kind: 'half' } | { readonly kind: 'folds'; readonly folds: number };

interface Sides {
  readonly fit: ScoredSet;
  readonly judge: ScoredSet;
  /** The rows of `judge` in the set that was divided. */
  readonly rows: readonly number[];
}

/**
 * The sides of each round: one for halves, one a fold for folds. Images are dealt out like cards after a seeded shuffle, those
 * with the rarest category first, so that the images of every category are spread over the parts.
 *
 * @throws MetricsError where there are fewer images than parts, or the number of folds is not a whole number from 2
 */
export function divide(set: ScoredSet, division: Division, seed: number): Sides[] {
  const count = division.kind === 'half' ? 2 : division.folds;
  if (!Number.isInteger(count) || count < 2) throw new MetricsError(`${count} is not a number of folds; there are at least 2.`);
  if (set.images < count)
    throw new MetricsError(
      `${set.images} images cannot be divided into ${count} parts. ${set.images < 2 ? 'Evaluate' : `Take ${set.images} or fewer, or evaluate`} the model on more images.`,
    );
  const parts = deal(set, count, seed);
  const sidesOf = (part: number): Sides => {
    const rows = rowsWhere(parts, (other) => other === part);
    const rest = rowsWhere(parts, (other) => other !== part);
    return { fit: takeImages(set, rest), judge: takeImages(set, rows), rows };
  };
  return division.kind === 'half' ? [sidesOf(1)] : Array.from({ length: count }, (_, part) => sidesOf(part));
}

/** The part of every image. */
function deal(set: ScoredSet, count: number, seed: number): Uint32Array {
  const width = set.categories.length;
  const positives = new Uint32Array(width);
  set.labels.forEach((label, at) => (positives[at % width]! += label));
  const rarest = (row: number): number => {
    const own = Array.from(positives, (images, c) => (set.labels[row * width + c] === 1 ? images : Infinity));
    return Math.min(...own);
  };
  const keys = Float64Array.from({ length: set.images }, (_, row) => rarest(row));
  const order = randomStream(seed, 'divide', count).shuffle(Uint32Array.from({ length: set.images }, (_, row) => row));
  const parts = new Uint32Array(set.images);
  // Sorting is stable: equally rare ones stay shuffled. Infinity − Infinity is no order.
  order.sort((a, b) => (keys[a] === keys[b] ? 0 : keys[a]! - keys[b]!)).forEach((row, k) => (parts[row] = k % count));
  return parts;
}

function rowsWhere(parts: Uint32Array, fits: (part: number) => boolean): number[] {
  return Array.from(parts.keys()).filter((row) => fits(parts[row]!));
}

/** The set of these images alone, in this order. */
export function takeImages({ categories, labels, scores }: ScoredSet, rows: readonly number[]): ScoredSet {
  const width = categories.length;
  const taken = { labels: new Uint8Array(rows.length * width), scores: new Float64Array(rows.length * width) };
  rows.forEach((row, k) => {
    taken.labels.set(labels.subarray(row * width, (row + 1) * width), k * width);
    taken.scores.set(scores.subarray(row * width, (row + 1) * width), k * width);
  });
  return { images: rows.length, categories, ...taken };
}

/** Every image × category as an image of one category: what a pooled curve or diagram is made of. Nothing is copied. */
export function pooled({ images, categories, labels, scores }: ScoredSet): ScoredSet {
  return { images: images * categories.length, categories: ['*'], labels, scores };
}
