// The images behind a pair of categories or a slice: which they are, and of which category each is shown.
import type { Group } from './groups';
import { imagesOfPair, type Pair } from './pairs';
import { type ImageScore, predictionsAt } from './predicted';
import type { ScoredSet, Threshold } from './types';

/** An image by its row, with the index of the category that it is shown for and its score. */
export interface BehindImage extends ImageScore {
  readonly category: number;
}

/** For each image of a pair the category that is a false alarm there, or else the first that is missed; the most wrong first. */
export function imagesBehindPair(set: ScoredSet, threshold: Threshold, pair: Pick<Pair, 'kind' | 'a' | 'b'>): BehindImage[] {
  const { kind, a, b } = pair;
  const category = kind === 'missed-together' || kind === 'false-together' ? a : b;
  const sign = kind === 'missed-together' ? 1 : -1;
  const width = set.categories.length;
  const images = imagesOfPair(set, threshold, pair).map((row) => ({ row, category, score: set.scores[row * width + category]! }));
  return images.sort((x, y) => sign * (x.score - y.score));
}

/**
 * The images of a slice, each for the category that is farthest from the truth, the farthest first; of slices by object area
 * every label, those with the lowest score first. With `category` (an index) for that one alone.
 */
export function imagesBehindGroup(
  set: ScoredSet,
  threshold: Threshold,
  { entries, rows }: Group,
  category: number | undefined,
): BehindImage[] {
  return entries ? entriesOf(set, entries) : worstOf(set, rows, category, threshold);
}

function entriesOf({ scores, categories }: ScoredSet, entries: readonly number[]): BehindImage[] {
  const width = categories.length;
  const images = entries.map((at) => ({ row: Math.floor(at / width), category: at % width, score: scores[at]! }));
  return images.sort((a, b) => a.score - b.score);
}

/** Wrong decisions come before right ones, however near the threshold. */
function worstOf(set: ScoredSet, rows: readonly number[], category: number | undefined, threshold: Threshold): BehindImage[] {
  const { labels, scores, categories } = set;
  const predicted = predictionsAt(set, threshold);
  const width = categories.length;
  const [from, to] = category === undefined ? [0, width] : [category, category + 1];
  const error = (at: number) => Math.abs(labels[at]! - scores[at]!) + Number(labels[at] !== predicted[at]);
  const worst = rows.map((row) => {
    let at = row * width + from;
    for (let c = from + 1; c < to; c++) if (error(row * width + c) > error(at)) at = row * width + c;
    return { row, category: at - row * width, score: scores[at]!, error: error(at) };
  });
  return worst.sort((a, b) => b.error - a.error).map(({ row, category: c, score }) => ({ row, category: c, score }));
}
