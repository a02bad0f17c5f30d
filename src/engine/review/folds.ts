// Out-of-fold scores: every image is scored by a head that was trained on the features of the other folds.
import { sigmoid } from '../../metrics/scaling';
import { type Classifier, headOnly } from '../../onnx/classifier';
import type { DeviceUsed } from '../../protocol/messages';
import type { Recipe } from '../../protocol/recipe';
import { type Examples, featureExamples } from '../examples';
import type { FeatureTable } from '../features';
import type { Runtime } from '../runtime/runtime';
import { START } from '../train/checkpoint';
import { type Learner, startLearner } from '../train/learner';
import { scheduleOf, trainLoop } from '../train/loop';

export interface FoldJob {
  readonly runtime: Runtime;
  readonly classifier: Classifier;
  readonly device: DeviceUsed;
  readonly recipe: Recipe;
  readonly seed: number;
  readonly signal: AbortSignal;
  /** Told of training steps, of all folds together. */
  readonly onProgress: (progress: { readonly done: number; readonly total: number }) => void;
}

const SCORED_AT_ONCE = 64;

/**
 * The features stay where they are: folds are lists of their rows.
 *
 * @param parts the fold of every row of the table
 * @returns probabilities, images × categories
 * @throws the signal's reason; LabelscopeError 'training-diverged'
 */
export async function outOfFoldScores({ set, variants }: FeatureTable, parts: Uint8Array, job: FoldJob): Promise<Float32Array> {
  const all = featureExamples(set, variants, job.seed);
  const scores = new Float32Array(set.labels.length);
  const folds = Math.max(...parts) + 1;
  const rowsWhere = (holds: (part: number) => boolean) => Array.from(parts.keys()).filter((row) => holds(parts[row]!));
  for (let fold = 0; fold < folds; fold++) {
    const held = rowsWhere((part) => part === fold);
    const onProgress = (share: number) => job.onProgress({ done: Math.round(1000 * (fold + share)), total: 1000 * folds });
    const learner = await trainOn(
      rowsOf(
        all,
        rowsWhere((part) => part !== fold),
      ),
      rowsOf(all, held),
      { ...job, onProgress },
    );
    try {
      await scoreInto(scores, held, all, learner, job.signal);
    } finally {
      await learner.release();
    }
  }
  return scores;
}

/** Some rows of other examples, numbered anew. */
function rowsOf(all: Examples, kept: readonly number[]): Examples {
  return { count: kept.length, batch: ({ rows, ...rest }) => all.batch({ ...rest, rows: rows.map((row) => kept[row]!) }) };
}

/** Trains to the end of the schedule: stopping by the loss of the held-out images would let them have a say in their own scores. */
async function trainOn(
  train: Examples,
  held: Examples,
  {
    runtime,
    classifier,
    device,
    recipe,
    seed,
    signal,
    onProgress,
  }: Omit<FoldJob, 'onProgress'> & { onProgress: (share: number) => void },
): Promise<Learner> {
  const { batchSize, total } = scheduleOf(recipe, train.count);
  const options = { ...recipe, batchSize, batchNormMomentum: recipe.batchNormMomentum || undefined };
  const learner = await startLearner(runtime, headOnly(classifier), classifier.features, options, device);
  const nothing = () => Promise.resolve();
  try {
    await trainLoop(learner, train, held, {
      recipe: { ...recipe, validationPatience: 0, validationFrequency: total, checkpointFrequency: total + 1 },
      seed,
      start: START,
      signal,
      gate: { closed: false, opened: nothing },
      onStep: () => undefined,
      onPoint: ({ iteration }) => onProgress(iteration / total),
      onBest: nothing,
      onCheckpoint: nothing,
      onPaused: nothing,
    });
    signal.throwIfAborted();
    return learner;
  } catch (error) {
    await learner.release();
    throw error;
  }
}

async function scoreInto(
  scores: Float32Array,
  rows: readonly number[],
  all: Examples,
  learner: Learner,
  signal: AbortSignal,
): Promise<void> {
  for (let start = 0; start < rows.length; start += SCORED_AT_ONCE) {
    signal.throwIfAborted();
    const some = rows.slice(start, start + SCORED_AT_ONCE);
    const logits = await learner.logits(await all.batch({ rows: some }));
    const width = logits.length / some.length;
    some.forEach((row, k) => scores.set(logits.subarray(k * width, (k + 1) * width).map(sigmoid), row * width));
  }
}
