// Pairs of categories in a model's errors: what is taken for what, what lures a false alarm, what goes wrong together.
import { Z_95 } from './interval';
import { type PairCounts, pairCounter } from './pair-counts';
import { predictionsAt } from './predicted';
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
 * Every pair of the kinds that happens at least once, by how many images it has more than expected, the most first. 'confused' and 'lured' are counted
 * among the images without `b`, where alone it can be a false alarm; 'missed-together' among those with both; 'false-together' among those with
 * neither. The set and the threshold must be checked.
 */
export function pairsAt(set: ScoredSet, threshold: Threshold, kinds: readonly PairKind[] = PAIR_KINDS): Pair[] {
  const { counts, recount } = pairCounter(set);
  recount(predictionsAt(set, threshold));
  const pairs = kinds.flatMap((kind) => pairsOf(counts, set, kind).first(Infinity));
  return pairs.sort((p, q) => excessOf(q) - excessOf(p) || q.images - p.images);
}

const excessOf = ({ images, expected }: Pair) => images - expected;

/** The pairs of a kind in the order of `pairsAt`. */
export interface Pairs {
  readonly count: number;
  /** Few of many take little time: a slider asks often. */
  readonly first: (most: number) => Pair[];
}

/**
 * The pairs of a kind that counts tell of, as long as these stay.
 * @param category an index: only pairs with it
 */
export function pairsOf(counts: PairCounts, { images, categories }: ScoredSet, kind: PairKind, category?: number): Pairs {
  const width = categories.length;
  const isOrdered = kind === 'confused' || kind === 'lured';
  const table = tableOf[kind](counts, images);
  const found: number[] = [];
  const excess = new Float64Array(width ** 2);
  for (let a = 0; a < width; a++) {
    for (let b = isOrdered ? 0 : a + 1; b < width; b++) {
      if (a === b || (category !== undefined && category !== a && category !== b)) continue;
      const both = table.both(a, b);
      if (both === 0) continue;
      found.push(a * width + b);
      excess[a * width + b] = both - (table.ofA(a, b) * table.ofB(a, b)) / table.among(a, b);
    }
  }
  const place = (ab: number) => [Math.floor(ab / width), ab % width] as const;
  const imagesOf = (ab: number) => table.both(...place(ab));
  const before = (p: number, q: number) => excess[q]! - excess[p]! || imagesOf(q) - imagesOf(p) || p - q;
  return { count: found.length, first: (most) => firstOf(found, most, before).map((ab) => pairOf(kind, ...place(ab), table)) };
}

/** The first of them in the order, sorted. */
function firstOf(all: readonly number[], most: number, before: (p: number, q: number) => number): number[] {
  if (all.length <= most) return [...all].sort(before);
  const first = all.slice(0, most).sort(before);
  for (let k = most; k < all.length; k++) {
    if (before(all[k]!, first[most - 1]!) >= 0) continue;
    let at = most - 1;
    for (; at > 0 && before(all[k]!, first[at - 1]!) < 0; at--) first[at] = first[at - 1]!;
    first[at] = all[k]!;
  }
  return first;
}

/** Fewer images than this are an anecdote: among thousands of pairs some come about by chance. */
const FEW = 3;

/** Whether a pair comes about more often than chance would have it, as far as one pair by itself can tell. */
export function isBeyondChance({ images, logOdds }: Pair): boolean {
  return images >= FEW && logOdds.low > 0;
}

/** The rows of the images in which a pair happens, ascending. `predicted` is what `predictionsAt` says, where it is known. */
export function imagesOfPair(
  set: ScoredSet,
  threshold: Threshold,
  { kind, a, b }: Pick<Pair, 'kind' | 'a' | 'b'>,
  predicted = predictionsAt(set, threshold),
): number[] {
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

/** Of `among` images, `ofA` have one, `ofB` the other, `both` both. */
type Table = Readonly<Record<'both' | 'ofA' | 'ofB' | 'among', (a: number, b: number) => number>>;

const tableOf: Readonly<Record<PairKind, (counts: PairCounts, images: number) => Table>> = {
  confused: (counts, images) => ({
    both: counts.missedAndWrong,
    ofA: (a, b) => counts.missed[a]! - counts.missedAndPresent(a, b),
    ofB: (_, b) => counts.wrong[b]!,
    among: (_, b) => images - counts.present[b]!,
  }),
  lured: (counts, images) => ({
    both: counts.presentAndWrong,
    ofA: (a, b) => counts.present[a]! - counts.bothPresent(a, b),
    ofB: (_, b) => counts.wrong[b]!,
    among: (_, b) => images - counts.present[b]!,
  }),
  'missed-together': (counts) => ({
    both: counts.bothMissed,
    ofA: counts.missedAndPresent,
    ofB: (a, b) => counts.missedAndPresent(b, a),
    among: counts.bothPresent,
  }),
  'false-together': (counts, images) => ({
    both: counts.bothWrong,
    ofA: (a, b) => counts.wrong[a]! - counts.presentAndWrong(b, a),
    ofB: (a, b) => counts.wrong[b]! - counts.presentAndWrong(a, b),
    among: (a, b) => images - counts.present[a]! - counts.present[b]! + counts.bothPresent(a, b),
  }),
};

function pairOf(kind: PairKind, a: number, b: number, table: Table): Pair {
  const [both, ofA, ofB, among] = [table.both(a, b), table.ofA(a, b), table.ofB(a, b), table.among(a, b)];
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
