// The self-check of the blocked form: a step of both forms from the same weights on the same batch, compared and timed.
import { buildTrainingStep, LABELS, LEARN_RATE, LOSS, type StepOptions, type TrainingStep } from '../../onnx/training';
import { type Classifier, HEAD_BIAS, IMAGE } from '../../onnx/classifier';
import { encodeModel } from '../../onnx/encode';
import { elementCount, type Tensor } from '../../onnx/model';
import { randomStream } from '../../metrics/random';
import type { LoadOptions, Tensors } from '../runtime/messages';
import type { Runtime } from '../runtime/runtime';

export interface CheckResult {
  /** Relative difference of the losses. */
  readonly loss: number;
  /** Of all state tensors, the largest difference over the size of the step. */
  readonly state: number;
  readonly agrees: boolean;
  /** Processor time of a step in the blocked form over the plain form's. */
  readonly time: number;
}

/**
 * Both forms add up the same float32 numbers in another order. Losses of ResNet-50 then differ by less than 1e-5; a step
 * differs by some 1e-3 of its size, because a unit whose input rounds to the other side of zero is switched on in one form
 * alone. A wrong padding, channel or image is an error of the order of 1.
 */
const TOLERANCE = { loss: 1e-4, state: 0.02 };
/** Rounding of the tensor itself. */
const ROUNDING = 2 ** -22;
const LEARN_RATE_OF_CHECK = 1e-3;
/** The first step of a session allocates: it is compared, those after it are timed. */
const TIMED_STEPS = 2;

interface CheckContext {
  readonly runtime: Runtime;
  readonly signal: AbortSignal;
  /** Channels in a block. */
  readonly block: number;
}

/** @throws LabelscopeError 'runtime-failed' where one of the forms does not run */
export async function checkForms(
  classifier: Classifier,
  options: StepOptions,
  load: LoadOptions,
  { runtime, signal, block }: CheckContext,
): Promise<CheckResult> {
  // The smallest batch of the blocked form: less memory than the training itself.
  const small = { ...options, batchSize: block };
  const feeds = randomFeeds(classifier, block);
  // One after the other, so that only one of them takes memory.
  const stepsOf = (size?: number) => takeSteps(runtime, buildTrainingStep(classifier, small, 'cpu', size), load, feeds, signal);
  const plain = await stepsOf();
  const blocked = await stepsOf(block);
  const loss = Math.abs(blocked.loss - plain.loss) / Math.max(Math.abs(plain.loss), 1e-6);
  const state = worstDifference(plain.start, plain.state, blocked.state);
  // Written so that what is no number does not agree either.
  const agrees = loss <= TOLERANCE.loss && state <= TOLERANCE.state;
  return { loss, state, agrees, time: blocked.milliseconds / plain.milliseconds };
}

interface Steps {
  readonly loss: number;
  readonly start: Tensors;
  /** After the first step. */
  readonly state: Tensors;
  /** Processor time of a step. */
  readonly milliseconds: number;
}

async function takeSteps(
  runtime: Runtime,
  step: TrainingStep,
  load: LoadOptions,
  feeds: Tensors,
  signal: AbortSignal,
): Promise<Steps> {
  const session = await runtime.load(encodeModel(step.model), load);
  const number = await runtime.setState(step.state);
  try {
    const { [LOSS]: loss } = await runtime.run(session, feeds, { state: number });
    const state = await runtime.readState(number);
    const times: number[] = [];
    while (times.length < TIMED_STEPS) {
      signal.throwIfAborted();
      const began = process.cpuUsage();
      await runtime.run(session, feeds, { state: number });
      const { user, system } = process.cpuUsage(began);
      times.push((user + system) / 1000);
    }
    return { loss: (loss as Tensor<'float32'>).data[0]!, start: step.state, state, milliseconds: Math.min(...times) };
  } finally {
    await runtime.release({ session, state: number });
  }
}

/** Noise as pixels, random labels. */
function randomFeeds({ graph, height, width }: Classifier, images: number): Tensors {
  const random = randomStream('forms');
  const dims = [images, height, width, 3];
  const pixels = Uint8Array.from({ length: elementCount(dims) }, () => random.integer(256));
  const categories = graph.initializers.get(HEAD_BIAS)!.dims[0]!;
  const labels = Float32Array.from({ length: images * categories }, () => random.integer(2));
  return {
    [IMAGE]: { type: 'uint8', dims, data: pixels },
    [LABELS]: { type: 'float32', dims: [images, categories], data: labels },
    [LEARN_RATE]: { type: 'float32', dims: [], data: Float32Array.of(LEARN_RATE_OF_CHECK) },
  };
}

/**
 * Of all state tensors the largest ‖a − b‖ / ‖a − start‖. A tensor that a step hardly moves, such as a bias in front of
 * normalisation by batch statistics, whose gradient is 0 but for rounding, is measured by what the others move.
 */
function worstDifference(start: Tensors, a: Tensors, b: Tensors): number {
  const moved = Object.keys(start).map((name) => ({
    name,
    step: distance(a[name]!, start[name]!),
    size: elementCount(start[name]!.dims),
  }));
  const total = moved.reduce((sum, { size }) => sum + size, 0);
  const usual = Math.sqrt(moved.reduce((sum, { step }) => sum + step ** 2, 0) / total);
  const errors = moved.map(({ name, step, size }) => {
    const rounding = ROUNDING * norm(floatsOf(start[name]!));
    return Math.max(0, distance(a[name]!, b[name]!) - rounding) / Math.max(step, usual * Math.sqrt(size));
  });
  return Math.max(...errors.map((error) => (Number.isNaN(error) ? Infinity : error)));
}

function distance(a: Tensor, b: Tensor): number {
  const [x, y] = [floatsOf(a), floatsOf(b)];
  let sum = 0;
  for (let k = 0; k < x.length; k++) sum += (x[k]! - y[k]!) ** 2;
  return Math.sqrt(sum);
}

function norm(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return Math.sqrt(sum);
}

function floatsOf(tensor: Tensor): Float32Array {
  return tensor.data as Float32Array;
}
