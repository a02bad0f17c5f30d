// The requests behind the review of labels: finding suspects, keeping what a person decides of them, and writing a corrected copy.
import type { Decision, Verdict } from '../dataset/decisions';
import type { CategoryNoise, SuspectKind } from '../metrics/suspects';
import type { CountProgress, DeviceUsed, FailedFile } from './messages';
import type { DeviceChoice } from './recipe';

export type { Decision };

export interface SuspectsParams {
  readonly annotations: string;
  readonly images?: string;
  readonly categories?: readonly string[];
  /** Images without any of the categories are looked at as well. */
  readonly includeUnlabeled?: boolean;
  /** Every image is scored by a model that was trained on the other folds. */
  readonly folds: number;
  readonly seed: number;
  readonly device: DeviceChoice;
  readonly backbone?: string;
  /** The most suspect ones that are listed; all are counted. */
  readonly limit: number;
  /** The folder of reviews to keep the list in, for `openReview`. */
  readonly keepIn?: string;
}

/** 'reading': bytes of the file; 'looking': images, for those that are the same; 'features': images; 'folds': training steps of all folds. */
export interface SuspectsProgress extends CountProgress {
  readonly stage: 'reading' | 'looking' | 'features' | 'folds';
}

/** A label of an image that is probably wrong or missing. */
export interface SuspectLabel {
  /** File name, as the annotation file has it. */
  readonly image: string;
  /** Row of the file's images. */
  readonly row: number;
  readonly category: string;
  readonly kind: SuspectKind;
  /** Out-of-fold probability that the image shows the category. */
  readonly score: number;
  /** Probability of the label that the file gives. The list ascends by it. */
  readonly selfConfidence: number;
}

export interface SuspectsResult {
  readonly annotations: string;
  /** Of the annotation file that was judged. */
  readonly fingerprint: string;
  readonly imageFolder: string;
  /** Images that were scored. */
  readonly images: number;
  readonly includeUnlabeled: boolean;
  readonly folds: number;
  readonly seed: number;
  readonly device: DeviceUsed;
  /** Groups of images that are the same or nearly so, each in one fold. */
  readonly together: number;
  readonly categories: readonly CategoryNoise[];
  /** How many suspects there are; `suspects` has the first of them. */
  readonly found: number;
  readonly suspects: readonly SuspectLabel[];
  /** Images that are missing, may not be read or cannot be. */
  readonly failed: readonly FailedFile[];
}

/** Of a content of an annotation file, what is kept of its review. */
export interface ReviewKey {
  readonly annotations: string;
  /** Folder of reviews. */
  readonly folder: string;
}

export interface Review {
  /** Fingerprint of the annotation file as it is now. */
  readonly fingerprint: string;
  /** The list that was kept for this content; null where there is none. */
  readonly result: SuspectsResult | null;
  readonly decisions: readonly Decision[];
  /** The file of the decisions. */
  readonly file: string;
  /** Decisions on an earlier content of this annotation file: its newest review; null where there is none. */
  readonly earlier: { readonly file: string; readonly decisions: readonly Decision[] } | null;
}

/** A list of suspects with what was decided of them, for who only looks at it. */
export interface ReviewedSuspects {
  readonly result: SuspectsResult;
  readonly decisions: readonly Decision[];
  /** It is of a file that the run that it stands beside neither learned from nor was judged on. */
  readonly foreign?: true;
}

export interface DecideParams extends ReviewKey {
  readonly fingerprint: string;
  /** Each replaces what was decided of the label before; `decision` null takes it back. */
  readonly changes: readonly (Omit<Decision, 'decision'> & { readonly decision: Verdict | null })[];
}

/** Tells labels apart. */
export function labelOf({ image, category }: Pick<Decision, 'image' | 'category'>): string {
  return `${category}\n${image}`;
}

/** What is decided after some changes; a label that is decided anew goes to the end. */
export function decidedAfter(decisions: readonly Decision[], changes: DecideParams['changes']): Decision[] {
  const after = new Map(decisions.map((decision) => [labelOf(decision), decision]));
  for (const { decision, ...rest } of changes) {
    after.delete(labelOf(rest));
    if (decision !== null) after.set(labelOf(rest), { ...rest, decision });
  }
  return [...after.values()];
}

export interface CorrectParams {
  readonly annotations: string;
  readonly images?: string;
  /** Of the annotation file that was reviewed: another content is refused. */
  readonly fingerprint?: string;
  /** Decisions, or the file that holds them (JSON or CSV). */
  readonly decisions: readonly Decision[] | string;
  /** The new file, as JSON without compression; without it, one beside the old one: instances_train.reviewed.json. */
  readonly out?: string;
}

export interface CorrectResult {
  readonly path: string;
  /** The change log. */
  readonly log: string;
  /** Labels. */
  readonly added: number;
  readonly removed: number;
  /** Annotations that went with the removed labels. */
  readonly annotationsRemoved: number;
  /** Accepted suggestions that the file already follows. */
  readonly already: number;
  readonly rejected: number;
  readonly skipped: number;
}

/** One line of the change log. */
export interface LabelChange {
  readonly image: string;
  readonly category: string;
  /** 1: the image has the label. */
  readonly from: 0 | 1;
  readonly to: 0 | 1;
  readonly score: number | null;
  readonly date: string;
  readonly by: 'review';
}

/** NAME.changes.json, beside a corrected file. */
export interface ChangeLog {
  /** The file that was reviewed, and its fingerprint. */
  readonly annotations: string;
  readonly fingerprint: string;
  readonly corrected: string;
  readonly changes: readonly LabelChange[];
}

/** Rows of the table `Requests`. */
export interface ReviewRequests {
  readonly suspects: { params: SuspectsParams; result: SuspectsResult; progress: SuspectsProgress };
  readonly openReview: { params: ReviewKey; result: Review; progress: never };
  readonly decide: { params: DecideParams; result: null; progress: never };
  readonly correct: { params: CorrectParams; result: CorrectResult; progress: CountProgress };
}
