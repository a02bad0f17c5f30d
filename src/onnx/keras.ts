// Imports a TensorFlow.js layers model (Keras) as an ONNX model with raw pixels in and its preprocessing inside.
import { readTopology, readWeights } from './keras-config';
import type { Layer, Weights } from './keras-config';
import { layerEntry } from './keras-layers';
import type { Scope, Shape, Value } from './keras-layers';
import { OnnxError } from './model';
import type { Attributes, Model, Node, Tensor, ValueInfo } from './model';

/** What is done to pixels before the first layer: the channels put in this order, then a mean taken off each. */
interface PixelPreprocessing {
  readonly order: 'rgb' | 'bgr';
  /** One a channel, in that order, on the scale 0..255. */
  readonly mean: readonly [number, number, number];
}

export interface ImportOptions {
  /** The model as errors name it. */
  readonly source: string;
  /** The weight files by the path that the manifest gives them. */
  readonly shards: ReadonlyMap<string, Uint8Array>;
  readonly preprocessing: PixelPreprocessing;
  /** The name of the network's output. */
  readonly output: string;
  /** Layers whose values are outputs as well, under the layer's name. */
  readonly alsoOutput: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** The input: uint8 N×H×W×3, RGB. */
const IMAGE = 'image';
const OPSET = 20;
/** The file format that came with that operator set. */
const IR_VERSION = 9;
const FLOAT32_CODE = 1;

interface Draft {
  readonly nodes: Node[];
  readonly initializers: Map<string, Tensor>;
  readonly values: Map<string, Value>;
}

/**
 * The network of a parsed model.json: `image` (uint8, N×H×W×3, RGB) → `options.output`. Every layer's value is called by the
 * layer's name, every weight 'layer/kind', kernels in ONNX's layout (out × in × height × width; Dense out × in).
 * @throws OnnxError onnx-format where files are damaged or incomplete, onnx-unsupported for a layer that is not in the table
 */
export function importLayersModel(model: unknown, options: ImportOptions): Model {
  const { layers, output } = readTopology(model, options.source);
  const weights = readWeights(model, options.shards, options.source);
  const draft: Draft = { nodes: [], initializers: new Map(), values: new Map() };
  const size = imageSize(layers, options);
  for (const [index, layer] of layers.entries()) {
    const name = layer.name === output ? options.output : layer.name;
    if (layer.type === 'InputLayer') addInput(draft, layer, size, options);
    // The first layer of a Sequential model carries the input's size itself.
    else if (layer.inputs.length === 0 && index === 0) {
      const pixels = addPreprocessing(draft, `${layer.name}/input`, options.preprocessing);
      addLayer(draft, layer, [{ name: pixels, shape: size }], name, weights);
    } else addLayer(draft, layer, inputsOf(layer, draft), name, weights);
  }
  const outputs = [output, ...options.alsoOutput].map((layer) => outputInfo(layer, draft, options.source));
  const inputs: ValueInfo[] = [{ name: IMAGE, type: 'uint8', dims: ['N', ...size.map((side, axis) => side ?? 'HWC'[axis]!)] }];
  const graph = { name: 'keras', nodes: draft.nodes, inputs, outputs, initializers: draft.initializers };
  return { irVersion: IR_VERSION, opsets: { '': OPSET }, producer: 'labelscope', graph, metadata: options.metadata };
}

/** Height, width and the three channels of the network's one image. */
function imageSize(layers: readonly Layer[], { source }: ImportOptions): Shape {
  const starts = layers.filter((layer, index) => layer.type === 'InputLayer' || (index === 0 && layer.inputs.length === 0));
  const config = starts[0]?.config;
  const shape = config?.value('batch_input_shape') ?? config?.value('batch_shape');
  const isSide = (side: unknown): side is number | null => side === null || (Number.isSafeInteger(side) && Number(side) > 0);
  if (starts.length === 1 && Array.isArray(shape) && shape.length === 4 && shape.every(isSide) && shape[3] === 3) {
    return shape.slice(1);
  }
  throw new OnnxError('onnx-unsupported', `${source} should have one input, an RGB image of N×H×W×3. Import another network.`);
}

function addInput(draft: Draft, layer: Layer, shape: Shape, options: ImportOptions): void {
  draft.values.set(layer.name, { name: addPreprocessing(draft, layer.name, options.preprocessing), shape });
}

/** From uint8 N×H×W×3 to float32 N×3×H×W, in the network's channel order and less its mean. */
function addPreprocessing(draft: Draft, output: string, { order, mean }: PixelPreprocessing): string {
  const node = (type: string, inputs: readonly string[], to: string, attributes?: Attributes) =>
    addNode(draft, type, inputs, to, attributes);
  const float = node('Cast', [IMAGE], `${IMAGE}/float`, { to: { kind: 'int', value: FLOAT32_CODE } });
  let planes = node('Transpose', [float], `${IMAGE}/planes`, { perm: { kind: 'ints', value: [0, 3, 1, 2] } });
  if (order === 'bgr') {
    draft.initializers.set(`${IMAGE}/order`, { type: 'int64', dims: [3], data: BigInt64Array.of(2n, 1n, 0n) });
    planes = node('Gather', [planes, `${IMAGE}/order`], `${IMAGE}/bgr`, { axis: { kind: 'int', value: 1 } });
  }
  draft.initializers.set(`${IMAGE}/mean`, { type: 'float32', dims: [1, 3, 1, 1], data: Float32Array.from(mean) });
  return node('Sub', [planes, `${IMAGE}/mean`], output);
}

function addNode(draft: Draft, type: string, inputs: readonly string[], output: string, attributes: Attributes = {}): string {
  draft.nodes.push({ name: output, type, domain: '', inputs, outputs: [output], attributes });
  return output;
}

function inputsOf(layer: Layer, draft: Draft): Value[] {
  return layer.inputs.map((name) => {
    const value = draft.values.get(name);
    if (value === undefined) throw layer.config.refuse(`reads '${name}', which is not a layer before it`);
    return value;
  });
}

function addLayer(draft: Draft, layer: Layer, inputs: readonly Value[], output: string, weights: Weights): void {
  const entry = layerEntry(layer.type);
  if (entry === undefined) throw layer.config.refuse('is of a class that this program cannot import');
  if (inputs.length === 0) throw layer.config.refuse('has no input');
  const scope: Scope = {
    layer,
    inputs,
    output,
    weight: (kind) => {
      const tensor = weights.get(`${layer.name}/${kind}`);
      if (tensor === undefined) throw layer.config.refuse(`has no weight '${layer.name}/${kind}' in the files`);
      return tensor;
    },
    initializer: (kind, tensor) => {
      draft.initializers.set(`${layer.name}/${kind}`, tensor);
      return `${layer.name}/${kind}`;
    },
    node: (type, from, to, attributes) => addNode(draft, type, from, to, attributes),
  };
  draft.values.set(layer.name, { name: output, shape: entry(scope) });
}

function outputInfo(layer: string, draft: Draft, source: string): ValueInfo {
  const value = draft.values.get(layer);
  if (value === undefined) throw new OnnxError('onnx-format', `${source} has no layer '${layer}'.`);
  const { name, shape } = value;
  // N×H×W×C in Keras is N×C×H×W here.
  const dims = shape.length === 3 ? [shape[2]!, shape[0]!, shape[1]!] : shape;
  return { name, type: 'float32', dims: ['N', ...dims] };
}
