// The metrics that move with a threshold, of many resamples at once. What a threshold moves is kept as counts and brought up to date by the entries that it passes, so
// that the intervals follow a slider; a resample is a column of weights, and no resampled set is ever made.
import type { Metric } from './headline';
import { harmonicMean, ratio } from './quality';
import { type Limits, type Ranked, walkOf } from './ranked';
import type { Resamples } from './resamples';
import type { ScoredSet } from './types';

/** The metrics that move with a threshold. */
export type MovingMetric = Exclude<Metric, 'loss' | 'mAP'>;

/** By metric: its value in each resample. */
type MovingValues = Readonly<Record<MovingMetric, Float64Array>>;

export interface Replicates {
  /**
   * Brings the counts to a threshold. Stops between categories once `goOn` says no, to be called again.
   * @returns whether it is there
   */
  moveTo(threshold: Limits, goOn?: () => boolean): boolean;
  /** Every moving metric of each resample, where `moveTo` has brought the counts. */
  values(): MovingValues;
  /** categories × resamples, row-major: each category's F1. */
  f1(): Float64Array;
  /** The row of category `c` of that. */
  f1Of(c: number): Float64Array;
}

/** Counts begin where nothing is predicted. */
export function replicatesOf(set: ScoredSet, ranked: Ranked, { weights, count }: Resamples): Replicates {
  const { images, width } = ranked;
  const agreement = agreementOf(set, weights, count);
  const [tp, predicted, positives] = [0, 1, 2].map(() => new Int32Array(width * count)) as [Int32Array, Int32Array, Int32Array];
  for (let at = 0; at < set.labels.length; at++) {
    if (set.labels[at] === 1) add(positives, (at % width) * count, weights, Math.floor(at / width) * count, count);
  }
  const walk = walkOf(ranked, (c, i, label, change) => {
    const move = change === 1 ? add : subtract;
    move(predicted, c * count, weights, i * count, count);
    if (label === 1) move(tp, c * count, weights, i * count, count);
    agreement.change(i, change, label);
  });
  const hadAll = columnSums(positives, count);
  const counts = { tp, predicted, positives, hadAll, images, width, count };
  return {
    moveTo: (threshold, goOn) => {
      const isThere = walk.moveTo(threshold, goOn);
      if (isThere) agreement.settle();
      return isThere;
    },
    values: () => ({ ...countedValues(counts), ...agreement.values() }),
    f1: () => f1Between(counts, 0, tp.length),
    f1Of: (c) => f1Between(counts, c * count, (c + 1) * count),
  };
}

interface ReplicateCounts {
  /** categories × resamples each: sums of weights over images that have the category and are predicted; that are predicted; that have it. */
  readonly tp: Int32Array;
  readonly predicted: Int32Array;
  readonly positives: Int32Array;
  /** The last summed over the categories, which no threshold moves. */
  readonly hadAll: Int32Array;
  readonly images: number;
  readonly width: number;
  readonly count: number;
}

function f1Between({ tp, predicted, positives }: ReplicateCounts, from: number, to: number): Float64Array {
  return Float64Array.from(tp.subarray(from, to), (hits, k) => ratio(2 * hits, predicted[from + k]! + positives[from + k]!));
}

/** One walk over the counts: there are as many as categories × resamples, and a slider asks often. */
function countedValues({ tp, predicted, positives, hadAll, images, width, count }: ReplicateCounts) {
  const [precision, recall, f1, CF1] = floats(4, count) as [Float64Array, Float64Array, Float64Array, Float64Array];
  const [hitAll, saidAll] = [new Int32Array(count), new Int32Array(count)];
  // Written out: taking the three from a list costs as much as the rest.
  for (let c = 0, at = 0; c < width; c++) {
    for (let r = 0; r < count; r++, at++) {
      const hits = tp[at]!;
      const said = predicted[at]!;
      const had = positives[at]!;
      hitAll[r] = hitAll[r]! + hits;
      saidAll[r] = saidAll[r]! + said;
      precision[r] = precision[r]! + ratio(hits, said);
      recall[r] = recall[r]! + ratio(hits, had);
      f1[r] = f1[r]! + ratio(2 * hits, said + had);
    }
  }
  for (let r = 0; r < count; r++) {
    for (const sum of [precision, recall, f1]) sum[r] = sum[r]! / width;
    CF1[r] = harmonicMean(precision[r]!, recall[r]!);
  }
  const macro = { 'macro.precision': precision, 'macro.recall': recall, 'macro.f1': f1, CF1 };
  return { ...microValues(hitAll, saidAll, hadAll, images * width), ...macro };
}

function microValues(hits: Int32Array, said: Int32Array, had: Int32Array, entries: number) {
  const { length } = hits;
  const [precision, recall, f1, hammingLoss] = floats(4, length) as [Float64Array, Float64Array, Float64Array, Float64Array];
  for (let r = 0; r < length; r++) {
    const tp = hits[r]!;
    const either = said[r]! + had[r]!;
    precision[r] = ratio(tp, said[r]!);
    recall[r] = ratio(tp, had[r]!);
    f1[r] = ratio(2 * tp, either);
    hammingLoss[r] = (either - 2 * tp) / entries;
  }
  return { 'micro.precision': precision, 'micro.recall': recall, 'micro.f1': f1, hammingLoss };
}

/** The sums over the categories of categories × resamples. */
function columnSums(counts: Int32Array, count: number): Int32Array {
  const sums = new Int32Array(count);
  for (let at = 0; at < counts.length; at += count) {
    for (let r = 0; r < count; r++) sums[r] = sums[r]! + counts[at + r]!;
  }
  return sums;
}

/** Jaccard index and exact match: sums over images of what each image's own counts say, times its weights. */
function agreementOf({ images, categories, labels }: ScoredSet, weights: Uint8Array, count: number) {
  const width = categories.length;
  const [both, predicted, labelled] = [0, 1, 2].map(() => new Int32Array(images)) as [Int32Array, Int32Array, Int32Array];
  for (let at = 0; at < labels.length; at++) labelled[Math.floor(at / width)]! += labels[at]!;
  // What of each image is in the sums, and which images have changed since.
  const [jaccardOf, exactOf] = [new Float64Array(images), new Uint8Array(images)];
  const [jaccard, exact] = floats(2, count) as [Float64Array, Float64Array];
  const changed = new Uint8Array(images).fill(1);
  const settle = () => {
    for (let i = 0; i < images; i++) {
      if (changed[i] === 0) continue;
      changed[i] = 0;
      const either = predicted[i]! + labelled[i]! - both[i]!;
      const [share, whole] = [either === 0 ? 1 : both[i]! / either, Number(either === both[i])];
      addScaled(jaccard, share - jaccardOf[i]!, weights, i * count, count);
      addScaled(exact, whole - exactOf[i]!, weights, i * count, count);
      jaccardOf[i] = share;
      exactOf[i] = whole;
    }
  };
  settle();
  return {
    change: (i: number, change: 1 | -1, label: number) => {
      predicted[i]! += change;
      both[i]! += change * label;
      changed[i] = 1;
    },
    settle,
    values: () => ({ jaccard: jaccard.map((sum) => sum / images), exactMatch: exact.map((sum) => sum / images) }),
  };
}

function floats(many: number, length: number): Float64Array[] {
  return Array.from({ length: many }, () => new Float64Array(length));
}

// The inner loops, each for arrays of one kind, which the compiler makes fastest.

function add(to: Int32Array, at: number, weights: Uint8Array, from: number, count: number): void {
  for (let r = 0; r < count; r++) to[at + r] = to[at + r]! + weights[from + r]!;
}

function subtract(to: Int32Array, at: number, weights: Uint8Array, from: number, count: number): void {
  for (let r = 0; r < count; r++) to[at + r] = to[at + r]! - weights[from + r]!;
}

function addScaled(to: Float64Array, factor: number, weights: Uint8Array, from: number, count: number): void {
  if (factor === 0) return;
  for (let r = 0; r < count; r++) to[r] = to[r]! + factor * weights[from + r]!;
}
