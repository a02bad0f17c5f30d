// Any image classifier as a multilabel network: its own head comes off, a new one with one logit a category goes on.
import { type Dimension, type Graph, type Model, type Node, OnnxError, type Tensor } from './model';
import { extract, producers } from './subgraph';
import { tidied } from './tidy';

/** Names of the values that every classifier of ours has. */
export const IMAGE = 'image';
export const LOGITS = 'logits';
export const PROBABILITIES = 'probabilities';
export const HEAD_WEIGHT = 'head/weight';
export const HEAD_BIAS = 'head/bias';

/** Values that preprocessing adds. */
const FLOAT = 'image/float';
const PLANES = 'image/planes';
const CENTRED = 'image/centred';
const MEAN = 'image/mean';
const DEVIATION = 'image/deviation';

/** Values that generalised-mean pooling adds (generalized-mean.ts). */
export const POOLING = {
  clipped: 'pool/clipped',
  powers: 'pool/powers',
  mean: 'pool/mean',
  least: 'pool/least',
  exponent: 'pool/exponent',
  root: 'pool/root',
} as const;

const OURS = new Set([
  ...[IMAGE, FLOAT, PLANES, CENTRED, MEAN, DEVIATION],
  ...[LOGITS, PROBABILITIES, HEAD_WEIGHT, HEAD_BIAS],
  ...Object.values(POOLING),
]);

/** image (uint8, N×H×W×3, RGB) → features (float32, N×F) → logits (float32, N×C). */
export interface Classifier {
  readonly graph: Graph;
  readonly opset: number;
  readonly height: number;
  readonly width: number;
  /** The pooled features' value, N×F: what the head reads. */
  readonly features: string;
  readonly featureCount: number;
  /** The last convolutional stage's output, N×K×h×w: what Grad-CAM looks at. Undefined where the network has no such value. */
  readonly stage: string | undefined;
}

/** The new head: weight C×F, bias C. */
export interface Head {
  readonly weight: Tensor<'float32'>;
  readonly bias: Tensor<'float32'>;
}

/** What is done to pixels of a network whose input is float32 N×3×H×W: (RGB / 255 − mean) / deviation. */
export interface Preprocessing {
  readonly mean: readonly [number, number, number];
  readonly deviation: readonly [number, number, number];
}

/** The means and deviations of ImageNet's training images, which most published networks were trained with. */
const IMAGENET: Preprocessing = { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] };

interface OldHead {
  readonly features: string;
  readonly featureCount: number;
}

/**
 * Cuts the network before its last fully connected layer and puts a new head on.
 *
 * @param source names the model in errors
 * @param makeHead gives the head for a number of features
 * @throws OnnxError 'onnx-unsupported' where no such layer or no image input is found
 */
export function withNewHead(
  model: Model,
  source: string,
  makeHead: (features: number) => Head,
  preprocessing: Preprocessing = IMAGENET,
): Classifier {
  const opset = model.opsets[''] ?? 0;
  const { graph, height, width } = withPixelInput(tidied(model.graph, OURS), source, preprocessing);
  const old = oldHead(graph, source);
  const head = makeHead(old.featureCount);
  const body = extract(graph, graph.inputs, [{ name: old.features, type: 'float32', dims: ['N', old.featureCount] }]);
  const gemm: Node = {
    name: 'head',
    type: 'Gemm',
    domain: '',
    inputs: [old.features, HEAD_WEIGHT, HEAD_BIAS],
    outputs: [LOGITS],
    attributes: { transB: { kind: 'int', value: 1 } },
  };
  const initializers = new Map<string, Tensor>([...body.initializers, [HEAD_WEIGHT, head.weight], [HEAD_BIAS, head.bias]]);
  const outputs = [{ name: LOGITS, type: 'float32' as const, dims: ['N', head.bias.dims[0]!] }];
  const whole: Graph = { ...body, nodes: [...body.nodes, gemm], outputs, initializers };
  return { graph: whole, opset, height, width, ...old, stage: lastStage(whole, old.features) };
}

/** The same network with other values of some initializers, such as trained weights. */
export function withTensors(classifier: Classifier, tensors: Readonly<Record<string, Tensor>>): Classifier {
  const initializers = new Map([...classifier.graph.initializers].map(([name, tensor]) => [name, tensors[name] ?? tensor]));
  return { ...classifier, graph: { ...classifier.graph, initializers } };
}

/** The same network for square images of another size. What the network makes of it shows when its graph is built. */
export function withImageSize(classifier: Classifier, side: number): Classifier {
  const inputs = [pixelInput(side, side)];
  return { ...classifier, height: side, width: side, graph: { ...classifier.graph, inputs } };
}

/** The head alone: features → logits. */
export function headOnly(classifier: Classifier): Classifier {
  const input = { name: classifier.features, type: 'float32' as const, dims: ['N', classifier.featureCount] };
  return { ...classifier, graph: extract(classifier.graph, [input], classifier.graph.outputs), stage: undefined };
}

/** The network without its head: image → features. */
export function bodyOnly(classifier: Classifier): Graph {
  return extract(classifier.graph, classifier.graph.inputs, [
    { name: classifier.features, type: 'float32', dims: ['N', classifier.featureCount] },
  ]);
}

/** What may stand between the last fully connected layer and the output. */
const BEHIND_HEAD = new Set('Add Mul Div Softmax LogSoftmax Sigmoid Identity Dropout Cast Flatten Reshape Squeeze'.split(' '));

function oldHead(graph: Graph, source: string): OldHead {
  const makers = producers(graph);
  for (const output of graph.outputs) {
    const node = backFrom(output.name, makers, BEHIND_HEAD);
    const featureCount = node && denseInputs(node, graph, makers);
    if (featureCount !== undefined) return { features: node!.inputs[0]!, featureCount };
  }
  throw new OnnxError(
    'onnx-unsupported',
    `${source} has no fully connected layer (Gemm or MatMul) at its end, so no new head can take its place. Choose another backbone.`,
  );
}

interface FoundHead {
  readonly head: Head;
  /** The operators between the layer and the output. */
  readonly passed: readonly string[];
}

/**
 * The last fully connected layer's weight and bias, and what stands behind it.
 *
 * @throws OnnxError 'onnx-unsupported' where there is none, or its weights are no constants
 */
export function headOf(graph: Graph, source: string): FoundHead {
  const { features } = oldHead(graph, source);
  const makers = producers(graph);
  const dense = graph.nodes.find((node) => node.inputs[0] === features && denseInputs(node, graph, makers) !== undefined)!;
  const behind: Node[] = [];
  for (let value = dense.outputs[0]!; ;) {
    const next = graph.nodes.find(({ inputs }) => inputs.includes(value));
    if (!next) break;
    behind.push(next);
    value = next.outputs[0]!;
  }
  const weight = denseWeight(dense, graph, makers);
  const added = behind[0]?.type === 'Add' ? behind[0].inputs : [];
  const bias = [dense.inputs[2] ?? '', ...added].map((name) => graph.initializers.get(name)).find(Boolean);
  if (!weight || (bias && bias.type !== 'float32')) {
    throw new OnnxError('onnx-unsupported', `${source} has a head whose weights are no float32 constants. Export it in float32.`);
  }
  const [count] = weight.dims as [number, number];
  const data = bias ? Float32Array.from(bias.data) : new Float32Array(count);
  return { head: { weight, bias: { type: 'float32', dims: [count], data } }, passed: behind.map(({ type }) => type) };
}

/** C×F. Undefined where it is no float32 constant. */
function denseWeight({ inputs, attributes }: Node, graph: Graph, makers: ReadonlyMap<string, Node>): Head['weight'] | undefined {
  const name = inputs[1] ?? '';
  const flip = makers.get(name)?.type === 'Transpose' ? makers.get(name) : undefined;
  const tensor = graph.initializers.get(flip?.inputs[0] ?? name);
  if (tensor?.type !== 'float32') return undefined;
  const [rows, columns] = tensor.dims as [number, number];
  if ((attributes.transB?.value === 1) !== (flip !== undefined)) return { ...tensor, dims: [rows, columns] };
  const data = new Float32Array(tensor.data.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) data[c * rows + r] = tensor.data[r * columns + c]!;
  return { type: 'float32', dims: [columns, rows], data };
}

/** The first node that is of none of the `passed` types, upwards along the first inputs that nodes make. */
export function backFrom(value: string, makers: ReadonlyMap<string, Node>, passed: ReadonlySet<string>): Node | undefined {
  let node = makers.get(value);
  while (node && passed.has(node.type)) node = node.inputs.map((name) => makers.get(name)).find(Boolean);
  return node;
}

/** Number of inputs of a fully connected layer; undefined where the node is none. Its weight may be a transposed one. */
function denseInputs({ type, inputs, attributes }: Node, graph: Graph, makers: ReadonlyMap<string, Node>): number | undefined {
  if (type !== 'Gemm' && type !== 'MatMul') return undefined;
  const weight = inputs[1] ?? '';
  const flip = makers.get(weight)?.type === 'Transpose' ? makers.get(weight) : undefined;
  const dims = graph.initializers.get(flip?.inputs[0] ?? weight)?.dims;
  const isTransposed = (attributes.transB?.value === 1) !== (flip !== undefined);
  return dims?.length === 2 ? dims[isTransposed ? 1 : 0] : undefined;
}

/** What may stand between the last pool and the head: also further fully connected layers with their activations. */
const BEHIND_STAGE = new Set([
  ...'Flatten Reshape Squeeze Transpose Dropout Identity Gemm MatMul Add Mul Div'.split(' '),
  ...'BatchNormalization LayerNormalization Relu Clip HardSwish HardSigmoid Sigmoid Tanh Gelu Erf LeakyRelu Elu'.split(' '),
]);
const POOLS = new Set(['GlobalAveragePool', 'GlobalMaxPool', 'AveragePool', 'MaxPool']);

function lastStage(graph: Graph, features: string): string | undefined {
  const makers = producers(graph);
  const node = backFrom(features, makers, BEHIND_STAGE);
  if (node?.type === 'Pow') return behindPowers(makers.get(node.inputs[0] ?? ''), graph, makers);
  return node && isPool(node, graph) ? node.inputs[0] : undefined;
}

/** What a generalised mean pools, given the pool in front of its root: the pool's input without the power and the clipping before that. */
function behindPowers(pool: Node | undefined, graph: Graph, makers: ReadonlyMap<string, Node>): string | undefined {
  const powers = pool && isPool(pool, graph) ? makers.get(pool.inputs[0]!) : undefined;
  if (powers?.type !== 'Pow') return undefined;
  const clipped = makers.get(powers.inputs[0]!);
  return clipped?.type === 'Clip' ? clipped.inputs[0] : powers.inputs[0];
}

/** A mean over the tokens of a transformer, which has one axis, is none. */
function isPool(node: Node, graph: Graph): boolean {
  return POOLS.has(node.type) || (node.type === 'ReduceMean' && meanAxes(node, graph)?.length === 2);
}

/** The mean of each channel over height and width, of N×C×H×W. */
export function isMeanOfPlaces(node: Node | undefined, graph: Graph): boolean {
  if (node?.type === 'GlobalAveragePool') return true;
  if (node?.type !== 'ReduceMean') return false;
  const axes = meanAxes(node, graph)?.join();
  return ['2,3', '3,2', '-2,-1', '-1,-2'].some((both) => both === axes);
}

function meanAxes({ inputs, attributes: { axes } }: Node, graph: Graph): readonly number[] | undefined {
  if (axes?.kind === 'ints') return axes.value;
  const given = graph.initializers.get(inputs[1] ?? '');
  return given?.type === 'int64' ? Array.from(given.data, Number) : undefined;
}

interface PixelGraph {
  readonly graph: Graph;
  readonly height: number;
  readonly width: number;
}

/** Gives the graph an input of raw pixels, `image`: as it is where it has one, else with preprocessing in front. */
function withPixelInput(graph: Graph, source: string, preprocessing: Preprocessing): PixelGraph {
  const input = graph.inputs.find(({ name }) => !graph.initializers.has(name));
  const dims = input?.dims ?? [];
  if (input?.type === 'uint8' && dims.length === 4 && dims[3] === 3) {
    const [height, width] = [sideOf(dims[1]), sideOf(dims[2])];
    return { graph: renameInput(graph, input.name, pixelInput(height, width)), height, width };
  }
  if (input?.type === 'float32' && dims.length === 4 && dims[1] === 3) {
    const [height, width] = [sideOf(dims[2]), sideOf(dims[3])];
    return { graph: withPreprocessing(graph, input.name, pixelInput(height, width), preprocessing), height, width };
  }
  const found = input ? `${input.name}: ${input.type} ${JSON.stringify(dims)}` : 'none';
  throw new OnnxError(
    'onnx-unsupported',
    `${source} is no image classifier: its input should be uint8 N×H×W×3 or float32 N×3×H×W (found ${found}).`,
  );
}

/** Networks that take any size are used at the one that nearly all were trained at. */
function sideOf(dim: Dimension | undefined): number {
  return typeof dim === 'number' ? dim : 224;
}

function pixelInput(height: number, width: number): Graph['inputs'][number] {
  return { name: IMAGE, type: 'uint8', dims: ['N', height, width, 3] };
}

function renameInput(graph: Graph, from: string, input: Graph['inputs'][number]): Graph {
  const rename = (name: string): string => (name === from ? input.name : name);
  return { ...graph, inputs: [input], nodes: graph.nodes.map((node) => ({ ...node, inputs: node.inputs.map(rename) })) };
}

function withPreprocessing(
  graph: Graph,
  name: string,
  input: Graph['inputs'][number],
  { mean, deviation }: Preprocessing,
): Graph {
  const make = (type: string, inputs: readonly string[], output: string, attributes: Node['attributes'] = {}): Node => ({
    name: output,
    type,
    domain: '',
    inputs,
    outputs: [output],
    attributes,
  });
  const perChannel = (values: readonly number[]): Tensor => ({
    type: 'float32',
    dims: [1, 3, 1, 1],
    data: Float32Array.from(values),
  });
  const nodes = [
    make('Cast', [IMAGE], FLOAT, { to: { kind: 'int', value: 1 } }),
    make('Transpose', [FLOAT], PLANES, { perm: { kind: 'ints', value: [0, 3, 1, 2] } }),
    make('Sub', [PLANES, MEAN], CENTRED),
    make('Div', [CENTRED, DEVIATION], name),
  ];
  const initializers = new Map(graph.initializers);
  initializers.set(MEAN, perChannel(mean.map((value) => value * 255)));
  initializers.set(DEVIATION, perChannel(deviation.map((value) => value * 255)));
  return { ...graph, inputs: [input], nodes: [...nodes, ...graph.nodes], initializers };
}
