// Small models and hand-written protobuf bytes that the tests of this room share.
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
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

/** One protobuf message, written by hand. */
export function message(write: (writer: BinaryWriter) => unknown): Uint8Array {
  const writer = new BinaryWriter();
  write(writer);
  return writer.finish();
}

export function bytesField(writer: BinaryWriter, field: number, bytes: Uint8Array): void {
  writer.tag(field, WireType.LengthDelimited).bytes(bytes);
}

export function textField(writer: BinaryWriter, field: number, text: string): void {
  writer.tag(field, WireType.LengthDelimited).string(text);
}

export function integerField(writer: BinaryWriter, field: number, value: number | bigint): void {
  writer.tag(field, WireType.Varint).int64(value);
}

/** A file with operator set 20 around the bytes of a graph. */
export function fileOf(graph: Uint8Array | undefined): Uint8Array {
  return message((writer) => {
    integerField(writer, 1, 9);
    bytesField(
      writer,
      8,
      message((opset) => integerField(opset, 2, 20)),
    );
    if (graph !== undefined) bytesField(writer, 7, graph);
  });
}

/** A file whose only content is one initializer 't' with these fields after its name, element type and dimensions. */
export function tensorFile(
  type: number,
  dims: readonly (number | bigint)[],
  write: (writer: BinaryWriter) => unknown,
): Uint8Array {
  const tensor = message((writer) => {
    for (const dim of dims) integerField(writer, 1, dim);
    integerField(writer, 2, type);
    textField(writer, 8, 't');
    write(writer);
  });
  return fileOf(message((writer) => bytesField(writer, 5, tensor)));
}
