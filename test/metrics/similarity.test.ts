// Rank correlation and structural similarity: cases by hand, ties, identity, and what must hold of any map.
import { describe, expect, it } from 'vitest';
import { randomStream } from '../../src/metrics/random';
import { rankCorrelation, structuralSimilarity } from '../../src/metrics/similarity';

describe('rankCorrelation', () => {
  it('is 1 for the same order and −1 for the opposite one, however large the steps are', () => {
    expect(rankCorrelation([1, 2, 3, 4], [1, 10, 100, 1000])).toBe(1);
    expect(rankCorrelation([1, 2, 3, 4], [9, 5, 2, -1])).toBe(-1);
  });

  it('gives equal values the mean of their ranks', () => {
    // Ranks 1.5 1.5 3 4 and 1 2 3 4: 4.5 / √(4.5 · 5).
    expect(rankCorrelation([0, 0, 1, 2], [1, 2, 3, 4])).toBeCloseTo(4.5 / Math.sqrt(4.5 * 5), 14);
  });

  it('is null where a map is the same everywhere', () => {
    expect(rankCorrelation([1, 1, 1], [1, 2, 3])).toBeNull();
    expect(rankCorrelation([1, 2, 3], [0, 0, 0])).toBeNull();
  });

  it('is what the formula of squared rank differences gives without ties', () => {
    const random = randomStream('ranks');
    const ranks = (n: number) => random.shuffle(Array.from({ length: n }, (_, k) => k));
    for (let trial = 0; trial < 20; trial++) {
      const [a, b] = [ranks(30), ranks(30)];
      const squares = a.reduce((sum, rank, k) => sum + (rank - b[k]!) ** 2, 0);
      expect(rankCorrelation(a, b)).toBeCloseTo(1 - (6 * squares) / (30 * (30 ** 2 - 1)), 12);
    }
  });
});

describe('structuralSimilarity', () => {
  const random = randomStream('pictures');
  const picture = (value: (k: number) => number, width = 20, height = 16) => {
    return { width, height, values: Float64Array.from({ length: width * height }, (_, k) => value(k)) };
  };
  const noise = () => picture(() => random.next());

  it('is 1 for the same picture and is symmetric', () => {
    const [a, b] = [noise(), noise()];
    expect(structuralSimilarity(a, a)).toBeCloseTo(1, 12);
    expect(structuralSimilarity(a, b)).toBeCloseTo(structuralSimilarity(b, a), 12);
    expect(structuralSimilarity(a, b)).toBeLessThan(0.3);
  });

  it('is negative for the inverse of what changes', () => {
    const a = noise();
    expect(structuralSimilarity(a, { ...a, values: a.values.map((value) => 1 - value) })).toBeLessThan(-0.5);
  });

  it('compares brightness alone where nothing changes', () => {
    const [dark, light] = [picture(() => 0.2), picture(() => 0.8)];
    const [c1, expected] = [1e-4, 2 * 0.2 * 0.8];
    expect(structuralSimilarity(dark, light)).toBeCloseTo((expected + c1) / (0.04 + 0.64 + c1), 10);
  });

  it('is the mean over windows: one window is the formula with Gaussian weights', () => {
    const [a, b] = [picture((k) => (k % 7) / 7, 11, 11), picture((k) => (k % 5) / 5, 11, 11)];
    const weight = (k: number) => Math.exp(-(((k % 11) - 5) ** 2 + (Math.floor(k / 11) - 5) ** 2) / (2 * 1.5 ** 2));
    const total = Array.from(a.values, (_, k) => weight(k)).reduce((x, y) => x + y);
    const mean = (value: (k: number) => number) =>
      Array.from(a.values, (_, k) => weight(k) * value(k)).reduce((x, y) => x + y) / total;
    const [ma, mb] = [mean((k) => a.values[k]!), mean((k) => b.values[k]!)];
    const va = mean((k) => (a.values[k]! - ma) ** 2);
    const vb = mean((k) => (b.values[k]! - mb) ** 2);
    const covariance = mean((k) => (a.values[k]! - ma) * (b.values[k]! - mb));
    const expected = ((2 * ma * mb + 1e-4) * (2 * covariance + 9e-4)) / ((ma ** 2 + mb ** 2 + 1e-4) * (va + vb + 9e-4));
    expect(structuralSimilarity(a, b)).toBeCloseTo(expected, 10);
  });
});
