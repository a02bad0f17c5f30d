// Labels that are probably wrong or missing, by confident learning: scores that a model gave to images it was not trained on, against the labels.
import { checkSet } from './check';
import type { ScoredSet } from './types';

/** 'missing': the image is not given the category and probably shows it. 'wrong': it is given the category and probably does not show it. */
export type SuspectKind = 'missing' | 'wrong';

interface Suspect {
  /** Row of the set. */
  readonly image: number;
  /** Index of the category. */
  readonly category: number;
  readonly kind: SuspectKind;
  /** The out-of-fold probability that the image shows the category. */
  readonly score: number;
  /** The probability of the label that is given: `score` where the category is given, else 1 − `score`. The list ascends by it. */
  readonly selfConfidence: number;
}

/** How many images of a category are given the label and how many are not, by what the scores say with confidence. */
interface ConfidentJoint {
  readonly given: { readonly present: number; readonly absent: number };
  readonly notGiven: { readonly present: number; readonly absent: number };
}

/** What is estimated of one category's labels. Without `joint` it was not judged: fewer than `FEWEST` images have the label, or lack it. */
export interface CategoryNoise {
  readonly category: string;
  /** Images that are given the label, and those that are not. */
  readonly given: number;
  readonly notGiven: number;
  /** The mean probability of presence over the images given the label, and of absence over the others; null where not judged. */
  readonly thresholds: { readonly present: number; readonly absent: number } | null;
  readonly joint: ConfidentJoint | null;
  /** Images: labels that are missing, labels that are wrong, and both as a share of all images; null where not judged. */
  readonly estimate: { readonly missing: number; readonly wrong: number; readonly rate: number } | null;
}

export interface Suspects {
  readonly categories: readonly CategoryNoise[];
  /** The most suspect first; equals by category, then by image. */
  readonly suspects: readonly Suspect[];
}

/** With fewer images on either side a mean score says nothing, and some folds are trained on hardly any. */
export const FEWEST = 5;

/**
 * Confident learning (Northcutt, Jiang, Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 70, 2021), each category for
 * itself against the rest, as cleanlab treats multilabel data (Thyagarajan et al., "Identifying Incorrect Annotations in Multi-Label Classification
 * Data", 2022). The threshold of a label (present, absent) is the mean probability of it over the images that are given it. An image is confidently of
 * a label when its probability reaches that threshold (the likelier one where both do, its own among equals). Images that are confidently of the other
 * label are the suspects, ranked by self-confidence (in a choice of two, the normalised margin orders them alike).
 *
 * @param set scores of models that have not seen the image
 * @throws MetricsError as `evaluate`
 */
export function findSuspects(set: ScoredSet): Suspects {
  checkSet(set);
  const judged = set.categories.map((_, column) => judge(set, column));
  const suspects = judged.flatMap(({ suspects: own }) => own);
  suspects.sort((a, b) => a.selfConfidence - b.selfConfidence || a.category - b.category || a.image - b.image);
  return { categories: judged.map(({ noise }) => noise), suspects };
}

interface Judged {
  readonly noise: CategoryNoise;
  readonly suspects: readonly Suspect[];
}

function judge(set: ScoredSet, column: number): Judged {
  const category = set.categories[column]!;
  const { given, notGiven, present, absent } = means(set, column);
  if (given < FEWEST || notGiven < FEWEST)
    return { noise: { category, given, notGiven, thresholds: null, joint: null, estimate: null }, suspects: [] };
  const counts = { given: { present: 0, absent: 0 }, notGiven: { present: 0, absent: 0 } };
  const suspects: Suspect[] = [];
  for (let image = 0, at = column; image < set.images; image++, at += set.categories.length) {
    const [isGiven, score] = [set.labels[at] === 1, set.scores[at]!];
    const label = confidentLabel(score, isGiven, present, absent);
    if (label === undefined) continue;
    counts[isGiven ? 'given' : 'notGiven'][label]++;
    if ((label === 'present') === isGiven) continue;
    const selfConfidence = isGiven ? score : 1 - score;
    suspects.push({ image, category: column, kind: isGiven ? 'wrong' : 'missing', score, selfConfidence });
  }
  const thresholds = { present, absent };
  return {
    noise: { category, given, notGiven, thresholds, joint: counts, estimate: estimate(counts, given, notGiven) },
    suspects,
  };
}

function means({ labels, scores, images, categories }: ScoredSet, column: number) {
  let [given, ofGiven, ofOthers] = [0, 0, 0];
  for (let image = 0, at = column; image < images; image++, at += categories.length) {
    if (labels[at] === 1) {
      given++;
      ofGiven += scores[at]!;
    } else ofOthers += 1 - scores[at]!;
  }
  const notGiven = images - given;
  return { given, notGiven, present: ofGiven / given, absent: ofOthers / notGiven };
}

/** Undefined where neither probability reaches its threshold. */
function confidentLabel(score: number, isGiven: boolean, present: number, absent: number): 'present' | 'absent' | undefined {
  const [isPresent, isAbsent] = [score >= present, 1 - score >= absent];
  if (isPresent && isAbsent) return score > 0.5 || (score === 0.5 && isGiven) ? 'present' : 'absent';
  if (isPresent) return 'present';
  return isAbsent ? 'absent' : undefined;
}

/** The joint with each row scaled to the images it stands for (equation 3 of the paper; right ones count at least 1, as in cleanlab). */
function estimate(
  { given, notGiven }: ConfidentJoint,
  ofGiven: number,
  ofOthers: number,
): NonNullable<CategoryNoise['estimate']> {
  const wrong = (ofGiven * given.absent) / (given.absent + Math.max(1, given.present));
  const missing = (ofOthers * notGiven.present) / (notGiven.present + Math.max(1, notGiven.absent));
  return { missing, wrong, rate: (missing + wrong) / (ofGiven + ofOthers) };
}
