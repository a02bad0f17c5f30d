// Thresholds by an objective: fitted on images, judged on others, so that what they promise can be believed.
import { checkSet } from './check';
import { confusionAt } from './decision';
import { type Division, divide, pooled } from './divide';
import { bestPoint, checkObjective, isCostly, type Objective, thresholdAt, valueOf } from './objective';
import { mean, qualityOf } from './quality';
import { rankingCurve } from './ranking';
import { finished, told } from './steps';
import type { Counts, Quality, ScoredSet } from './types';

export interface ThresholdSpec {
  /** One threshold on the counts over all categories, or one a category on its own. */
  readonly mode: 'global' | 'per-category';
  readonly objective: Objective;
}

interface FittedThreshold {
  readonly threshold: number;
  /** Whose scores it was fitted on. A category without positives has the one of all; 0.5 where there is no positive at all. */
  readonly from: 'category' | 'all' | 'default';
  /** False where no threshold reaches the recall or precision that was asked for: this one comes closest to it. */
  readonly reached: boolean;
}

/** One a category, in the set's order. */
type Fitted = readonly FittedThreshold[];

/**
 * The exact optimum over all distinct scores.
 *
 * @throws MetricsError as `checkSet` and `checkObjective` do
 */
export function fitThresholds(set: ScoredSet, spec: ThresholdSpec): Fitted {
  return finished(thresholdSteps(set, spec));
}

/** As `fitThresholds`, a step at a time: yields the share that is done. */
function* thresholdSteps(set: ScoredSet, { mode, objective }: ThresholdSpec): Generator<number, Fitted> {
  checkSet(set);
  checkObjective(objective);
  const all = bestOf(pooled(set), 0, objective, 'all') ?? { threshold: 0.5, from: 'default', reached: false };
  const fits: FittedThreshold[] = [];
  for (const c of set.categories.keys()) {
    fits.push(mode === 'global' ? all : (bestOf(set, c, objective, 'category') ?? all));
    yield fits.length / set.categories.length;
  }
  return fits;
}

/** Undefined without positives: there is nothing to find. */
function bestOf(set: ScoredSet, c: number, objective: Objective, from: FittedThreshold['from']): FittedThreshold | undefined {
  const curve = rankingCurve(set, c);
  if (curve.positives === 0) return undefined;
  const { k, reached } = bestPoint(objective, curve);
  return { threshold: thresholdAt(curve, k), from, reached };
}

/** What thresholds make of images. */
interface Outcome extends Quality {
  /** By the objective: F-score, precision, recall, or the mean cost of an image; null where undefined (`valueOf`). */
  readonly value: number | null;
}

/** What the objective says of thresholds on the images that they were fitted on, and on others. */
interface Judged {
  readonly fitted: Outcome;
  readonly heldOut: Outcome;
  /** The held-out images at the threshold 0.5. */
  readonly atHalf: Outcome;
  /** How much better it looks where it was fitted: fitted − held-out, and for a cost held-out − fitted. */
  readonly optimism: number | null;
}

interface JudgedCategory extends Judged, FittedThreshold {
  readonly category: string;
  /** Images that have it. */
  readonly positives: number;
}

/** Means over the categories that have a value on both sides. */
interface Means {
  readonly fitted: number | null;
  readonly heldOut: number | null;
  readonly atHalf: number | null;
  readonly optimism: number | null;
}

export interface ThresholdFit extends ThresholdSpec {
  readonly division: Division;
  readonly seed: number;
  readonly images: number;
  /** Fitted on all images: those to use. What is judged is how thresholds turn out that are chosen in this way. */
  readonly perCategory: readonly JudgedCategory[];
  /** On counts over all categories; its cost is that of an image with all of them. */
  readonly micro: Judged;
  readonly macro: Means;
}

/**
 * Thresholds fitted on all images, and what to expect of them: in each round of the division they are fitted on one side, and
 * counted on both; the counts of the rounds are summed.
 *
 * @throws MetricsError as `fitThresholds` and `divide` do
 */
export function judgeThresholds(set: ScoredSet, spec: ThresholdSpec, division: Division, seed: number): ThresholdFit {
  return finished(judgingThresholds(set, spec, division, seed));
}

/** As `judgeThresholds`, a step at a time: yields the share that is done. */
export function* judgingThresholds(
  set: ScoredSet,
  spec: ThresholdSpec,
  division: Division,
  seed: number,
): Generator<number, ThresholdFit> {
  const fits = 1 + (division.kind === 'half' ? 1 : division.folds);
  const chosen = yield* told(thresholdSteps(set, spec), (share) => share / fits);
  const rounds: (readonly [readonly Counts[], readonly Counts[], readonly Counts[]])[] = [];
  for (const { fit, judge } of divide(set, division, seed)) {
    const before = 1 + rounds.length;
    const fitted = yield* told(thresholdSteps(fit, spec), (share) => (before + share) / fits);
    const thresholds = fitted.map(({ threshold }) => threshold);
    rounds.push([confusionAt(fit, thresholds), confusionAt(judge, thresholds), confusionAt(judge, 0.5)]);
  }
  const [fitted, heldOut, atHalf] = ([0, 1, 2] as const).map((side) => summed(rounds.map((round) => round[side])));
  const judged = (of: (counts: readonly Counts[]) => Counts, width: number) =>
    judgedOf(spec.objective, [of(fitted!), of(heldOut!), of(atHalf!)], width);
  const perCategory = set.categories.map((category, c) => ({
    category,
    positives: positivesOf(set, c),
    ...chosen[c]!,
    ...judged((counts) => counts[c]!, 1),
  }));
  const micro = judged(total, set.categories.length);
  return { ...spec, division, seed, images: set.images, perCategory, micro, macro: meansOf(perCategory) };
}

function positivesOf({ labels, categories }: ScoredSet, c: number): number {
  let sum = 0;
  for (let at = c; at < labels.length; at += categories.length) sum += labels[at]!;
  return sum;
}

/** `width`: how many categories the counts are of. */
function judgedOf(objective: Objective, [fit, held, half]: readonly [Counts, Counts, Counts], width: number): Judged {
  const [fitted, heldOut, atHalf] = [fit, held, half].map((counts): Outcome => {
    const images = (counts.tp + counts.fp + counts.fn + counts.tn) / width;
    return { value: valueOf(objective, counts, images), ...qualityOf(counts) };
  }) as [Outcome, Outcome, Outcome];
  const gap = fitted.value === null || heldOut.value === null ? null : fitted.value - heldOut.value;
  return { fitted, heldOut, atHalf, optimism: gap !== null && isCostly(objective) ? -gap : gap };
}

function meansOf(categories: readonly Judged[]): Means {
  const both = categories.filter(({ optimism }) => optimism !== null);
  const over = (value: (judged: Judged) => number | null) => mean(both.flatMap((judged) => value(judged) ?? []));
  return {
    fitted: over(({ fitted }) => fitted.value),
    heldOut: over(({ heldOut }) => heldOut.value),
    atHalf: over(({ atHalf }) => atHalf.value),
    optimism: over(({ optimism }) => optimism),
  };
}

function total(counts: readonly Counts[]): Counts {
  return counts.reduce(plus, { tp: 0, fp: 0, fn: 0, tn: 0 });
}

/** Category by category. */
function summed(rounds: readonly (readonly Counts[])[]): Counts[] {
  return rounds.reduce<Counts[]>((sum, round) => round.map((counts, c) => plus(sum[c], counts)), []);
}

function plus(a: Counts | undefined, b: Counts): Counts {
  return a ? { tp: a.tp + b.tp, fp: a.fp + b.fp, fn: a.fn + b.fn, tn: a.tn + b.tn } : b;
}
