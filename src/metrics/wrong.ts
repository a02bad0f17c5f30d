// The images that are not exactly right at a threshold, and how far they are from it.
import { type ImageScore, predictionsAt } from './predicted';
import type { ImageAgreement } from './slices';
import type { ScoredSet, Threshold } from './types';

export interface WrongImage extends ImageScore {
  /** The index of the category whose wrong decision is the farthest from the truth; the score is of it. */
  readonly category: number;
  /** How far that is: the difference of score and label. */
  readonly error: number;
  /** How many decisions of the kind are wrong. */
  readonly wrong: number;
  /** Categories that are true and predicted over those that are either. */
  readonly jaccard: number;
}

export type WrongKind = 'false-alarm' | 'miss' | 'any';

/** By image: the category with the highest score of those that it has not, and with the lowest of those that it has; −1 where there is none. */
interface Extremes {
  readonly absent: Int32Array;
  readonly present: Int32Array;
}

export function extremesOf({ images, labels, scores, categories }: ScoredSet): Extremes {
  const width = categories.length;
  const extremes = { absent: new Int32Array(images).fill(-1), present: new Int32Array(images).fill(-1) };
  for (let row = 0, at = 0; row < images; row++) {
    const start = at;
    const error = (c: number) => Math.abs(labels[start + c]! - scores[start + c]!);
    for (let c = 0; c < width; c++, at++) {
      const of = labels[at] === 1 ? extremes.present : extremes.absent;
      if (of[row] === -1 || error(c) > error(of[row]!)) of[row] = c;
    }
  }
  return extremes;
}

interface WrongOptions {
  /**
   * What is known of the set, and of its images at the threshold: where that is one for all categories, an image's worst is one of its extremes, and
   * a slider need not look at every entry.
   */
  readonly known?: { readonly extremes: Extremes; readonly agreement: ImageAgreement } | undefined;
  /** An order that goes before. */
  readonly first?: ((a: WrongImage, b: WrongImage) => number) | undefined;
}

/** The images with a wrong decision of the kind, the one that is farthest from the truth first; equal ones in the set's order. */
export function wrongImages(
  set: ScoredSet,
  threshold: Threshold,
  kind: WrongKind,
  { known, first = () => 0 }: WrongOptions = {},
): WrongImage[] {
  const found: WrongImage[] = [];
  const find = known && typeof threshold === 'number' ? knownImage(set, kind, known) : imageOf(set, threshold, kind);
  for (let row = 0; row < set.images; row++) {
    const image = find(row);
    if (image) found.push(image);
  }
  return found.sort((a, b) => first(a, b) || b.error - a.error);
}

type Find = (row: number) => WrongImage | undefined;

function imageOf(set: ScoredSet, threshold: Threshold, kind: WrongKind): Find {
  const predicted = predictionsAt(set, threshold);
  return (row) => wrongImage(set, predicted, row, kind);
}

function knownImage(
  { scores, categories }: ScoredSet,
  kind: WrongKind,
  { extremes: { absent, present }, agreement }: NonNullable<WrongOptions['known']>,
): Find {
  const width = categories.length;
  return (row) => {
    const [hit, said, had] = [agreement.both[row]!, agreement.predicted[row]!, agreement.labelled[row]!];
    const alarms = kind === 'miss' ? 0 : said - hit;
    const misses = kind === 'false-alarm' ? 0 : had - hit;
    if (alarms + misses === 0) return undefined;
    const scoreOf = (c: number) => scores[row * width + c]!;
    const alarm = alarms > 0 ? scoreOf(absent[row]!) : -1;
    const miss = misses > 0 ? 1 - scoreOf(present[row]!) : -1;
    const isAlarm = alarm > miss || (alarm === miss && absent[row]! < present[row]!);
    const category = isAlarm ? absent[row]! : present[row]!;
    return {
      row,
      category,
      score: scoreOf(category),
      error: Math.max(alarm, miss),
      wrong: alarms + misses,
      jaccard: hit / (said + had - hit),
    };
  };
}

function wrongImage(
  { labels, scores, categories }: ScoredSet,
  predicted: Uint8Array,
  row: number,
  kind: WrongKind,
): WrongImage | undefined {
  const width = categories.length;
  // Of which labels a wrong decision counts.
  const [ofAbsent, ofPresent] = [kind !== 'miss', kind !== 'false-alarm'];
  let [worst, most, wrong, both, either] = [-1, -1, 0, 0, 0];
  for (let at = row * width; at < (row + 1) * width; at++) {
    const label = labels[at]!;
    both += label & predicted[at]!;
    either += label | predicted[at]!;
    if (label === predicted[at] || !(label === 1 ? ofPresent : ofAbsent)) continue;
    wrong++;
    const error = Math.abs(label - scores[at]!);
    if (error <= most) continue;
    most = error;
    worst = at;
  }
  if (worst < 0) return undefined;
  return { row, category: worst - row * width, score: scores[worst]!, error: most, wrong, jaccard: both / either };
}
