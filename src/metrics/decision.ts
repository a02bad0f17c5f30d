// Everything that depends on the threshold: one pass for the counts, one for the images, cheap enough for a slider to repeat.
import { checkSet, checkThreshold } from './check';
import { harmonicMean, mean, qualityOf } from './quality';
import type { Counts, Decision, Quality, ScoredSet, SweepPoint, Threshold } from './types';

/**
 * Every number that moves with the threshold (a category is predicted where score ≥ threshold).
 * @throws MetricsError as `checkSet` and `checkThreshold` do.
 */
export function decide(set: ScoredSet, threshold: Threshold): Decision {
  checkSet(set);
  checkThreshold(set, threshold);
  return decisionOf(set.categories, threshold, confusionAt(set, threshold), agreementAt(set, threshold));
}

/** The decision that counts make, however they were come by. */
export function decisionOf(
  categories: readonly string[],
  threshold: Threshold,
  counts: readonly Counts[],
  { total, ...agreement }: Agreement,
): Decision {
  const qualities = counts.map(qualityOf);
  const micro = qualityOf(total);
  const macro = macroAverage(qualities);
  return {
    threshold,
    micro,
    macro,
    ...agreement,
    CP: macro.precision,
    CR: macro.recall,
    CF1: harmonicMean(macro.precision, macro.recall),
    OP: micro.precision,
    OR: micro.recall,
    OF1: micro.f1,
    perCategory: categories.map((category, c) => ({ category, ...counts[c]!, ...qualities[c]! })),
  };
}

/** 0.1, 0.2 … 0.9: i / 10, not sums of 0.1. */
const TENTHS: readonly number[] = Array.from({ length: 9 }, (_, i) => (i + 1) / 10);

/** The curve of the micro values and the Jaccard index over thresholds. The set must be checked. */
export function sweep(set: ScoredSet, thresholds = TENTHS): SweepPoint[] {
  return thresholds.map((threshold) => {
    const { total, jaccard } = agreementAt(set, threshold);
    const { precision, recall, f1 } = qualityOf(total);
    return { threshold, f1, jaccard, precision, recall };
  });
}

/** The counts of each category, in the set's order; the four of a category sum to the number of images. */
export function confusionAt(set: ScoredSet, threshold: Threshold): Counts[] {
  const { labels, scores, categories, images } = set;
  const width = categories.length;
  const limits = thresholds(set, threshold);
  // Indexed by 2 × predicted + label: true negatives, false negatives, false positives, true positives.
  const cells = new Uint32Array(4 * width);
  for (let i = 0, at = 0; i < images; i++) {
    for (let c = 0; c < width; c++, at++) {
      const cell = 4 * c + 2 * Number(scores[at]! >= limits[c]!) + labels[at]!;
      cells[cell] = cells[cell]! + 1;
    }
  }
  return categories.map((_, c) => {
    const [tn, fn, fp, tp] = cells.subarray(4 * c, 4 * c + 4);
    return { tp: tp!, fp: fp!, fn: fn!, tn: tn! };
  });
}

/** How far the predicted and the true labels of the images agree (see `Decision`), and the counts over all categories. */
export interface Agreement extends Pick<Decision, 'jaccard' | 'hammingLoss' | 'exactMatch'> {
  readonly total: Counts;
}

function agreementAt(set: ScoredSet, threshold: Threshold): Agreement {
  const { labels, scores, images } = set;
  const limits = thresholds(set, threshold);
  const width = limits.length;
  const total = { tp: 0, fp: 0, fn: 0, tn: images * width };
  let jaccard = 0;
  let exact = 0;
  for (let i = 0, at = 0; i < images; i++) {
    let both = 0;
    let predicted = 0;
    let labelled = 0;
    for (let c = 0; c < width; c++, at++) {
      const hit = Number(scores[at]! >= limits[c]!);
      predicted += hit;
      labelled += labels[at]!;
      both += hit & labels[at]!;
    }
    const either = predicted + labelled - both;
    jaccard += either === 0 ? 1 : both / either;
    if (either === both) exact++;
    total.tp += both;
    total.fp += predicted - both;
    total.fn += labelled - both;
    total.tn -= either;
  }
  const of = (sum: number, entries: number) => (images === 0 ? null : sum / entries);
  const wrong = total.fp + total.fn;
  return { total, jaccard: of(jaccard, images), hammingLoss: of(wrong, images * width), exactMatch: of(exact, images) };
}

function thresholds(set: ScoredSet, threshold: Threshold): Float64Array {
  const { length } = set.categories;
  return typeof threshold === 'number' ? new Float64Array(length).fill(threshold) : Float64Array.from(threshold);
}

/** Over all categories, also those without positives, whose values are 0. There is at least one category. */
function macroAverage(qualities: readonly Quality[]): Quality {
  const average = (key: keyof Quality) => mean(qualities.map((quality) => quality[key]))!;
  return { precision: average('precision'), recall: average('recall'), f1: average('f1') };
}
