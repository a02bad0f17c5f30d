// Refuses sets and thresholds that no metric is defined on, naming the place and the value.
import type { ScoredSet, Threshold } from './types';

/** Input that no metric is defined on. `index` is the place in the array at fault, where there is one. */
export class MetricsError extends RangeError {
  override readonly name = 'MetricsError';
  readonly code = 'metrics-invalid';

  constructor(
    message: string,
    readonly index?: number,
  ) {
    super(message);
  }
}

/**
 * @throws MetricsError where there is no category, the shapes disagree, a label is not 0 or 1, or a score is not a number
 * within 0..1.
 */
export function checkSet(set: ScoredSet): void {
  if (set.categories.length === 0) throw new MetricsError('There is no category to evaluate.');
  if (!Number.isInteger(set.images) || set.images < 0) throw new MetricsError(`${set.images} is not a number of images.`);
  checkLength(set, 'labels');
  checkLength(set, 'scores');
  const label = indexOutside(set.labels);
  if (label >= 0) throw new MetricsError(`The label of ${entry(set, label)} is ${set.labels[label]!}, not 0 or 1.`, label);
  const score = indexOutside(set.scores);
  if (score >= 0) throw new MetricsError(`The score of ${entry(set, score)} is ${set.scores[score]!}, not within 0..1.`, score);
}

/** @throws MetricsError where a threshold is not within 0..1, or a list of them has not one for each category. */
export function checkThreshold(set: ScoredSet, threshold: Threshold): void {
  if (typeof threshold === 'number') {
    if (!isProbability(threshold)) throw new MetricsError(`The threshold ${threshold} is not within 0..1.`);
    return;
  }
  const { length } = set.categories;
  if (threshold.length !== length) {
    throw new MetricsError(`There are ${threshold.length} thresholds for ${length} categories; give one for each.`);
  }
  const index = indexOutside(threshold);
  if (index >= 0) {
    const category = set.categories[index]!;
    throw new MetricsError(`The threshold of "${category}" (index ${index}) is ${threshold[index]!}, not within 0..1.`, index);
  }
}

/** The first index whose value is not within 0..1, or -1. */
function indexOutside(values: ArrayLike<number>): number {
  for (let i = 0; i < values.length; i++) {
    if (!isProbability(values[i]!)) return i;
  }
  return -1;
}

/** False for NaN as well. */
function isProbability(value: number): boolean {
  return value >= 0 && value <= 1;
}

function checkLength(set: ScoredSet, what: 'labels' | 'scores'): void {
  const { length } = set[what];
  const expected = set.images * set.categories.length;
  if (length === expected) return;
  const shape = `${set.images} images × ${set.categories.length} categories`;
  throw new MetricsError(`There are ${length} ${what}; ${shape} need ${expected}.`);
}

function entry(set: ScoredSet, index: number): string {
  const width = set.categories.length;
  return `image ${Math.floor(index / width)}, category "${set.categories[index % width]!}" (index ${index})`;
}
