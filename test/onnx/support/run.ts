// Runs a graph under construction in ONNX Runtime's CPU provider and gives back plain numbers.
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import type { GraphBuilder } from '../../../src/onnx/builder';
import { encodeModel } from '../../../src/onnx/encode';
import type { Graph, Tensor } from '../../../src/onnx/model';

export interface Result {
  readonly dims: readonly number[];
  readonly data: readonly number[];
}

/** Every output of the graph by name. Float32 and float64 tensors, and int64 ones, go in; all come back as numbers. */
export async function run(builder: GraphBuilder, feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Result>> {
  const graph = builder.build('test');
  const session = await sessionOf(graph, builder.opset);
  const tensors = Object.entries(feeds).map(([name, { type, data, dims }]) => [
    name,
    new OrtTensor(type, data as Float32Array, dims),
  ]);
  const outputs = await session.run(Object.fromEntries(tensors) as InferenceSession.FeedsType);
  await session.release();
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { dims, data }]) => [name, { dims, data: Array.from(data as Float32Array, Number) }]),
  );
}

async function sessionOf(graph: Graph, opset: number): Promise<InferenceSession> {
  const bytes = encodeModel({ irVersion: 9, opsets: { '': opset }, producer: 'test', graph, metadata: {} });
  return InferenceSession.create(bytes, { intraOpNumThreads: 1, logSeverityLevel: 3 });
}

export function floats(data: readonly number[], dims: readonly number[]): Tensor<'float32'> {
  return { type: 'float32', dims, data: Float32Array.from(data) };
}
