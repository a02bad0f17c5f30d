// What holds of the metrics for any labels and scores, with scores drawn so that ties and hits on a threshold are common.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { calibrationBins } from '../../src/metrics/calibration';
import { confusionAt, decide } from '../../src/metrics/decision';
import { evaluate } from '../../src/metrics/evaluate';
import { rankingCurve } from '../../src/metrics/ranking';
import type { ScoredSet } from '../../src/metrics/types';

const probability = fc.oneof(
  fc.integer({ min: 0, max: 10 }).map((i) => i / 10),
  fc.integer({ min: 0, max: 15 }).map((i) => i / 15),
  fc.double({ min: 0, max: 1, noNaN: true }),
);

interface Row {
  labels: number[];
  scores: number[];
}

function scoredSet(rows: Row[], width: number): ScoredSet {
  const categories = Array.from({ length: width }, (_, c) => `category ${c}`);
  const labels = Uint8Array.from(rows.flatMap((row) => row.labels));
  return { images: rows.length, categories, labels, scores: Float64Array.from(rows.flatMap((row) => row.scores)) };
}

const rowsOf = (width: number) =>
  fc.array(
    fc.record({
      labels: fc.array(fc.integer({ min: 0, max: 1 }), { minLength: width, maxLength: width }),
      scores: fc.array(probability, { minLength: width, maxLength: width }),
    }),
    { minLength: 1, maxLength: 30 },
  );

const anyRows = fc.integer({ min: 1, max: 5 }).chain((width) => rowsOf(width).map((rows) => ({ rows, width })));
const anySet = anyRows.map(({ rows, width }) => scoredSet(rows, width));

/** Every number anywhere in a value, with its path. */
function numbers(value: unknown, path = ''): [string, number][] {
  if (typeof value === 'number') return [[path, value]];
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, inner]) => numbers(inner, `${path}/${key}`));
}

it('does not depend on the order of the images', () => {
  const shuffled = anyRows.chain(({ rows, width }) =>
    fc
      .shuffledSubarray(rows, { minLength: rows.length })
      .map((other) => [scoredSet(rows, width), scoredSet(other, width)] as const),
  );
  fc.assert(
    fc.property(shuffled, ([one, other]) => {
      const [expected, actual] = [evaluate(one), evaluate(other)];
      const [a, b] = [numbers(expected), numbers(actual)];
      expect(b.map(([path]) => path)).toEqual(a.map(([path]) => path));
      // Sums over images round differently; nothing else may.
      b.forEach(([path, value], i) => expect(Math.abs(value - a[i]![1]), path).toBeLessThan(1e-12));
      for (const key of ['tp', 'fp', 'fn', 'tn', 'bestThreshold', 'bestF1'] as const) {
        expect(actual.perCategory.map((c) => c[key])).toEqual(expected.perCategory.map((c) => c[key]));
      }
    }),
  );
});

it('stays within 0..1, but for counts and the loss', () => {
  fc.assert(
    fc.property(anySet, (set) => {
      for (const [path, value] of numbers(evaluate(set))) {
        expect(value, path).toBeGreaterThanOrEqual(0);
        if (!/\/(images|loss|tp|fp|fn|tn)$/.test(path)) expect(value, path).toBeLessThanOrEqual(1 + 1e-12);
      }
    }),
  );
});

it('counts as a count written out does, with one threshold and with one for each category', () => {
  const withThresholds = anySet.chain((set) =>
    fc.tuple(fc.constant(set), fc.array(probability, { minLength: set.categories.length, maxLength: set.categories.length })),
  );
  fc.assert(
    fc.property(withThresholds, ([set, thresholds]) => {
      const width = set.categories.length;
      for (const threshold of [thresholds[0]!, thresholds]) {
        const limit = (c: number) => (typeof threshold === 'number' ? threshold : threshold[c]!);
        const hits = (c: number, predicted: boolean, label: number) =>
          Array.from({ length: set.images }, (_, i) => i * width + c).filter(
            (at) => set.scores[at]! >= limit(c) === predicted && set.labels[at] === label,
          ).length;
        const expected = set.categories.map((_, c) => ({
          tp: hits(c, true, 1),
          fp: hits(c, true, 0),
          fn: hits(c, false, 1),
          tn: hits(c, false, 0),
        }));
        expect(confusionAt(set, threshold)).toEqual(expected);
        const sum = (key: 'tp' | 'fp' | 'fn') => expected.reduce((total, counts) => total + counts[key], 0);
        const [tp, fp, fn] = [sum('tp'), sum('fp'), sum('fn')];
        const { micro } = decide(set, threshold);
        expect(micro).toEqual({
          precision: tp / (tp + fp || 1),
          recall: tp / (tp + fn || 1),
          f1: (2 * tp) / (2 * tp + fp + fn || 1),
        });
      }
    }),
  );
});

it('recalls no more, category by category, as the threshold rises', () => {
  fc.assert(
    fc.property(anySet, probability, probability, (set, a, b) => {
      const [low, high] = [decide(set, Math.min(a, b)), decide(set, Math.max(a, b))];
      high.perCategory.forEach((category, c) => expect(category.recall).toBeLessThanOrEqual(low.perCategory[c]!.recall));
      expect(high.micro.recall).toBeLessThanOrEqual(low.micro.recall);
    }),
  );
});

it('attains its best F1 at its best threshold, and a better one at no score', () => {
  fc.assert(
    fc.property(anySet, (set) => {
      evaluate(set).perCategory.forEach(({ bestThreshold, bestF1 }, c) => {
        const f1At = (threshold: number) => decide(set, threshold).perCategory[c]!.f1;
        const scores = Array.from({ length: set.images }, (_, i) => set.scores[i * set.categories.length + c]!);
        const f1s = scores.map(f1At);
        if (bestThreshold !== null) expect(f1At(bestThreshold)).toBe(bestF1);
        expect(Math.max(...f1s)).toBe(bestF1 ?? 0);
        const attaining = scores.filter((_, i) => f1s[i] === bestF1);
        expect(bestThreshold).toBe(attaining.length === 0 ? null : Math.max(...attaining));
      });
    }),
  );
});

it('has on the ranking curve, at every distinct score, what the confusion at that threshold says', () => {
  fc.assert(
    fc.property(anySet, (set) => {
      set.categories.forEach((_, c) => {
        const { thresholds, tp, fp } = rankingCurve(set, c);
        const scores = Array.from({ length: set.images }, (_, i) => set.scores[i * set.categories.length + c]!);
        expect([...thresholds]).toEqual([...new Set(scores)].sort((a, b) => b - a));
        thresholds.forEach((threshold, k) => expect(confusionAt(set, threshold)[c]).toMatchObject({ tp: tp[k], fp: fp[k] }));
      });
    }),
  );
});

it('puts every score into the highest bin whose edge it reaches', () => {
  fc.assert(
    fc.property(probability, (score) => {
      const set = scoredSet([{ labels: [1], scores: [score] }], 1);
      const edges = Array.from({ length: 15 }, (_, k) => k / 15);
      const bin = calibrationBins(set, 0).findIndex(({ images }) => images === 1);
      expect(bin).toBe(edges.findLastIndex((edge) => score >= edge));
    }),
  );
});

it('computes on float32 scores as on the doubles they stand for', () => {
  fc.assert(
    fc.property(anySet, (set) => {
      const scores = Float32Array.from(set.scores);
      expect(evaluate({ ...set, scores })).toEqual(evaluate({ ...set, scores: Float64Array.from(scores) }));
    }),
  );
});
