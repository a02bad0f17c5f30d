// Precision, recall and F1 as ratios of sums over images, with intervals that know that the entries of one image go together.
import { wilsonOf } from './interval';

/** Of n images: how often something held and could have held in each, x_i and y_i, as the sums that an interval needs. */
export interface RatioSums {
  /** Images with y > 0. */
  readonly images: number;
  readonly x: number;
  readonly y: number;
  readonly xx: number;
  readonly xy: number;
  readonly yy: number;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

export function sumsOf(rows: Iterable<number>, x: (row: number) => number, y: (row: number) => number): RatioSums {
  const sums = { images: 0, x: 0, y: 0, xx: 0, xy: 0, yy: 0 };
  for (const row of rows) {
    const [a, b] = [x(row), y(row)];
    if (b === 0) continue;
    sums.images++;
    sums.x += a;
    sums.y += b;
    sums.xx += a * a;
    sums.xy += a * b;
    sums.yy += b * b;
  }
  return sums;
}

/** What is left of `whole` without `part`, whose images are all in it. */
export function withoutPart(whole: RatioSums, part: RatioSums): RatioSums {
  return {
    images: whole.images - part.images,
    x: whole.x - part.x,
    y: whole.y - part.y,
    xx: whole.xx - part.xx,
    xy: whole.xy - part.xy,
    yy: whole.yy - part.yy,
  };
}

/** x / y; null where nothing could have held. */
export function ratioOf({ x, y }: RatioSums): number | null {
  return y === 0 ? null : x / y;
}

/**
 * A 95 % interval of x / y over images drawn at random: Wilson's score interval (1927) with the effective sample size R (1 − R) / var(R)
 * in place of the number of trials (Kott and Carr 1997; Franco et al. 2019), where var(R) = n / (n − 1) Σ (x_i − R y_i)² / y² is the variance
 * of a ratio over clusters (Cochran 1977, 6.4). Where all images agree the variance says nothing, and the number of images stands for the
 * size. Null without a ratio.
 */
export function ratioInterval(sums: RatioSums): Interval | null {
  const ratio = ratioOf(sums);
  if (ratio === null) return null;
  const [low, high] = wilsonOf(ratio, effectiveSize(sums, ratio));
  return { low, high };
}

function effectiveSize(sums: RatioSums, ratio: number): number {
  const { images, x, y } = sums;
  const variance = images > 1 ? ((images / (images - 1)) * residuals(sums, ratio)) / y ** 2 : 0;
  const isFlat = x === 0 || x === y || variance <= 1e-12 || images < 2;
  return isFlat ? images : Math.min(y, (ratio * (1 - ratio)) / variance);
}

export interface Difference extends Interval {
  readonly value: number;
}

/** Of images that are in both of two ratios: the sums of the products of what each adds to the one and to the other. */
export interface CrossSums {
  readonly xx: number;
  /** Of x in the first and y in the second. */
  readonly xy: number;
  readonly yx: number;
  readonly yy: number;
}

const NOTHING_SHARED: CrossSums = { xx: 0, xy: 0, yx: 0, yy: 0 };

/**
 * a − b with its 95 % interval, from the intervals of both (Newcombe, Statistics in Medicine 17, 1998): method 10 for two lots of images, and where
 * images are in both, method 10 for paired data with the correlation of the two ratios, that of their residuals x_i − R y_i over the images
 * (linearised, as the variance of `ratioInterval`).
 */
export function ratioDifference(a: RatioSums, b: RatioSums, shared: CrossSums = NOTHING_SHARED): Difference | null {
  const [p, q] = [ratioOf(a), ratioOf(b)];
  if (p === null || q === null) return null;
  const [own, other] = [ratioInterval(a)!, ratioInterval(b)!];
  const value = p - q;
  const joint = shared.xx - q * shared.xy - p * shared.yx + p * q * shared.yy;
  const both = residuals(a, p) * residuals(b, q);
  const correlation = both > 0 ? Math.max(-1, Math.min(1, joint / Math.sqrt(both))) : 0;
  return {
    value,
    low: value - together(p - own.low, other.high - q, correlation),
    high: value + together(own.high - p, q - other.low, correlation),
  };
}

/** The sum of the squares of x_i − R y_i. Rounding may leave a little less than nothing. */
function residuals({ xx, xy, yy }: RatioSums, ratio: number): number {
  return Math.max(0, xx - 2 * ratio * xy + ratio ** 2 * yy);
}

function together(own: number, other: number, correlation: number): number {
  // Rounding may leave a little less than nothing.
  return Math.sqrt(Math.max(0, own ** 2 - 2 * correlation * own * other + other ** 2));
}
