// The bootstrap: what it computes of a resample is what `evaluate` says of the resampled images, and its intervals cover what they should.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BOOTSTRAP,
  differenceOf,
  type Interval,
  intervalsOf,
  LEVEL,
  movedInterval,
  percentileInterval,
  replicated,
} from '../../src/metrics/bootstrap';
import { finished } from '../../src/metrics/steps';
import { MetricsError } from '../../src/metrics/check';
import { evaluate } from '../../src/metrics/evaluate';
import { tooNarrowNote } from '../../src/metrics/few-positives';
import { entryOf, type Headline, METRICS } from '../../src/metrics/headline';
import { isNotKnown } from '../../src/metrics/not-known';
import { randomStream } from '../../src/metrics/random';
import { rankedOf } from '../../src/metrics/ranked';
import { resamplesOf } from '../../src/metrics/resamples';
import { replicatesOf } from '../../src/metrics/replicates';
import type { ScoredSet } from '../../src/metrics/types';
import { anyScoredSet } from './any-set';
import { bootstrap } from '../support/bootstrap';

/** The images of a resample, each as often as it was drawn. */
function resampled({ images, categories, labels, scores }: ScoredSet, timesOf: (i: number) => number): ScoredSet {
  const width = categories.length;
  const rows = Array.from({ length: images }, (_, i) => Array.from({ length: timesOf(i) }, () => i)).flat();
  const take = (values: ArrayLike<number>) =>
    rows.flatMap((i) => Array.from({ length: width }, (_, c) => values[i * width + c]!));
  return { images: rows.length, categories, labels: Uint8Array.from(take(labels)), scores: Float64Array.from(take(scores)) };
}

function expectClose(actual: number, expected: number | null, what: string): void {
  if (expected === null) expect(actual, what).toBeNaN();
  else expect(Math.abs(actual - expected), `${what}: ${actual} for ${expected}`).toBeLessThan(1e-12);
}

describe('a resample', () => {
  it('draws as many images as there are, the same by the same seed and number, others by another', () => {
    const { weights, count } = resamplesOf(50, 7, 0, 8);
    const column = (of: Uint8Array, wide: number, r: number) => Array.from({ length: 50 }, (_, i) => of[i * wide + r]!);
    for (let r = 0; r < count; r++) expect(column(weights, count, r).reduce((a, b) => a + b)).toBe(50);
    expect(column(resamplesOf(50, 7, 5, 4).weights, 4, 0)).toEqual(column(weights, count, 5));
    expect(column(weights, count, 0)).not.toEqual(column(weights, count, 1));
    expect(column(resamplesOf(50, 8, 0, 4).weights, 4, 0)).not.toEqual(column(weights, count, 0));
  });

  it('has every metric of `evaluate` on the images that it drew', () => {
    const cases = fc.record({ set: anyScoredSet(), threshold: fc.double({ min: 0, max: 1, noNaN: true }), seed: fc.nat() });
    fc.assert(
      fc.property(cases, ({ set, threshold, seed }) => {
        const replicates = 5;
        const { values, f1, ap } = finished(replicated(set, threshold, { replicates, seed }));
        const { weights, count } = resamplesOf(set.images, seed, 0, replicates);
        for (let r = 0; r < replicates; r++) {
          const expected = evaluate(
            resampled(set, (i) => weights[i * count + r]!),
            { threshold },
          );
          for (const metric of METRICS) expectClose(values[metric][r]!, entryOf<number | null>(expected, metric), metric);
          expected.perCategory.forEach((category, c) => {
            expectClose(f1[c * replicates + r]!, category.f1, `F1 of ${category.category}`);
            expectClose(ap[c * replicates + r]!, category.ap, `AP of ${category.category}`);
          });
        }
      }),
    );
  });

  it('is counted the same whichever way the thresholds came there', () => {
    const limits = fc.array(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 }), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(anyScoredSet(), limits, (set, places) => {
        const ranked = rankedOf(set);
        const resamples = resamplesOf(set.images, 1, 0, 8);
        const [moved, fresh] = [replicatesOf(set, ranked, resamples), replicatesOf(set, ranked, resamples)];
        for (const place of places) {
          // Interrupted after every category, it comes to the same.
          let left = 1;
          while (!moved.moveTo(place, () => left-- > 0)) left = 1;
        }
        fresh.moveTo(places.at(-1)!);
        for (const [metric, values] of Object.entries(fresh.values()))
          moved.values()[metric as 'jaccard'].forEach((value, r) => expectClose(value, values[r]!, metric));
      }),
    );
  });
});

describe('intervals', () => {
  const set = sample(80, 5);

  it('are the same by the same seed, and others by another', () => {
    const options = { replicates: 200, seed: 3 };
    expect(bootstrap(set, 0.5, options)).toEqual(bootstrap(set, 0.5, options));
    expect(bootstrap(set, 0.5, { ...options, seed: 4 }).mAP).not.toEqual(bootstrap(set, 0.5, options).mAP);
  });

  it('do not depend on how many resamples are held at once', () => {
    const wide = sample(20_000, 6);
    const all = finished(replicated(wide, 0.5, { replicates: 300, seed: 0 }));
    const few = finished(replicated(wide, 0.5, { replicates: 4, seed: 0 }));
    for (const metric of METRICS) expect(all.values[metric].slice(0, 4)).toEqual(few.values[metric]);
  });

  it('have the nesting of the evaluation, and lie about its values', () => {
    const evaluation = evaluate(set);
    const intervals = bootstrap(set, 0.5);
    expect(intervals).toMatchObject({ level: 0.95, replicates: 1000, seed: 0 });
    for (const metric of METRICS) {
      const [low, high] = entryOf(intervals as Headline<readonly [number, number]>, metric);
      const value = entryOf<number | null>(evaluation, metric)!;
      expect(low, metric).toBeLessThan(value);
      expect(high, metric).toBeGreaterThan(value);
    }
    expect([intervals.CP, intervals.OF1]).toEqual([intervals.macro.precision, intervals.micro.f1]);
    expect(intervals.perCategory.map(({ category }) => category)).toEqual(set.categories);
  });

  it('are those between which the middle 95 % lie, interpolated as NumPy does', () => {
    // numpy.quantile(numpy.arange(1, 12), [0.025, 0.975])
    const [low, high] = percentileInterval(Float64Array.from([4, 2, 3, 1, 5, 11, 10, 9, 8, 7, 6]))!;
    expect(low).toBeCloseTo(1.25, 12);
    expect(high).toBeCloseTo(10.75, 12);
    expect(percentileInterval(Float64Array.from([NaN, 2, NaN]))).toEqual([2, 2]);
  });

  it('are what sorting would find, to the last digit', () => {
    const value = fc.oneof(fc.double({ min: 0, max: 1 }), fc.integer({ min: 0, max: 3 }));
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 200 }), (values) => {
        const known = Float64Array.from(values)
          .filter((one) => !Number.isNaN(one))
          .sort();
        const at = (share: number) => {
          const place = share * (known.length - 1);
          const [low, high] = [known[Math.floor(place)]!, known[Math.ceil(place)]!];
          return low + (high - low) * (place % 1);
        };
        const expected = known.length === 0 ? null : [at((1 - LEVEL) / 2), at((1 + LEVEL) / 2)];
        expect(percentileInterval(Float64Array.from(values))).toEqual(expected);
      }),
    );
  });

  it('hold every value itself, within what it can be', () => {
    fc.assert(
      fc.property(anyScoredSet(), fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(), (any, threshold, seed) => {
        const found = evaluate(any, { threshold });
        const intervals = bootstrap(any, threshold, { replicates: 40, seed });
        const check = (value: number | null, interval: Interval, most: number) => {
          if (value === null || interval === null) return;
          const [low, high] = interval;
          expect(low).toBeLessThanOrEqual(value + 1e-12);
          expect(high).toBeGreaterThanOrEqual(value - 1e-12);
          expect(low).toBeGreaterThanOrEqual(0);
          expect(high).toBeLessThanOrEqual(most);
        };
        for (const metric of METRICS)
          check(entryOf<number | null>(found, metric), entryOf(intervals, metric), metric === 'loss' ? Infinity : 1);
        intervals.perCategory.forEach(({ f1, ap }, c) => {
          check(found.perCategory[c]!.f1, f1, 1);
          check(found.perCategory[c]!.ap, ap, 1);
        });
      }),
    );
  });

  it('are moved by what the median of the resamples lies beside the value', () => {
    const values = Float64Array.from({ length: 41 }, (_, k) => 0.3 + k / 100);
    // 2.5 % of 40 places is one: 0.31, 0.5 and 0.69 are the quantiles, and the value lies 0.2 above the median.
    const near = ([low, high]: readonly [number, number]) => [low.toFixed(9), high.toFixed(9)];
    expect(near(movedInterval(0.7, values, 1)!)).toEqual(['0.510000000', '0.890000000']);
    expect(near(movedInterval(0.9, values, 1)!)).toEqual(['0.710000000', '1.000000000']);
    expect(near(movedInterval(0.9, values, Infinity)!)).toEqual(['0.710000000', '1.090000000']);
    expect(near(movedInterval(0.1, values, 1)!)).toEqual(['0.000000000', '0.290000000']);
    expect(movedInterval(0.1, Float64Array.of(NaN), 1)).toBeNull();
  });

  it('are null where there is nothing to resample or no metric', () => {
    const none = { categories: ['dog'], labels: new Uint8Array(), scores: new Float64Array(), images: 0 };
    const one = { categories: ['dog'], labels: Uint8Array.of(1), scores: Float64Array.of(0.7), images: 1 };
    const unlabelled = { categories: ['dog'], labels: new Uint8Array(3), scores: Float64Array.of(0.1, 0.6, 0.7), images: 3 };
    for (const empty of [none, one])
      for (const metric of METRICS) expect(entryOf(bootstrap(empty, 0.5), metric), metric).toBeNull();
    expect(bootstrap(unlabelled, 0.5).mAP).toBeNull();
    expect(bootstrap(unlabelled, 0.5).perCategory[0]).toEqual({ category: 'dog', f1: null, ap: null });
  });

  it('leave out, of a category with few positives, the resamples that have none of them', () => {
    const labels = Uint8Array.from({ length: 40 }, (_, i) => Number(i === 0));
    const scores = Float64Array.from(labels, (label, i) => (label === 1 ? 0.6 : i < 3 ? 0.8 : 0.2));
    const rare = { images: 40, categories: ['rare'], labels, scores };
    const { mAP } = finished(replicated(rare, 0.5, BOOTSTRAP)).values;
    const known = mAP.filter((value) => !Number.isNaN(value));
    // It is not drawn in (1 - 1/40)^40 of them.
    expect(1 - known.length / mAP.length).toBeCloseTo(0.363, 1);
    expect(bootstrap(rare, 0.5).mAP).toEqual(movedInterval(1 / 3, known, 1));
    expect(movedInterval(1 / 3, known, 1)).not.toBeNull();
    // The convention of the point estimate: without positives F1 is 0, in one resample of three.
    expect(bootstrap(rare, 0.7).micro.f1).toBeNull();
    expect(bootstrap(rare, 0.5).micro.f1).toEqual([0, 1]);
  });

  it('are not known where nearly all resamples say the same, which is no certainty', () => {
    const labels = Uint8Array.from({ length: 40 }, (_, i) => Number(i === 0));
    const found = { images: 40, categories: ['rare'], labels, scores: Float64Array.from(labels, (label) => 0.2 + 0.6 * label) };
    const missed = { ...found, scores: new Float64Array(40).fill(0.3) };
    const cases = [
      // One positive, ranked first: its average precision is 1 wherever it is drawn.
      [bootstrap(found, 0.5).perCategory[0]!.ap, evaluate(found).perCategory[0]!.ap, 1],
      [bootstrap(found, 0.5).mAP, evaluate(found).mAP, 1],
      [bootstrap(missed, 0.5).perCategory[0]!.f1, evaluate(missed).perCategory[0]!.f1, 0],
      [bootstrap(missed, 0.5).macro.recall, evaluate(missed).macro.recall, 0],
    ] as const;
    for (const [interval, value, expected] of cases) {
      expect([interval, value]).toEqual([null, expected]);
      expect(isNotKnown(40, value, interval)).toBe(true);
    }
    // Evaluations of older versions.
    expect(isNotKnown(40, 1, [1, 1])).toBe(true);
    expect(isNotKnown(40, 1, [0.9, 1])).toBe(false);
    expect(isNotKnown(1, 1, null)).toBe(false);
    expect(isNotKnown(40, null, null)).toBe(false);
  });

  it('are not known of a classifier that makes no mistake, nor of a loss that is the same for every image', () => {
    const labels = Uint8Array.from({ length: 900 }, (_, at) => Number(at % 3 === at % 2));
    const perfect = {
      images: 300,
      categories: ['a', 'b', 'c'],
      labels,
      scores: Float64Array.from(labels, (label) => 0.1 + 0.8 * label),
    };
    const intervals = bootstrap(perfect, 0.5);
    // How many positives are drawn does not matter either: nothing is ever missed.
    for (const metric of METRICS) expect(entryOf(intervals, metric), metric).toBeNull();
  });

  it('count the categories that so few images show that their means are not to be trusted', () => {
    const positives = [9, 10, 0];
    const labels = Uint8Array.from({ length: 60 }, (_, at) => Number(Math.floor(at / 3) < positives[at % 3]!));
    const scores = Float64Array.from(labels, (label, at) => (at % 7) / 10 + 0.3 * label);
    expect(bootstrap({ images: 20, categories: ['a', 'b', 'c'], labels, scores }, 0.5).fewPositives).toBe(2);
    const say = (text: string, ...values: readonly (string | number)[]) => [text, ...values].join(' ');
    expect(tooNarrowNote([9, 10, 0], say)).toContain('2 3 10');
    // A third is not more than a third.
    expect(tooNarrowNote([9, 10, 10], say)).toBeUndefined();
    expect(tooNarrowNote([9, 9, 10, 10, 10], say)).toContain('2 5 10');
  });

  it.each([
    [{ replicates: 0, seed: 0 }, /0 is not a number of resamples/],
    [{ replicates: 10, seed: -1 }, /seed -1/],
  ])('refuse %o', (options, message) => {
    expect(() => bootstrap(set, 0.5, options)).toThrow(MetricsError);
    expect(() => bootstrap(set, 0.5, options)).toThrow(message);
  });
});

const RATES = [0.4, 0.25, 0.15, 0.1, 0.3];

/** Images whose scores have something in common, as the categories of one picture have: resampling entries instead would not do. */
function sample(images: number, seed: number, noise = 1.2, rates = RATES): ScoredSet {
  const random = randomStream('sample', seed);
  const labels = new Uint8Array(images * rates.length);
  const scores = new Float64Array(labels.length);
  for (let i = 0, at = 0; i < images; i++) {
    const common = 0.6 * random.normal();
    for (const rate of rates) {
      labels[at] = Number(random.next() < rate);
      const logit = 1.2 * (2 * labels[at]! - 1) + common + noise * random.normal();
      scores[at++] = 1 / (1 + Math.exp(-logit));
    }
  }
  return { images, categories: rates.map((rate, c) => `${c}, one in ${1 / rate}`), labels, scores };
}

describe('over many data sets', () => {
  const TRIALS = 400;
  /** Enough to tell "more often than not" from 1 in 20. */
  const FEW = 60;
  const OPTIONS = { replicates: 400, seed: 0 };
  /** 3.3 standard deviations of a share of 0.95 in so many trials: one test of a thousand fails by chance, and the seeds are fixed. */
  const TOLERANCE = 3.3 * Math.sqrt((0.95 * 0.05) / TRIALS);

  it('hold the true value of every metric in 95 of 100', () => {
    const truth = evaluate(sample(300_000, 0));
    const covered = Object.fromEntries(METRICS.map((metric) => [metric, 0]));
    for (let trial = 1; trial <= TRIALS; trial++) {
      const intervals = bootstrap(sample(300, trial), 0.5, { ...OPTIONS, seed: trial });
      for (const metric of METRICS) {
        const [low, high] = entryOf<Interval>(intervals, metric)!;
        const value = entryOf<number | null>(truth, metric)!;
        covered[metric] = covered[metric]! + Number(low <= value && value <= high);
      }
    }
    for (const metric of METRICS)
      expect(Math.abs(covered[metric]! / TRIALS - 0.95), `${metric}: ${covered[metric]}`).toBeLessThan(TOLERANCE);
  });

  it('hold the mean average precision of rare categories far more often than plain percentiles do', () => {
    const rates = [0.3, 0.1, 0.05, 0.05, 0.04, 0.03, 0.03, 0.03, 0.02, 0.02];
    const { mAP } = evaluate(sample(100_000, 0, 1.2, rates));
    let [moved, plain] = [0, 0];
    for (let trial = 1; trial <= 200; trial++) {
      const set = sample(60, trial, 1.2, rates);
      const resampled = finished(replicated(set, 0.5, { ...OPTIONS, seed: trial }));
      const holds = ([low, high]: readonly [number, number]) => Number(low <= mAP! && mAP! <= high);
      moved += holds(intervalsOf(evaluate(set), resampled, OPTIONS).mAP!);
      plain += holds(percentileInterval(resampled.values.mAP)!);
    }
    expect(plain / 200).toBeLessThan(0.5);
    expect((moved - plain) / 200).toBeGreaterThan(0.15);
  });

  it('tell two equally good models apart in 5 of 100, and a worse one far more often', () => {
    const [same, worse] = [alarms(1.2, TRIALS), alarms(1.6, FEW)];
    for (const metric of METRICS)
      expect(Math.abs(same[metric]! / TRIALS - 0.05), `${metric}: ${same[metric]}`).toBeLessThan(TOLERANCE);
    for (const metric of ['micro.f1', 'jaccard', 'mAP', 'loss']) expect(worse[metric]! / FEW, metric).toBeGreaterThan(0.5);
  });

  /** By metric: how often a model whose scores have such noise is told apart from another with 1.2, on the same 300 images. */
  function alarms(noise: number, trials: number): Record<string, number> {
    const told = Object.fromEntries(METRICS.map((metric) => [metric, 0]));
    for (let trial = 1; trial <= trials; trial++) {
      const first = sample(300, trial);
      const second = rescored(first, trial, noise);
      const [a, b] = [first, second].map((set) => finished(replicated(set, 0.5, OPTIONS)).values);
      for (const metric of METRICS) {
        const { verdict } = differenceOf([0, 0], [a![metric], b![metric]]);
        told[metric] = told[metric]! + Number(verdict !== 'not distinguishable');
      }
    }
    return told;
  }

  /** The same images as another model, trained on other data, scores them. */
  function rescored(set: ScoredSet, seed: number, noise: number): ScoredSet {
    const random = randomStream('rescored', seed, noise);
    const scores = Float64Array.from(set.labels, () => 0);
    for (let at = 0, common = 0; at < scores.length; at++) {
      if (at % RATES.length === 0) common = 0.6 * random.normal();
      scores[at] = 1 / (1 + Math.exp(-(1.2 * (2 * set.labels[at]! - 1) + common + noise * random.normal())));
    }
    return { ...set, scores };
  }
});

describe('a difference', () => {
  const values = (from: number, to: number) => Float64Array.from({ length: 101 }, (_, k) => from + ((to - from) * k) / 100);

  it('says which is better, or that nothing is to be said', () => {
    const zero = values(0, 0);
    const more = differenceOf([0.5, 0.6], [zero, values(0.05, 0.15)]);
    expect(more.difference).toBeCloseTo(0.1, 12);
    expect(more.verdict).toBe('better');
    expect(differenceOf([0.5, 0.4], [zero, values(-0.15, -0.05)]).verdict).toBe('worse');
    expect(differenceOf([0.5, 0.4], [zero, values(-0.15, -0.05)], true).verdict).toBe('better');
    expect(differenceOf([0.5, 0.5], [zero, values(-0.1, 0.1)])).toMatchObject({ verdict: 'not distinguishable' });
    expect(differenceOf([0.5, 0.5], [zero, zero]).verdict).toBe('not distinguishable');
    expect(differenceOf([null, 0.5], [zero, zero])).toEqual({ difference: null, interval: null, verdict: null });
  });
});
