// Whether the intervals of slices, and of their differences to all other images or labels, hold what they promise.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FactTable } from '../../src/metrics/facts';
import { groupsByArea } from '../../src/metrics/groups';
import { randomStream } from '../../src/metrics/random';
import { ratioDifference, ratioInterval, sumsOf, withoutPart } from '../../src/metrics/ratio';
import { sliceAt } from '../../src/metrics/slices';
import type { ScoredSet } from '../../src/metrics/types';

describe('intervals of slices', () => {
  it('have what is left of the sums without a part', () => {
    const [x, y] = [
      [1, 0, 2, 1],
      [2, 0, 2, 3],
    ];
    const of = (rows: readonly number[]) =>
      sumsOf(
        rows,
        (row) => x[row]!,
        (row) => y[row]!,
      );
    expect(withoutPart(of([0, 1, 2, 3]), of([0, 3]))).toEqual(of([1, 2]));
    expect(ratioInterval(of([1]))).toBeNull();
    expect(ratioDifference(of([1]), of([0]))).toBeNull();
  });

  it('compare labels by object area with all other labels, also those in the same images', () => {
    const random = randomStream('areas', 1);
    const [images, width, repeats] = [120, 6, 600];
    let [held, most] = [0, 0];
    for (let k = 0; k < repeats; k++) {
      // Hard and easy images: the labels of one are alike, and of all sizes.
      const labels = Uint8Array.from({ length: images * width }, () => Number(random.next() < 0.4));
      const easy = Array.from({ length: images }, () => (random.next() < 0.5 ? 0.35 : 0.9));
      const scores = Float64Array.from(labels, (label, at) =>
        Number(random.next() < (label === 1 ? easy[Math.floor(at / width)]! : 0.1)),
      );
      const set: ScoredSet = { images, categories: Array.from({ length: width }, (_, c) => `${c}`), labels, scores };
      const areas = (row: number) =>
        [...labels.subarray(row * width, (row + 1) * width)].flatMap((label) =>
          label === 1 ? [random.next() < 0.3 ? 500 : 20_000] : [],
        );
      const facts: FactTable = {
        images: Array.from({ length: images }, (_, row) => ({ width: 100, height: 100, areas: areas(row) })),
        fields: [],
      };
      const small = sliceAt(set, 0.5, groupsByArea(set, facts)).slices.find(
        ({ key }) => key.by === 'area' && key.area === 'small',
      )!;
      const { value, low, high } = small.versusRest!;
      expect(low).toBeLessThanOrEqual(value);
      expect(high).toBeGreaterThanOrEqual(value);
      if (low <= 0 && high >= 0) held++;
      most = Math.max(most, high - low);
    }
    expect(held / repeats).toBeGreaterThan(0.93);
    expect(held / repeats).toBeLessThan(0.98);
    expect(most).toBeLessThan(0.4);
  });

  it('are numbers where every image has labels of both sizes', () => {
    const images = 60;
    const labels = new Uint8Array(2 * images).fill(1);
    const scores = Float64Array.from(labels, (_, at) => Number(at % 3 > 0));
    const set: ScoredSet = { images, categories: ['a', 'b'], labels, scores };
    const facts: FactTable = {
      images: Array.from({ length: images }, () => ({ width: 100, height: 100, areas: [500, 20_000] })),
      fields: [],
    };
    for (const { versusRest } of sliceAt(set, 0.5, groupsByArea(set, facts)).slices)
      expect([versusRest!.low, versusRest!.value, versusRest!.high].every(Number.isFinite)).toBe(true);
  });

  it('stay within 0..1 and hold the ratio, also where all images agree', () => {
    const rows = fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 3 })), {
      minLength: 1,
      maxLength: 30,
    });
    fc.assert(
      fc.property(rows, (pairs) => {
        const sums = sumsOf(
          pairs.keys(),
          (row) => pairs[row]![0],
          (row) => pairs[row]![0] + pairs[row]![1],
        );
        const interval = ratioInterval(sums);
        if (sums.y === 0) {
          expect(interval).toBeNull();
          return;
        }
        const ratio = sums.x / sums.y;
        expect(interval!.low).toBeGreaterThanOrEqual(0);
        expect(interval!.high).toBeLessThanOrEqual(1);
        expect(ratio).toBeGreaterThanOrEqual(interval!.low - 1e-12);
        expect(ratio).toBeLessThanOrEqual(interval!.high + 1e-12);
      }),
    );
  });

  it('hold the truth about as often as they say, for images whose entries go together', () => {
    const random = randomStream('coverage', 1);
    const draw = () => {
      // Hard and easy images: the entries of one are alike.
      const rate = random.next() < 0.4 ? 0.2 : 0.9;
      const entries = 1 + random.integer(5);
      return { x: Array.from({ length: entries }, () => Number(random.next() < rate)).reduce((a, b) => a + b, 0), y: entries };
    };
    const truth = 0.4 * 0.2 + 0.6 * 0.9;
    const sample = (count: number) => {
      const drawn = Array.from({ length: count }, draw);
      return sumsOf(
        drawn.keys(),
        (row) => drawn[row]!.x,
        (row) => drawn[row]!.y,
      );
    };
    const repeats = 1500;
    let [own, differences] = [0, 0];
    for (let k = 0; k < repeats; k++) {
      const [a, b] = [sample(40), sample(120)];
      const { low, high } = ratioInterval(a)!;
      if (low <= truth && truth <= high) own++;
      const difference = ratioDifference(a, b)!;
      if (difference.low <= 0 && difference.high >= 0) differences++;
    }
    for (const share of [own / repeats, differences / repeats]) {
      expect(share).toBeGreaterThan(0.93);
      expect(share).toBeLessThan(0.98);
    }
  });
});
