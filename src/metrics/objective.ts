// What a threshold is chosen for: the value of counts under an objective, and the best point of a ranking.
import { MetricsError } from './check';
import { f1Score, qualityOf } from './quality';
import type { RankingCurve } from './ranking';
import type { Counts } from './types';

export type Objective =
  | { readonly kind: 'f1' }
  /** Recall counts `beta` times as much as precision (van Rijsbergen 1979). */
  | { readonly kind: 'fbeta'; readonly beta: number }
  /** The best precision where recall is at least `atLeast`. */
  | { readonly kind: 'precision-at-recall'; readonly atLeast: number }
  /** The best recall where precision is at least `atLeast`. */
  | { readonly kind: 'recall-at-precision'; readonly atLeast: number }
  /** The least cost, each false alarm and each miss at its price. */
  | { readonly kind: 'cost'; readonly falseAlarm: number; readonly miss: number };

/** @throws MetricsError where a parameter of the objective is out of its range */
export function checkObjective(objective: Objective): void {
  const { kind } = objective;
  if (kind === 'fbeta' && !(objective.beta > 0 && objective.beta <= 100))
    throw new MetricsError(`beta is ${objective.beta}, not a number above 0 and up to 100.`);
  if ((kind === 'precision-at-recall' || kind === 'recall-at-precision') && !(objective.atLeast > 0 && objective.atLeast <= 1))
    throw new MetricsError(`The share to reach is ${objective.atLeast}, not a number above 0 and up to 1.`);
  if (kind === 'cost' && !(isCost(objective.falseAlarm) && isCost(objective.miss) && objective.falseAlarm + objective.miss > 0))
    throw new MetricsError('Costs are numbers from 0, and not both 0.');
}

function isCost(value: number): boolean {
  return value >= 0 && Number.isFinite(value);
}

/** Whether a lower value is the better one. */
export function isCostly({ kind }: Objective): boolean {
  return kind === 'cost';
}

/**
 * F1, F-beta, precision, recall, or the mean cost of an image. Null where there is nothing to find (no positives), which leaves
 * all but the cost without a meaning, and for the cost without images.
 */
export function valueOf(objective: Objective, counts: Counts, images: number): number | null {
  if (objective.kind === 'cost') return images === 0 ? null : costOf(objective, counts.fp, counts.fn) / images;
  if (counts.tp + counts.fn === 0) return null;
  if (objective.kind === 'precision-at-recall') return qualityOf(counts).precision;
  if (objective.kind === 'recall-at-precision') return qualityOf(counts).recall;
  return fScore(objective, counts.tp, counts.fp, counts.fn);
}

function costOf({ falseAlarm, miss }: Objective & { kind: 'cost' }, fp: number, fn: number): number {
  return falseAlarm * fp + miss * fn;
}

/** F-beta is (1 + β²) tp / ((1 + β²) tp + β² fn + fp); 0 where that is 0/0. */
function fScore(objective: Objective & { kind: 'f1' | 'fbeta' }, tp: number, fp: number, fn: number): number {
  if (objective.kind === 'f1' || tp === 0) return f1Score(tp, fp, fn);
  const square = objective.beta ** 2;
  return ((1 + square) * tp) / ((1 + square) * tp + square * fn + fp);
}

interface Point {
  /** Everything up to the `k`-th distinct score is predicted; −1: nothing is. */
  readonly k: number;
  /** False where no threshold gives the precision or recall that was asked for: then `k` comes closest to it. */
  readonly reached: boolean;
}

/**
 * The best of all points of a curve, and of predicting nothing where a threshold can do that. Among equally good ones: the larger
 * recall for `precision-at-recall` and where a goal is not reached, else the fewest predictions.
 */
export function bestPoint(objective: Objective, curve: RankingCurve): Point {
  const { thresholds, tp, fp } = curve;
  const first = (thresholds[0] ?? 0) < 1 ? -1 : 0;
  const grade = graderOf(objective, curve.positives);
  let best = { k: first, grades: grade(tp[first] ?? 0, fp[first] ?? 0) };
  for (let k = first + 1; k < tp.length; k++) {
    const grades = grade(tp[k]!, fp[k]!);
    if (isHigher(grades, best.grades)) best = { k, grades };
  }
  return { k: best.k, reached: best.grades[0] === 1 };
}

/** What is compared of two points: whether the goal is reached, then the better value, then what decides among equals. */
type Grades = readonly [reached: 0 | 1, value: number, tie: number];

function graderOf(objective: Objective, positives: number): (tp: number, fp: number) => Grades {
  const precision = (tp: number, fp: number) => (tp === 0 ? 0 : tp / (tp + fp));
  switch (objective.kind) {
    case 'cost':
      return (tp, fp) => [1, -costOf(objective, fp, positives - tp), 0];
    case 'precision-at-recall':
      return (tp, fp) => (tp / positives >= objective.atLeast ? [1, precision(tp, fp), tp] : [0, tp, 0]);
    case 'recall-at-precision':
      return (tp, fp) => (precision(tp, fp) >= objective.atLeast ? [1, tp, 0] : [0, precision(tp, fp), tp]);
    default:
      return (tp, fp) => [1, fScore(objective, tp, fp, positives - tp), 0];
  }
}

function isHigher(a: Grades, b: Grades): boolean {
  const at = a.findIndex((grade, k) => grade !== b[k]);
  return at >= 0 && a[at]! > b[at]!;
}

/**
 * The threshold half-way between the lowest score that is predicted and the highest that is not (0 and 1 beyond the ends): new
 * scores fall on either side of it, and it is the same whatever program rounds them.
 */
export function thresholdAt({ thresholds }: RankingCurve, k: number): number {
  const inside = thresholds[k] ?? 1;
  const outside = thresholds[k + 1] ?? 0;
  const middle = (inside + outside) / 2;
  // Between neighbouring numbers there is no middle.
  return middle > outside ? middle : inside;
}
