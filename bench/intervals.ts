// `npm run bench -- intervals [TRIALS]`: how often bootstrap intervals of four kinds hold the true value, in simulated data sets whose truth is known.
import { table } from '../src/cli/io';
import { movedInterval, percentileInterval, replicated } from '../src/metrics/bootstrap';
import { finished } from '../src/metrics/steps';
import { evaluate } from '../src/metrics/evaluate';
import { entryOf, type Metric } from '../src/metrics/headline';
import { randomStream } from '../src/metrics/random';
import { rankedOf } from '../src/metrics/ranked';
import { meanOverCategories, replicatedPrecision } from '../src/metrics/replicated-ranking';
import { replicatesOf } from '../src/metrics/replicates';
import type { ScoredSet } from '../src/metrics/types';

type Range = readonly [low: number, high: number];

/** Shares of the images that have each category. */
const SETS: readonly (readonly [string, readonly number[]])[] = [
  ['5 categories, 10 to 40 %', [0.4, 0.25, 0.15, 0.1, 0.3]],
  ['10 categories, most 2 to 5 %', [0.3, 0.1, 0.05, 0.05, 0.04, 0.03, 0.03, 0.03, 0.02, 0.02]],
  ['80 categories, most 1 %', Array.from({ length: 80 }, (_, c) => Math.max(0.01, 0.5 / (c + 1)))],
];
const IMAGES = [60, 200, 500];
const METRICS: readonly Metric[] = ['mAP', 'macro.precision', 'macro.recall', 'macro.f1', 'CF1', 'micro.f1', 'jaccard'];
const KINDS = ['percentiles', 'moved', 'bias-corrected', 'BCa'] as const;
const TRIALS = 200;
const REPLICATES = 500;

/** Lines: of each kind, in how many of a hundred data sets the interval holds the true value / leaves out the value of the data set itself. */
export function benchIntervals([trials]: readonly string[], note: (text: string) => void): string[] {
  const rows: string[][] = [];
  for (const [name, rates] of SETS) {
    const truth = evaluate(sample(50_000, 0, rates), { threshold: 0.5 });
    for (const images of IMAGES) {
      note(`${name}, ${images} images`);
      const tally = tallyOf(images, rates, Number(trials ?? TRIALS), (metric) => entryOf<number | null>(truth, metric)!);
      rows.push(...METRICS.map((metric) => [name, String(images), metric, ...KINDS.map((kind) => tally(metric, kind))]));
    }
  }
  return table([['', 'images', 'metric', ...KINDS], ...rows]);
}

function tallyOf(images: number, rates: readonly number[], trials: number, truth: (metric: Metric) => number) {
  const counts = new Map<string, { held: number; left: number; trials: number }>();
  for (let trial = 1; trial <= trials; trial++) {
    const set = sample(images, trial, rates);
    const own = evaluate(set, { threshold: 0.5 });
    const { values } = finished(replicated(set, 0.5, { replicates: REPLICATES, seed: trial }));
    const without = leftOut(set);
    for (const metric of METRICS) {
      const value = entryOf<number | null>(own, metric);
      if (value === null) continue;
      const ranges = rangesOf(value, values[metric], without[metric]!);
      KINDS.forEach((kind, k) => {
        const [low, high] = ranges[k]!;
        const count = counts.get(`${metric} ${kind}`) ?? { held: 0, left: 0, trials: 0 };
        count.held += Number(low <= truth(metric) && truth(metric) <= high);
        count.left += Number(value < low - 1e-9 || value > high + 1e-9);
        count.trials++;
        counts.set(`${metric} ${kind}`, count);
      });
    }
  }
  return (metric: Metric, kind: (typeof KINDS)[number]) => {
    const { held, left, trials: all } = counts.get(`${metric} ${kind}`)!;
    return `${((100 * held) / all).toFixed(0)} / ${((100 * left) / all).toFixed(0)}`;
  };
}

/** In the order of KINDS. */
function rangesOf(value: number, values: Float64Array, without: Float64Array): readonly Range[] {
  const sorted = values.filter((one) => !Number.isNaN(one)).sort();
  const bias = normalQuantile(shareBelow(sorted, value));
  const corrected = (acceleration: number): Range => {
    const at = (z: number) => quantile(sorted, normalShare(bias + (bias + z) / (1 - acceleration * (bias + z))));
    return [at(-1.96), at(1.96)];
  };
  return [percentileInterval(values)!, movedInterval(value, values, 1)!, corrected(0), corrected(accelerationOf(without))];
}

/** Resamples below the value, equal ones by half; never none or all. */
function shareBelow(sorted: Float64Array, value: number): number {
  const below = sorted.reduce((sum, one) => sum + (Math.abs(one - value) < 1e-12 ? 0.5 : Number(one < value)), 0);
  return Math.min(1 - 0.5 / sorted.length, Math.max(0.5 / sorted.length, below / sorted.length));
}

/** Efron 1987, by the values without each image in turn. */
function accelerationOf(without: Float64Array): number {
  const known = without.filter((one) => !Number.isNaN(one));
  const mean = known.reduce((sum, one) => sum + one, 0) / known.length;
  const [squares, cubes] = [2, 3].map((power) => known.reduce((sum, one) => sum + (mean - one) ** power, 0)) as [number, number];
  return squares > 0 ? cubes / (6 * squares ** 1.5) : 0;
}

/** Every metric without each image in turn: resamples in which all others are drawn once. */
function leftOut(set: ScoredSet): Partial<Record<Metric, Float64Array>> {
  const { images, categories } = set;
  const count = 4 * Math.ceil(images / 4);
  const weights = new Uint8Array(images * count).fill(1);
  for (let i = 0; i < images; i++) weights[i * count + i] = 0;
  const [ranked, resamples] = [rankedOf(set), { images, count, weights }];
  const counted = replicatesOf(set, ranked, resamples);
  counted.moveTo(0.5);
  const mAP = meanOverCategories(finished(replicatedPrecision(ranked, resamples)), categories.length, count);
  const all = Object.entries({ ...counted.values(), mAP }).map(([metric, values]) => [metric, values.subarray(0, images)]);
  return Object.fromEntries(all) as Partial<Record<Metric, Float64Array>>;
}

/** Images whose scores have something in common, as the categories of one picture have. */
function sample(images: number, seed: number, rates: readonly number[]): ScoredSet {
  const random = randomStream('intervals', seed);
  const labels = new Uint8Array(images * rates.length);
  const scores = new Float64Array(labels.length);
  for (let i = 0, at = 0; i < images; i++) {
    const common = 0.6 * random.normal();
    for (const rate of rates) {
      labels[at] = Number(random.next() < rate);
      scores[at] = 1 / (1 + Math.exp(-(1.2 * (2 * labels[at]! - 1) + common + 1.2 * random.normal())));
      at++;
    }
  }
  return { images, categories: rates.map((_, c) => `category ${c}`), labels, scores };
}

function quantile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)]!;
  return below + (sorted[Math.ceil(place)]! - below) * (place % 1);
}

/** The share of a normal distribution below z (Abramowitz and Stegun 1964, 7.1.26: to seven digits). */
function normalShare(z: number): number {
  const t = 1 / (1 + (0.3275911 * Math.abs(z)) / Math.SQRT2);
  const terms = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592];
  const tail = 0.5 * terms.reduce((sum, term) => (sum + term) * t, 0) * Math.exp((-z * z) / 2);
  return z < 0 ? tail : 1 - tail;
}

function normalQuantile(share: number): number {
  let [low, high] = [-8, 8];
  while (high - low > 1e-9) {
    const middle = (low + high) / 2;
    if (normalShare(middle) < share) low = middle;
    else high = middle;
  }
  return low;
}
