// The files of a run folder as every process and window reads them: run.json, evaluation.json, scores.<split>.json, images.<split>.json.
import type { FactTable, ImageFacts } from '../metrics/facts';
import type { Unsliced } from '../metrics/groups';
import type { StepForm } from './forms';
import type { DeviceUsed, TrainResult } from './messages';
import type { Recipe } from './recipe';

/** Raised when older programs could misread a run folder. 2: splits may be stratified. */
export const RUN_FORMAT = 2;

/** How one file's images were divided, so that they can be divided the same way again. */
export interface SplitPart {
  readonly which: 'train' | 'validation';
  /** Share of the validation part. */
  readonly fraction: number;
  readonly seed: number;
  /** Absent in runs of format 1: by a hash of the file name. */
  readonly method?: 'stratified';
  /** File names of images that are the same picture, or nearly so, and stayed on one side. */
  readonly together?: readonly (readonly string[])[];
}

/** Where images of a split come from: an annotation file, its images, and the part of it that is meant. */
export interface SplitSource {
  readonly annotations: string;
  readonly images: string;
  /** SHA-256 of the annotation file's text. */
  readonly fingerprint: string;
  /** What the whole file held; absent in runs of older versions. */
  readonly holds?: { readonly images: number; readonly annotations: number; readonly categories: number };
  /** How many of its images are used: those whose files were there. */
  readonly count: number;
  /** Set where both splits come from one file. */
  readonly part?: SplitPart;
}

/** run.json */
export interface RunRecord {
  readonly format: number;
  readonly labelscope: string;
  readonly created: string;
  readonly state: 'running' | 'stopped' | 'finished' | 'failed';
  /** What people call the run; the folder's name where there is none. */
  readonly name?: string;
  readonly error?: string;
  /** Of the error; absent in runs of older versions. */
  readonly errorCode?: string;
  readonly seed: number;
  readonly recipe: Recipe;
  readonly categories: readonly string[];
  readonly train: SplitSource;
  readonly validation: SplitSource;
  readonly backbone: { readonly path: string; readonly sha256: string };
  readonly device: DeviceUsed;
  /** How its steps are done, from the first on; absent in runs of older versions, whose steps were plain. */
  readonly form?: StepForm;
  readonly result?: TrainResult;
}

/** import.json, in place of run.json: the folder's model.onnx comes from another program. */
export interface ImportRecord {
  readonly format: number;
  readonly labelscope: string;
  readonly created: string;
  readonly name: string;
  /** The file that was imported. */
  readonly source: string;
  readonly categories: readonly string[];
}

/** One image of scores.<split>.json: also the form of `labelscope evaluate --predictions`. */
export interface ScoredImageRecord {
  readonly file_name: string;
  /** Where it lay. */
  readonly path: string;
  /** The names of the categories that the annotation file gives it. */
  readonly labels: readonly string[];
  /** One probability a category. */
  readonly scores: readonly number[];
  /** What the network says without its calibration; absent where it has none. */
  readonly uncalibrated?: readonly number[];
}

/** scores.<split>.json */
export interface ScoresFile {
  /** Fingerprint of the weights that gave the scores; absent in files of older versions. */
  readonly weights?: string;
  readonly categories: readonly string[];
  readonly images: readonly ScoredImageRecord[];
}

/** images.<split>.json: what else is known of the images of scores.<split>.json, in their order. */
export interface ImageFactsFile extends FactTable {
  readonly format: typeof FACTS_FORMAT;
  readonly images: readonly (ImageFacts & { readonly file_name: string })[];
  /** Fields of the image records of which nothing is kept, because they make no slices. */
  readonly leftOut: readonly { readonly name: string; readonly reason: Unsliced }[];
}

export const FACTS_FORMAT = 1;
