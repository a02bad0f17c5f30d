// How alike two maps are: rank correlation and structural similarity.

/**
 * Spearman's rank correlation, −1..1: Pearson's correlation of the ranks, equal values sharing the mean of their ranks.
 * Null where one of the maps is the same everywhere: it has no ranks.
 */
export function rankCorrelation(a: ArrayLike<number>, b: ArrayLike<number>): number | null {
  const [x, y] = [centredRanks(a), centredRanks(b)];
  let [xy, xx, yy] = [0, 0, 0];
  for (let k = 0; k < x.length; k++) {
    xy += x[k]! * y[k]!;
    xx += x[k]! ** 2;
    yy += y[k]! ** 2;
  }
  return xx === 0 || yy === 0 ? null : Math.max(-1, Math.min(1, xy / Math.sqrt(xx * yy)));
}

/** Ranks less their mean, so that they sum to 0. */
function centredRanks(values: ArrayLike<number>): Float64Array {
  const order = Array.from({ length: values.length }, (_, k) => k).sort((a, b) => values[a]! - values[b]!);
  const ranks = new Float64Array(values.length);
  for (let start = 0, end = 0; start < order.length; start = end) {
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++;
    for (let k = start; k < end; k++) ranks[order[k]!] = (start + end - order.length) / 2;
  }
  return ranks;
}

const WINDOW = 11;
const DEVIATION = 1.5;
const K1 = 0.01;
const K2 = 0.03;

interface Picture {
  readonly width: number;
  readonly height: number;
  /** Row-major, 0..1. */
  readonly values: ArrayLike<number>;
}

/**
 * The mean structural similarity of two pictures of one size (Wang et al., "Image quality assessment: from error visibility to
 * structural similarity", 2004, eq. 13 and 17), at most 1: Gaussian windows of 11 × 11 with deviation 1.5, only those that lie within the
 * pictures, K1 = 0.01, K2 = 0.03, range 1. Both sides must be 11 or longer.
 */
export function structuralSimilarity(a: Picture, b: Picture): number {
  const of = (value: (k: number) => number) =>
    smoothed(
      Float64Array.from(a.values, (_, k) => value(k)),
      a.width,
      a.height,
    );
  const [x, y] = [a.values, b.values];
  const [mx, my] = [of((k) => x[k]!), of((k) => y[k]!)];
  const [xx, yy, xy] = [of((k) => x[k]! ** 2), of((k) => y[k]! ** 2), of((k) => x[k]! * y[k]!)];
  const [c1, c2] = [K1 ** 2, K2 ** 2];
  let sum = 0;
  for (let k = 0; k < mx.length; k++) {
    const [m2, product] = [mx[k]! ** 2 + my[k]! ** 2, mx[k]! * my[k]!];
    sum += ((2 * product + c1) * (2 * (xy[k]! - product) + c2)) / ((m2 + c1) * (xx[k]! + yy[k]! - m2 + c2));
  }
  return sum / mx.length;
}

/** Gaussian weights of a window's row; they sum to 1. */
const KERNEL = (() => {
  const raw = Array.from({ length: WINDOW }, (_, k) => Math.exp(-((k - (WINDOW - 1) / 2) ** 2) / (2 * DEVIATION ** 2)));
  const total = raw.reduce((sum, value) => sum + value, 0);
  return raw.map((value) => value / total);
})();

/** The windows' weighted means, (width − 10) × (height − 10): across, then down. */
function smoothed(values: Float64Array, width: number, height: number): Float64Array {
  const [columns, rows] = [width - WINDOW + 1, height - WINDOW + 1];
  const across = new Float64Array(columns * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < columns; x++)
      for (let k = 0; k < WINDOW; k++) across[y * columns + x]! += KERNEL[k]! * values[y * width + x + k]!;
  const result = new Float64Array(columns * rows);
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++)
      for (let k = 0; k < WINDOW; k++) result[y * columns + x]! += KERNEL[k]! * across[(y + k) * columns + x]!;
  return result;
}
