// The images that are not exactly right at a threshold, and how far they are from it.
import { type ImageScore, predictionsAt } from './predicted';
import type { ScoredSet, Threshold } from './types';

export interface WrongImage extends ImageScore {
  /** The index of the category whose wrong decision is the farthest from the truth; the score is of it. */
  readonly category: number;
  /** How many decisions of the kind are wrong. */
  readonly wrong: number;
  /** Categories that are true and predicted over those that are either. */
  readonly jaccard: number;
}

/** The images with a wrong decision of the kind, the one that is farthest from the truth first; equal ones in the set's order. */
export function wrongImages(set: ScoredSet, threshold: Threshold, kind: 'false-alarm' | 'miss' | 'any'): WrongImage[] {
  const predicted = predictionsAt(set, threshold);
  const isWanted = (at: number) => kind === 'any' || (kind === 'miss') === (set.labels[at] === 1);
  const found: WrongImage[] = [];
  for (let row = 0; row < set.images; row++) {
    const image = wrongImage(set, predicted, row, isWanted);
    if (image) found.push(image);
  }
  const distance = ({ row, category, score }: WrongImage) =>
    Math.abs(set.labels[row * set.categories.length + category]! - score);
  return found.sort((a, b) => distance(b) - distance(a));
}

function wrongImage(
  { labels, scores, categories }: ScoredSet,
  predicted: Uint8Array,
  row: number,
  isWanted: (at: number) => boolean,
): WrongImage | undefined {
  const width = categories.length;
  const error = (at: number) => Math.abs(labels[at]! - scores[at]!);
  let [worst, wrong, both, either] = [-1, 0, 0, 0];
  for (let at = row * width; at < (row + 1) * width; at++) {
    both += labels[at]! & predicted[at]!;
    either += labels[at]! | predicted[at]!;
    if (labels[at] === predicted[at] || !isWanted(at)) continue;
    wrong++;
    if (worst < 0 || error(at) > error(worst)) worst = at;
  }
  if (worst < 0) return undefined;
  return { row, category: worst - row * width, score: scores[worst]!, wrong, jaccard: both / either };
}
