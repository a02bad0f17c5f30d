// Calibration of scores: a scale and a shift of each category's logits, fitted so that scores can be read as probabilities.
import { checkSet } from './check';
import { pooled } from './divide';
import { finished } from './steps';
import type { ScoredSet } from './types';

/** probability = sigmoid(scale × logit + shift), one of each a category. Scales are above 0: the order of images stays. */
export interface Calibration {
  readonly scale: readonly number[];
  readonly shift: readonly number[];
}

/** `temperature`: one scale for all categories. `platt`: a scale and a shift for each. */
export type ScalingMethod = 'temperature' | 'platt';

/** Why a category has the scale of all instead of its own. */
export type ScalingNote = 'no-positives' | 'no-negatives' | 'not-rising';

export interface Scaling extends Calibration {
  readonly method: ScalingMethod;
  /** 1 / the scale that suits all categories together. */
  readonly temperature: number;
  /** One a category; null where its own was fitted, and everywhere with `temperature`. */
  readonly notes: readonly (ScalingNote | null)[];
}

/** The smallest normal float32, and half-way between 1 and the float32 below it: what scores of exactly 0 and 1 are taken for. */
const LOWEST = 2 ** -126;
const HIGHEST = 1 - 2 ** -25;

/** ln(p / (1 − p)). A score of 1 is what float32 makes of logits above 17.3, and is taken for that; 0 for a logit of −87.3. */
export function logitOf(p: number): number {
  const inside = p >= 1 ? HIGHEST : Math.max(p, LOWEST);
  return Math.log(inside) - Math.log1p(-inside);
}

export function sigmoid(z: number): number {
  return z >= 0 ? 1 / (1 + Math.exp(-z)) : Math.exp(z) / (1 + Math.exp(z));
}

/** The map that undoes another. */
export function inverseOf({ scale, shift }: Calibration): Calibration {
  return { scale: scale.map((a) => 1 / a), shift: shift.map((b, c) => -b / scale[c]!) };
}

/** A score of category `c` after the map. */
export function mapped({ scale, shift }: Calibration, c: number, p: number): number {
  return sigmoid(scale[c]! * logitOf(p) + shift[c]!);
}

/** Thresholds that decide after the map as the given ones did before. The ends, which take all and nothing, stay ends. */
export function mappedThresholds(calibration: Calibration, thresholds: readonly number[]): number[] {
  return thresholds.map((threshold, c) => (threshold <= 0 || threshold >= 1 ? threshold : mapped(calibration, c, threshold)));
}

/** The set with every score mapped. */
export function rescaled(set: ScoredSet, calibration: Calibration): ScoredSet {
  const width = set.categories.length;
  return { ...set, scores: Float64Array.from(set.scores, (p, at) => mapped(calibration, at % width, p)) };
}

/**
 * Fits a calibration.
 *
 * `temperature` (Guo et al., "On Calibration of Modern Neural Networks", 2017): the one scale 1/T that gives the least binary
 * cross-entropy over all images × categories; T within 0.05..20, which are also the answers for scores that separate perfectly, and
 * that are no better than their opposite.
 *
 * `platt` (Platt, "Probabilistic outputs for support vector machines", 1999): scale and shift of each category by maximum likelihood,
 * with the targets (n₊ + 1) / (n₊ + 2) and 1 / (n₋ + 2) in place of 1 and 0, so that few images, or images that separate perfectly,
 * lead to no certainty. A category that all images or none have, or whose scores do not rise with its share of images, keeps 1/T.
 *
 * @throws MetricsError as `checkSet` does
 */
export function fitScaling(set: ScoredSet, method: ScalingMethod): Scaling {
  return finished(scalingSteps(set, method));
}

/** As `fitScaling`, a step at a time: yields the share that is done. */
export function* scalingSteps(set: ScoredSet, method: ScalingMethod): Generator<number, Scaling> {
  checkSet(set);
  const { scores, labels } = pooled(set);
  const scale = yield* bestScale(Float64Array.from(scores, logitOf), labels);
  const fits: (Line | ScalingNote | undefined)[] = [];
  for (const c of set.categories.keys()) {
    fits.push(method === 'temperature' ? undefined : plattOf(set, c));
    yield fits.length / set.categories.length;
  }
  return {
    method,
    temperature: 1 / scale,
    scale: fits.map((fit) => (isFit(fit) ? fit.scale : scale)),
    shift: fits.map((fit) => (isFit(fit) ? fit.shift : 0)),
    notes: fits.map((fit) => (typeof fit === 'string' ? fit : null)),
  };
}

interface Line {
  readonly scale: number;
  readonly shift: number;
}

function isFit(fit: Line | ScalingNote | undefined): fit is Line {
  return typeof fit === 'object';
}

const LEAST_SCALE = 1 / 20;
const MOST_SCALE = 20;

/**
 * The slope of the cross-entropy rises with the scale: Newton's steps, and the middle of the bracket where one leads out of it. How many it
 * takes is not known: each yields that nothing is done.
 */
function* bestScale(logits: Float64Array, labels: Uint8Array): Generator<number, number> {
  let [low, high] = [LEAST_SCALE, MOST_SCALE];
  if (slopes(logits, labels, low)[0] >= 0) return logits.length === 0 ? 1 : low;
  if (slopes(logits, labels, high)[0] <= 0) return high;
  let scale = 1;
  for (let step = 0; step < 100 && high - low > 1e-12 * high; step++) {
    const [first, second] = slopes(logits, labels, scale);
    if (first > 0) high = scale;
    else low = scale;
    const next = scale - first / second;
    const inside = next > low && next < high ? next : (low + high) / 2;
    if (Math.abs(inside - scale) < 1e-13 * scale) return inside;
    scale = inside;
    yield 0;
  }
  return scale;
}

/** First and second derivative of the summed cross-entropy by the scale. */
function slopes(logits: Float64Array, labels: Uint8Array, scale: number): [number, number] {
  let [first, second] = [0, 0];
  for (let at = 0; at < logits.length; at++) {
    const z = logits[at]!;
    const p = sigmoid(scale * z);
    first += z * (p - labels[at]!);
    second += z * z * p * (1 - p);
  }
  return [first, second];
}

function plattOf({ scores, labels, categories, images }: ScoredSet, c: number): Line | ScalingNote {
  const at = (row: number) => row * categories.length + c;
  const logits = Float64Array.from({ length: images }, (_, row) => logitOf(scores[at(row)]!));
  const positives = logits.reduce((sum, _, row) => sum + labels[at(row)]!, 0);
  const negatives = images - positives;
  if (positives === 0) return 'no-positives';
  if (negatives === 0) return 'no-negatives';
  const [high, low] = [(positives + 1) / (positives + 2), 1 / (negatives + 2)];
  const targets = Float64Array.from(logits, (_, row) => (labels[at(row)] === 1 ? high : low));
  const line = newton(logits, targets, { scale: 0, shift: Math.log((positives + 1) / (negatives + 1)) });
  return line.scale >= LEAST_SCALE ? line : 'not-rising';
}

const RIDGE = 1e-12;

/**
 * Least cross-entropy over scale and shift by Newton's method with backtracking (Lin, Lin and Weng, "A note on Platt's
 * probabilistic outputs for support vector machines", 2007, algorithm 1).
 */
function newton(logits: Float64Array, targets: Float64Array, start: Line): Line {
  let line = start;
  let loss = crossEntropy(logits, targets, line);
  for (let step = 0; step < 100; step++) {
    const { gradient, direction } = newtonStep(logits, targets, line);
    if (Math.max(Math.abs(gradient[0]), Math.abs(gradient[1])) < 1e-9 * logits.length) break;
    const fall = gradient[0] * direction[0] + gradient[1] * direction[1];
    let size = 1;
    for (; size >= 1e-10; size /= 2) {
      const next = { scale: line.scale + size * direction[0], shift: line.shift + size * direction[1] };
      const nextLoss = crossEntropy(logits, targets, next);
      if (nextLoss >= loss + 1e-4 * size * fall) continue;
      [line, loss] = [next, nextLoss];
      break;
    }
    if (size < 1e-10) break;
  }
  return line;
}

type Pair = readonly [scale: number, shift: number];

function newtonStep(logits: Float64Array, targets: Float64Array, { scale, shift }: Line): { gradient: Pair; direction: Pair } {
  let [a, b, aa, ab, bb] = [0, 0, RIDGE, 0, RIDGE];
  for (let k = 0; k < logits.length; k++) {
    const z = logits[k]!;
    const p = sigmoid(scale * z + shift);
    const weight = p * (1 - p);
    a += z * (p - targets[k]!);
    b += p - targets[k]!;
    aa += z * z * weight;
    ab += z * weight;
    bb += weight;
  }
  const determinant = aa * bb - ab * ab;
  return { gradient: [a, b], direction: [(ab * b - bb * a) / determinant, (ab * a - aa * b) / determinant] };
}

/** Σ ln(1 + e^f) − t f with f = scale × z + shift, without overflow. */
function crossEntropy(logits: Float64Array, targets: Float64Array, { scale, shift }: Line): number {
  let sum = 0;
  for (let k = 0; k < logits.length; k++) {
    const f = scale * logits[k]! + shift;
    sum += Math.max(f, 0) + Math.log1p(Math.exp(-Math.abs(f))) - targets[k]! * f;
  }
  return sum;
}
