// What tests and studies train: a backbone small enough for them, and the parameters of a training on it.
import { resolve } from 'node:path';
import { writeModel } from '../../src/engine/run/model-file';
import { randomStream } from '../../src/metrics/random';
import type { Model, Node, Tensor } from '../../src/onnx/model';
import type { TrainParams } from '../../src/protocol/messages';

/** The bundled engine. */
export const ENGINE = resolve('dist', 'engine.js');

type TrainDefaults = Partial<Omit<TrainParams, 'set'>> & { readonly set?: Readonly<Record<string, string>> };

/** Parameters of `train` on the CPU with one thread, with seed 3. */
export function trainParams(annotations: string, backbone: string, run: string, changes: TrainDefaults = {}): TrainParams {
  const { set = {}, ...rest } = changes;
  return {
    annotations,
    backbone,
    run,
    recipe: 'matlab-example',
    device: 'cpu',
    seed: 3,
    resume: false,
    set: rest.resume ? set : { threads: '1', ...set },
    ...rest,
  };
}

interface TinyBackbone {
  readonly input: 'float32' | 'uint8';
}

const INPUT_SIDE = 32;

/**
 * A classifier of three convolutions with batch normalisation (8 and 12 channels at 16 px, 16 at 8 px), a max pool, a global
 * pool and a dense layer of 5 outputs. One weight is called `s`, the shortest name that a file may use.
 */
export async function writeTinyBackbone(path: string, { input }: TinyBackbone = { input: 'float32' }): Promise<void> {
  await writeModel(path, tinyBackbone(input));
}

function tinyBackbone(input: TinyBackbone['input']): Model {
  const random = randomStream('tiny backbone');
  const initializers = new Map<string, Tensor>();
  const add = (name: string, dims: readonly number[], value: () => number): string => {
    const data = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, value);
    initializers.set(name, { type: 'float32', dims, data });
    return name;
  };
  const kernel = (name: string, dims: readonly number[]) =>
    add(name, dims, () => Math.sqrt(2 / (dims.slice(1).reduce((a, b) => a * b) || 1)) * random.normal());
  const ints = (...value: number[]) => ({ kind: 'ints' as const, value });
  const node = (type: string, inputs: string[], output: string, attributes: Node['attributes'] = {}): Node => ({
    name: output,
    type,
    domain: '',
    inputs,
    outputs: [output],
    attributes,
  });
  const stage = (name: string, from: string, weight: string, dims: number[], stride: number): Node[] => {
    const [channels, , side] = dims as [number, number, number];
    const pad = (side - 1) / 2;
    const norm = ['scale', 'shift', 'mean', 'variance'].map((kind, k) =>
      add(`${name}/${kind}`, [channels], () => (k % 3 === 0 ? 1 + 0.1 * random.next() : 0.1 * random.normal())),
    );
    return [
      node('Conv', [from, kernel(weight, dims)], `${name}/conv`, {
        kernel_shape: ints(side, side),
        strides: ints(stride, stride),
        pads: ints(pad, pad, pad, pad),
      }),
      node('BatchNormalization', [`${name}/conv`, ...norm], `${name}/norm`),
      node('Relu', [`${name}/norm`], name),
    ];
  };
  const nodes = [
    ...(input === 'uint8' ? pixelNodes(node, add) : []),
    ...stage('first', 'planes', 's', [8, 3, 3, 3], 2),
    ...stage('second', 'first', 'second/kernel', [12, 8, 1, 1], 1),
    node('MaxPool', ['second'], 'pooled', { kernel_shape: ints(2, 2), strides: ints(2, 2) }),
    ...stage('third', 'pooled', 'third/kernel', [16, 12, 3, 3], 1),
    node('GlobalAveragePool', ['third'], 'average'),
    node('Flatten', ['average'], 'flat'),
    node('Gemm', ['flat', kernel('dense', [16, 5]), add('bias', [5], () => 0)], 'scores'),
  ];
  const inputs =
    input === 'uint8'
      ? [{ name: 'pixels', type: input, dims: ['N', INPUT_SIDE, INPUT_SIDE, 3] }]
      : [{ name: 'planes', type: input, dims: ['N', 3, INPUT_SIDE, INPUT_SIDE] }];
  const outputs = [{ name: 'scores', type: 'float32' as const, dims: ['N', 5] }];
  const graph = { name: 'tiny', nodes, inputs, outputs, initializers };
  return { irVersion: 10, opsets: { '': 20 }, producer: 'test', metadata: {}, graph };
}

/** uint8 N×H×W×3 to float32 N×3×H×W within ±1. */
function pixelNodes(
  node: (type: string, inputs: string[], output: string, attributes?: Node['attributes']) => Node,
  add: (name: string, dims: readonly number[], value: () => number) => string,
): Node[] {
  return [
    node('Cast', ['pixels'], 'floats', { to: { kind: 'int', value: 1 } }),
    node('Transpose', ['floats'], 'bytes', { perm: { kind: 'ints', value: [0, 3, 1, 2] } }),
    node('Sub', ['bytes', add('grey', [], () => 127.5)], 'centred'),
    node('Div', ['centred', 'grey'], 'planes'),
  ];
}
