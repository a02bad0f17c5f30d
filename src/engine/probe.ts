// The numeric self-check: a GPU is trusted once it reproduces a small training step of the CPU's.
import { encodeModel } from '../onnx/encode';
import { GraphBuilder } from '../onnx/builder';
import { withNewHead } from '../onnx/classifier';
import type { Model, Node, Tensor } from '../onnx/model';
import { buildTrainingStep, LABELS, LEARN_RATE, LOSS, type TrainingStep } from '../onnx/training';
import { nameOf, type ProbeAnswer } from './devices';
import { randomStream } from '../metrics/random';
import { type Device, targetOf, type Tensors } from './runtime/messages';
import type { Runtime } from './runtime/runtime';

const STEPS = 3;
const BATCH = 2;
const SIDE = 16;
const CATEGORIES = 3;
/** Relative difference of losses; float32 sums in another order differ by about 1e-6. */
const TOLERANCE = 1e-3;
/**
 * A graphics card is faster than a processor core; a Vulkan driver that only imitates one, as many Linux desktops have,
 * takes ten to several hundred times as long. Between the two lies the transfer of a megabyte.
 */
const SLOW = 4;

/** Trains a small network (convolutions, normalisation, pooling, head) for a few steps on the device and on the CPU. */
export async function probeDevice(runtime: Runtime, device: Device): Promise<ProbeAnswer> {
  const name = nameOf(device);
  try {
    const expected = await lossesOn(runtime, 'cpu');
    const found = await lossesOn(runtime, device);
    const difference = Math.max(...expected.map((loss, step) => Math.abs(found[step]! - loss) / Math.abs(loss)));
    const digits = difference.toExponential(1);
    // Written so that a loss that is no number is not trusted either.
    if (!(difference <= TOLERANCE)) {
      const reason = `${name}: its small training step differs from the CPU's by ${digits}, so it is not trusted.`;
      return { ok: false, slow: false, reason };
    }
    const times = (await millisecondsOn(runtime, device)) / (await millisecondsOn(runtime, 'cpu'));
    const same = `${name}: reproduces the CPU's small training step to ${digits}`;
    if (times <= SLOW) return { ok: true, slow: false, reason: `${same}.` };
    const reason = `${same}, but takes ${Math.round(times)} times as long as one processor core: it is used only if asked for by name.`;
    return { ok: true, slow: true, reason };
  } catch (error) {
    return { ok: false, slow: false, reason: `${name}: ${shortened(error)}` };
  }
}

/** Of one 3×3 convolution of a 56×56 image, 64 to 64 channels (0.23 GFLOP), with its transfers; the CPU with one thread. */
async function millisecondsOn(runtime: Runtime, device: Device): Promise<number> {
  const [image, kernel] = [filled(1, 64, 56, 56), filled(64, 64, 3, 3)];
  const builder = new GraphBuilder();
  const [x, w] = [builder.input('x', 'float32', image.dims), builder.input('w', 'float32', kernel.dims)];
  builder.output(builder.op('ReduceMean', [builder.op('Conv', [x, w])], { keepdims: 0 }), 'y');
  const graph = builder.build('speed');
  const model: Model = { irVersion: 10, opsets: { '': builder.opset }, producer: 'labelscope', metadata: {}, graph };
  const session = await runtime.load(encodeModel(model), { device, threads: 1 });
  const times: number[] = [];
  // The first run compiles.
  for (let k = 0; k < 3; k++) {
    const began = performance.now();
    await runtime.run(session, { x: image, w: kernel });
    times.push(performance.now() - began);
  }
  await runtime.release({ session });
  return Math.min(...times);
}

function filled(...dims: number[]): Tensor {
  return { type: 'float32', dims, data: new Float32Array(dims.reduce((a, b) => a * b)).fill(0.01) };
}

function shortened(error: unknown): string {
  const text = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ');
  const found = /No supported adapters|Failed to get a WebGPU adapter/.test(text)
    ? 'no graphics card with a usable driver was found'
    : text.slice(0, 160);
  return `${found}.`;
}

async function lossesOn(runtime: Runtime, device: Device): Promise<number[]> {
  const step = smallStep(device);
  const options = {
    device,
    threads: 1,
    stateOutputs: step.model.graph.outputs.map(({ name }) => name).filter((name) => name !== LOSS),
  };
  const session = await runtime.load(encodeModel(step.model), options);
  const state = await runtime.setState(step.state);
  const losses: number[] = [];
  for (let k = 0; k < STEPS; k++) {
    const { [LOSS]: loss } = await runtime.run(session, smallBatch(k), { state });
    losses.push((loss as Tensor<'float32'>).data[0]!);
  }
  await runtime.release({ session, state });
  return losses;
}

function smallStep(device: Device): TrainingStep {
  const random = randomStream('probe', 'weights');
  const weights = (...dims: number[]): Tensor<'float32'> => {
    const data = Float32Array.from({ length: dims.reduce((a, b) => a * b) }, () => 0.3 * random.normal());
    return { type: 'float32', dims, data };
  };
  const classifier = withNewHead(smallNetwork(weights), 'the self-check', (features) => ({
    weight: weights(CATEGORIES, features),
    bias: weights(CATEGORIES),
  }));
  return buildTrainingStep(
    classifier,
    {
      batchSize: BATCH,
      layers: 'all',
      batchNorm: 'batch',
      batchNormMomentum: undefined,
      momentum: 0.9,
      l2: 1e-4,
      l2On: 'weights',
      headLearnRateFactor: 10,
    },
    targetOf({ device }),
  );
}

function smallBatch(k: number): Tensors {
  const random = randomStream('probe', 'batch', k);
  const pixels = Uint8Array.from({ length: BATCH * SIDE * SIDE * 3 }, () => random.integer(256));
  const labels = Float32Array.from({ length: BATCH * CATEGORIES }, () => random.integer(2));
  return {
    image: { type: 'uint8', dims: [BATCH, SIDE, SIDE, 3], data: pixels },
    [LABELS]: { type: 'float32', dims: [BATCH, CATEGORIES], data: labels },
    [LEARN_RATE]: { type: 'float32', dims: [], data: Float32Array.of(0.01) },
  };
}

/** Two convolutions with batch normalisation, the second strided, a max pool, a shortcut, a global pool and a dense layer. */
function smallNetwork(weights: (...dims: number[]) => Tensor<'float32'>): Model {
  const ones: Tensor = { type: 'float32', dims: [4], data: new Float32Array(4).fill(1) };
  const node = (type: string, inputs: string[], output: string, attributes: Node['attributes'] = {}): Node => ({
    name: output,
    type,
    domain: '',
    inputs,
    outputs: [output],
    attributes,
  });
  const ints = (...value: number[]) => ({ kind: 'ints' as const, value });
  const nodes = [
    node('Conv', ['planes', 'w1'], 'c1', { kernel_shape: ints(3, 3), pads: ints(1, 1, 1, 1) }),
    node('BatchNormalization', ['c1', 's1', 'b1', 'm1', 'v1'], 'n1'),
    node('Relu', ['n1'], 'r1'),
    node('MaxPool', ['r1'], 'p1', { kernel_shape: ints(3, 3), strides: ints(2, 2), pads: ints(1, 1, 1, 1) }),
    node('Conv', ['p1', 'w2'], 'c2', { kernel_shape: ints(1, 1) }),
    node('Add', ['c2', 'p1'], 'a2'),
    node('GlobalAveragePool', ['a2'], 'g'),
    node('Flatten', ['g'], 'f'),
    node('Gemm', ['f', 'w3', 'b3'], 'y'),
  ];
  const initializers = new Map<string, Tensor>([
    ['w1', weights(4, 3, 3, 3)],
    ['s1', ones],
    ['b1', weights(4)],
    ['m1', weights(4)],
    ['v1', ones],
    ['w2', weights(4, 4, 1, 1)],
    ['w3', weights(4, CATEGORIES)],
    ['b3', weights(CATEGORIES)],
  ]);
  const inputs = [{ name: 'planes', type: 'float32' as const, dims: ['N', 3, SIDE, SIDE] }];
  const outputs = [{ name: 'y', type: 'float32' as const, dims: ['N', CATEGORIES] }];
  return {
    irVersion: 10,
    opsets: { '': 20 },
    producer: 'labelscope',
    metadata: {},
    graph: { name: 'probe', nodes, inputs, outputs, initializers },
  };
}
