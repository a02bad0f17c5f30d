// The slider's way to a decision against the plain one, wherever the thresholds were before.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decide } from '../../src/metrics/decision';
import { predictionsAt } from '../../src/metrics/predicted';
import { pairCounter } from '../../src/metrics/pair-counts';
import { imagesOfPair, PAIR_KINDS, type PairKind, pairsAt, pairsOf } from '../../src/metrics/pairs';
import { randomStream } from '../../src/metrics/random';
import { rankedOf, walkOf } from '../../src/metrics/ranked';
import { sliceAt } from '../../src/metrics/slices';
import { sliderOf } from '../../src/metrics/slider';
import type { ScoredSet } from '../../src/metrics/types';
import { anyScoredSet } from './any-set';

const places = fc.array(
  fc.oneof(
    fc.integer({ min: 0, max: 10 }).map((i) => i / 10),
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 }),
  ),
  { minLength: 1, maxLength: 8 },
);
const limitsOf = (threshold: number | number[], { categories }: ScoredSet) =>
  typeof threshold === 'number' ? threshold : threshold.slice(0, categories.length);

it('decides as `decide` does, to the last digit, from whatever thresholds it comes', () => {
  fc.assert(
    fc.property(anyScoredSet(), places, (set, all) => {
      const slider = sliderOf(set, rankedOf(set));
      for (const limits of all.map((threshold) => limitsOf(threshold, set))) {
        expect(slider.predictions(limits)).toEqual(predictionsAt(set, limits));
        expect(slider.decide(limits)).toEqual(decide(set, limits));
      }
    }),
  );
});

it('tells slices of what it has counted by image what they would count themselves', () => {
  fc.assert(
    fc.property(anyScoredSet(), places, (set, all) => {
      const slider = sliderOf(set, rankedOf(set));
      const groups = [0, 1].map((part) => ({
        key: { by: 'co-occurrence', category: part } as const,
        rows: Array.from({ length: set.images }, (_, row) => row).filter((row) => row % 2 === part),
      }));
      for (const limits of all.map((threshold) => limitsOf(threshold, set))) {
        expect(sliceAt(set, limits, groups, { agreement: slider.images(limits) })).toEqual(sliceAt(set, limits, groups));
        const one = { category: 0, agreement: slider.images(limits) };
        expect(sliceAt(set, limits, groups, one)).toEqual(sliceAt(set, limits, groups, { category: 0 }));
      }
    }),
  );
});

it('counts pairs as `pairsAt` does, from whatever thresholds it comes, and finds the first of them', () => {
  fc.assert(
    fc.property(anyScoredSet(), places, fc.nat(3), (set, all, most) => {
      const { counts, change } = pairCounter(set);
      const { moveTo } = walkOf(rankedOf(set), change);
      for (const limits of all.map((threshold) => limitsOf(threshold, set))) {
        moveTo(limits);
        for (const kind of PAIR_KINDS) {
          const expected = pairsAt(set, limits, [kind]);
          const found = pairsOf(counts, set, kind);
          expect(found.first(Infinity)).toEqual(expected);
          expect(found.first(most)).toEqual(expected.slice(0, most));
          expect(found.count).toBe(expected.length);
          const own = expected.filter(({ a, b }) => a === 0 || b === 0);
          expect(pairsOf(counts, set, kind, 0).first(Infinity)).toEqual(own);
        }
      }
    }),
  );
});

/** More categories than an integer has bits. */
const manyCategories = (): ScoredSet => {
  const random = randomStream('pairs', 2);
  const categories = Array.from({ length: 70 }, (_, c) => `category ${c}`);
  const labels = new Uint8Array(60 * 70).map(() => Number(random.next() < 0.2));
  return { images: 60, categories, labels, scores: Float64Array.from(labels, () => random.next()) };
};

it.each([
  ['many', 0.3],
  ['few', 0.7],
])('counts pairs of more categories than an integer has bits, where there are %s false alarms', (_, threshold) => {
  const set = manyCategories();
  const found = pairsAt(set, threshold).filter(({ a, b }) => a === 31 && b === 69);
  const of = (kind: PairKind) => imagesOfPair(set, threshold, { kind, a: 31, b: 69 }).length;
  const some = PAIR_KINDS.filter((kind) => of(kind) > 0);
  expect(some.length).toBeGreaterThan(1);
  expect(found.map(({ kind, images }) => [kind, images]).sort()).toEqual(some.map((kind) => [kind, of(kind)]).sort());
});

it('counts anew where it passes many entries, and entry by entry where it passes few, to the same end', () => {
  const set = manyCategories();
  const ranked = rankedOf(set);
  const slider = sliderOf(set, ranked);
  const { counts, change, recount } = pairCounter(set);
  const ways: string[] = [];
  const walk = walkOf(
    ranked,
    (...entry) => {
      if (ways.at(-1) !== 'passed') ways.push('passed');
      change(...entry);
    },
    (threshold) => {
      ways.push('anew');
      recount(predictionsAt(set, threshold as number));
    },
  );
  for (const threshold of [0.9, 0.5, 0.49, 0.47, 0.1, 0.12, 1, 0.99]) {
    walk.moveTo(threshold);
    for (const kind of PAIR_KINDS) expect(pairsOf(counts, set, kind).first(Infinity)).toEqual(pairsAt(set, threshold, [kind]));
    expect(slider.decide(threshold)).toEqual(decide(set, threshold));
    expect(slider.predictions(threshold)).toEqual(predictionsAt(set, threshold));
  }
  expect(ways).toEqual(['anew', 'anew', 'passed', 'anew', 'passed', 'anew', 'passed']);
});

it('says of a set without images what `decide` says', () => {
  const none = { images: 0, categories: ['dog'], labels: new Uint8Array(), scores: new Float64Array() };
  expect(sliderOf(none, rankedOf(none)).decide(0.5)).toEqual(decide(none, 0.5));
});
