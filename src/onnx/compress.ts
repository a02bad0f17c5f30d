// Half or a quarter of the size for a file of weights: float16 or int8 in the file, float32 in the network, so that every runtime computes as before.
import { fromHalf, HALF_MAX, toHalf } from './half';
import type { Model, Node, Tensor } from './model';

const COMPRESS_FROM_ELEMENTS = 1024;

/** The number of float32 in the file format, which Cast's attribute `to` speaks. */
const FLOAT32_CODE = 1;

/**
 * The model with every float32 matrix or kernel of at least 1024 elements stored as float16, and a Cast back that keeps its
 * name. What has one axis (biases, norms) weighs nothing in the file and stays exact: variances may lie below float16's
 * range. So does a tensor with a finite value beyond it (65504).
 */
export function toHalfWeights(model: Model): Model {
  const initializers = new Map<string, Tensor>();
  const casts: Node[] = [];
  for (const [name, tensor] of model.graph.initializers) {
    if (tensor.type !== 'float32' || !isWeight(tensor) || !fitsHalf(tensor.data)) {
      initializers.set(name, tensor);
    } else {
      const stored = `${name}/float16`;
      initializers.set(stored, { type: 'float16', dims: tensor.dims, data: toHalf(tensor.data) });
      casts.push(castNode(stored, name));
    }
  }
  return { ...model, graph: { ...model.graph, initializers, nodes: [...casts, ...model.graph.nodes] } };
}

/**
 * The model with the same tensors stored as int8: each slice along the first axis (an output channel of a kernel) is
 * round(w / scale) with scale = max |w| / 127, and a Cast and a Mul back keep the tensor's name. Values that are not finite
 * have no scale: such a tensor stays.
 */
export function toByteWeights(model: Model): Model {
  const initializers = new Map<string, Tensor>();
  const restoring: Node[] = [];
  for (const [name, tensor] of model.graph.initializers) {
    if (tensor.type !== 'float32' || !isWeight(tensor) || !tensor.data.every(Number.isFinite)) {
      initializers.set(name, tensor);
      continue;
    }
    const [stored, steps, scale] = [`${name}/int8`, `${name}/steps`, `${name}/scale`];
    const { bytes, scales } = toBytes(tensor);
    initializers.set(stored, bytes).set(scale, scales);
    restoring.push(castNode(stored, steps), {
      name: scale,
      type: 'Mul',
      domain: '',
      inputs: [steps, scale],
      outputs: [name],
      attributes: {},
    });
  }
  return { ...model, graph: { ...model.graph, initializers, nodes: [...restoring, ...model.graph.nodes] } };
}

/**
 * The model with what `toHalfWeights` and `toByteWeights` have stored as float32 initializers again: every float16 or int8 initializer that
 * a Cast makes float32, and what a Mul makes of such an int8 one, under the names of those nodes' outputs.
 */
export function toFloatWeights(model: Model): Model {
  const { graph } = model;
  const restored = restoredWeights(graph);
  if (restored.size === 0) return model;
  const nodes = graph.nodes.filter((node) => !restored.has(node));
  const read = new Set([...nodes.flatMap((node) => node.inputs), ...graph.outputs.map((output) => output.name)]);
  const folded = new Set([...restored.keys()].flatMap((node) => node.inputs));
  const initializers = new Map<string, Tensor>();
  for (const [name, tensor] of graph.initializers) {
    if (!folded.has(name) || read.has(name)) initializers.set(name, tensor);
    for (const [node, { from, tensor: floats }] of restored) {
      const output = node.outputs[0]!;
      if (from === name && (read.has(output) || !folded.has(output))) initializers.set(output, floats);
    }
  }
  return { ...model, graph: { ...graph, nodes, initializers } };
}

interface Restored {
  /** The initializer that holds the stored values. */
  readonly from: string;
  readonly tensor: Tensor<'float32'>;
}

function restoredWeights({ nodes, initializers }: Model['graph']): ReadonlyMap<Node, Restored> {
  const restored = new Map<Node, Restored>();
  const steps = new Map<string, Restored>();
  for (const node of nodes) {
    const [first = '', second = ''] = node.inputs;
    const stored = initializers.get(first);
    const scaled = steps.get(first);
    const scales = initializers.get(second);
    if (isFloatCast(node) && stored?.type === 'float16') {
      restored.set(node, { from: first, tensor: { ...stored, type: 'float32', data: fromHalf(stored.data) } });
    } else if (isFloatCast(node) && stored?.type === 'int8') {
      const counts = { from: first, tensor: { ...stored, type: 'float32', data: Float32Array.from(stored.data) } } as const;
      restored.set(node, counts);
      steps.set(node.outputs[0]!, counts);
    } else if (node.type === 'Mul' && node.domain === '' && scaled && scales && isPerSlice(scales, scaled.tensor)) {
      restored.set(node, { from: scaled.from, tensor: fromBytes(scaled.tensor, scales) });
    }
  }
  return restored;
}

const isWeight = (tensor: Tensor): boolean => tensor.dims.length > 1 && tensor.data.length >= COMPRESS_FROM_ELEMENTS;

function fitsHalf(values: Float32Array): boolean {
  return values.every((value) => !(Math.abs(value) > HALF_MAX) || !Number.isFinite(value));
}

function castNode(from: string, to: string): Node {
  const attributes = { to: { kind: 'int', value: FLOAT32_CODE } } as const;
  return { name: from, type: 'Cast', domain: '', inputs: [from], outputs: [to], attributes };
}

function isFloatCast({ type, domain, attributes: { to } }: Node): boolean {
  return type === 'Cast' && domain === '' && to?.kind === 'int' && to.value === FLOAT32_CODE;
}

/** One scale for each slice along the first axis. */
function isPerSlice(scales: Tensor, { dims }: Tensor): scales is Tensor<'float32'> {
  const wanted = dims.map((size, axis) => (axis === 0 ? size : 1));
  return scales.type === 'float32' && scales.dims.length === wanted.length && scales.dims.every((size, k) => size === wanted[k]);
}

const BYTE_MAX = 127;

function toBytes({ dims, data }: Tensor<'float32'>): { bytes: Tensor<'int8'>; scales: Tensor<'float32'> } {
  const size = data.length / dims[0]!;
  const bytes = new Int8Array(data.length);
  const scales = new Float32Array(dims[0]!);
  for (let slice = 0; slice < scales.length; slice++) {
    const [start, end] = [slice * size, (slice + 1) * size];
    let largest = 0;
    for (let k = start; k < end; k++) largest = Math.max(largest, Math.abs(data[k]!));
    scales[slice] = largest / BYTE_MAX;
    // A slice of zeros has any scale.
    const scale = scales[slice] || 1;
    for (let k = start; k < end; k++) bytes[k] = Math.round(data[k]! / scale);
  }
  const ones = dims.map((length, axis) => (axis === 0 ? length : 1));
  return { bytes: { type: 'int8', dims, data: bytes }, scales: { type: 'float32', dims: ones, data: scales } };
}

function fromBytes({ dims, data }: Tensor<'float32'>, { data: scales }: Tensor<'float32'>): Tensor<'float32'> {
  const size = data.length / scales.length;
  return { type: 'float32', dims, data: data.map((value, k) => value * scales[Math.floor(k / size)]!) };
}
