// Precision, recall and F1 from counts, with the convention for nothing divided by nothing.
import type { Counts, Quality } from './types';

/** a / b, and 0 where both are 0, as scikit-learn does with `zero_division=0`. */
export function ratio(a: number, b: number): number {
  return b === 0 ? 0 : a / b;
}

/** F1 is 2 tp / (2 tp + fp + fn): one division of whole numbers, so that equal F1s are equal doubles. */
export function f1Score(tp: number, fp: number, fn: number): number {
  return ratio(2 * tp, 2 * tp + fp + fn);
}

export function qualityOf({ tp, fp, fn }: Counts): Quality {
  return { precision: ratio(tp, tp + fp), recall: ratio(tp, tp + fn), f1: f1Score(tp, fp, fn) };
}

/** 2 a b / (a + b), and 0 where both are 0. */
export function harmonicMean(a: number, b: number): number {
  return ratio(2 * a * b, a + b);
}

/** The arithmetic mean; null of nothing. */
export function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
