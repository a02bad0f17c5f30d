// Thresholds by an objective: the exact optimum, what is defined where there is none, and an honest judgement.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { confusionAt } from '../../src/metrics/decision';
import { divide, pooled } from '../../src/metrics/divide';
import { type Objective, valueOf } from '../../src/metrics/objective';
import { randomStream } from '../../src/metrics/random';
import { fitThresholds, judgeThresholds } from '../../src/metrics/thresholds';
import type { Counts, ScoredSet } from '../../src/metrics/types';

function scoredSet(rows: readonly (readonly [labels: number[], scores: number[]])[], categories = ['dog', 'cat']): ScoredSet {
  return {
    images: rows.length,
    categories,
    labels: Uint8Array.from(rows.flatMap(([labels]) => labels)),
    scores: Float64Array.from(rows.flatMap(([, scores]) => scores)),
  };
}

const objective: fc.Arbitrary<Objective> = fc.oneof(
  fc.constant<Objective>({ kind: 'f1' }),
  fc.constantFrom(0.5, 2).map((beta): Objective => ({ kind: 'fbeta', beta })),
  fc.constantFrom(0.2, 0.5, 0.9, 1).map((atLeast): Objective => ({ kind: 'precision-at-recall', atLeast })),
  fc.constantFrom(0.2, 0.5, 0.9, 1).map((atLeast): Objective => ({ kind: 'recall-at-precision', atLeast })),
  fc.constantFrom([1, 1], [1, 5], [3, 1]).map(([falseAlarm, miss]): Objective => ({
    kind: 'cost',
    falseAlarm: falseAlarm,
    miss: miss,
  })),
);

const anySet = fc.integer({ min: 1, max: 3 }).chain((width) => {
  const score = fc.oneof(
    fc.integer({ min: 0, max: 6 }).map((k) => k / 6),
    fc.double({ min: 0, max: 1, noNaN: true }),
  );
  const row = fc.tuple(
    fc.array(fc.integer({ min: 0, max: 1 }), { minLength: width, maxLength: width }),
    fc.array(score, { minLength: width, maxLength: width }),
  );
  const categories = Array.from({ length: width }, (_, c) => `category ${c}`);
  return fc.array(row, { minLength: 1, maxLength: 20 }).map((rows) => scoredSet(rows, categories));
});

/** Every threshold that makes a difference, and the ends. */
function candidates(set: ScoredSet): number[] {
  const scores = [...new Set([0, ...set.scores, 1])].sort((a, b) => a - b);
  return [...scores, ...scores.slice(1).map((score, k) => (score + scores[k]!) / 2)];
}

/** What is asked for: higher is better, and reaching a goal beats every value that does not. */
function gradeOf(what: Objective, counts: Counts): number {
  const { tp, fp, fn } = counts;
  const precision = tp === 0 ? 0 : tp / (tp + fp);
  const recall = tp / (tp + fn);
  if (what.kind === 'precision-at-recall') return recall >= what.atLeast ? 10 + precision : recall;
  if (what.kind === 'recall-at-precision') return precision >= what.atLeast ? 10 + recall : precision;
  const value = valueOf(what, counts, 1) ?? 0;
  return what.kind === 'cost' ? -value : value;
}

const totalOf = (counts: readonly Counts[]): Counts =>
  counts.reduce((a, b) => ({ tp: a.tp + b.tp, fp: a.fp + b.fp, fn: a.fn + b.fn, tn: a.tn + b.tn }));

describe('the fitted threshold', () => {
  it('is as good as the best of all that make a difference, category by category and over all', () => {
    fc.assert(
      fc.property(anySet, objective, (set, what) => {
        const one = fitThresholds(set, { mode: 'global', objective: what })[0]!;
        const all = candidates(set).map((threshold) => totalOf(confusionAt(set, threshold)));
        if (one.from === 'all')
          expect(gradeOf(what, totalOf(confusionAt(set, one.threshold)))).toBeCloseTo(
            Math.max(...all.map((counts) => gradeOf(what, counts))),
            12,
          );
        const each = fitThresholds(set, { mode: 'per-category', objective: what });
        const counts = confusionAt(
          set,
          each.map(({ threshold }) => threshold),
        );
        each.forEach(({ from, reached }, c) => {
          if (from !== 'category') {
            expect(counts[c]!.tp + counts[c]!.fn).toBe(0);
            return;
          }
          const best = Math.max(...candidates(set).map((threshold) => gradeOf(what, confusionAt(set, threshold)[c]!)));
          expect(gradeOf(what, counts[c]!)).toBeCloseTo(best, 12);
          expect(reached).toBe(!('atLeast' in what) || best >= 10);
        });
      }),
      { numRuns: 500 },
    );
  });

  it('stands half-way between the scores on either side, and decides alike anywhere between them', () => {
    const set = scoredSet(
      [
        [[1], [0.9]],
        [[1], [0.6]],
        [[0], [0.2]],
      ],
      ['dog'],
    );
    const fit = (what: Objective) => fitThresholds(set, { mode: 'per-category', objective: what })[0]!;
    expect(fit({ kind: 'f1' })).toEqual({ threshold: 0.4, from: 'category', reached: true });
    expect(fit({ kind: 'precision-at-recall', atLeast: 0.3 }).threshold).toBe(0.4);
    // Nothing at all is predicted where a false alarm is dear and a miss costs nothing; everything where it is the other way round.
    expect(fit({ kind: 'cost', falseAlarm: 1, miss: 0 }).threshold).toBe(0.95);
    expect(fit({ kind: 'cost', falseAlarm: 0, miss: 1 }).threshold).toBeLessThanOrEqual(0.6);
  });

  it('is a number that keeps neighbouring scores apart where there is none between them', () => {
    const next = 0.5 + 2 ** -53;
    const set = scoredSet(
      [
        [[1], [next]],
        [[0], [0.5]],
      ],
      ['dog'],
    );
    const { threshold } = fitThresholds(set, { mode: 'per-category', objective: { kind: 'f1' } })[0]!;
    expect(confusionAt(set, threshold)[0]).toEqual({ tp: 1, fp: 0, fn: 0, tn: 1 });
  });

  it('is that of all where a category has no positives, and 0.5 where nothing has any', () => {
    const set = scoredSet([
      [
        [1, 0],
        [0.8, 0.3],
      ],
      [
        [0, 0],
        [0.4, 0.1],
      ],
    ]);
    const fitted = fitThresholds(set, { mode: 'per-category', objective: { kind: 'f1' } });
    expect(fitted.map(({ from }) => from)).toEqual(['category', 'all']);
    expect(fitted[1]!.threshold).toBeCloseTo(0.6, 12);
    const empty = scoredSet([
      [
        [0, 0],
        [0.8, 0.3],
      ],
    ]);
    expect(fitThresholds(empty, { mode: 'per-category', objective: { kind: 'f1' } })).toEqual(
      Array(2).fill({ threshold: 0.5, from: 'default', reached: false }),
    );
  });

  it('says where a precision is out of reach, and comes closest to it', () => {
    const set = scoredSet(
      [
        [[0], [0.9]],
        [[1], [0.8]],
        [[1], [0.7]],
        [[0], [0.1]],
      ],
      ['dog'],
    );
    const fit = fitThresholds(set, { mode: 'per-category', objective: { kind: 'recall-at-precision', atLeast: 0.9 } });
    expect(fit[0]).toMatchObject({ reached: false, from: 'category' });
    expect(confusionAt(set, fit[0]!.threshold)[0]).toEqual({ tp: 2, fp: 1, fn: 0, tn: 1 });
  });

  it.each<[Objective, RegExp]>([
    [{ kind: 'fbeta', beta: 0 }, /beta is 0/],
    [{ kind: 'precision-at-recall', atLeast: 1.1 }, /share to reach is 1\.1/],
    [{ kind: 'recall-at-precision', atLeast: NaN }, /share to reach is NaN/],
    [{ kind: 'cost', falseAlarm: 0, miss: 0 }, /not both 0/],
    [{ kind: 'cost', falseAlarm: -1, miss: 1 }, /numbers from 0/],
  ])('refuses %j', (what, words) => {
    const set = scoredSet([[[1], [0.5]]], ['dog']);
    expect(() => fitThresholds(set, { mode: 'global', objective: what })).toThrow(words);
  });
});

/** Scores that say `strength` of the label, else nothing. */
function simulated(images: number, width: number, strength: number, seed: number): ScoredSet {
  const random = randomStream('simulated', seed);
  const labels = Uint8Array.from({ length: images * width }, () => Number(random.next() < 0.2));
  const scores = Float64Array.from(labels, (label) => 1 / (1 + Math.exp(-(random.normal() + strength * (label - 0.5)))));
  return { images, categories: Array.from({ length: width }, (_, c) => `category ${c}`), labels, scores };
}

const F1: Objective = { kind: 'f1' };
const HALF = { kind: 'half' } as const;
const FIVE = { kind: 'folds', folds: 5 } as const;

describe('the judgement', () => {
  it('divides every image once, each category in proportion, the same way for the same seed', () => {
    const set = simulated(203, 3, 1, 1);
    const rows = divide(set, FIVE, 7).map((sides) => sides.rows);
    expect(rows.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 203 }, (_, row) => row));
    expect(rows.map(({ length }) => length).sort()).toEqual([40, 40, 41, 41, 41]);
    expect(divide(set, FIVE, 7).map((sides) => sides.rows)).toEqual(rows);
    expect(divide(set, FIVE, 8).map((sides) => sides.rows)).not.toEqual(rows);
    const [half] = divide(set, HALF, 7);
    const share = (side: ScoredSet) => confusionAt(side, 0).map(({ tp }) => tp);
    share(half!.fit).forEach((count, c) => expect(Math.abs(count - share(half!.judge)[c]!)).toBeLessThan(10));
    expect(half!.fit.images + half!.judge.images).toBe(203);
  });

  it('counts held-out images with thresholds of the others: by hand', () => {
    const set = simulated(40, 2, 1, 2);
    const spec = { mode: 'per-category', objective: F1 } as const;
    const fit = judgeThresholds(set, spec, FIVE, 3);
    const held = divide(set, FIVE, 3).map((sides) =>
      totalOf(
        confusionAt(
          sides.judge,
          fitThresholds(sides.fit, spec).map(({ threshold }) => threshold),
        ),
      ),
    );
    expect(fit.micro.heldOut.value).toBe(valueOf(F1, totalOf(held), 40));
    expect(fit.perCategory.map(({ threshold }) => threshold)).toEqual(fitThresholds(set, spec).map(({ threshold }) => threshold));
    const [counted] = confusionAt(pooled(set), 0.5);
    expect(fit.micro.atHalf.value).toBeCloseTo(valueOf(F1, counted!, 40)!, 12);
  });

  it.each([HALF, FIVE])('finds the optimism of thresholds that are fitted to noise ($kind)', (division) => {
    const fits = [1, 2, 3].map((seed) =>
      judgeThresholds(simulated(60, 20, 0, seed), { mode: 'per-category', objective: F1 }, division, seed),
    );
    for (const { macro } of fits) expect(macro.optimism).toBeGreaterThan(0.03);
  });

  it('finds next to none with many images', () => {
    const set = simulated(20_000, 3, 2, 4);
    for (const mode of ['global', 'per-category'] as const) {
      const { micro } = judgeThresholds(set, { mode, objective: F1 }, HALF, 4);
      expect(Math.abs(micro.optimism!)).toBeLessThan(0.01);
      expect(micro.heldOut.value! - micro.atHalf.value!).toBeGreaterThan(0.01);
    }
  });

  it('counts optimism of a cost the other way round: the held-out images cost more', () => {
    const cost: Objective = { kind: 'cost', falseAlarm: 1, miss: 5 };
    const { micro, macro } = judgeThresholds(simulated(60, 20, 0, 5), { mode: 'per-category', objective: cost }, FIVE, 5);
    expect(micro.optimism).toBeCloseTo(micro.heldOut.value! - micro.fitted.value!, 12);
    expect(macro.optimism).toBeGreaterThan(0);
    // Of an image, over all categories.
    expect(micro.heldOut.value).toBeCloseTo(20 * macro.heldOut!, 12);
  });

  it('has no value for a category that one side has not', () => {
    const set = scoredSet([
      [
        [1, 1],
        [0.9, 0.9],
      ],
      [
        [1, 0],
        [0.8, 0.2],
      ],
      [
        [0, 0],
        [0.1, 0.1],
      ],
      [
        [0, 0],
        [0.2, 0.3],
      ],
    ]);
    const { perCategory } = judgeThresholds(set, { mode: 'per-category', objective: F1 }, HALF, 1);
    expect(perCategory[1]).toMatchObject({ positives: 1, optimism: null });
    expect([perCategory[1]!.fitted.value, perCategory[1]!.heldOut.value]).toContain(null);
  });

  it('refuses more parts than images', () => {
    const set = simulated(3, 2, 1, 1);
    expect(() => judgeThresholds(set, { mode: 'global', objective: F1 }, FIVE, 1)).toThrow(
      '3 images cannot be divided into 5 parts. Take 3 or fewer, or evaluate the model on more images.',
    );
    expect(() => judgeThresholds(set, { mode: 'global', objective: F1 }, { kind: 'folds', folds: 1 }, 1)).toThrow('at least 2');
  });
});
