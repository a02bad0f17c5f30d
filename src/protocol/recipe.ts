// What a training run may be told: one flat settings object, the same in run.json, on the command line and in the editor.

export type RecipeName = 'matlab-example' | 'balanced' | 'quick';
export type DeviceChoice = 'auto' | 'cpu' | 'webgpu' | 'cuda';

export interface Recipe {
  readonly recipe: RecipeName;
  /** Which layers learn: all, those from the last convolutional stage on, or the new head on pooled features alone. */
  readonly layers: 'all' | 'last-stages' | 'head';
  readonly epochs: number;
  /** Stop after this many iterations; 0 = when the epochs are over. */
  readonly maxIterations: number;
  readonly batchSize: number;
  readonly learnRate: number;
  /** Constant, or falling to zero over the run along half a cosine. */
  readonly learnRateSchedule: 'constant' | 'cosine';
  /** The learning rate of the new head's weights and bias is `learnRate` times this. */
  readonly headLearnRateFactor: number;
  /** How the new head's weights begin: uniform by Glorot's rule, or zero, which on fixed features is logistic regression. */
  readonly headInit: 'glorot' | 'zeros';
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
