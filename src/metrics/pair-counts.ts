// In how many images errors and labels of two categories meet: counts that follow predictions as they come and go, one entry at a time.
import type { Pass } from './ranked';
import type { ScoredSet } from './types';

/** Counts of images: by category, and of two categories, a and b. */
export interface PairCounts {
  /** Which have the category; of them, which miss it; where it is a false alarm. */
  readonly present: Int32Array;
  readonly missed: Int32Array;
  readonly wrong: Int32Array;
  readonly bothPresent: (a: number, b: number) => number;
  readonly bothMissed: (a: number, b: number) => number;
  readonly bothWrong: (a: number, b: number) => number;
  readonly presentAndWrong: (a: number, b: number) => number;
  readonly missedAndWrong: (a: number, b: number) => number;
  readonly missedAndPresent: (a: number, b: number) => number;
}

export interface PairCounter {
  readonly counts: PairCounts;
  /** Image `i` becomes a prediction of category `c`, or with a change of −1 is none any more. */
  readonly change: Pass;
}

/** Begins where nothing is predicted. The set must be checked. */
export function pairCounter(set: ScoredSet): PairCounter {
  const { images, categories } = set;
  const width = categories.length;
  const [present, missed, wrong] = [0, 1, 2].map(() => kindOf(images, width)) as [Kind, Kind, Kind];
  // By c × categories + b: how often `c` came to (less how often it left) an image that was of `b`.
  const table = () => new Int32Array(width ** 2);
  const [truths, misses, lures, confusions, missedBeside] = [table(), table(), table(), table(), table()];
  // An image may have many false alarms: of two of them it is counted where it is asked for.
  let alarms: Int32Array | undefined;
  const add = (table: Int32Array, of: Kind, i: number, at: number, stride: number, change: number) => {
    for (let w = 0; w < of.words; w++) {
      for (let bits = of.bits[i * of.words + w]!; bits !== 0; bits &= bits - 1) {
        const place = at + stride * (32 * w + 31 - Math.clz32(bits & -bits));
        table[place] = table[place]! + change;
      }
    }
  };
  const miss = (c: number, i: number, change: 1 | -1) => {
    if (change === -1) missed.set(c, i, change);
    add(misses, missed, i, c * width, 1, change);
    add(missedBeside, present, i, c * width, 1, change);
    add(confusions, wrong, i, c, width, change);
    if (change === 1) missed.set(c, i, change);
  };
  const alarm = (c: number, i: number, change: 1 | -1) => {
    wrong.set(c, i, change);
    alarms = undefined;
    add(lures, present, i, c * width, 1, change);
    add(confusions, missed, i, c * width, 1, change);
  };
  eachLabel(set, (c, i) => {
    add(truths, present, i, c * width, 1, 1);
    present.set(c, i, 1);
  });
  eachLabel(set, (c, i) => miss(c, i, 1));
  // Of two of a kind one came after the other.
  const either = (table: Int32Array) => (a: number, b: number) => table[a * width + b]! + table[b * width + a]!;
  return {
    counts: {
      present: present.counts,
      missed: missed.counts,
      wrong: wrong.counts,
      bothPresent: either(truths),
      bothMissed: either(misses),
      bothWrong: (a, b) => (alarms ??= together(wrong, images, width))[Math.min(a, b) * width + Math.max(a, b)]!,
      presentAndWrong: (a, b) => lures[b * width + a]!,
      missedAndWrong: (a, b) => confusions[b * width + a]!,
      missedAndPresent: (a, b) => missedBeside[a * width + b]!,
    },
    change: (c, i, label, change) => (label === 1 ? miss(c, i, change === 1 ? -1 : 1) : alarm(c, i, change)),
  };
}

/** Which categories of each image are of a kind, as bits, and how many images each category is so in. */
interface Kind {
  /** 32-bit words an image. */
  readonly words: number;
  readonly bits: Int32Array;
  readonly counts: Int32Array;
  readonly set: (c: number, i: number, change: 1 | -1) => void;
}

function kindOf(images: number, width: number): Kind {
  const words = Math.ceil(width / 32);
  const [bits, counts] = [new Int32Array(images * words), new Int32Array(width)];
  return {
    words,
    bits,
    counts,
    set: (c, i, change) => {
      const at = i * words + (c >>> 5);
      bits[at] = bits[at]! ^ (1 << (c & 31));
      counts[c] = counts[c]! + change;
    },
  };
}

/** By a × categories + b, where a is the earlier: how many images are of a kind for both. */
function together({ words, bits }: Kind, images: number, width: number): Int32Array {
  const table = new Int32Array(width ** 2);
  const count = (row: number, w: number, which: number) => {
    for (let rest = which; rest !== 0; rest &= rest - 1) {
      const place = row + 32 * w + 31 - Math.clz32(rest & -rest);
      table[place] = table[place]! + 1;
    }
  };
  for (let i = 0, at = 0; i < images; i++, at += words) {
    for (let w = 0; w < words; w++) {
      for (let rest = bits[at + w]!; rest !== 0;) {
        const row = width * (32 * w + 31 - Math.clz32(rest & -rest));
        rest &= rest - 1;
        count(row, w, rest);
        for (let later = w + 1; later < words; later++) count(row, later, bits[at + later]!);
      }
    }
  }
  return table;
}

function eachLabel({ categories, labels }: ScoredSet, tell: (c: number, i: number) => void): void {
  const width = categories.length;
  for (let at = 0; at < labels.length; at++) if (labels[at] === 1) tell(at % width, Math.floor(at / width));
}
