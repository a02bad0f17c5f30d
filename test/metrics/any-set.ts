// Scored sets of all sorts, with scores drawn so that ties and hits on a threshold are common.
import fc from 'fast-check';
import type { ScoredSet } from '../../src/metrics/types';

export function anyScoredSet(most = 25): fc.Arbitrary<ScoredSet> {
  const score = fc.oneof(
    fc.integer({ min: 0, max: 10 }).map((i) => i / 10),
    fc.double({ min: 0, max: 1, noNaN: true }),
  );
  return fc
    .record({ images: fc.integer({ min: 1, max: most }), width: fc.integer({ min: 1, max: 4 }) })
    .chain(({ images, width }) => {
      const length = { minLength: images * width, maxLength: images * width };
      return fc.record({
        images: fc.constant(images),
        categories: fc.constant(Array.from({ length: width }, (_, c) => `category ${c}`)),
        labels: fc.array(fc.integer({ min: 0, max: 1 }), length).map((labels) => Uint8Array.from(labels)),
        scores: fc.array(score, length).map((scores) => Float64Array.from(scores)),
      });
    });
}
