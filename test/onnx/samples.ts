// Small models that the tests of this room share.
import { InferenceSession, Tensor as RuntimeTensor } from 'onnxruntime-node';
import { encodeModel } from '../../src/onnx/encode';
import type { Attributes, Graph, Model, Node, Tensor } from '../../src/onnx/model';

export function node(type: string, inputs: readonly string[], outputs: readonly string[], attributes: Attributes = {}): Node {
  return { name: `make_${outputs[0] ?? type}`, type, domain: '', inputs, outputs, attributes };
}

export function floats(dims: readonly number[], values: readonly number[]): Tensor<'float32'> {
  return { type: 'float32', dims, data: Float32Array.from(values) };
}

export function model(graph: Partial<Graph>): Model {
  return {
    irVersion: 9,
    opsets: { '': 20 },
    producer: 'test',
    graph: { name: 'g', nodes: [], inputs: [], outputs: [], initializers: new Map(), ...graph },
    metadata: {},
  };
}

/** y = relu(x · w + b): x is N×2, w 2×3. */
export const LINEAR = model({
  nodes: [
    node('Gemm', ['x', 'w', 'b'], ['h'], { alpha: { kind: 'float', value: 1 }, transB: { kind: 'int', value: 0 } }),
    node('Relu', ['h'], ['y']),
  ],
  inputs: [{ name: 'x', type: 'float32', dims: ['N', 2] }],
  outputs: [{ name: 'y', type: 'float32', dims: ['N', 3] }],
  initializers: new Map([
    ['w', floats([2, 3], [1, 2, 3, 4, 5, 6])],
    ['b', floats([3], [0.5, -20, 0])],
  ]),
});

/** What ONNX Runtime computes: every output by name. */
export async function run(
  it: Model | Uint8Array,
  feeds: Readonly<Record<string, RuntimeTensor>>,
): Promise<Readonly<Record<string, RuntimeTensor>>> {
  // Errors only: that a weight is unused is what some tests want.
  const session = await InferenceSession.create(it instanceof Uint8Array ? it : encodeModel(it), { logSeverityLevel: 3 });
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

export const runtimeFloats = (dims: readonly number[], values: readonly number[]): RuntimeTensor =>
  new RuntimeTensor('float32', Float32Array.from(values), dims);
