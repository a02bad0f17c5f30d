// What a training run may be told: one flat settings object, the same in run.json, on the command line and in the editor.

export type RecipeName = 'matlab-example' | 'balanced' | 'quick' | 'best';
/** What computes: see engine/runtime. */
export const ENGINES = ['onnxruntime', 'tensorflow'] as const;
export type EngineName = (typeof ENGINES)[number];
/** The environment variable that tells the engine's process which. */
export const ENGINE_VARIABLE = 'LABELSCOPE_ENGINE';
export type DeviceChoice = 'auto' | 'cpu' | 'webgpu' | 'cuda';

export interface Recipe {
  readonly recipe: RecipeName;
  /** Which layers learn: all, those from the last convolutional stage on, or the new head on pooled features alone. */
  readonly layers: 'all' | 'last-stages' | 'head';
  /** The features of the last stage's channels: their means over all places, or their generalised means (Σ x³ / n)^⅓ (Radenović, Tolias and Chum, "Fine-tuning CNN Image Retrieval with No Human Annotation", TPAMI 2019), in which the strongest places count most. */
  readonly pooling: 'average' | 'gem';
  readonly epochs: number;
  /** Stop after this many iterations; 0 = when the epochs are over. */
  readonly maxIterations: number;
  readonly batchSize: number;
  readonly learnRate: number;
  /** Constant, or falling to zero over the run along half a cosine. */
  readonly learnRateSchedule: 'constant' | 'cosine';
  /** Iterations over which the rate rises from zero in even steps; the cosine begins behind them. */
  readonly warmup: number;
  /** Binary cross-entropy, or asymmetric loss (Ben-Baruch et al., "Asymmetric Loss For Multi-Label Classification", ICCV 2021). */
  readonly loss: 'bce' | 'asl';
  /** Asymmetric loss: exponents of the focusing factors of positives and negatives, */
  readonly aslGammaPositive: number;
  readonly aslGammaNegative: number;
  /** and what is taken off the probability of negatives before. */
  readonly aslClip: number;
  /** What a positive counts beside a negative: as much; by category negatives / positives, at most 20; or the square root of that. */
  readonly positiveWeight: 'none' | 'balanced' | 'sqrt';
  /** Training labels 0 and 1 become half of this and 1 − half of this. */
  readonly labelSmoothing: number;
  /** Examples are mixed in pairs with shares drawn from Beta(α, α) (Zhang et al., "mixup", ICLR 2018); 0 = not. */
  readonly mixup: number;
  /** Share of the old average that a step keeps, of weights that are averaged over the steps; 0 = the last weights count. */
  readonly ema: number;
  /** Features less their mean, over their deviation in the training images; undone in the model. Only where the head alone learns. */
  readonly standardize: boolean;
  /** The learning rate of the new head's weights and bias is `learnRate` times this. */
  readonly headLearnRateFactor: number;
  /** How the new head begins: weights uniform by Glorot's rule; or zero, which on fixed features is logistic regression; then with zero biases or with those that the categories' frequencies give. */
  readonly headInit: 'glorot' | 'zeros' | 'prior';
  readonly momentum: number;
  readonly l2: number;
  /** Weights of convolutions and of the head alone, or the scales and shifts of normalisation layers as well. */
  readonly l2On: 'weights' | 'weights-and-norm';
  readonly batchNorm: 'batch' | 'frozen';
  /** Share of the old running statistics that a step keeps; 0 = as the backbone file says. */
  readonly batchNormMomentum: number;
  /** Random rotation between minus and plus this many degrees. */
  readonly rotation: number;
  /** Random left-right reflection. */
  readonly reflection: boolean;
  /** Iterations between two evaluations of the validation loss. */
  readonly validationFrequency: number;
  /** Stop when the validation loss has not improved in this many evaluations; 0 = never. */
  readonly validationPatience: number;
  /** Share of the images kept for validation where there is no validation file. */
  readonly validationFraction: number;
  /** Keep images that show none of the chosen categories. */
  readonly includeUnlabeled: boolean;
  /** At least this many iterations lie between two checkpoints, */
  readonly checkpointFrequency: number;
  /** and at least this many seconds: a step can take a millisecond or a minute. */
  readonly checkpointSeconds: number;
  /** Side of the square that images are resized to, in pixels; 0 = as the backbone says. */
  readonly imageSize: number;
  /** Processor threads of one step; 0 = one per core. */
  readonly threads: number;
  /** Memory for decoded images, in megabytes. */
  readonly imageCache: number;
}
