// Reads the parts of a TensorFlow.js layers model (model.json and its shards): untyped JSON in, checked layers and weights out.
import { elementCount, OnnxError } from './model';
import type { Tensor } from './model';

/** One layer of the topology, with its configuration still as Keras wrote it. */
export interface Layer {
  readonly name: string;
  /** Keras's class, such as Conv2D. */
  readonly type: string;
  readonly config: Config;
  /** Names of the layers whose outputs it reads. */
  readonly inputs: readonly string[];
}

export interface Topology {
  readonly layers: readonly Layer[];
  /** The one layer whose output is the network's. */
  readonly output: string;
}

/** Typed reading of one JSON object; every error names the layer. */
export interface Config {
  /** @throws OnnxError where the entry is neither missing nor null nor a whole number */
  integer(key: string, fallback?: number): number;
  float(key: string, fallback?: number): number;
  text(key: string, fallback?: string): string;
  flag(key: string, fallback: boolean): boolean;
  /** A number of each spatial axis: Keras writes [3, 3] or 3. */
  pair(key: string, fallback?: readonly [number, number]): readonly [number, number];
  /** The entry as it stands. */
  value(key: string): unknown;
  /** An error about this layer. */
  refuse(what: string): OnnxError;
}

/** Tensors of a layers model by name, float32, in Keras's layout. */
export type Weights = ReadonlyMap<string, Tensor<'float32'>>;

type Json = Readonly<Record<string, unknown>>;

/**
 * The layers of a parsed model.json in its order.
 * @throws OnnxError onnx-format where it is no layers model, onnx-unsupported for shared layers and several inputs or outputs
 */
export function readTopology(model: unknown, source: string): Topology {
  const topology = objectOf(objectOf(model).modelTopology);
  const whole = objectOf(topology.model_config ?? topology);
  const { config } = whole;
  const entries = Array.isArray(config) ? config : objectOf(config).layers;
  if (!Array.isArray(entries) || entries.length === 0) {
    throw new OnnxError('onnx-format', `${source} is not a TensorFlow.js layers model: it has no modelTopology with layers.`);
  }
  const layers = entries.map((entry, index) => readLayer(objectOf(entry), index, source));
  if (whole.class_name === 'Sequential') return { layers: chained(layers), output: layers.at(-1)!.name };
  return { layers, output: soleOutput(objectOf(config).output_layers, source) };
}

function readLayer(entry: Json, index: number, source: string): Layer {
  const name = entry.name ?? objectOf(entry.config).name;
  if (typeof name !== 'string' || typeof entry.class_name !== 'string') {
    throw new OnnxError('onnx-format', `${source}: layer ${index} has no name or no class.`);
  }
  const config = configOf(objectOf(entry.config), `${source}: layer '${name}' (${entry.class_name})`);
  return { name, type: entry.class_name, config, inputs: inboundLayers(entry.inbound_nodes, config) };
}

/** [[["conv1", 0, 0, {}], …]]: one call of the layer, and each of its inputs is the first output of a layer. */
function inboundLayers(calls: unknown, config: Config): string[] {
  if (calls === undefined || (Array.isArray(calls) && calls.length === 0)) return [];
  const isOneCall = Array.isArray(calls) && calls.length === 1 && Array.isArray(calls[0]);
  if (!isOneCall) throw config.refuse('is used more than once, which is not supported');
  return (calls[0] as unknown[]).map((input) => {
    const [name, call, output] = Array.isArray(input) ? (input as unknown[]) : [];
    if (typeof name !== 'string' || call !== 0 || output !== 0) throw config.refuse('has inputs that this program cannot read');
    return name;
  });
}

function chained(layers: readonly Layer[]): Layer[] {
  return layers.map((layer, index) => (index === 0 ? layer : { ...layer, inputs: [layers[index - 1]!.name] }));
}

function soleOutput(outputs: unknown, source: string): string {
  const list = Array.isArray(outputs) ? (outputs as unknown[]) : [];
  const first: unknown = Array.isArray(list[0]) ? (list[0] as unknown[])[0] : list[0];
  if (list.length === 1 && typeof first === 'string') return first;
  throw new OnnxError('onnx-unsupported', `${source} has ${list.length} outputs; only a network with one can be imported.`);
}

function configOf(json: Json, where: string): Config {
  const refuse = (what: string): OnnxError => new OnnxError('onnx-unsupported', `${where} ${what}.`);
  const read = <T>(key: string, fallback: T | undefined, what: string, is: (value: unknown) => value is T): T => {
    const value = json[key] ?? fallback;
    if (is(value)) return value;
    throw new OnnxError('onnx-format', `${where} should have ${what} as its ${key}, not ${JSON.stringify(value) ?? 'nothing'}.`);
  };
  return {
    integer: (key, fallback) => read(key, fallback, 'a whole number', isInteger),
    float: (key, fallback) => read(key, fallback, 'a number', isNumber),
    text: (key, fallback) => read(key, fallback, 'a text', isText),
    flag: (key, fallback) => read(key, fallback, 'true or false', isFlag),
    pair: (key, fallback) => {
      const value = json[key] ?? fallback;
      return isInteger(value) ? [value, value] : read(key, fallback, 'two whole numbers', isPair);
    },
    value: (key) => json[key],
    refuse,
  };
}

const isInteger = (value: unknown): value is number => Number.isSafeInteger(value);
const isNumber = (value: unknown): value is number => typeof value === 'number';
const isText = (value: unknown): value is string => typeof value === 'string';
const isFlag = (value: unknown): value is boolean => typeof value === 'boolean';
const isPair = (value: unknown): value is readonly [number, number] =>
  Array.isArray(value) && value.length === 2 && value.every(isInteger);

function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

/**
 * The weights that the manifest of a parsed model.json lists.
 * @param shards the files that the manifest names, by the path written there
 * @throws OnnxError onnx-format where a file is missing or the sizes do not fit, onnx-unsupported for quantised weights
 */
export function readWeights(model: unknown, shards: ReadonlyMap<string, Uint8Array>, source: string): Weights {
  const manifest = objectOf(model).weightsManifest;
  const weights = new Map<string, Tensor<'float32'>>();
  for (const entry of Array.isArray(manifest) ? (manifest as unknown[]) : []) {
    const group = objectOf(entry);
    const bytes = joinedShards(group.paths, shards, source);
    let at = 0;
    for (const spec of Array.isArray(group.weights) ? (group.weights as unknown[]) : []) {
      const { name, dims } = readSpec(objectOf(spec), source);
      const end = at + 4 * elementCount(dims);
      if (end > bytes.byteLength)
        throw new OnnxError('onnx-format', `${source}: the weight files end inside '${name}'. Download them again.`);
      weights.set(name, { type: 'float32', dims, data: new Float32Array(bytes.buffer, at, elementCount(dims)) });
      at = end;
    }
    if (at !== bytes.byteLength)
      throw new OnnxError('onnx-format', `${source}: the weight files are longer than their list. Download them again.`);
  }
  return weights;
}

function readSpec(spec: Json, source: string): { name: string; dims: number[] } {
  const { name, shape, dtype } = spec;
  const isShape = Array.isArray(shape) && shape.every((dim) => isInteger(dim) && dim >= 0);
  if (!isText(name) || !isShape) throw new OnnxError('onnx-format', `${source}: a weight in the manifest has no name or shape.`);
  if (dtype === 'float32' && spec.quantization === undefined) return { name, dims: shape as number[] };
  throw new OnnxError(
    'onnx-unsupported',
    `${source}: the weight '${name}' is not plain float32. Convert the model without quantisation.`,
  );
}

function joinedShards(paths: unknown, shards: ReadonlyMap<string, Uint8Array>, source: string): Uint8Array<ArrayBuffer> {
  const parts = (Array.isArray(paths) ? (paths as unknown[]) : []).map((path) => {
    const part = shards.get(String(path));
    if (part === undefined) throw new OnnxError('onnx-format', `${source}: the weight file ${String(path)} is missing.`);
    return part;
  });
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return bytes;
}
