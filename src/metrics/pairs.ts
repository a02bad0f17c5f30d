// Pairs of categories in a model's errors: what is taken for what, what lures a false alarm, what goes wrong together.
import { predictionsAt } from './predicted';
import { Z_95 } from './interval';
import type { ScoredSet, Threshold } from './types';

/**
 * 'confused': `a` is missed where `b` is falsely predicted. 'lured': `b` is falsely predicted where `a` truly is. 'missed-together': both are
 * missed, and 'false-together': both are falsely predicted, in one image; there `a` is the earlier category.
 */
export type PairKind = 'confused' | 'lured' | 'missed-together' | 'false-together';

export const PAIR_KINDS: readonly PairKind[] = ['confused', 'lured', 'missed-together', 'false-together'];

export interface Pair {
  readonly kind: PairKind;
  /** Indices of categories. */
  readonly a: number;
  readonly b: number;
  /** In how many images it happens, out of `among` in which it could. */
  readonly images: number;
  readonly among: number;
  /** How often each of both happens among them. */
  readonly ofA: number;
  readonly ofB: number;
  /** ofA × ofB / among: in how many images both would happen, had they nothing to do with each other. */
  readonly expected: number;
  /** images / expected. */
  readonly lift: number;
  /** The logarithm of the odds ratio with 1/2 added to each of the four counts, and its 95 % interval (Haldane 1956, Gart 1966). */
  readonly logOdds: { readonly value: number; readonly low: number; readonly high: number };
}

/**
 * Every pair that happens at least once, by how many images it has more than expected, the most first. 'confused' and 'lured' are counted among
 * the images without `b`, where alone it can be a false alarm; 'missed-together' among those with both; 'false-together' among those with
 * neither. The set and the threshold must be checked.
 *
 * @param predicted what `predictionsAt` says of them, where it is known
 */
export function pairsAt(
  set: ScoredSet,
  threshold: Threshold,
  kinds: readonly PairKind[] = PAIR_KINDS,
  predicted = predictionsAt(set, threshold),
): Pair[] {
  const { counts, tables } = tally(set, predicted);
  const width = set.categories.length;
  const { present, missed, wrong } = counts;
  const { truths, misses, alarms, lured, confused, missedBeside } = tables;
  const { images } = set;
  const pairs: Pair[] = [];
  // Of most pairs there is none, and a slider asks often.
  const add = (kind: PairKind, a: number, b: number, both: number, among: () => Omit<Table, 'both'>) => {
    if (both > 0 && kinds.includes(kind)) pairs.push(pairOf(kind, a, b, { both, ...among() }));
  };
  for (let a = 0; a < width; a++) {
    for (let b = 0; b < width; b++) {
      const [ab, ba] = [a * width + b, b * width + a];
      if (a === b) continue;
      const without = () => images - present[b]!;
      add('confused', a, b, confused[ab]!, () => ({ ofA: missed[a]! - missedBeside[ab]!, ofB: wrong[b]!, among: without() }));
      add('lured', a, b, lured[ab]!, () => ({ ofA: present[a]! - truths[ab]!, ofB: wrong[b]!, among: without() }));
      if (a > b) continue;
      add('missed-together', a, b, misses[ab]!, () => ({ ofA: missedBeside[ab]!, ofB: missedBeside[ba]!, among: truths[ab]! }));
      add('false-together', a, b, alarms[ab]!, () => ({
        ofA: wrong[a]! - lured[ba]!,
        ofB: wrong[b]! - lured[ab]!,
        among: images - present[a]! - present[b]! + truths[ab]!,
      }));
    }
  }
  return pairs.sort((p, q) => q.images - q.expected - (p.images - p.expected) || q.images - p.images);
}

/** Fewer images than this are an anecdote: among thousands of pairs some come about by chance. */
const FEW = 3;

/** Whether a pair comes about more often than chance would have it, as far as one pair by itself can tell. */
export function isBeyondChance({ images, logOdds }: Pair): boolean {
  return images >= FEW && logOdds.low > 0;
}

/** The rows of the images in which a pair happens, ascending. */
export function imagesOfPair(set: ScoredSet, threshold: Threshold, { kind, a, b }: Pick<Pair, 'kind' | 'a' | 'b'>): number[] {
  const predicted = predictionsAt(set, threshold);
  const width = set.categories.length;
  const state = (row: number, c: number) => 2 * set.labels[row * width + c]! + predicted[row * width + c]!;
  const [isFalse, isMissed] = [(s: number) => s === FALSE, (s: number) => s === MISSED];
  const holds: Record<PairKind, (ofA: number, ofB: number) => boolean> = {
    confused: (ofA, ofB) => isMissed(ofA) && isFalse(ofB),
    lured: (ofA, ofB) => ofA >= MISSED && isFalse(ofB),
    'missed-together': (ofA, ofB) => isMissed(ofA) && isMissed(ofB),
    'false-together': (ofA, ofB) => isFalse(ofA) && isFalse(ofB),
  };
  return Array.from({ length: set.images }, (_, row) => row).filter((row) => holds[kind](state(row, a), state(row, b)));
}

/** 2 × true + predicted. */
const FALSE = 1;
const MISSED = 2;

/** By category, and by a × categories + b: in how many images one happens, and both. */
interface Tally {
  readonly counts: { readonly present: Uint32Array; readonly missed: Uint32Array; readonly wrong: Uint32Array };
  readonly tables: {
    /** Both are true. */
    readonly truths: Uint32Array;
    /** Both are missed. */
    readonly misses: Uint32Array;
    /** Both are false alarms. */
    readonly alarms: Uint32Array;
    /** a is true, b is a false alarm. */
    readonly lured: Uint32Array;
    /** a is missed, b is a false alarm. */
    readonly confused: Uint32Array;
    /** a is missed, b is true. */
    readonly missedBeside: Uint32Array;
  };
}

function tally({ images, categories, labels }: ScoredSet, predicted: Uint8Array): Tally {
  const width = categories.length;
  const column = () => new Uint32Array(width);
  const table = () => new Uint32Array(width ** 2);
  const counts = { present: column(), missed: column(), wrong: column() };
  const tables = { truths: table(), misses: table(), alarms: table(), lured: table(), confused: table(), missedBeside: table() };
  const [present, missed, wrong]: [number[], number[], number[]] = [[], [], []];
  for (let row = 0, at = 0; row < images; row++) {
    present.length = missed.length = wrong.length = 0;
    for (let c = 0; c < width; c++, at++) {
      // Most entries are neither.
      if (labels[at] === 0) {
        if (predicted[at] === 1) wrong.push(c);
        continue;
      }
      present.push(c);
      if (predicted[at] === 0) missed.push(c);
    }
    for (const c of present) counts.present[c]!++;
    for (const c of missed) counts.missed[c]!++;
    for (const c of wrong) counts.wrong[c]!++;
    cross(tables.truths, width, present, present);
    cross(tables.misses, width, missed, missed);
    cross(tables.alarms, width, wrong, wrong);
    cross(tables.lured, width, present, wrong);
    cross(tables.confused, width, missed, wrong);
    cross(tables.missedBeside, width, missed, present);
  }
  return { counts, tables };
}

function cross(table: Uint32Array, width: number, first: readonly number[], second: readonly number[]): void {
  for (const a of first) for (const b of second) table[a * width + b]!++;
}

/** Of `among` images, `ofA` have one, `ofB` the other, `both` both. */
interface Table {
  readonly both: number;
  readonly ofA: number;
  readonly ofB: number;
  readonly among: number;
}

function pairOf(kind: PairKind, a: number, b: number, { both, ofA, ofB, among }: Table): Pair {
  const expected = (ofA * ofB) / among;
  const cells = [both, among - ofA - ofB + both, ofA - both, ofB - both].map((count) => count + 0.5) as [
    number,
    number,
    number,
    number,
  ];
  const value = Math.log((cells[0] * cells[1]) / (cells[2] * cells[3]));
  const half = Z_95 * Math.sqrt(cells.reduce((sum, cell) => sum + 1 / cell, 0));
  const logOdds = { value, low: value - half, high: value + half };
  return { kind, a, b, images: both, among, ofA, ofB, expected, lift: both / expected, logOdds };
}
