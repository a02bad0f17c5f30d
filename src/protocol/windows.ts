// Every message between the editor and its windows (webviews): for each window its data, its events and its calls, in one table.
import type { BrowsedImage, BrowseResult, ImageFilter, ImageOrder, Thumbnail } from './browse';
import type {
  ColormapName,
  CountProgress,
  DatasetReport,
  EvaluateResult,
  ExplainedMap,
  HistoryPoint,
  PredictedImage,
  TrainActivity,
  TruthResult,
} from './messages';
import type { CompareResult, SettingRow } from './compare';
import type { CalibrateParams, ResetParams, ThresholdsParams } from './fitting';
import type { LookingData } from './looking';
import type { CorrectResult, DecideParams, Review, ReviewedSuspects, SuspectsProgress } from './review';
import type { ImageFactsFile, RunRecord } from './run';
import type { WireError } from './errors';

/** How a run stands, as people are told. 'interrupted': its process is gone and it can be resumed. */
export type RunStatus = TrainActivity | 'finished' | 'stopped' | 'failed' | 'interrupted';

/** A model that can be used: a run's, or an imported one's folder. */
export interface ModelInfo {
  readonly folder: string;
  readonly name: string;
  readonly kind: 'run' | 'import';
  readonly categories: readonly string[];
}

export interface DatasetData {
  readonly annotations: string;
  /** Null until the file is read. */
  readonly report: DatasetReport | null;
  /** Share of the file that is read, 0..1; below 1 also while it is read again, because the engine had forgotten it. */
  readonly progress: number;
  /** How many of the image files were looked at; null where nobody looks. */
  readonly checking: CountProgress | null;
  readonly error: WireError | null;
}

/** What has changed since the last data or event. */
export type DatasetEvent = Partial<Omit<DatasetData, 'annotations'>>;

export interface TrainingData {
  readonly run: string;
  readonly name: string;
  readonly status: RunStatus;
  /** Null until the engine has written it. */
  readonly record: RunRecord | null;
  readonly messages: readonly { readonly level: 'info' | 'warning'; readonly text: string }[];
  readonly features: { readonly done: number; readonly total: number } | null;
  readonly points: readonly HistoryPoint[];
  /** 0 until known. */
  readonly totalIterations: number;
  readonly imagesPerSecond: number;
  /** Share of the steps' time in which they waited for their images, 0..1; null where it is not known. */
  readonly idleShare: number | null;
  readonly secondsLeft: number;
  /** Of the newest evaluation; null where there is none. */
  readonly microF1: number | null;
  /** Why it failed. */
  readonly error: string | null;
}

/** What has changed since the last data or event; points are those that were added. */
export type TrainingEvent = Partial<Omit<TrainingData, 'run'>>;

export interface EvaluatedImage {
  readonly file: string;
  /** What the window can load it from; '' where browsers cannot show the format. */
  readonly uri: string;
  /** Indices of the true categories. */
  readonly labels: readonly number[];
  /** One probability a category. */
  readonly scores: readonly number[];
  /** What the network says without its calibration; absent where it has none. */
  readonly uncalibrated?: readonly number[];
}

/** A Grad-CAM map, and how it is to be drawn. */
export interface ExplainedImage {
  readonly map: ExplainedMap;
  readonly settings: ImageSettings;
}

/** A map, and the name of the model that it is of. */
export interface ModelsMap extends ExplainedImage {
  readonly model: string;
}

export interface EvaluationData {
  readonly folder: string;
  readonly name: string;
  /** Null for an imported model. */
  readonly record: RunRecord | null;
  readonly result: EvaluateResult;
  readonly images: readonly EvaluatedImage[];
  /** Where the model looks, as far as it was measured. */
  readonly looking: LookingData;
  /** What else is known of them; null where the evaluation did not keep it. */
  readonly facts: Pick<ImageFactsFile, 'images' | 'fields' | 'leftOut'> | null;
}

export interface ReviewData {
  readonly annotations: string;
  /** Null until what was kept is read. */
  readonly review: Review | null;
  /** How far the search for suspects is; null while nobody searches. */
  readonly working: SuspectsProgress | null;
  /** The file is not the one any more whose labels are listed. */
  readonly changed: boolean;
  readonly error: WireError | null;
}

/** What has changed. */
export type ReviewEvent = Partial<Omit<ReviewData, 'annotations'>>;

/** Runs side by side. */
export interface ComparisonData {
  /** The first is what the others are compared with, unless the window asks otherwise. */
  readonly runs: readonly ComparedTraining[];
  readonly settings: readonly SettingRow[];
  /** On the page of a report; null where the window asks for it. */
  readonly result: CompareResult | null;
}

interface ComparedTraining {
  readonly folder: string;
  /** No two have the same. */
  readonly name: string;
  /** None of an imported model. */
  readonly points: readonly HistoryPoint[];
}

/** What a report's page holds. Images are named, not embedded: a report stays small enough to be sent. */
export interface ReportData {
  readonly training: TrainingData | null;
  readonly evaluation: EvaluationData | null;
  readonly comparison: ComparisonData | null;
  /** Suspect labels of the annotation files that the run learned from and was judged on. */
  readonly reviews: readonly ReviewedSuspects[];
}

export interface ImageSettings {
  readonly colormap: ColormapName;
  /** 0..1 */
  readonly opacity: number;
}

/** An image and what the chosen model and the annotation files say of it: the image editor's and the side view's data. */
export interface LabelsData {
  /** Null where no image is open. */
  readonly file: string | null;
  /** Null where there is no finished run and no imported model. */
  readonly model: ModelInfo | null;
  /** Whether the person chose the model; else it is the newest. */
  readonly pinned: boolean;
  /** Null while the engine works. */
  readonly predicted: PredictedImage | null;
  /** By category: at or above it a score is a label. */
  readonly thresholds: Readonly<Record<string, number>>;
  readonly truth: TruthResult['truth'];
  readonly error: WireError | null;
}

export interface ImageEditorData extends LabelsData {
  readonly file: string;
  /** What the window can load the picture from; a blob: address is made from `png` where browsers cannot show the format. */
  readonly uri: string;
  readonly png: Uint8Array | null;
  readonly settings: ImageSettings;
}

/** Asks the image editor to show the map of a category. */
interface ImageEvent {
  readonly show: readonly string[];
}

type Call<P, R> = { readonly params: P; readonly result: R };

/** Calls that every window may make. */
interface CommonCalls {
  /** Asks the person where, and writes there. Null where they changed their mind. */
  readonly save: Call<{ readonly name: string; readonly content: string | Uint8Array }, string | null>;
  /** Opens a file in the editor. */
  readonly open: Call<{ readonly file: string }, null>;
  /** Runs one of the extension's commands that the table `WINDOW_COMMANDS` allows, on what the window shows. */
  readonly command: Call<{ readonly command: WindowCommand }, null>;
}

/** What a window may start, by command id without the prefix `labelscope.`; the host adds the window's own resource. */
export const WINDOW_COMMANDS = [
  'train',
  'showDatasetReport',
  'reviewLabels',
  'openTraining',
  'pauseRun',
  'continueRun',
  'stopRun',
  'resumeRun',
  'evaluate',
  'openEvaluation',
  'seeWhereItLooks',
  'exportModel',
  'exportReport',
  'revealRun',
  'pinModel',
  'unpinModel',
  'importModel',
  'openWalkthrough',
  'trySample',
  'showOutput',
] as const;
export type WindowCommand = (typeof WINDOW_COMMANDS)[number];

interface DatasetCalls extends CommonCalls {
  /** A window of rows over the images that a filter lets through, in an order. */
  readonly browse: Call<BrowseQuery & { readonly offset: number; readonly limit: number }, BrowseResult>;
  /** `ticket` is a number of the window's choice, by which it may give the request up. */
  readonly thumbnails: Call<{ readonly ticket: number; readonly rows: readonly number[] }, readonly Thumbnail[]>;
  readonly giveUp: Call<{ readonly ticket: number }, null>;
  /** Looks into every image file; the report that comes of it is told as an event. */
  readonly checkImages: Call<null, null>;
  /** Leaves the rest of them unseen: the report stays as it was. */
  readonly stopCheck: Call<null, null>;
  /** Asks the person for the folder of the images, which is remembered, and reads the file anew. */
  readonly chooseFolder: Call<null, null>;
}

/** The window is told its data anew once the model is written. */
interface EvaluationCalls extends CommonCalls {
  /** Only of images of the evaluation. */
  readonly explain: Call<{ readonly file: string; readonly category: string }, ExplainedImage>;
  readonly saveThresholds: Call<Omit<ThresholdsParams, 'model' | 'save'>, null>;
  readonly saveCalibration: Call<Omit<CalibrateParams, 'model' | 'save'>, null>;
  readonly resetFitted: Call<Pick<ResetParams, 'what'>, null>;
  /** Measures whether the model's maps point at the objects, or whether they depend on the weights, on the evaluated images. */
  readonly measureLooking: Call<{ readonly what: 'pointing' | 'sanity' }, null>;
  /** Opens an image of `looking` in the image editor with this model's map of the category. */
  readonly showMap: Call<{ readonly file: string; readonly category: string }, null>;
}

/** Which images, in which order. */
export interface BrowseQuery {
  readonly filter: ImageFilter;
  /** Code of a finding of the report: only the images that it concerns. */
  readonly finding: string | null;
  readonly order: ImageOrder;
  readonly descending: boolean;
}

interface ReviewCalls extends CommonCalls {
  /** Begins to look for suspects; what comes of it is told as events. */
  readonly find: Call<{ readonly includeUnlabeled: boolean }, null>;
  readonly stop: Call<null, null>;
  /** Keeps what is decided. */
  readonly decide: Call<Pick<DecideParams, 'changes'>, null>;
  /** Decides as before on the labels that are suspect again; told as an event. */
  readonly carryOver: Call<null, null>;
  /** What the annotation file says of the image in a row of it; null where the row is none. */
  readonly image: Call<{ readonly row: number }, BrowsedImage | null>;
  /** Of the chosen model, or the newest that knows the category. */
  readonly explain: Call<{ readonly row: number; readonly category: string }, ModelsMap>;
  /** Pictures large enough to judge by; `ticket` as in the dataset panel. */
  readonly thumbnails: Call<{ readonly ticket: number; readonly rows: readonly number[] }, readonly Thumbnail[]>;
  readonly giveUp: Call<{ readonly ticket: number }, null>;
  /** Writes the corrected copy beside the annotation file. */
  readonly correct: Call<null, CorrectResult>;
}

/** How runs are to be compared. */
export interface ComparisonChoice {
  /** The folder of the run that the others are compared with: one of the window's. */
  readonly first: string;
  /** For all; null for each run's own. */
  readonly threshold: number | null;
}

/** How far the comparison is that was asked for, in resamples of all runs. */
interface ComparisonEvent {
  readonly comparing: CountProgress;
}

interface ComparisonCalls extends CommonCalls {
  /** How far it is is told as events. */
  readonly compare: Call<ComparisonChoice, CompareResult>;
  /** Gives up the comparison that is at work. */
  readonly stop: Call<null, null>;
  /** Opens the evaluation panel of one of the window's runs. */
  readonly openEvaluation: Call<{ readonly folder: string }, null>;
  /** Asks the person where, and writes the comparison there as one HTML page. */
  readonly report: Call<ComparisonChoice, null>;
}

interface ImageCalls extends CommonCalls {
  readonly explain: Call<{ readonly categories: readonly string[] }, readonly ExplainedMap[]>;
  readonly keepSettings: Call<ImageSettings, null>;
}

interface LabelsCalls extends CommonCalls {
  /** Opens the image in the image editor with the maps of these categories. */
  readonly explain: Call<{ readonly categories: readonly string[] }, null>;
}

/** The windows: what the host tells (all of it at first and whenever the window comes back; then changes), what the window asks. */
interface Windows {
  readonly dataset: { data: DatasetData; event: DatasetEvent; calls: DatasetCalls };
  readonly training: { data: TrainingData; event: TrainingEvent; calls: CommonCalls };
  readonly evaluation: { data: EvaluationData; event: never; calls: EvaluationCalls };
  readonly image: { data: ImageEditorData; event: ImageEvent; calls: ImageCalls };
  readonly labels: { data: LabelsData; event: never; calls: LabelsCalls };
  readonly review: { data: ReviewData; event: ReviewEvent; calls: ReviewCalls };
  readonly compare: { data: ComparisonData; event: ComparisonEvent; calls: ComparisonCalls };
}

export type WindowName = keyof Windows;
export type WindowData<W extends WindowName> = Windows[W]['data'];
export type WindowEvent<W extends WindowName> = Windows[W]['event'];
export type WindowCalls<W extends WindowName> = Windows[W]['calls'];

/** From the host. */
export type ToWindow<W extends WindowName> =
  | {
      readonly kind: 'data';
      readonly data: WindowData<W>;
      readonly resource: string;
      readonly strings: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'event'; readonly event: WindowEvent<W> }
  | { readonly kind: 'result'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly error: WireError };

/** To the host. 'ready' asks for the data: it is sent at every load of the window. */
export type FromWindow<W extends WindowName> =
  { readonly kind: 'ready' } | { readonly [C in keyof WindowCalls<W>]: CallMessage<W, C> }[keyof WindowCalls<W>];

interface CallMessage<W extends WindowName, C extends keyof WindowCalls<W>> {
  readonly kind: 'call';
  readonly id: number;
  readonly call: C;
  readonly params: WindowCalls<W>[C] extends Call<infer P, unknown> ? P : never;
}
