// Runs a graph under construction in ONNX Runtime's CPU provider and gives back plain numbers.
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import type { GraphBuilder } from '../../../src/onnx/builder';
import { encodeModel } from '../../../src/onnx/encode';
import type { Tensor } from '../../../src/onnx/model';

export interface Result {
  readonly dims: readonly number[];
  readonly data: readonly number[];
}

type Feeds = Readonly<Record<string, Tensor>>;
type Results = Record<string, Result>;

export interface OpenGraph {
  /** Every output of the graph by name. */
  readonly run: (feeds: Feeds) => Promise<Results>;
  readonly release: () => Promise<void>;
}

export async function openGraph(builder: GraphBuilder): Promise<OpenGraph> {
  const model = { irVersion: 9, opsets: { '': builder.opset }, producer: 'test', graph: builder.build('test'), metadata: {} };
  const session = await InferenceSession.create(encodeModel(model), { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const run = async (feeds: Feeds): Promise<Results> => {
    const inputs = Object.entries(feeds).map(([name, { type, data, dims }]) => [
      name,
      new OrtTensor(type, data as Float32Array, dims),
    ]);
    const outputs = await session.run(Object.fromEntries(inputs) as InferenceSession.FeedsType);
    return Object.fromEntries(
      Object.entries(outputs).map(([name, { dims, data }]) => [name, { dims, data: Array.from(data as Float32Array, Number) }]),
    );
  };
  return { run, release: () => session.release() };
}

/** Opens, runs once and releases. */
export async function runOnce(builder: GraphBuilder, feeds: Feeds = {}): Promise<Results> {
  const graph = await openGraph(builder);
  const results = await graph.run(feeds);
  await graph.release();
  return results;
}

export function floats(data: readonly number[], dims: readonly number[]): Tensor<'float32'> {
  return { type: 'float32', dims, data: Float32Array.from(data) };
}
