// Runs graphs in ONNX Runtime inside the test's own process, without the engine around it.
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import type { Target } from '../../src/onnx/builder';
import { blockIn, blockProbe } from '../../src/onnx/block-size';
import { type Classifier, IMAGE, PROBABILITIES } from '../../src/onnx/classifier';
import { encodeModel } from '../../src/onnx/encode';
import { buildGradCam, withStage } from '../../src/onnx/gradcam';
import { buildInferenceModel } from '../../src/onnx/inference';
import type { Model, Tensor } from '../../src/onnx/model';
import { NEXT } from '../../src/onnx/normalization';
import type { StepOptions, TrainingStep } from '../../src/onnx/training';

export type Tensors = Record<string, Tensor>;

export interface GraphRunner {
  /** Feeds what the graph asks for and leaves the rest. */
  run(feeds: Readonly<Tensors>): Promise<Tensors>;
  release(): Promise<void>;
}

export async function graphRunner(model: Model, provider: 'cpu' | 'webgpu' = 'cpu'): Promise<GraphRunner> {
  const session = await InferenceSession.create(encodeModel(model), { executionProviders: [provider], logSeverityLevel: 3 });
  return {
    run: async (feeds) => {
      const inputs = Object.fromEntries(session.inputNames.map((name) => [name, toOrt(feeds[name]!)]));
      const outputs = await session.run(inputs);
      return Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, fromOrt(value)]));
    },
    release: () => session.release(),
  };
}

/** Runners that a test opens, and what releases them behind it. */
export function runners() {
  const open: (GraphRunner | StepRunner)[] = [];
  return {
    opened: async <R extends GraphRunner | StepRunner>(runner: Promise<R>): Promise<R> => {
      open.push(await runner);
      return runner;
    },
    releaseAll: async () => {
      for (const runner of open.splice(0)) await runner.release();
    },
  };
}

/** Channels in a block of this processor's blocked layout; undefined where ONNX Runtime has none for it. */
export async function blockHere(): Promise<number | undefined> {
  const { model, feeds } = blockProbe();
  const runner = await graphRunner(model).catch(() => undefined);
  const answer = await runner?.run(feeds);
  await runner?.release();
  return answer && blockIn(answer);
}

/** A step of all layers with batch statistics, momentum and weight decay. */
export const STEP: Omit<StepOptions, 'batchSize'> = {
  layers: 'all',
  batchNorm: 'batch',
  batchNormMomentum: undefined,
  momentum: 0.9,
  l2: 1e-4,
  l2On: 'weights',
  headLearnRateFactor: 10,
};

export interface StepRunner {
  readonly state: Tensors;
  /** Does a step, replaces the state and answers the other outputs. */
  step(feeds: Readonly<Tensors>): Promise<Tensors>;
  release(): Promise<void>;
}

export async function stepRunner(training: TrainingStep, provider: 'cpu' | 'webgpu' = 'cpu'): Promise<StepRunner> {
  const runner = await graphRunner(training.model, provider);
  const state: Tensors = { ...training.state };
  return {
    state,
    step: async (feeds) => {
      const outputs = await runner.run({ ...state, ...feeds });
      const next = Object.entries(outputs).filter(([name]) => name.startsWith(NEXT));
      for (const [name, tensor] of next) state[name.slice(NEXT.length)] = tensor;
      return Object.fromEntries(Object.entries(outputs).filter(([name]) => !name.startsWith(NEXT)));
    },
    release: () => runner.release(),
  };
}

/** Both graphs of Grad-CAM: image and selection in, probabilities and maps out. */
export async function gradCamRunner(
  classifier: Classifier,
  selected: number,
  target: Target = 'cpu',
  open: (model: Model) => Promise<GraphRunner> = graphRunner,
): Promise<GraphRunner> {
  const mapping = await open(buildGradCam(classifier, selected, target));
  const card = { categories: [], thresholds: [], provenance: {} };
  const scoring = await open(withStage(buildInferenceModel(classifier, card), classifier));
  return {
    run: async (feeds) => {
      const seen = await scoring.run({ [IMAGE]: feeds[IMAGE]! });
      return { [PROBABILITIES]: seen[PROBABILITIES]!, ...(await mapping.run({ ...feeds, ...seen })) };
    },
    release: async () => {
      await scoring.release();
      await mapping.release();
    },
  };
}

export function floats(tensor: Tensor | undefined): Float32Array {
  if (tensor?.type !== 'float32') throw new Error('not a float32 tensor');
  return tensor.data;
}

export function float32(dims: readonly number[], data: Iterable<number>): Tensor<'float32'> {
  return { type: 'float32', dims, data: Float32Array.from(data) };
}

function toOrt(tensor: Tensor): OrtTensor {
  return new OrtTensor(tensor.type as 'float32', tensor.data as Float32Array, tensor.dims);
}

function fromOrt(tensor: OrtTensor): Tensor {
  return { type: tensor.type, dims: [...tensor.dims], data: (tensor.data as Float32Array).slice() } as Tensor;
}
