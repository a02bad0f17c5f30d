// Where a model looks: the requests `pointing` (do the maps point at the objects?) and `sanity` (do the maps depend on the weights?).
import type { Interval } from '../metrics/interval';
import type { PointingCase, PointingReport } from '../metrics/pointing';
import type { CountProgress, EvaluateResult, FailedFile } from './messages';
import type { DeviceChoice } from './recipe';

interface LookingParams {
  readonly model: string;
  readonly device: DeviceChoice;
  /** Without it, the run's own validation images. */
  readonly annotations?: string;
  readonly images?: string;
  /** At most so many images are looked at, drawn by `seed`. */
  readonly sample?: number;
  readonly seed?: number;
}

export interface PointingParams extends LookingParams {
  /** Pixels from a box at which the map's highest place still is a hit; 0 unless given. */
  readonly tolerance?: number;
}

interface LookingResult {
  readonly model: string;
  readonly annotations: string;
  readonly split: EvaluateResult['split'];
  /** When it was measured (ISO 8601). */
  readonly created: string;
  readonly seed: number;
  /** Images that were looked at, of so many that could have been. */
  readonly images: number;
  readonly available: number;
  readonly failed: readonly FailedFile[];
  /** Where it was kept; absent for a model that lies outside a run or import folder. */
  readonly savedTo?: string;
}

/** A true category of an image, and the probability that the model gives it. */
export interface PointedCase extends PointingCase {
  readonly score: number;
}

/** pointing.json */
export interface PointingResult extends LookingResult, PointingReport {
  readonly tolerance: number;
  /** True labels that no box in the image goes with: left out. */
  readonly withoutBox: number;
  readonly cases: readonly PointedCase[];
}

export type SanityParams = LookingParams;

/** How alike two sets of maps are, before their negative values become 0: means over the images, with 95 % intervals. */
export interface MapSimilarity {
  /** Spearman's rank correlation of the cells, −1..1; 0 where one of the two maps is the same everywhere. */
  readonly rankCorrelation: number | null;
  readonly rankInterval: Interval | null;
  /** Mean structural similarity of the maps, scaled to 0..1 and enlarged. */
  readonly ssim: number | null;
  readonly ssimInterval: Interval | null;
  /** How many of the second maps are the same everywhere. */
  readonly flat: number;
}

/** Layers whose weights are made random together. */
interface WeightStage {
  /** 'head', 'hidden' (further layers behind the pool), or the size of the layers' output: '7 × 7'. */
  readonly name: string;
  /** Weights, biases and statistics. */
  readonly tensors: number;
  readonly values: number;
}

/** sanity.json */
export interface SanityResult extends LookingResult {
  /** From the head down. */
  readonly stages: readonly WeightStage[];
  /** Entry k: the stages 0 to k are random. */
  readonly cascading: readonly MapSimilarity[];
  /** Entry k: stage k alone is random. */
  readonly independent: readonly MapSimilarity[];
  /** The unchanged model's maps of different images: what the network's form and the photographers' habits alone make alike. */
  readonly otherImage: MapSimilarity;
  /** By the last of `cascading`: with every weight random, the interval of the rank correlation lies below 0.5, above it, or holds it. */
  readonly verdict: 'depend' | 'do-not-depend' | 'unclear';
}

/** What a run folder holds of both. */
export interface LookingData {
  /** Null where it was not measured, or the file is damaged: it can be measured again. */
  readonly pointing: PointingResult | null;
  readonly sanity: SanityResult | null;
}

/** Rows of the table of requests. */
export interface LookingRequests {
  readonly pointing: { params: PointingParams; result: PointingResult; progress: CountProgress };
  readonly sanity: { params: SanityParams; result: SanityResult; progress: CountProgress };
}
