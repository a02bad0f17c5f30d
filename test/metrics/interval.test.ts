// Intervals by formula: known values, edges, and how often they hold the truth in simulations.
import { describe, expect, it } from 'vitest';
import { meanInterval, wilsonInterval } from '../../src/metrics/interval';
import { randomStream } from '../../src/metrics/random';

describe('wilsonInterval', () => {
  it.each([
    // Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I, method 3.
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])('of %i of %i is as published', (hits, cases, low, high) => {
    const interval = wilsonInterval(hits, cases)!;
    expect(interval[0]).toBeCloseTo(low, 4);
    expect(interval[1]).toBeCloseTo(high, 4);
  });

  it('is null of no cases, and ends at 1 where all are hits', () => {
    expect(wilsonInterval(0, 0)).toBeNull();
    expect(wilsonInterval(3, 3)![1]).toBe(1);
  });
});

describe('meanInterval', () => {
  it('is the mean and 1.96 standard errors where each value is a cluster', () => {
    const values = [0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.6, 0.7, 0.8, 0.9];
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - 0.5) ** 2, 0) / 9);
    const [low, high] = meanInterval(values)!;
    expect(low).toBeCloseTo(0.5 - (1.959964 * deviation) / Math.sqrt(10), 6);
    expect(high).toBeCloseTo(0.5 + (1.959964 * deviation) / Math.sqrt(10), 6);
  });

  it('is null of few clusters', () => {
    const values = Array.from({ length: 30 }, (_, k) => k / 30);
    expect(meanInterval(values.slice(0, 9))).toBeNull();
    expect(
      meanInterval(
        values,
        values.map((_, k) => k % 9),
      ),
    ).toBeNull();
  });

  it('holds the truth in about 95 of 100 draws, also where values of a cluster are alike; taken as single values they are too sure', () => {
    const random = randomStream('coverage');
    let [held, naive] = [0, 0];
    const draws = 2000;
    for (let draw = 0; draw < draws; draw++) {
      // 60 images of one to four cases; an image's cases hit with a probability of the image: 0.5 on average.
      const cases = Array.from({ length: 60 }, (_, image) => {
        const p = random.next();
        return Array.from({ length: 1 + random.integer(4) }, () => ({ image, hit: Number(random.next() < p) }));
      }).flat();
      const hits = cases.map(({ hit }) => hit);
      const holds = (interval: readonly [number, number] | null) => interval![0] <= 0.5 && 0.5 <= interval![1];
      held += Number(
        holds(
          meanInterval(
            hits,
            cases.map(({ image }) => image),
          ),
        ),
      );
      naive += Number(holds(meanInterval(hits)));
    }
    expect(held / draws).toBeGreaterThan(0.93);
    expect(held / draws).toBeLessThan(0.97);
    expect(naive / draws).toBeLessThan(0.92);
  });
});
