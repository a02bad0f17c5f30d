// Requests that put a data set in order: a closer look at it, its division, its faults at their places, and their repair.
import type { CheckDepth, DatasetReport, InspectParams, InspectProgress } from './messages';

/** A report's file and options again, without what only a report has. */
export type CheckParams = Omit<InspectParams, 'keep'>;

/** Of a report, what a closer look at the image files changes; the fingerprint tells whether it is the same file. */
export type CheckResult = Pick<DatasetReport, 'fingerprint' | 'findings' | 'validation' | 'checkedImages'>;

export interface SplitParams {
  readonly annotations: string;
  readonly images?: string;
  /** The folder for the new files; nothing in it is written over. */
  readonly out: string;
  readonly parts: { readonly kind: 'fraction'; readonly fraction: number } | { readonly kind: 'folds'; readonly folds: number };
  readonly seed: number;
  /** 'pixels' keeps images that are nearly the same on one side; where it is not given, up to some thousands of images. */
  readonly checkImages?: CheckDepth;
}

export interface SplitResult {
  readonly files: readonly {
    readonly path: string;
    readonly which: 'train' | 'validation';
    readonly images: number;
    readonly annotations: number;
  }[];
  /** How many images of each file show the category, in the order of `files`. */
  readonly categories: readonly { readonly name: string; readonly images: readonly number[] }[];
  readonly imageFolder: string | null;
  /** Groups of images that are the same or nearly so, each on one side. */
  readonly together: number;
  /** Annotations that point to no image. */
  readonly leftOut: number;
}

export interface DiagnoseParams {
  /** At most 64 MB: larger files are not opened as text. */
  readonly annotations: string;
  readonly images?: string;
}

/** A fault at its place. Lines and characters from 0, characters in UTF-16 units. */
export interface Diagnostic {
  /** That of the finding. */
  readonly code: string;
  readonly severity: 'error' | 'warning' | 'info';
  readonly message: string;
  readonly start: { readonly line: number; readonly character: number };
  readonly end: { readonly line: number; readonly character: number };
  /** Whether `fix` repairs it. */
  readonly fixable: boolean;
}

export interface DiagnoseResult {
  /** At most a hundred of each code. */
  readonly diagnostics: readonly Diagnostic[];
  /** By code: how many there are. */
  readonly counts: Readonly<Record<string, number>>;
}

export interface FixParams {
  readonly annotations: string;
  readonly images?: string;
  /** The new file; without it, one beside the old one: instances_train.fixed.json. */
  readonly out?: string;
  /** Findings to repair; all that can be where it is not given. */
  readonly codes?: readonly string[];
}

export interface FixResult {
  readonly path: string;
  /** By code: how many cases were repaired. */
  readonly fixed: Readonly<Record<string, number>>;
}

export interface HealthRequests {
  readonly check: { params: CheckParams; result: CheckResult; progress: InspectProgress };
  readonly split: { params: SplitParams; result: SplitResult; progress: InspectProgress };
  readonly diagnose: { params: DiagnoseParams; result: DiagnoseResult; progress: never };
  readonly fix: { params: FixParams; result: FixResult; progress: InspectProgress };
}
