// The real engine process for tests, a backbone small enough for them, and ways to watch and to end a training run.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import { type EngineClient, engineClient } from '../../src/engine/client/engine';
import { randomStream } from '../../src/metrics/random';
import { writeModel } from '../../src/engine/run/model-file';
import { readModel } from '../../src/onnx/files';
import type { Model, Node, Tensor } from '../../src/onnx/model';
import type { HistoryPoint, LogLine, TrainParams } from '../../src/protocol/messages';

const SCRIPT = resolve('dist', 'engine.js');

/** '' where the bundles are built; else what a skipped title says. */
export const UNBUILT = existsSync(SCRIPT) ? '' : ' (skipped: dist is missing, run npm run build)';

export function startEngine(onLog: (line: LogLine) => void = () => undefined): EngineClient {
  return engineClient({ script: SCRIPT, onLog });
}

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

export async function historyOf(run: string): Promise<string[]> {
  return (await readFile(join(run, 'history.jsonl'), 'utf8')).split('\n').filter((line) => line !== '');
}

export async function pointsOf(run: string): Promise<HistoryPoint[]> {
  return (await historyOf(run)).map((line) => JSON.parse(line) as HistoryPoint);
}

export async function jsonOf<T>(path: string): Promise<T> {
  return JSON.parse(await readFile(path, 'utf8')) as T;
}

/** True while a process of this id runs (a zombie does not). */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Waits until a condition holds. The test's own time limit ends it where it never does. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((wake) => setTimeout(wake, 10));
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

/** Every initializer of two model files, to the bit, and their metadata but for settings that change no number. */
export async function expectSameModel(found: string, wanted: string): Promise<void> {
  const [a, b] = [await readModel(found), await readModel(wanted)];
  const card = ({ metadata }: Model) => ({ ...metadata, 'labelscope.provenance': '' });
  expect(card(a)).toEqual(card(b));
  expect([...a.graph.initializers.keys()]).toEqual([...b.graph.initializers.keys()]);
  for (const [name, { type, data }] of a.graph.initializers) {
    const bytes = (tensor: Tensor['data']) =>
      ArrayBuffer.isView(tensor) ? Buffer.from(tensor.buffer, tensor.byteOffset, tensor.byteLength) : tensor;
    expect({ name, type, same: isDeepStrictEqual(bytes(data), bytes(b.graph.initializers.get(name)!.data)) }).toEqual({
      name,
      type,
      same: true,
    });
  }
}
