// 95 % confidence intervals by formula: of a proportion, and of a mean over images.

export type Interval = readonly [low: number, high: number];

const FEWEST = 10;

/** The two-sided 95 % quantile of the normal distribution. */
export const Z_95 = 1.959963984540054;

/**
 * Wilson's score interval of a proportion (Wilson, "Probable inference, the law of succession, and statistical inference", 1927):
 * within 0..1, and not empty where all or none of few cases are hits. Null of no cases.
 */
export function wilsonInterval(hits: number, cases: number): Interval | null {
  return cases === 0 ? null : wilsonOf(hits / cases, cases);
}

/** The same of a proportion 0..1 and a number of cases, which may be an effective one and so no whole number. */
export function wilsonOf(proportion: number, cases: number): Interval {
  const z2 = Z_95 ** 2 / cases;
  const centre = proportion + z2 / 2;
  const half = Z_95 * Math.sqrt((proportion * (1 - proportion)) / cases + z2 / (4 * cases));
  return [Math.max(0, (centre - half) / (1 + z2)), Math.min(1, (centre + half) / (1 + z2))];
}

/**
 * The normal interval of a mean of values that come in clusters, such as the categories of one image, which are alike: the
 * variance of the ratio of the clusters' sums to their sizes (Cochran, "Sampling Techniques", 1977, chapter 6).
 *
 * @param clusters names each value's cluster; without it, each value is one
 * @param range that the interval is cut to
 * @returns null of fewer than ten clusters: of so few the normal interval is too narrow
 */
export function meanInterval(
  values: readonly number[],
  clusters: readonly unknown[] = [...values.keys()],
  [low, high]: Interval = [0, 1],
): Interval | null {
  const sums = new Map<unknown, { sum: number; size: number }>();
  values.forEach((value, k) => {
    const cluster = sums.get(clusters[k]) ?? { sum: 0, size: 0 };
    sums.set(clusters[k], { sum: cluster.sum + value, size: cluster.size + 1 });
  });
  const count = sums.size;
  if (count < FEWEST) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = [...sums.values()].reduce((total, { sum, size }) => total + (sum - mean * size) ** 2, 0);
  const half = (Z_95 * Math.sqrt((squares * count) / (count - 1))) / values.length;
  return [Math.max(low, mean - half), Math.min(high, mean + half)];
}
