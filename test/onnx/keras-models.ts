// Tiny Keras layers models for the tests of their import, and what ONNX Runtime computes with them.
import { Tensor as RuntimeTensor } from 'onnxruntime-node';
import { importLayersModel } from '../../src/onnx/keras';
import type { ImportOptions } from '../../src/onnx/keras';
import { run } from './samples';

export interface LayerJson {
  name: string;
  class_name: string;
  config: Record<string, unknown>;
  inbound_nodes?: unknown;
}

export type WeightJson = readonly [name: string, shape: readonly number[], values: readonly number[]];

export const layer = (
  class_name: string,
  name: string,
  inputs: readonly string[],
  config: Record<string, unknown> = {},
): LayerJson => ({
  name,
  class_name,
  config,
  inbound_nodes: inputs.length === 0 ? [] : [inputs.map((input) => [input, 0, 0, {}])],
});

export const input = (height: number | null, width: number | null) =>
  layer('InputLayer', 'in', [], { batch_input_shape: [null, height, width, 3] });

/** A parsed model.json and its one weight file. */
export function files(layers: readonly LayerJson[], weights: readonly WeightJson[], more: Record<string, unknown> = {}) {
  const values = weights.flatMap(([, , data]) => data);
  const specs = weights.map(([name, shape]) => ({ name, shape, dtype: 'float32' }));
  const config = { name: 'm', layers, input_layers: [['in', 0, 0]], output_layers: [[layers.at(-1)!.name, 0, 0]], ...more };
  return {
    json: {
      format: 'layers-model',
      modelTopology: { model_config: { class_name: 'Model', config } },
      weightsManifest: [{ paths: ['w.bin'], weights: specs }],
    },
    shards: new Map([['w.bin', new Uint8Array(Float32Array.from(values).buffer)]]),
  };
}

export const OPTIONS: Omit<ImportOptions, 'shards'> = {
  source: 'tiny',
  preprocessing: { order: 'rgb', mean: [0, 0, 0] },
  output: 'out',
  alsoOutput: [],
  metadata: {},
};

export function imported(
  layers: readonly LayerJson[],
  weights: readonly WeightJson[] = [],
  options: Partial<ImportOptions> = {},
) {
  const { json, shards } = files(layers, weights);
  return importLayersModel(json, { ...OPTIONS, shards, ...options });
}

export const pixels = (height: number, width: number, values: readonly number[]) =>
  new RuntimeTensor('uint8', Uint8Array.from(values), [values.length / (height * width * 3), height, width, 3]);

export async function outputOf(model: ReturnType<typeof imported>, image: RuntimeTensor, name = 'out') {
  const value = (await run(model, { image }))[name]!;
  return { dims: [...value.dims], data: [...(value.data as Float32Array)] };
}
