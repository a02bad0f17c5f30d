// The entries of each category in the order of their scores: whatever moves with a threshold is found in it by a binary search.
import type { ScoredSet } from './types';

/** Categories × images, row-major: the images of each category from the lowest score to the highest, equal ones in the set's order. */
export interface Ranked {
  readonly images: number;
  readonly width: number;
  readonly order: Uint32Array;
  /** The scores in that order. */
  readonly scores: Float64Array;
  /** 1 where the image has the category, in that order. */
  readonly labels: Uint8Array;
}

/** Sorts once, O(categories × images log images). The set must be checked. */
export function rankedOf({ images, categories, labels, scores }: ScoredSet): Ranked {
  const width = categories.length;
  const ranked: Ranked = {
    images,
    width,
    order: new Uint32Array(width * images),
    scores: new Float64Array(width * images),
    labels: new Uint8Array(width * images),
  };
  for (let c = 0; c < width; c++) {
    const start = c * images;
    const sorted = ranked.scores.subarray(start, start + images);
    for (let i = 0, at = c; i < images; i++, at += width) sorted[i] = scores[at]!;
    sorted.sort();
    // Numbers sort much faster alone than with their images: each image finds its place among them afterwards.
    const taken = new Uint32Array(images);
    for (let i = 0, at = c; i < images; i++, at += width) {
      const first = firstAtLeast(sorted, scores[at]!);
      const place = start + first + taken[first]!++;
      ranked.order[place] = i;
      ranked.labels[place] = labels[at]!;
    }
  }
  return ranked;
}

/** How many images of category `c` have a score at or above the threshold. */
function predictedAt({ images, scores }: Ranked, c: number, threshold: number): number {
  return images - firstAtLeast(scores.subarray(c * images, (c + 1) * images), threshold);
}

/** A threshold for all categories, or one for each. */
export type Limits = number | ArrayLike<number>;

/** Thresholds on their way through the scores of each category, and what hears of every entry that they pass. */
export interface Walk {
  /** By category: how many of its entries are predicted. */
  readonly places: Uint32Array;
  /**
   * Stops between categories once `goOn` says no, to be called again.
   * @returns whether it is there
   */
  readonly moveTo: (threshold: Limits, goOn?: () => boolean) => boolean;
}

/** Hears that image `i` becomes a prediction of category `c`, or with a change of −1 is none any more. */
export type Pass = (c: number, i: number, label: number, change: 1 | -1) => void;

/** Counts anew what is predicted at a threshold, however it was before. */
export type Recount = (threshold: Limits) => void;

/** From this share of all entries on, counting anew takes no longer than passing them. */
const FAR = 1 / 12;

/** Begins where nothing is predicted. @param recount takes the place of passing, where the way is far */
export function walkOf(ranked: Ranked, pass: Pass, recount?: Recount): Walk {
  const { images, width, order, labels } = ranked;
  const places = new Uint32Array(width);
  const passAt = (c: number, place: number, change: 1 | -1) => {
    const at = (c + 1) * images - 1 - place;
    pass(c, order[at]!, labels[at]!, change);
  };
  const targetOf = (c: number, threshold: Limits) =>
    predictedAt(ranked, c, typeof threshold === 'number' ? threshold : threshold[c]!);
  const moveTo: Walk['moveTo'] = (threshold, goOn = () => true) => {
    if (recount) {
      const targets = places.map((_, c) => targetOf(c, threshold));
      const way = targets.reduce((sum, target, c) => sum + Math.abs(target - places[c]!), 0);
      if (way > FAR * images * width) {
        places.set(targets);
        recount(threshold);
        return true;
      }
    }
    for (let c = 0; c < width; c++) {
      const target = targetOf(c, threshold);
      if (places[c] !== target && !goOn()) return false;
      while (places[c]! < target) passAt(c, places[c]!++, 1);
      while (places[c]! > target) passAt(c, --places[c]!, -1);
    }
    return true;
  };
  return { places, moveTo };
}

/** The first index of an ascending array whose value is at least `limit`; its length where there is none. */
function firstAtLeast(ascending: Float64Array, limit: number): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
