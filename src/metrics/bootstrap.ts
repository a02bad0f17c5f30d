// Intervals of the metrics by the bootstrap over images (Efron & Tibshirani 1993, chapter 13), and of differences over the same images.
import { checkSet, checkThreshold, MetricsError } from './check';
import { fewPositives } from './few-positives';
import { entryOf, type Headline, headlineOf, type Metric, METRICS, mostOf } from './headline';
import { rankedOf } from './ranked';
import { meanOverCategories, replicatedLoss, replicatedPrecision } from './replicated-ranking';
import { replicatesOf } from './replicates';
import { resamplesOf } from './resamples';
import { told } from './steps';
import type { ScoredSet, Threshold } from './types';

export interface BootstrapOptions {
  /** How many resamples; where intervals are optional, 0 for none. */
  readonly replicates: number;
  /** Same seed, same resamples: a whole number from 0 on. */
  readonly seed: number;
}

export const BOOTSTRAP: BootstrapOptions = { replicates: 1000, seed: 0 };

/** Fewer images have no interval: every resample of one image is that image. */
export const FEWEST_IMAGES = 2;

/** Of the share of the resamples that an interval leaves out, half lies on each side. */
export const LEVEL = 0.95;

/** [low, high]; null where the metric is undefined, there are fewer than 2 images, or nearly all resamples say the same, see `isNotKnown`. */
export type Interval = readonly [low: number, high: number] | null;

export interface Intervals extends Headline<Interval> {
  readonly level: number;
  readonly replicates: number;
  readonly seed: number;
  /** How many categories have so few positive images that `tooNarrowNote` counts them. */
  readonly fewPositives: number;
  readonly perCategory: readonly { readonly category: string; readonly f1: Interval; readonly ap: Interval }[];
}

/** Every metric in every resample. NaN where it is undefined there, as mAP is where no category has a positive. */
export interface Replicated {
  readonly images: number;
  readonly categories: readonly string[];
  readonly values: Readonly<Record<Metric, Float64Array>>;
  /** categories × resamples, row-major. */
  readonly f1: Float64Array;
  readonly ap: Float64Array;
}

/** What the order of a sum alone makes of equal values is narrower. */
const NARROWEST = 1e-12;

/** Weights held at once: some resamples of all images at a time. */
const MOST_WEIGHTS = 4 * 2 ** 20;

/**
 * The metrics of the resamples of a set at a threshold. Sets of the same number of images see the same resamples under the same seed.
 * A step at a time, so that whoever calls can do other things between: each takes some milliseconds for 5,000 images, and yields how many
 * resamples are done.
 * @throws MetricsError as `checkSet` and `checkThreshold` do
 */
export function* replicated(set: ScoredSet, threshold: Threshold, options: BootstrapOptions): Generator<number, Replicated> {
  checkSet(set);
  checkThreshold(set, threshold);
  checkOptions(options);
  const { images, categories } = set;
  const { replicates, seed } = options;
  const [width, ranked] = [categories.length, rankedOf(set)];
  const limits = typeof threshold === 'number' ? new Float64Array(width).fill(threshold) : threshold;
  const all = emptyTables(width, replicates);
  const most = Math.max(64, Math.floor(MOST_WEIGHTS / Math.max(1, images)));
  for (let from = 0; from < replicates; from += most) {
    const resamples = resamplesOf(images, seed, from, Math.min(most, replicates - from));
    yield from;
    const counted = replicatesOf(set, ranked, resamples);
    counted.moveTo(limits);
    const { count } = resamples;
    const last = Math.min(from + count, replicates);
    const byCategory = (done: number) => from + ((last - from) * done) / width;
    const precision = yield* told(replicatedPrecision(ranked, resamples), byCategory);
    const mAP = meanOverCategories(precision, width, count);
    const values = { ...counted.values(), mAP, loss: replicatedLoss(set, resamples) };
    for (const metric of METRICS) place(values[metric], count, all.values[metric], replicates, from);
    place(counted.f1(), count, all.f1, replicates, from);
    place(precision, count, all.ap, replicates, from);
    yield last;
  }
  return { images, categories, ...all };
}

function emptyTables(width: number, replicates: number): Pick<Replicated, 'values' | 'f1' | 'ap'> {
  const values = Object.fromEntries(METRICS.map((metric) => [metric, new Float64Array(replicates)]));
  const table = () => new Float64Array(width * replicates);
  return { values: values as Record<Metric, Float64Array>, f1: table(), ap: table() };
}

/** Puts rows of `count` values into rows of `replicates`, from a column on; what does not fit was drawn beyond what is wanted. */
function place(rows: Float64Array, count: number, into: Float64Array, replicates: number, from: number): void {
  const wanted = Math.min(count, replicates - from);
  for (let at = 0, to = from; at < rows.length; at += count, to += replicates) into.set(rows.subarray(at, at + wanted), to);
}

/** @throws MetricsError */
function checkOptions({ replicates, seed }: BootstrapOptions): void {
  if (!Number.isInteger(replicates) || replicates < 1) throw new MetricsError(`${replicates} is not a number of resamples.`);
  if (!Number.isSafeInteger(seed) || seed < 0) throw new MetricsError(`The seed ${seed} is not a whole number from 0 on.`);
}

/** The interval of a metric from its value and those in the resamples of so many images. */
export function intervalOver(images: number, value: number | null, values: Float64Array, most = 1): Interval {
  return images < FEWEST_IMAGES || value === null ? null : movedInterval(value, values, most);
}

/** What has values of its own at the threshold of the resamples: an evaluation. */
export interface OwnValues extends Headline<number | null> {
  readonly perCategory: readonly { readonly f1: number; readonly ap: number | null; readonly tp: number; readonly fn: number }[];
}

/** Intervals of every headline metric, and of each category's F1 and average precision. */
export function intervalsOf(own: OwnValues, resampled: Replicated, options: BootstrapOptions): Intervals {
  const { images, categories, values, f1, ap } = resampled;
  const { replicates, seed } = options;
  const row = (value: number | null, all: Float64Array, c: number) =>
    intervalOver(images, value, all.subarray(c * replicates, (c + 1) * replicates));
  return {
    level: LEVEL,
    replicates,
    seed,
    fewPositives: fewPositives(own.perCategory.map(({ tp, fn }) => tp + fn)),
    ...headlineOf((metric) => intervalOver(images, entryOf(own, metric), values[metric], mostOf(metric))),
    perCategory: categories.map((category, c) => {
      const value = own.perCategory[c]!;
      return { category, f1: row(value.f1, f1, c), ap: row(value.ap, ap, c) };
    }),
  };
}

/** Where an interval of a difference holds 0 nothing is to be said. */
export type Verdict = 'better' | 'worse' | 'not distinguishable';

export interface Difference {
  /** The second's value minus the first's; null where one is undefined. */
  readonly difference: number | null;
  readonly interval: Interval;
  /** Of the second, compared with the first; null where there is no interval. */
  readonly verdict: Verdict | null;
}

/** The difference of two values of a metric from its values in the same resamples. */
export function differenceOf(
  [first, second]: readonly [number | null, number | null],
  [firsts, seconds]: readonly [Float64Array, Float64Array],
  lessIsBetter = false,
): Difference {
  if (first === null || second === null) return { difference: null, interval: null, verdict: null };
  const interval = percentileInterval(seconds.map((value, r) => value - firsts[r]!));
  return { difference: second - first, interval, verdict: interval && verdictOf(interval, lessIsBetter) };
}

function verdictOf([low, high]: NonNullable<Interval>, lessIsBetter: boolean): Verdict {
  if (low <= 0 && high >= 0) return 'not distinguishable';
  return low > 0 === lessIsBetter ? 'worse' : 'better';
}

/**
 * The values between which the middle `LEVEL` of the resamples lie, interpolated linearly between neighbours (NumPy's default quantile);
 * resamples where the metric is undefined are left out; null where it is undefined in all.
 */
export function percentileInterval(values: Float64Array): Interval {
  const [low, , high] = quantilesOf(values) ?? [];
  return low === undefined || high === undefined ? null : [low, high];
}

/**
 * The same, moved by what the median of the resamples lies beside the value itself: what is nonlinear in few images, as the mean average precision is, is
 * off in resamples by about as much again. It holds the value always. Kept within 0 and `most`. One without width, as of resamples that say the same but for
 * those beyond its ends, would look like certainty: null.
 */
export function movedInterval(value: number, values: Float64Array, most: number): Interval {
  const quantiles = quantilesOf(values);
  if (!quantiles) return null;
  const [low, median, high] = quantiles;
  const [from, to] = [Math.max(0, value - (median - low)), Math.min(most, value + (high - median))];
  return to - from > NARROWEST ? [from, to] : null;
}

/** Low end, median and high end of the values that are there. */
function quantilesOf(values: Float64Array): readonly [number, number, number] | null {
  const known = presentIn(values);
  if (known.length === 0) return null;
  // Ascending shares: each looks only beyond what the one before has put in order.
  let begin = 0;
  const at = (share: number) => {
    const place = share * (known.length - 1);
    const rank = Math.floor(place);
    const below = select(known, rank, begin);
    begin = rank;
    if (place === rank) return below;
    let above = Infinity;
    for (let k = rank + 1; k < known.length; k++) if (known[k]! < above) above = known[k]!;
    return below + (above - below) * (place % 1);
  };
  return [at((1 - LEVEL) / 2), at(0.5), at((1 + LEVEL) / 2)];
}

/** A copy without the values that are not there. */
function presentIn(values: Float64Array): Float64Array {
  const present = new Float64Array(values.length);
  let count = 0;
  for (let k = 0; k < values.length; k++) if (!Number.isNaN(values[k]!)) present[count++] = values[k]!;
  return present.subarray(0, count);
}

/** The value of a rank (Hoare's selection), which takes a slider less time than to sort all. No smaller one may stand from `begin` on; puts them before it. */
function select(values: Float64Array, rank: number, begin: number): number {
  let [low, high] = [begin, values.length - 1];
  while (low < high) {
    const pivot = values[(low + high) >>> 1]!;
    let [i, j] = [low, high];
    while (i <= j) {
      while (values[i]! < pivot) i++;
      while (values[j]! > pivot) j--;
      if (i > j) break;
      const left = values[i]!;
      values[i++] = values[j]!;
      values[j--] = left;
    }
    if (rank <= j) high = j;
    else if (rank >= i) low = i;
    else break;
  }
  return values[rank]!;
}
