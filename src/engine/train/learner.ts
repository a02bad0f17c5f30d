// A network that learns: its training step, its evaluation and its state, wherever the device keeps it.
import { buildEvaluation, buildTrainingStep, LABELS, LEARN_RATE, LOSS, type StepOptions } from '../../onnx/training';
import { type Classifier, LOGITS } from '../../onnx/classifier';
import { encodeModel } from '../../onnx/encode';
import type { Tensor } from '../../onnx/model';
import { ahead, type Batch, type Examples } from '../examples';
import { type LoadOptions, targetOf, type Tensors } from '../runtime/messages';
import type { Runtime } from '../runtime/runtime';

export interface Learner {
  /** One training step. Answers the loss before the update: mean over images of the sum over categories. */
  step(batch: Batch, learnRate: number): Promise<number>;
  /** The logits of a batch, N×C row-major, as `evaluate` sees them. */
  logits(batch: Batch): Promise<Float32Array>;
  /** The same loss over all examples that can be read, with running statistics and without augmentation. */
  evaluate(examples: Examples, signal: AbortSignal): Promise<number>;
  /** Copies of parameters, `momentum/…` and running statistics. */
  state(): Promise<Tensors>;
  release(): Promise<void>;
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
  options: StepOptions,
  load: LoadOptions,
  restored?: Tensors,
): Promise<Learner> {
  const step = buildTrainingStep(classifier, options, targetOf(load.device));
  const stateOutputs = step.model.graph.outputs.map(({ name }) => name).filter((name) => name !== LOSS);
  const stepSession = await runtime.load(encodeModel(step.model), { ...load, stateOutputs });
  const evaluation = await runtime.load(encodeModel(buildEvaluation(classifier, Object.keys(step.state))), load);
  const state = await runtime.setState(restored ?? step.state);
  const logits = async ({ input: data }: Batch) => {
    const outputs = await runtime.run(evaluation, { [input]: data }, state);
    return (outputs[LOGITS] as Tensor<'float32'>).data;
  };
  return {
    step: async (batch, learnRate) => {
      const rate: Tensor = { type: 'float32', dims: [], data: Float32Array.of(learnRate) };
      const outputs = await runtime.run(stepSession, { [input]: batch.input, [LABELS]: batch.labels, [LEARN_RATE]: rate }, state);
      return (outputs[LOSS] as Tensor<'float32'>).data[0]!;
    },
    logits,
    evaluate: (examples, signal) => meanLoss(examples, signal, logits),
    state: () => runtime.readState(state),
    release: async () => {
      await runtime.release({ session: stepSession, state });
      await runtime.release({ session: evaluation });
    },
  };
}

async function meanLoss(
  examples: Examples,
  signal: AbortSignal,
  logitsOf: (batch: Batch) => Promise<Float32Array>,
): Promise<number> {
  const drawn = (start: number): Promise<Batch> => {
    const rows = Array.from({ length: Math.min(EVALUATION_BATCH, examples.count - start) }, (_, k) => start + k);
    return ahead(examples.batch({ rows }));
  };
  let sum = 0;
  let images = 0;
  let next = drawn(0);
  for (let start = 0; start < examples.count; start += EVALUATION_BATCH) {
    signal.throwIfAborted();
    const batch = await next;
    if (start + EVALUATION_BATCH < examples.count) next = drawn(start + EVALUATION_BATCH);
    if (batch.labels.dims[0] === 0) continue;
    const logits = await logitsOf(batch);
    for (const [k, logit] of logits.entries()) sum += crossEntropy(logit, batch.labels.data[k]!);
    images += batch.labels.dims[0]!;
  }
  return sum / images;
}

/** Binary cross-entropy of sigmoid(z) against y, from the logit: max(z, 0) − z·y + ln(1 + e^−|z|), which never overflows. */
function crossEntropy(z: number, y: number): number {
  return Math.max(z, 0) - z * y + Math.log1p(Math.exp(-Math.abs(z)));
}
