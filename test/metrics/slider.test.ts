// The slider's way to a decision against the plain one, wherever the thresholds were before.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decide } from '../../src/metrics/decision';
import { predictionsAt } from '../../src/metrics/predicted';
import { rankedOf } from '../../src/metrics/ranked';
import { sliderOf } from '../../src/metrics/slider';
import { anyScoredSet } from './any-set';

it('decides as `decide` does, to the last digit, from whatever thresholds it comes', () => {
  const place = fc.oneof(
    fc.integer({ min: 0, max: 10 }).map((i) => i / 10),
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 }),
  );
  fc.assert(
    fc.property(anyScoredSet(), fc.array(place, { minLength: 1, maxLength: 8 }), (set, places) => {
      const slider = sliderOf(set, rankedOf(set));
      for (const threshold of places) {
        const limits = typeof threshold === 'number' ? threshold : threshold.slice(0, set.categories.length);
        expect(slider.predictions(limits)).toEqual(predictionsAt(set, limits));
        expect(slider.decide(limits)).toEqual(decide(set, limits));
      }
    }),
  );
});

it('says of a set without images what `decide` says', () => {
  const none = { images: 0, categories: ['dog'], labels: new Uint8Array(), scores: new Float64Array() };
  expect(sliderOf(none, rankedOf(none)).decide(0.5)).toEqual(decide(none, 0.5));
});
