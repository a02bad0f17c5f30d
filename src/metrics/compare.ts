// Runs judged on the same images: every metric of each with its interval, and its difference to the first run's by the paired bootstrap.
import {
  type BootstrapOptions,
  type Difference,
  differenceOf,
  FEWEST_IMAGES,
  type Interval,
  movedInterval,
  type Replicated,
  replicated,
} from './bootstrap';
import { told } from './steps';
import { MetricsError } from './check';
import { sweep } from './decision';
import { evaluate } from './evaluate';
import { FEWEST_TOLD } from './few-positives';
import { entryOf, type Headline, headlineOf, type Metric, mostOf } from './headline';
import type { Evaluation, ScoredSet, SweepPoint, Threshold } from './types';

/** A run's scores of the images that are compared on, and the threshold that it is judged at. */
export interface Judged {
  readonly set: ScoredSet;
  readonly threshold: Threshold;
}

/** A metric of a run. */
export interface Compared {
  readonly value: number | null;
  /** Null where the metric is undefined, there are fewer than 2 images, all resamples say the same, or nobody asked for them. */
  readonly interval: Interval;
  /** Null of the first run, which the others are compared with. */
  readonly versusFirst: Difference | null;
}

export interface ComparedScores extends Headline<Compared> {
  readonly perCategory: readonly { readonly category: string; readonly f1: Compared; readonly ap: Compared }[];
  /** At the thresholds 0, 0.02 … 1, each one for all categories. */
  readonly sweep: readonly SweepPoint[];
}

/** The metrics of which less is better. */
const LESS_IS_BETTER: ReadonlySet<Metric> = new Set(['loss', 'hammingLoss']);

/** Fine enough for a curve. */
const SWEPT: readonly number[] = Array.from({ length: 51 }, (_, k) => k / 50);

/**
 * Every metric of each run, in their order. All see the same resamples of the images; with 0 `replicates` there are no intervals. A step
 * at a time, as `replicated` has them, of all runs.
 * @throws MetricsError where the sets have not the same images, categories and labels, and as `replicated` does
 */
export function* compared(runs: readonly Judged[], options: BootstrapOptions): Generator<number, readonly ComparedScores[]> {
  checkSame(runs);
  const resampled = (runs[0]?.set.images ?? 0) >= FEWEST_IMAGES && options.replicates > 0;
  const all: Known[] = [];
  for (const [k, { set, threshold }] of runs.entries()) {
    const before = k * options.replicates;
    const found = evaluate(set, { threshold });
    yield before;
    const samples = resampled ? yield* told(replicated(set, threshold, options), (own) => before + own) : undefined;
    all.push({ found, samples });
  }
  return all.map((known, k) => ({
    ...scoresOf(known, k === 0 ? undefined : all[0]!),
    sweep: sweep(runs[k]!.set, SWEPT),
  }));
}

interface Known {
  readonly found: Evaluation;
  readonly samples: Replicated | undefined;
}

type Sampled = (samples: Replicated) => Float64Array;

function scoresOf(own: Known, first: Known | undefined): Omit<ComparedScores, 'sweep'> {
  const compare = (value: (found: Evaluation) => number | null, sampled: Sampled, metric?: Metric, positives = Infinity) =>
    comparedOf([first, own], value, sampled, {
      lessIsBetter: metric !== undefined && LESS_IS_BETTER.has(metric),
      most: metric === undefined ? 1 : mostOf(metric),
      positives,
    });
  const ofCategory = (metric: 'f1' | 'ap', c: number) =>
    compare(
      ({ perCategory }) => perCategory[c]![metric],
      (samples) => rowOf(samples, metric, c),
      undefined,
      positivesOf(own.found, c),
    );
  return {
    ...headlineOf((metric) =>
      compare(
        (found) => entryOf<number | null>(found, metric),
        ({ values }) => values[metric],
        metric,
      ),
    ),
    perCategory: own.found.categories.map((category, c) => ({ category, f1: ofCategory('f1', c), ap: ofCategory('ap', c) })),
  };
}

function positivesOf({ perCategory }: Evaluation, c: number): number {
  const { tp, fn } = perCategory[c]!;
  return tp + fn;
}

function asFarAsKnown(found: Difference, positives: number): Difference {
  if (positives >= FEWEST_TOLD) return found;
  return { ...found, interval: positives < FEWEST_IMAGES ? null : found.interval, verdict: null };
}

interface ComparedAs {
  readonly lessIsBetter: boolean;
  /** The metric's greatest value. */
  readonly most: number;
  /** The images that show the category; Infinity of a metric of all categories. */
  readonly positives: number;
}

function comparedOf(
  [first, own]: readonly [Known | undefined, Known],
  valueOf: (found: Evaluation) => number | null,
  sampled: Sampled,
  { lessIsBetter, most, positives }: ComparedAs,
): Compared {
  const value = valueOf(own.found);
  const interval = own.samples && value !== null ? movedInterval(value, sampled(own.samples), most) : null;
  if (!first) return { value, interval, versusFirst: null };
  const before = valueOf(first.found);
  if (first.samples && own.samples) {
    const samples = [sampled(first.samples), sampled(own.samples)] as const;
    return { value, interval, versusFirst: asFarAsKnown(differenceOf([before, value], samples, lessIsBetter), positives) };
  }
  const difference = before === null || value === null ? null : value - before;
  return { value, interval, versusFirst: { difference, interval: null, verdict: null } };
}

function rowOf(samples: Replicated, metric: 'f1' | 'ap', c: number): Float64Array {
  const replicates = samples.values.loss.length;
  return samples[metric].subarray(c * replicates, (c + 1) * replicates);
}

/** @throws MetricsError */
function checkSame([first, ...others]: readonly Judged[]): void {
  for (const { set } of others) {
    const isSame =
      set.images === first!.set.images &&
      set.categories.join('\n') === first!.set.categories.join('\n') &&
      set.labels.every((label, at) => label === first!.set.labels[at]);
    if (!isSame) throw new MetricsError('Runs are compared on the same images, categories and labels.');
  }
}
