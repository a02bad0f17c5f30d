// The images behind a pair of categories or a slice: which they are, and of which category each is shown.
import type { Group } from './groups';
import { imagesOfPair, type Pair } from './pairs';
import { type ImageScore, predictionsAt } from './predicted';
import type { ScoredSet, Threshold } from './types';

/** An image by its row, with the index of the category that it is shown for and its score. */
export interface BehindImage extends ImageScore {
  readonly category: number;
}

/**
 * For each image of a pair the category that is a false alarm there, or else the first that is missed; the most wrong first.
 * @param predicted what `predictionsAt` says, where it is known
 */
export function imagesBehindPair(
  set: ScoredSet,
  threshold: Threshold,
  pair: Pick<Pair, 'kind' | 'a' | 'b'>,
  predicted?: Uint8Array,
): BehindImage[] {
  const { kind, a, b } = pair;
  const category = kind === 'missed-together' || kind === 'false-together' ? a : b;
  const sign = kind === 'missed-together' ? 1 : -1;
  const width = set.categories.length;
  const rows = imagesOfPair(set, threshold, pair, predicted);
  const images = rows.map((row) => ({ row, category, score: set.scores[row * width + category]! }));
  return images.sort((x, y) => sign * (x.score - y.score));
}

/**
 * The images of a slice, each for the category that is farthest from the truth, the farthest first; of slices by object area
 * every label, those with the lowest score first. With `category` (an index) for that one alone.
 * @param predicted what `predictionsAt` says, where it is known
 */
export function imagesBehindGroup(
  set: ScoredSet,
  threshold: Threshold,
  { entries, rows }: Group,
  category: number | undefined,
  predicted?: Uint8Array,
): BehindImage[] {
  return entries ? entriesOf(set, entries) : worstOf(set, predicted ?? predictionsAt(set, threshold), rows, category);
}

function entriesOf({ scores, categories }: ScoredSet, entries: readonly number[]): BehindImage[] {
  const width = categories.length;
  const images = entries.map((at) => ({ row: Math.floor(at / width), category: at % width, score: scores[at]! }));
  return images.sort((a, b) => a.score - b.score);
}

/** Wrong decisions come before right ones, however near the threshold. */
function worstOf(set: ScoredSet, predicted: Uint8Array, rows: readonly number[], category: number | undefined): BehindImage[] {
  const { labels, scores, categories } = set;
  const width = categories.length;
  const [from, to] = category === undefined ? [0, width] : [category, category + 1];
  const found = rows.map((row) => {
    let most = -1;
    let worst = row * width + from;
    for (let at = row * width + from; at < row * width + to; at++) {
      const error = Math.abs(labels[at]! - scores[at]!) + (labels[at]! ^ predicted[at]!);
      if (error <= most) continue;
      most = error;
      worst = at;
    }
    return { row, category: worst - row * width, score: scores[worst]!, error: most };
  });
  return found.sort((a, b) => b.error - a.error).map(({ row, category: c, score }) => ({ row, category: c, score }));
}
