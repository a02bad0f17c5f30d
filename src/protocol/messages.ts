// Every message between a client (editor, command line) and the engine process: one table of requests, one of progress.
import type { Inspection } from '../dataset/types';
import type { BootstrapOptions } from '../metrics/bootstrap';
import type { Evaluation, Threshold } from '../metrics/types';
import type { BrowseParams, BrowseResult, SizeReport, Thumbnail, ThumbnailsParams } from './browse';
import type { CompareRequests } from './compare';
import type { DoctorRequests } from './doctor';
import type { WireError } from './errors';
import type { ExportRequests } from './export';
import type { LookingRequests } from './looking';
import type { Fitted, FittingRequests } from './fitting';
import type { FormsReport } from './forms';
import type { ImportRequests } from './import';
import type { InstalledReport, InstallRequests, TensorFlowVariant } from './install';
import type { HealthRequests } from './health';
import type { DeviceChoice, EngineName, RecipeName } from './recipe';
import type { ReviewRequests } from './review';

export interface DeviceReport {
  readonly device: Exclude<DeviceChoice, 'auto'>;
  readonly available: boolean;
  /** Why it was chosen, passed over or is missing, in words. */
  readonly reason: string;
}

export interface DeviceUsed {
  readonly device: Exclude<DeviceChoice, 'auto'>;
  readonly reason: string;
  readonly threads: number;
  /** Of a resumed run: the device that it was on, which could not be used. It is tried again the next time. */
  readonly insteadOf?: Exclude<DeviceChoice, 'auto'>;
  /** Absent: onnxruntime. */
  readonly engine?: 'tensorflow';
}

/** What an engine is made of. */
export interface EngineDescription {
  readonly engine: EngineName;
  /** Name and version. */
  readonly package: string;
  readonly folder: string;
  /** What the package computes with. */
  readonly backend: string;
  /** The native library behind it, where it says its version. */
  readonly library?: string;
  /** Whether it computes on a graphics card. */
  readonly gpu: boolean;
  /** CUDA and cuDNN that the library was built for. */
  readonly cuda?: string;
  /** Where a package for graphics cards computes on the CPU, and `doctor` asks: why, and what to do. */
  readonly hindrance?: string;
  /** Of the processor. A library has one number for all its work, which it is given when it is loaded. */
  readonly threads?: number;
  /** Packages that would have been taken before this one and did not load, with what each said. */
  readonly passedOver?: readonly string[];
}

/** Whether there is a second engine here: what was found, or why there is none and what to do. */
export type EngineReport =
  { readonly found: EngineDescription; readonly problem?: undefined } | { readonly found?: undefined; readonly problem: string };

export interface DoctorReport {
  readonly labelscope: string;
  readonly node: string;
  readonly platform: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly onnxRuntime: string;
  readonly sharp: string;
  readonly backbone: { readonly path: string; readonly found: boolean };
  readonly devices: readonly DeviceReport[];
  /** Absent where the engine that is in use does not load: `tensorflow` then has the problem. */
  readonly chosen?: DeviceUsed;
  readonly engine: EngineName;
  readonly tensorflow: EngineReport & {
    /** Where it was added by Labelscope: which, also where it does not load. */
    readonly added?: InstalledReport & { readonly variant: TensorFlowVariant };
  };
  /** Of training steps on the CPU. */
  readonly forms: FormsReport;
  /** ONNX Runtime's CUDA provider, where it was added; absent otherwise. */
  readonly cuda?: InstalledReport;
}

export interface TrainParams {
  readonly annotations: string;
  readonly images?: string;
  /** Null: a share of the training images, also where a validation file would be found by its name. */
  readonly validation?: string | null;
  readonly validationImages?: string;
  readonly categories?: readonly string[];
  readonly recipe: RecipeName;
  /** Settings that differ from the recipe's, by key of `Recipe`, as typed by a person. */
  readonly set: Readonly<Record<string, string>>;
  readonly backbone?: string;
  readonly device: DeviceChoice;
  readonly seed: number;
  readonly run: string;
  readonly resume: boolean;
  /** The engine goes on when its parent is gone (a window that is reloaded or closed), and ends with the run. */
  readonly outlive?: boolean;
}

/** One line of history.jsonl. Losses are means over images of the sum over categories of what is trained: binary cross-entropy, unless told otherwise. */
export interface HistoryPoint {
  readonly iteration: number;
  readonly epoch: number;
  readonly loss: number;
  readonly learnRate: number;
  readonly validationLoss?: number;
}

/** What a run at work is doing. 'preparing': reading data, computing features. */
export type TrainActivity = 'preparing' | 'training' | 'paused' | 'stopping';

export type TrainEvent =
  | { readonly kind: 'activity'; readonly activity: TrainActivity }
  | { readonly kind: 'stage'; readonly message: string }
  | { readonly kind: 'warning'; readonly message: string }
  | { readonly kind: 'features'; readonly done: number; readonly total: number }
  | {
      readonly kind: 'points';
      /** What history.jsonl has gained since the last event, in order. */
      readonly points: readonly HistoryPoint[];
      readonly totalIterations: number;
      readonly imagesPerSecond: number;
      /** Share of the steps' time in which they waited for their images, 0..1. */
      readonly idleShare: number;
      readonly secondsLeft: number;
    };

export interface TrainResult {
  readonly run: string;
  readonly iterations: number;
  readonly epochs: number;
  readonly stopped: 'epochs' | 'iterations' | 'patience' | 'person';
  /** Null where no validation took place before the run was stopped. */
  readonly best: { readonly iteration: number; readonly validationLoss: number } | null;
  readonly imagesPerSecond: number;
  /** Share of the steps' time in which they waited for their images, 0..1; absent in runs of older versions. */
  readonly idleShare?: number;
  readonly device: DeviceUsed;
}

export type TrainControl = 'pause' | 'resume' | 'stop';

/** What a run at work answers to whoever joins it: all that was told so far. */
export interface TrainSnapshot {
  readonly pid: number;
  readonly activity: TrainActivity;
  /** Stages and warnings, in order. */
  readonly messages: readonly Extract<TrainEvent, { kind: 'stage' | 'warning' }>[];
  readonly features: Extract<TrainEvent, { kind: 'features' }> | null;
  /** Every point of history.jsonl so far; null before the first step. */
  readonly points: Extract<TrainEvent, { kind: 'points' }> | null;
}

/** How a run at work ended. */
export type TrainEnd = { readonly result: TrainResult } | { readonly error: WireError };

/** A run folder or a model file, and what to use it on. */
interface ModelParams {
  readonly model: string;
  readonly device: DeviceChoice;
}

export interface EvaluateParams extends ModelParams {
  /** For the intervals of the metrics; 0 resamples for none. */
  readonly bootstrap?: BootstrapOptions;
  readonly annotations?: string;
  readonly images?: string;
  /** 'saved': the model's own, one a category. */
  readonly threshold?: number | 'saved';
  /** Scores are means over image and mirror image; nothing is kept in the run's folder then. */
  readonly flip?: boolean;
}

export interface EvaluateResult {
  readonly evaluation: Evaluation;
  readonly annotations: string;
  readonly model: string;
  /** Files left out, each with the reason. */
  readonly failed: readonly FailedFile[];
  /** Which images: the run's own validation split, or those of an annotation file that was given. */
  readonly split: 'validation' | 'given';
  /** Where evaluation.json and scores.<split>.json were kept; absent for a model that lies outside a run or import folder. */
  readonly savedTo?: string;
  /** The model's own thresholds and calibration; absent in evaluations of older versions. */
  readonly has?: Fitted;
}

export interface FailedFile {
  readonly file: string;
  readonly error: string;
}

export interface PredictParams extends ModelParams {
  readonly files: readonly string[];
  /** Whether the sizes of the images are wanted too. */
  readonly sizes?: boolean;
  readonly threshold?: number;
  /** Scores are means over image and mirror image. */
  readonly flip?: boolean;
}

export interface PredictedImage {
  readonly file: string;
  readonly labels: readonly string[];
  readonly scores: Readonly<Record<string, number>>;
  /** In pixels, as the file is stored; where it was asked for. */
  readonly size?: { readonly width: number; readonly height: number };
}

export interface PredictResult {
  readonly model: string;
  /** One number where all categories have the same. */
  readonly threshold: Threshold;
  /** By category: what was applied. */
  readonly thresholds: Readonly<Record<string, number>>;
  readonly images: readonly PredictedImage[];
  readonly failed: readonly FailedFile[];
}

export type ColormapName = 'jet' | 'turbo' | 'viridis' | 'magma';

export interface ExplainParams extends ModelParams {
  readonly files: readonly string[];
  /** Categories to explain; without it those above the threshold, or the highest one where none is. */
  readonly categories?: readonly string[];
  readonly out?: string;
  readonly colormap: ColormapName;
  readonly opacity: number;
}

export interface ExplainedMap {
  readonly category: string;
  readonly score: number;
  readonly width: number;
  readonly height: number;
  /** Grad-CAM map of the logit, row-major, not normalised: max(0, sum over channels of alpha times activation). */
  readonly values: readonly number[];
  readonly overlay?: string;
}

export interface ExplainResult {
  readonly model: string;
  readonly images: readonly { readonly file: string; readonly maps: readonly ExplainedMap[] }[];
  readonly failed: readonly FailedFile[];
}

export interface SampleParams {
  readonly directory: string;
  readonly images?: number;
  readonly seed?: number;
}

export interface SampleResult {
  readonly directory: string;
  readonly trainAnnotations: string;
  readonly validationAnnotations: string;
  readonly trainImages: number;
  readonly validationImages: number;
}

/** How closely image files are looked at: not at all, their size alone, or every pixel, which finds damage and pictures that come twice. */
export type CheckDepth = 'none' | 'headers' | 'pixels';

export interface InspectParams {
  readonly annotations: string;
  readonly images?: string;
  readonly categories?: readonly string[];
  /** The engine keeps what it has read for `browse`, until `release` or until nobody asks for it. */
  readonly keep?: boolean;
  /** The file to compare with; found by its name where it is not given. */
  readonly validation?: string;
  readonly validationImages?: string;
  /** Where it is not given: 'pixels' up to some thousands of images, 'none' beyond. */
  readonly checkImages?: CheckDepth;
}

export interface BytesProgress {
  readonly bytes: number;
  readonly totalBytes: number;
}

export interface InspectProgress extends BytesProgress {
  /** Once image files are looked at. */
  readonly images?: CountProgress;
}

/** An annotation file's inspection, and what belongs to it. */
export interface DatasetReport extends Inspection {
  /** How the image folder was found, in words. */
  readonly imageFolderHow: string | null;
  /** The validation file that it was compared with: as given, or beside it under COCO's names, if any. */
  readonly validation: string | null;
  /** How closely the image files were looked at. */
  readonly checkedImages: CheckDepth;
  /** How closely they are looked at where `checkImages` is not given: it follows from their number. */
  readonly suggestedCheck: CheckDepth;
  /** categories × categories, row-major: images that show both; on the diagonal, images that show the category. */
  readonly coOccurrence: readonly number[];
  readonly sizes: SizeReport;
}

export interface TruthParams {
  /** Annotation files that may know the image, the likeliest first. */
  readonly annotations: readonly string[];
  /** By annotation file: the folder of its images, where it is not to be found beside it. */
  readonly imageFolders?: Readonly<Record<string, string>>;
  readonly file: string;
}

export interface TruthResult {
  /** The true labels by the first annotation file that knows the image; null where none does. */
  readonly truth: { readonly annotations: string; readonly labels: readonly string[]; readonly known: readonly string[] } | null;
  /** Annotation files that could not be read. */
  readonly failed: readonly FailedFile[];
}

export interface PictureParams {
  readonly file: string;
}

/** An image file of any format as a PNG that a browser can show, upright. */
export interface PictureResult {
  readonly width: number;
  readonly height: number;
  readonly png: Uint8Array;
}

export interface CountProgress {
  readonly done: number;
  readonly total: number;
}

/** Requests by method: parameters, result, and what the engine reports while it works. */
interface Requests
  extends
    CompareRequests,
    DoctorRequests,
    ExportRequests,
    FittingRequests,
    HealthRequests,
    ImportRequests,
    InstallRequests,
    LookingRequests,
    ReviewRequests {
  readonly train: { params: TrainParams; result: TrainResult; progress: TrainEvent };
  readonly evaluate: { params: EvaluateParams; result: EvaluateResult; progress: CountProgress };
  /** Answers when a later request for the model has nothing to wait for. Without a model: when the engine runs. */
  readonly prepare: { params: { readonly model?: string; readonly device: DeviceChoice }; result: null; progress: never };
  readonly predict: { params: PredictParams; result: PredictResult; progress: CountProgress };
  readonly explain: { params: ExplainParams; result: ExplainResult; progress: CountProgress };
  /** Progress: where the file had been forgotten and is read again. */
  readonly browse: { params: BrowseParams; result: BrowseResult; progress: BytesProgress };
  readonly thumbnails: { params: ThumbnailsParams; result: readonly Thumbnail[]; progress: BytesProgress };
  /** Forgets what is kept of an annotation file. */
  readonly release: { params: { readonly annotations: string }; result: null; progress: never };
  readonly inspect: { params: InspectParams; result: DatasetReport; progress: InspectProgress };
  readonly truth: { params: TruthParams; result: TruthResult; progress: BytesProgress };
  readonly picture: { params: PictureParams; result: PictureResult; progress: never };
  readonly sample: { params: SampleParams; result: SampleResult; progress: CountProgress };
}

export type Method = keyof Requests;
export type Params<M extends Method> = Requests[M]['params'];
export type Result<M extends Method> = Requests[M]['result'];
export type Progress<M extends Method> = Requests[M]['progress'];

/**
 * Where runs lie, if not in a folder labelscope-runs: beside them parsed annotation files are kept. Null: in a workspace that is not trusted
 * nothing is written, so they are kept in the user's own cache.
 */
export type RunsFolder = string | null;

/** A request as it travels: its parameters and the token under which its progress is reported. */
export interface Envelope<M extends Method> {
  readonly params: Params<M>;
  readonly progressToken: number;
  readonly runsFolder?: RunsFolder;
}

/** One line of the engine's log, also what native libraries print. */
export interface LogLine {
  readonly level: 'debug' | 'info' | 'warning' | 'error';
  readonly message: string;
}

/** What an engine has to end in, once it was asked to: a step on a slow processor can take half a minute, and the checkpoint comes after it. */
export const STOP_LIMIT_MS = 60_000;
