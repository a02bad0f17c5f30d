// Runs on the same images: their differences and verdicts against a computation by hand, and what is refused.
import { describe, expect, it } from 'vitest';
import { finished } from '../../src/metrics/steps';
import { MetricsError } from '../../src/metrics/check';
import { type Compared, compared, type ComparedScores, type Judged } from '../../src/metrics/compare';
import { evaluate } from '../../src/metrics/evaluate';
import { entryOf, METRICS } from '../../src/metrics/headline';
import { randomStream } from '../../src/metrics/random';
import { resamplesOf } from '../../src/metrics/resamples';
import type { ScoredSet } from '../../src/metrics/types';
import { bootstrap } from '../support/bootstrap';

const OPTIONS = { replicates: 200, seed: 7 };
const CATEGORIES = ['dog', 'cat', 'potted plant'];

/** The same images and labels by the same seed; scores that lean towards the truth by `skill`. */
function sample(images: number, skill: number, name: string): ScoredSet {
  const truth = randomStream('truth', images);
  const labels = Uint8Array.from({ length: images * CATEGORIES.length }, () => Number(truth.next() < 0.4));
  const noise = randomStream(name, images);
  const scores = Float64Array.from(labels, (label) => skill * label + (1 - skill) * noise.next());
  return { images, categories: CATEGORIES, labels, scores };
}

const compareAll = (runs: readonly Judged[], options = OPTIONS): readonly ComparedScores[] => finished(compared(runs, options));

/** F1 over all entries of images drawn `times` each, image by image and entry by entry. */
function microF1ByHand({ categories, labels, scores }: ScoredSet, threshold: number, times: readonly number[]): number {
  let [tp, fp, fn] = [0, 0, 0];
  times.forEach((count, i) => {
    for (let c = 0; c < categories.length; c++) {
      const at = i * categories.length + c;
      const said = scores[at]! >= threshold;
      if (said && labels[at] === 1) tp += count;
      if (said && labels[at] === 0) fp += count;
      if (!said && labels[at] === 1) fn += count;
    }
  });
  return (2 * tp) / (2 * tp + fp + fn);
}

/** NumPy's quantile of a list. */
function quantileByHand(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!];
  return below + (place - Math.floor(place)) * (above - below);
}

describe('runs on the same images', () => {
  const runs: readonly Judged[] = [
    { set: sample(60, 0.2, 'first'), threshold: 0.5 },
    { set: sample(60, 0.45, 'second'), threshold: 0.6 },
    { set: sample(60, 0.2, 'third'), threshold: 0.5 },
  ];

  it('differ as a computation by hand over the same resamples says', () => {
    const [, second] = compareAll(runs);
    const { weights, count } = resamplesOf(60, OPTIONS.seed, 0, OPTIONS.replicates);
    const differences = Array.from({ length: OPTIONS.replicates }, (_, r) => {
      const times = Array.from({ length: 60 }, (__, i) => weights[i * count + r]!);
      const [before, after] = [runs[0]!, runs[1]!].map(({ set, threshold }) => microF1ByHand(set, threshold as number, times));
      return after! - before!;
    });
    const once = Array.from({ length: 60 }, () => 1);
    const value = microF1ByHand(runs[1]!.set, 0.6, once) - microF1ByHand(runs[0]!.set, 0.5, once);
    const { difference, interval, verdict } = second!.micro.f1.versusFirst!;
    expect(difference).toBeCloseTo(value, 12);
    expect(interval![0]).toBeCloseTo(quantileByHand(differences, 0.025), 12);
    expect(interval![1]).toBeCloseTo(quantileByHand(differences, 0.975), 12);
    expect(verdict).toBe(interval![0] > 0 ? 'better' : interval![1] < 0 ? 'worse' : 'not distinguishable');
  });

  it('have the values and intervals that each has alone', () => {
    const found = compareAll(runs);
    runs.forEach(({ set, threshold }, k) => {
      const [alone, intervals] = [evaluate(set, { threshold }), bootstrap(set, threshold, OPTIONS)];
      for (const metric of METRICS) {
        const { value, interval } = entryOf<Compared>(found[k]!, metric);
        expect({ value, interval }, metric).toEqual({
          value: entryOf<number | null>(alone, metric),
          interval: entryOf(intervals, metric),
        });
      }
      expect(found[k]!.perCategory.map(({ category, ap, f1 }) => ({ category, ap: ap.interval, f1: f1.interval }))).toEqual(
        intervals.perCategory.map(({ category, ap, f1 }) => ({ category, ap, f1 })),
      );
    });
    expect(METRICS.every((metric) => entryOf<Compared>(found[0]!, metric).versusFirst === null)).toBe(true);
  });

  it('are told apart where one is much better, less being better for the loss, and not where they are alike', () => {
    const [, second, third] = compareAll(runs);
    for (const metric of ['mAP', 'loss', 'hammingLoss', 'micro.f1'] as const)
      expect(entryOf<Compared>(second!, metric).versusFirst!.verdict, metric).toBe('better');
    expect(second!.loss.versusFirst!.difference).toBeLessThan(0);
    expect(third!.mAP.versusFirst!.verdict).toBe('not distinguishable');
    const [, itself] = compareAll([runs[0]!, runs[0]!]);
    for (const metric of METRICS)
      expect(entryOf<Compared>(itself!, metric).versusFirst).toEqual({
        ...{ difference: 0, interval: [0, 0] },
        verdict: 'not distinguishable',
      });
  });

  it('sweep every threshold from 0 to 1', () => {
    const [first] = compareAll(runs);
    expect(first!.sweep.map(({ threshold }) => threshold)).toEqual(Array.from({ length: 51 }, (_, k) => k / 50));
    expect(first!.sweep[25]).toMatchObject({ f1: first!.micro.f1.value, jaccard: first!.jaccard.value });
    expect(first!.sweep[0]!.recall).toBe(1);
  });

  it('have no verdict without resamples, of one image, or where a metric is undefined', () => {
    const [, unsampled] = compareAll(runs, { replicates: 0, seed: 0 });
    expect(unsampled!.mAP.versusFirst).toMatchObject({ interval: null, verdict: null });
    expect(unsampled!.mAP.versusFirst!.difference).toBeGreaterThan(0.05);
    const one = (scores: number[]) => ({
      set: { images: 1, categories: ['dog', 'cat'], labels: Uint8Array.of(1, 0), scores: Float64Array.from(scores) },
      threshold: 0.5,
    });
    const [, alone] = compareAll([one([0.1, 0.9]), one([0.9, 0.1])]);
    expect(alone!.micro.f1).toEqual({ value: 1, interval: null, versusFirst: { difference: 1, interval: null, verdict: null } });
    expect(alone!.perCategory[1]!.ap).toEqual({
      ...{ value: null, interval: null },
      versusFirst: { difference: null, interval: null, verdict: null },
    });
  });

  it('have no verdict of a category that few images show, however clear it looks', () => {
    const shown = { dog: 10, cat: 1, cow: 5, hen: 6 };
    const counts = Object.values(shown);
    const labels = Uint8Array.from({ length: 4 * 40 }, (_, at) => Number(Math.floor(at / 4) < counts[at % 4]!));
    const judged = (hit: number) => ({
      set: { images: 40, categories: Object.keys(shown), labels, scores: Float64Array.from(labels, (one) => (one ? hit : 0.4)) },
      threshold: 0.5,
    });
    const [, found] = compareAll([judged(0.1), judged(0.9)]);
    const [dog, cat, cow, hen] = found!.perCategory.map(({ f1 }) => f1.versusFirst);
    expect(cat).toEqual({ difference: 1, interval: null, verdict: null });
    expect(cow).toEqual({ difference: 1, interval: [1, 1], verdict: null });
    for (const many of [dog, hen]) expect(many).toEqual({ difference: 1, interval: [1, 1], verdict: 'better' });
    expect(found!.perCategory.map(({ ap }) => ap.versusFirst!.verdict)).toEqual(['better', null, null, 'better']);
  });

  it('tell step by step how many resamples of all runs are done', () => {
    const options = { replicates: 150, seed: 0 };
    const done: number[] = [];
    const steps = compared(runs, options);
    for (let step = steps.next(); !step.done; step = steps.next()) done.push(step.value);
    expect(done).toEqual([...done].sort((a, b) => a - b));
    expect([done[0], done.at(-1)]).toEqual([0, runs.length * options.replicates]);
    expect(new Set(done).size).toBeGreaterThan(runs.length * CATEGORIES.length);
  });

  it('must have the same images, categories and labels', () => {
    const { set } = runs[0]!;
    const labels = set.labels.map((label, at) => (at === 4 ? 1 - label : label));
    const others: ScoredSet[] = [
      sample(30, 0.2, 'first'),
      { ...set, labels },
      { ...set, categories: ['dog', 'potted plant', 'cat'] },
    ];
    for (const other of others) expect(() => compareAll([runs[0]!, { set: other, threshold: 0.5 }])).toThrow(MetricsError);
  });
});
