// A network that learns: its training step, its evaluation and its state, wherever the device keeps it.
import { entryLoss, type EntryLoss } from '../../onnx/loss';
import {
  AVERAGE_DECAY,
  buildEvaluation,
  buildTrainingStep,
  LABELS,
  LEARN_RATE,
  LOSS,
  type StepOptions,
} from '../../onnx/training';
import { type Classifier, LOGITS } from '../../onnx/classifier';
import { encodeModel } from '../../onnx/encode';
import type { Tensor } from '../../onnx/model';
import { ahead, type Batch, type Examples } from '../examples';
import { type LoadOptions, targetOf, type Tensors } from '../runtime/messages';
import type { Runtime } from '../runtime/runtime';

export interface Learner {
  /** One training step, from 1. Answers the loss before the update: mean over images of the sum over categories. */
  step(batch: Batch, learnRate: number, iteration: number): Promise<number>;
  /** The logits of a batch, N×C row-major, as `evaluate` sees them. */
  logits(batch: Batch): Promise<Float32Array>;
  /** The same loss over all examples that can be read, with running statistics, of averaged weights, without augmentation and smoothing. */
  evaluate(examples: Examples, signal: AbortSignal): Promise<number>;
  /** Copies of parameters, `momentum/…` and running statistics. */
  state(): Promise<Tensors>;
  release(): Promise<void>;
}

export interface LearnerOptions extends Omit<StepOptions, 'averaged'> {
  /** What a step keeps of the old averages, 0..1; 0 = the weights are not averaged. */
  readonly ema: number;
  /** Channels in a block, for the blocked form of the step; undefined = the plain form. */
  readonly block?: number | undefined;
}

const EVALUATION_BATCH = 16;

/**
 * @param input name of the graph input that batches go to
 * @param restored the state of a checkpoint instead of the initial one
 */
export async function startLearner(
  runtime: Runtime,
  classifier: Classifier,
  input: string,
  { ema, block, ...options }: LearnerOptions,
  load: LoadOptions,
  restored?: Tensors,
): Promise<Learner> {
  const step = buildTrainingStep(classifier, { ...options, averaged: ema > 0 }, targetOf(load.device), block);
  const entry = entryLoss(options.objective ?? {});
  const stateOutputs = step.model.graph.outputs.map(({ name }) => name).filter((name) => name !== LOSS);
  const stepSession = await runtime.load(encodeModel(step.model), { ...load, stateOutputs });
  const evaluation = await runtime.load(encodeModel(buildEvaluation(classifier, Object.keys(step.state))), load);
  const state = await runtime.setState(restored ?? step.state);
  const logits = async ({ input: data }: Batch) => {
    const outputs = await runtime.run(evaluation, { [input]: data }, { state });
    return (outputs[LOGITS] as Tensor<'float32'>).data;
  };
  return {
    step: async (batch, learnRate, iteration) => {
      const feeds = {
        [input]: batch.input,
        [LABELS]: batch.labels,
        [LEARN_RATE]: scalar(learnRate),
        ...(ema > 0 && { [AVERAGE_DECAY]: scalar(decayAt(ema, iteration)) }),
      };
      const outputs = await runtime.run(stepSession, feeds, { state });
      return (outputs[LOSS] as Tensor<'float32'>).data[0]!;
    },
    logits,
    evaluate: (examples, signal) => meanLoss(examples, signal, entry, logits),
    state: () => runtime.readState(state),
    release: async () => {
      await runtime.release({ session: stepSession, state });
      await runtime.release({ session: evaluation });
    },
  };
}

function scalar(value: number): Tensor {
  return { type: 'float32', dims: [], data: Float32Array.of(value) };
}

/** Early averages follow faster, or they would long consist of the initial weights (as TensorFlow's ExponentialMovingAverage does). */
function decayAt(ema: number, iteration: number): number {
  return Math.min(ema, (1 + iteration) / (10 + iteration));
}

async function meanLoss(
  examples: Examples,
  signal: AbortSignal,
  entry: EntryLoss,
  logitsOf: (batch: Batch) => Promise<Float32Array>,
): Promise<number> {
  const { evaluated: size = EVALUATION_BATCH } = examples;
  const drawn = (start: number): Promise<Batch> => {
    const rows = Array.from({ length: Math.min(size, examples.count - start) }, (_, k) => start + k);
    return ahead(examples.batch({ rows }));
  };
  let sum = 0;
  let images = 0;
  let next = drawn(0);
  for (let start = 0; start < examples.count; start += size) {
    signal.throwIfAborted();
    const batch = await next;
    if (start + size < examples.count) next = drawn(start + size);
    if (batch.labels.dims[0] === 0) continue;
    const logits = await logitsOf(batch);
    const categories = batch.labels.dims[1]!;
    for (const [k, logit] of logits.entries()) sum += entry(logit, batch.labels.data[k]!, k % categories);
    images += batch.labels.dims[0]!;
  }
  return sum / images;
}
