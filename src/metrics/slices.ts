// How a model does on slices of its images: each group's numbers beside those of all images, the worst first.
import { takeImages } from './divide';
import type { Group, GroupKey } from './groups';
import { predictionsAt } from './predicted';
import { mean } from './quality';
import { averagePrecision, rankingCurve } from './ranking';
import {
  type Difference,
  type Interval,
  ratioDifference,
  ratioInterval,
  ratioOf,
  type RatioSums,
  sumsOf,
  withoutPart,
} from './ratio';
import type { ScoredSet, Threshold } from './types';

/** What slices are compared by: F1, and recall where slices are made of true labels, to which no false alarm belongs. */
export type SliceMeasure = 'f1' | 'recall';

/** Numbers of a number of images. Precision, recall and F1 are null where they are 0 / 0 or not defined. */
interface SliceNumbers {
  readonly images: number;
  /** True labels. */
  readonly positives: number;
  readonly tp: number;
  /** Null for slices by object area. */
  readonly fp: number | null;
  readonly fn: number;
  readonly precision: number | null;
  readonly recall: number | null;
  readonly f1: number | null;
  /** The 95 % interval of the measure. */
  readonly interval: Interval | null;
}

export interface Slice extends SliceNumbers {
  readonly key: GroupKey;
  /** The measure here minus that of all images. */
  readonly gap: number | null;
  /**
   * The measure here minus that of all other images, of slices by object area that of all other labels: when the interval leaves out 0, chance alone
   * hardly explains it.
   */
  readonly versusRest: Difference | null;
  /** Fewer than 30 images count: the numbers hardly say more than that. */
  readonly few: boolean;
}

/** Whether chance alone hardly explains how far it is from the rest; of few images nothing is said. */
export function isUnlikeTheRest({ few, versusRest }: Pick<Slice, 'few' | 'versusRest'>): boolean {
  return !few && versusRest !== null && (versusRest.high < 0 || versusRest.low > 0);
}

export interface Sliced {
  readonly measure: SliceMeasure;
  readonly whole: SliceNumbers;
  /** The farthest below the whole first; those of few images after all others. */
  readonly slices: readonly Slice[];
}

interface SliceOptions {
  /** The index of a category: only its entries count. */
  readonly category?: number | undefined;
  /** What `predictionsAt` says of set and threshold, where it is known. */
  readonly predicted?: Uint8Array;
  /** The same by image, where it is known: counting it takes a slider longer than all the rest. */
  readonly agreement?: ImageAgreement;
}

/** By image: how many categories are predicted and true, predicted, and true. */
export interface ImageAgreement {
  readonly both: Uint32Array;
  readonly predicted: Uint32Array;
  readonly labelled: Uint32Array;
}

const FEW = 30;

/**
 * Micro-averaged counts, precision, recall and F1 of each group, of groups by object area recall alone.
 * The set and the threshold must be checked.
 */
export function sliceAt(set: ScoredSet, threshold: Threshold, groups: readonly Group[], options: SliceOptions = {}): Sliced {
  const measure: SliceMeasure = groups.some(({ entries }) => entries) ? 'recall' : 'f1';
  const { predicted = predictionsAt(set, threshold), agreement, category } = options;
  const counts = agreement && category === undefined ? countsFrom(agreement) : countsOf(set, predicted, category);
  const whole = partOf(counts, Array.from(counts.tp.keys()), measure);
  const slices = groups.map(({ key, rows, entries }) => {
    if (entries) return comparedLabels(key, rows, countsOfEntries(set, predicted, entries), { counts, whole });
    const part = partOf(counts, rows, measure);
    return compared(key, part, whole, ratioDifference(part.sums, withoutPart(whole.sums, part.sums)));
  });
  slices.sort((a, b) => Number(a.few) - Number(b.few) || (a.gap ?? Infinity) - (b.gap ?? Infinity) || 0);
  return { measure, whole: whole.numbers, slices };
}

/**
 * The mean of the categories' average precisions on each group's images (of one category, its own); null where none has a positive, and
 * for slices by object area. It depends on no threshold.
 */
export function meanPrecisions(set: ScoredSet, groups: readonly Group[], { category }: SliceOptions = {}): (number | null)[] {
  const chosen = category === undefined ? Array.from(set.categories.keys()) : [category];
  return groups.map(({ rows, entries }) => {
    if (entries) return null;
    const part = takeImages(set, rows);
    return mean(chosen.flatMap((c) => averagePrecision(rankingCurve(part, c)) ?? []));
  });
}

/** By image: how many categories were rightly predicted, falsely predicted and missed. */
interface ImageCounts {
  readonly tp: Uint32Array;
  readonly fp: Uint32Array;
  readonly fn: Uint32Array;
}

const noCounts = (images: number): ImageCounts => ({
  tp: new Uint32Array(images),
  fp: new Uint32Array(images),
  fn: new Uint32Array(images),
});

function countsOf({ images, categories, labels }: ScoredSet, predicted: Uint8Array, category: number | undefined): ImageCounts {
  const counts = noCounts(images);
  const width = categories.length;
  const [from, to] = category === undefined ? [0, width] : [category, category + 1];
  for (let row = 0; row < images; row++) {
    let [both, labelled, said] = [0, 0, 0];
    for (let at = row * width + from; at < row * width + to; at++) {
      labelled += labels[at]!;
      said += predicted[at]!;
      both += labels[at]! & predicted[at]!;
    }
    counts.tp[row] = both;
    counts.fp[row] = said - both;
    counts.fn[row] = labelled - both;
  }
  return counts;
}

function countsFrom({ both, predicted, labelled }: ImageAgreement): ImageCounts {
  return { tp: both, fp: predicted.map((said, row) => said - both[row]!), fn: labelled.map((had, row) => had - both[row]!) };
}

/** Of true labels alone. */
function countsOfEntries({ images, categories }: ScoredSet, predicted: Uint8Array, entries: readonly number[]): ImageCounts {
  const counts = noCounts(images);
  for (const entry of entries) counts[predicted[entry] === 1 ? 'tp' : 'fn'][Math.floor(entry / categories.length)]!++;
  return counts;
}

interface Part {
  readonly sums: RatioSums;
  readonly numbers: SliceNumbers;
}

function partOf({ tp, fp, fn }: ImageCounts, rows: readonly number[], measure: SliceMeasure): Part {
  const total = { tp: 0, fp: 0, fn: 0 };
  for (const row of rows) {
    total.tp += tp[row]!;
    total.fp += fp[row]!;
    total.fn += fn[row]!;
  }
  const isF1 = measure === 'f1';
  const sums = isF1
    ? sumsOf(
        rows,
        (row) => 2 * tp[row]!,
        (row) => 2 * tp[row]! + fp[row]! + fn[row]!,
      )
    : sumsOf(
        rows,
        (row) => tp[row]!,
        (row) => tp[row]! + fn[row]!,
      );
  const ratio = (a: number, b: number) => (b === 0 ? null : a / b);
  return {
    sums,
    numbers: {
      images: rows.length,
      positives: total.tp + total.fn,
      ...total,
      fp: isF1 ? total.fp : null,
      precision: isF1 ? ratio(total.tp, total.tp + total.fp) : null,
      recall: ratio(total.tp, total.tp + total.fn),
      f1: isF1 ? ratio(2 * total.tp, 2 * total.tp + total.fp + total.fn) : null,
      interval: ratioInterval(sums),
    },
  };
}

/** Some labels beside all others: an image may have both, so its part of the one moves with its part of the other. */
function comparedLabels(
  key: GroupKey,
  rows: readonly number[],
  own: ImageCounts,
  { counts, whole }: { readonly counts: ImageCounts; readonly whole: Part },
): Slice {
  const part = partOf(own, rows, 'recall');
  const held = (row: number) => counts.tp[row]! - own.tp[row]!;
  const could = (row: number) => held(row) + counts.fn[row]! - own.fn[row]!;
  const shared = { xx: 0, xy: 0, yx: 0, yy: 0 };
  for (const row of rows) {
    const [x, y, otherX, otherY] = [own.tp[row]!, own.tp[row]! + own.fn[row]!, held(row), could(row)];
    shared.xx += x * otherX;
    shared.xy += x * otherY;
    shared.yx += y * otherX;
    shared.yy += y * otherY;
  }
  return compared(key, part, whole, ratioDifference(part.sums, sumsOf(counts.tp.keys(), held, could), shared));
}

function compared(key: GroupKey, { sums, numbers }: Part, whole: Part, versusRest: Difference | null): Slice {
  const [own, all] = [ratioOf(sums), ratioOf(whole.sums)];
  return {
    key,
    ...numbers,
    gap: own === null || all === null ? null : own - all,
    versusRest,
    few: sums.images < FEW,
  };
}
