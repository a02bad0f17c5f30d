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
  /** Counts what `predictionsAt` says, however it was before. */
  readonly recount: (predicted: Uint8Array) => void;
}

/** Begins where nothing is predicted. The set must be checked. */
export function pairCounter(set: ScoredSet): PairCounter {
  const { images, categories } = set;
  const width = categories.length;
  const [present, missed, wrong] = [0, 1, 2].map(() => kindOf(images, width)) as [Kind, Kind, Kind];
  const tables = tablesOf(width);
  const { truths, misses, lures, confusions, missedBeside } = tables;
  // An image may have many false alarms: of two of them it is counted where it is asked for.
  let alarms: Int32Array | undefined;
  const miss = (c: number, i: number, change: 1 | -1) => {
    if (change === -1) missed.set(c, i, change);
    addBits(misses, missed, i, c * width, 1, change);
    addBits(missedBeside, present, i, c * width, 1, change);
    addBits(confusions, wrong, i, c, width, change);
    if (change === 1) missed.set(c, i, change);
  };
  const alarm = (c: number, i: number, change: 1 | -1) => {
    wrong.set(c, i, change);
    alarms = undefined;
    addBits(lures, present, i, c * width, 1, change);
    addBits(confusions, missed, i, c * width, 1, change);
  };
  eachLabel(set, (c, i) => {
    addBits(truths, present, i, c * width, 1, 1);
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
      bothWrong: (a, b) => (alarms ??= together(wrong, images, width))[Math.max(a, b) * width + Math.min(a, b)]!,
      presentAndWrong: (a, b) => lures[b * width + a]!,
      missedAndWrong: (a, b) => confusions[b * width + a]!,
      missedAndPresent: (a, b) => missedBeside[a * width + b]!,
    },
    change: (c, i, label, change) => (label === 1 ? miss(c, i, change === 1 ? -1 : 1) : alarm(c, i, change)),
    recount: (predicted) => {
      alarms = undefined;
      recount(images, predicted, { present, missed, wrong }, tables);
    },
  };
}

/** By c × categories + b: how often `c` came to (less how often it left) an image that was of `b`. */
type Tables = Readonly<Record<'truths' | 'misses' | 'lures' | 'confusions' | 'missedBeside', Int32Array>>;

function tablesOf(width: number): Tables {
  const table = () => new Int32Array(width ** 2);
  return { truths: table(), misses: table(), lures: table(), confusions: table(), missedBeside: table() };
}

/** Adds to the places of the categories that image `i` is of a kind for. */
function addBits(table: Int32Array, of: Kind, i: number, at: number, stride: number, change: number): void {
  for (let w = 0; w < of.words; w++) {
    for (let bits = of.bits[i * of.words + w]!; bits !== 0; bits &= bits - 1) {
      const place = at + stride * (32 * w + 31 - Math.clz32(bits & -bits));
      table[place] = table[place]! + change;
    }
  }
}

type Kinds = Readonly<Record<'present' | 'missed' | 'wrong', Kind>>;

/** Image by image, whose labels are at hand then: it takes no longer than to pass a twelfth of all entries one by one. */
function recount(images: number, predicted: Uint8Array, kinds: Kinds, tables: Tables): void {
  const { present, missed, wrong } = kinds;
  const { misses, lures, confusions, missedBeside } = tables;
  const width = wrong.counts.length;
  for (const table of [misses, lures, confusions, missedBeside, missed.counts, wrong.counts]) table.fill(0);
  const [had, lost, said] = [0, 1, 2].map(() => new Uint32Array(width)) as [Uint32Array, Uint32Array, Uint32Array];
  for (let i = 0; i < images; i++) {
    writeErrors(i, predicted, kinds);
    const labelled = listBits(present, i, had);
    const gone = listBits(missed, i, lost);
    const alarms = listBits(wrong, i, said);
    for (let k = 0; k < gone; k++) {
      const c = lost[k]!;
      missed.counts[c] = missed.counts[c]! + 1;
      addAll(misses, c * width, lost, k);
      addAll(missedBeside, c * width, had, labelled);
    }
    for (let k = 0; k < alarms; k++) {
      const c = said[k]!;
      wrong.counts[c] = wrong.counts[c]! + 1;
      addAll(lures, c * width, had, labelled);
      addAll(confusions, c * width, lost, gone);
    }
  }
}

/** Which categories of an image are missed, and which are false alarms. */
function writeErrors(i: number, predicted: Uint8Array, { present, missed, wrong }: Kinds): void {
  const { words, counts } = present;
  const width = counts.length;
  for (let w = 0, c = 0; w < words; w++) {
    let bits = 0;
    for (const end = Math.min(width, c + 32); c < end; c++) bits |= predicted[i * width + c]! << (c & 31);
    const at = i * words + w;
    missed.bits[at] = present.bits[at]! & ~bits;
    wrong.bits[at] = bits & ~present.bits[at]!;
  }
}

/** Lists the categories that image `i` is of a kind for. @returns how many */
function listBits({ bits, words }: Kind, i: number, into: Uint32Array): number {
  let count = 0;
  for (let w = 0; w < words; w++) {
    for (let rest = bits[i * words + w]!; rest !== 0; rest &= rest - 1) into[count++] = 32 * w + 31 - Math.clz32(rest & -rest);
  }
  return count;
}

function addAll(table: Int32Array, at: number, places: Uint32Array, count: number): void {
  for (let k = 0; k < count; k++) {
    const place = at + places[k]!;
    table[place] = table[place]! + 1;
  }
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

/** From this share of all entries on, columns of bits tell two of a kind sooner than lists of images do. */
const DENSE = 1 / 3;

/** By a × categories + b, where b is the earlier: how many images are of a kind for both. */
function together(kind: Kind, images: number, width: number): Int32Array {
  const all = kind.counts.reduce((sum, count) => sum + count, 0);
  return all > DENSE * images * width ? togetherByColumns(kind, images, width) : togetherByImages(kind, images, width);
}

function togetherByImages(kind: Kind, images: number, width: number): Int32Array {
  const table = new Int32Array(width ** 2);
  const list = new Uint32Array(width);
  for (let i = 0; i < images; i++) {
    const count = listBits(kind, i, list);
    for (let k = 0; k < count; k++) addAll(table, list[k]! * width, list, k);
  }
  return table;
}

function togetherByColumns(kind: Kind, images: number, width: number): Int32Array {
  const table = new Int32Array(width ** 2);
  const words = Math.ceil(images / 32);
  const columns = new Int32Array(width * words);
  const list = new Uint32Array(width);
  for (let i = 0; i < images; i++) {
    const count = listBits(kind, i, list);
    for (let k = 0; k < count; k++) {
      const at = list[k]! * words + (i >>> 5);
      columns[at] = columns[at]! | (1 << (i & 31));
    }
  }
  for (let a = 0; a < width; a++) {
    for (let b = a + 1; b < width; b++) {
      let both = 0;
      for (let w = 0; w < words; w++) both += bitsIn(columns[a * words + w]! & columns[b * words + w]!);
      table[b * width + a] = both;
    }
  }
  return table;
}

/** How many bits of 32 are set (Warren, "Hacker's Delight", 2003, 5-1). */
function bitsIn(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

function eachLabel({ categories, labels }: ScoredSet, tell: (c: number, i: number) => void): void {
  const width = categories.length;
  for (let at = 0; at < labels.length; at++) if (labels[at] === 1) tell(at % width, Math.floor(at / width));
}
