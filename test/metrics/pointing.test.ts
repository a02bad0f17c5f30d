// The pointing game and the energy in boxes on maps made by hand, and the geometry behind them against sums over pixels.
import { describe, expect, it } from 'vitest';
import { enlarged } from '../../src/heatmap/enlarge';
import { type Box, clipped, coveredShare, distanceTo, shareOfMap, shareWithin } from '../../src/metrics/boxes';
import { isDifficult, type Pointing, type PointingCase, pointingOf, pointingReport, summaryOf } from '../../src/metrics/pointing';
import { randomStream } from '../../src/metrics/random';

const box = (x: number, y: number, width: number, height: number): Box => ({ x, y, width, height });
const map = (width: number, height: number, values: number[]) => ({ width, height, values });

/** 3 × 3 over an image of 30 × 30 pixels: the cells' centres lie at 5, 15 and 25. */
const IMAGE = { width: 30, height: 30 };
const only = (cell: number) =>
  map(
    3,
    3,
    Array.from({ length: 9 }, (_, k) => Number(k === cell)),
  );

describe('pointingOf', () => {
  it('hits where the highest cell has its centre in a box', () => {
    expect(pointingOf(only(5), [box(20, 10, 10, 10)], IMAGE)).toMatchObject({ point: [25, 15], distance: 0, hit: true });
  });

  it('misses beside the box, and tells how far away', () => {
    expect(pointingOf(only(0), [box(8, 9, 10, 10)], IMAGE)).toMatchObject({ point: [5, 5], distance: 5, hit: false });
  });

  it('takes the first in reading order of equal maxima', () => {
    const two = map(3, 3, [0, 0, 2, 2, 0, 0, 0, 0, 1]);
    expect(pointingOf(two, [box(20, 0, 10, 10)], IMAGE)).toMatchObject({ point: [25, 5], hit: true });
    expect(pointingOf(two, [box(0, 10, 10, 10)], IMAGE)).toMatchObject({ hit: false });
  });

  it('holds a maximum at the border in its cell', () => {
    expect(pointingOf(only(8), [box(24, 24, 6, 6)], IMAGE)).toMatchObject({ point: [25, 25], hit: true });
    expect(pointingOf(only(8), [box(26, 26, 4, 4)], IMAGE)).toMatchObject({ hit: false });
  });

  it('hits in any of several boxes, on the edge too', () => {
    const boxes = [box(0, 0, 4, 4), box(15, 15, 5, 5)];
    expect(pointingOf(only(4), boxes, IMAGE)).toMatchObject({ point: [15, 15], hit: true });
  });

  it('hits within the tolerance, measured round the corner', () => {
    const far = [box(8, 9, 10, 10)];
    expect(pointingOf(only(0), far, IMAGE, 4.9)!.hit).toBe(false);
    expect(pointingOf(only(0), far, IMAGE, 5)!.hit).toBe(true);
    expect(pointingOf(only(0), far, IMAGE, 5)!.chance).toBeGreaterThan(100 / 900);
  });

  it('counts what of a box lies in the image, and knows no case where nothing does', () => {
    expect(pointingOf(only(0), [box(-10, -10, 20, 20)], IMAGE)).toMatchObject({ hit: true, area: 100 / 900 });
    expect(pointingOf(only(0), [box(30, 0, 5, 5), box(3, 3, 0, 9)], IMAGE)).toBeNull();
  });

  it('is a miss where the map is the same everywhere, without energy where it is 0', () => {
    const [zero, flat] = [map(3, 3, Array<number>(9).fill(0)), map(3, 3, Array<number>(9).fill(0.5))];
    expect(pointingOf(zero, [box(0, 0, 30, 30)], IMAGE)).toMatchObject({ point: null, distance: null, hit: false, energy: null });
    const found = pointingOf(flat, [box(3, 4, 10, 5)], IMAGE)!;
    expect(found).toMatchObject({ point: null, hit: false });
    expect(found.energy).toBeCloseTo(found.area, 12);
  });

  it('tells what points anywhere and in the middle would reach', () => {
    expect(pointingOf(only(0), [box(10, 10, 10, 20)], IMAGE)).toMatchObject({ chance: 200 / 900, area: 200 / 900, centre: true });
    expect(pointingOf(only(0), [box(16, 0, 10, 30)], IMAGE)).toMatchObject({ chance: 300 / 900, centre: false });
  });
});

describe('boxes', () => {
  const random = randomStream('boxes');
  const image = { width: 24, height: 18 };
  const drawn = () =>
    Array.from({ length: 1 + random.integer(5) }, () => {
      return box(random.integer(24) - 3, random.integer(18) - 3, 1 + random.integer(12), 1 + random.integer(12));
    });
  const cases = Array.from({ length: 40 }, () => clipped(drawn(), image)).filter(({ length }) => length > 0);

  /** 1 for each pixel whose centre is at most so far from a box. */
  const pixels = (boxes: readonly Box[], reach = 0) =>
    Array.from({ length: 24 * 18 }, (_, k) => Number(distanceTo(boxes, (k % 24) + 0.5, Math.floor(k / 24) + 0.5) <= reach));
  const sum = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0);

  it('cover what the pixels in them cover', () => {
    for (const boxes of cases) expect(coveredShare(boxes, image)).toBeCloseTo(sum(pixels(boxes)) / (24 * 18), 10);
  });

  it('reach as far as finer and finer pixels say', () => {
    for (const boxes of cases)
      expect(Math.abs(shareWithin(boxes, image, 2.5) - sum(pixels(boxes, 2.5)) / (24 * 18))).toBeLessThan(0.04);
    expect(shareWithin([box(8, 8, 1e-9, 1e-9)], image, 4)).toBeCloseTo((Math.PI * 16) / (24 * 18), 2);
    expect(shareWithin([box(0, 0, 24, 18)], image, 4)).toBeCloseTo(1, 10);
  });

  it('hold as much of a map as of the map enlarged as overlays are', () => {
    for (const boxes of cases.slice(0, 12)) {
      const values = Array.from({ length: 12 }, () => random.next());
      // The enlarged map is scaled: a cell of 0 and one of 1 keep it as it is. Ten pixels a pixel make the sum nearly an integral.
      values.splice(0, 2, 0, 1);
      const large = enlarged({ width: 4, height: 3, values }, 240, 180);
      const inside = Array.from(large, (value, k) => {
        return distanceTo(boxes, ((k % 240) + 0.5) / 10, (Math.floor(k / 240) + 0.5) / 10) === 0 ? value : 0;
      });
      expect(shareOfMap(map(4, 3, values), boxes, image)).toBeCloseTo(sum(inside) / sum(large), 3);
    }
  });

  it('hold all of every map when they cover the image', () => {
    expect(shareOfMap(map(1, 1, [3]), [box(0, 0, 24, 18)], image)).toBe(1);
    expect(shareOfMap(map(7, 5, [...Array(35).keys()]), [box(0, 0, 24, 9), box(0, 9, 24, 9)], image)).toBeCloseTo(1, 12);
    expect(shareOfMap(map(1, 1, [3]), [box(0, 0, 12, 18)], image)).toBe(0.5);
  });
});

describe('summaries', () => {
  const made = (hit: boolean, energy: number | null): Pointing => ({
    point: energy === null ? null : [1, 1],
    distance: energy === null ? null : 0,
    hit,
    energy,
    chance: 0.25,
    area: 0.2,
    centre: hit,
  });

  it('count, average, and leave maps of 0 out of the energy alone', () => {
    const summary = summaryOf([made(true, 0.5), made(true, 0.7), made(false, null), made(false, 0)]);
    expect(summary).toMatchObject({ cases: 4, hits: 2, rate: 0.5, chance: 0.25, centre: 0.5, area: 0.2, flat: 1 });
    expect(summary.energy).toBeCloseTo(0.4, 12);
  });

  it('are null of nothing', () => {
    expect(summaryOf([])).toEqual({
      ...{ cases: 0, hits: 0, rate: null, rateInterval: null, chance: null, centre: null },
      ...{ energy: null, energyInterval: null, area: null, flat: 0 },
    });
  });

  it('give every category, the mean of those with cases, what was predicted and what is difficult', () => {
    const one = (category: string, hit: boolean, more: Partial<PointingCase>): PointingCase => {
      return { file: 'a.jpg', category, difficult: false, predicted: false, ...made(hit, hit ? 0.8 : 0.2), ...more };
    };
    const cases = [one('dog', true, { predicted: true }), one('dog', true, {}), one('cat', false, { difficult: true })];
    const report = pointingReport(cases, ['dog', 'cat', 'cow']);
    expect(report.perCategory.map(({ category, rate }) => [category, rate])).toEqual([
      ['dog', 1],
      ['cat', 0],
      ['cow', null],
    ]);
    expect(report.macro).toMatchObject({ categories: 2, rate: 0.5, energy: 0.5 });
    expect(report.overall.rate).toBeCloseTo(2 / 3, 12);
    expect([report.predicted.cases, report.difficult.cases, report.difficult.hits]).toEqual([1, 1, 0]);
  });

  it('call small boxes among other categories difficult', () => {
    expect(isDifficult({ area: 0.24 }, 2)).toBe(true);
    expect(isDifficult({ area: 0.24 }, 1)).toBe(false);
    expect(isDifficult({ area: 0.25 }, 2)).toBe(false);
  });
});
