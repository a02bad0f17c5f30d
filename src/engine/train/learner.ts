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
import { repeated, STEP_COUNT } from '../../onnx/repeat';
import type { Tensor } from '../../onnx/model';
import { ahead, type Batch, type Examples } from '../examples';
import { type Device, type LoadOptions, targetOf, type Tensors } from '../runtime/messages';
import type { Runtime } from '../runtime/runtime';

/** What one training step needs. */
export interface Step {
  readonly batch: Batch;
  readonly learnRate: number;
  /** From 1. */
  readonly iteration: number;
}

export interface Learner {
  /** The most steps that `steps` takes: more than one where the state is long on its way to the device and back. */
  readonly atOnce: number;
  /** Steps in order. Answers the loss of each before its update: mean over images of the sum over categories. */
  steps(steps: readonly Step[]): Promise<number[]>;
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
  /** Steps a graph; undefined = as the device likes it. */
  readonly atOnce?: number;
}

/**
 * ONNX Runtime's binding keeps a state on the device with WebGPU alone. With CUDA ResNet-50's 200 MB go there and back around
 * every graph, which takes 88 ms where a step of 32 images takes 34 ms (docs/performance.md).
 */
const STEPS_AT_ONCE: Readonly<Record<Device, number>> = { cpu: 1, webgpu: 1, cuda: 16 };

const EVALUATION_BATCH: Readonly<Record<Device, number>> = { cpu: 16, webgpu: 16, cuda: 64 };

/**
 * @param input name of the graph input that batches go to
 * @param restored the state of a checkpoint instead of the initial one
 */
export async function startLearner(
  runtime: Runtime,
  classifier: Classifier,
  input: string,
  { ema, block, atOnce: wanted, ...options }: LearnerOptions,
  load: LoadOptions,
  restored?: Tensors,
): Promise<Learner> {
  const step = buildTrainingStep(classifier, { ...options, averaged: ema > 0 }, targetOf(load), block);
  // TensorFlow.js keeps the state where it computes, and knows no loop.
  const atOnce = load.engine === 'tensorflow' ? 1 : (wanted ?? STEPS_AT_ONCE[load.device]);
  const entry = entryLoss(options.objective ?? {});
  const stateOutputs = step.model.graph.outputs.map(({ name }) => name).filter((name) => name !== LOSS);
  const model = atOnce > 1 ? repeated(step.model) : step.model;
  const stepSession = await runtime.load(encodeModel(model), { ...load, stateOutputs });
  const evaluation = await runtime.load(encodeModel(buildEvaluation(classifier, Object.keys(step.state))), load);
  const state = await runtime.setState(restored ?? step.state);
  const logits = async ({ input: data }: Batch) => {
    const outputs = await runtime.run(evaluation, { [input]: data }, { state });
    return (outputs[LOGITS] as Tensor<'float32'>).data;
  };
  const feedsOf = ({ batch, learnRate, iteration }: Step): Tensors => ({
    [input]: batch.input,
    [LABELS]: batch.labels,
    [LEARN_RATE]: scalar(learnRate),
    ...(ema > 0 && { [AVERAGE_DECAY]: scalar(decayAt(ema, iteration)) }),
  });
  return {
    atOnce,
    steps: async (steps) => {
      const feeds = atOnce > 1 ? together(steps.map(feedsOf)) : feedsOf(steps[0]!);
      // Those of several steps were copied into one a moment ago.
      const outputs = await runtime.run(stepSession, feeds, { state, givenAway: atOnce > 1 });
      return Array.from((outputs[LOSS] as Tensor<'float32'>).data);
    },
    logits,
    evaluate: (examples, signal) =>
      meanLoss(examples, examples.evaluated ?? EVALUATION_BATCH[load.device], signal, entry, logits),
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

/** The feeds of several steps as those of their loop: one entry a step along a new first axis. */
function together(feeds: readonly Tensors[]): Tensors {
  const names = Object.keys(feeds[0]!);
  const all = names.map((name) => [name, stacked(feeds.map((one) => one[name]!))] as const);
  return { ...Object.fromEntries(all), [STEP_COUNT]: { type: 'int64', dims: [], data: BigInt64Array.of(BigInt(feeds.length)) } };
}

function stacked(tensors: readonly Tensor[]): Tensor {
  const { type, dims, data } = tensors[0] as Tensor<'uint8' | 'float32'>;
  const all = type === 'uint8' ? new Uint8Array(tensors.length * data.length) : new Float32Array(tensors.length * data.length);
  for (const [k, tensor] of tensors.entries()) all.set(tensor.data as Uint8Array, k * data.length);
  return { type, dims: [tensors.length, ...dims], data: all } as Tensor;
}

/** Early averages follow faster, or they would long consist of the initial weights (as TensorFlow's ExponentialMovingAverage does). */
function decayAt(ema: number, iteration: number): number {
  return Math.min(ema, (1 + iteration) / (10 + iteration));
}

async function meanLoss(
  examples: Examples,
  batchSize: number,
  signal: AbortSignal,
  entry: EntryLoss,
  logitsOf: (batch: Batch) => Promise<Float32Array>,
): Promise<number> {
  const drawn = (start: number): Promise<Batch> => {
    const rows = Array.from({ length: Math.min(batchSize, examples.count - start) }, (_, k) => start + k);
    return ahead(examples.batch({ rows }));
  };
  let sum = 0;
  let images = 0;
  let next = drawn(0);
  for (let start = 0; start < examples.count; start += batchSize) {
    signal.throwIfAborted();
    const batch = await next;
    if (start + batchSize < examples.count) next = drawn(start + batchSize);
    if (batch.labels.dims[0] === 0) continue;
    const logits = await logitsOf(batch);
    const categories = batch.labels.dims[1]!;
    for (const [k, logit] of logits.entries()) sum += entry(logit, batch.labels.data[k]!, k % categories);
    images += batch.labels.dims[0]!;
  }
  return sum / images;
}
