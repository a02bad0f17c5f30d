// Half the size for a file of weights: float16 in the file, float32 in the network, so that every runtime computes as before.
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

/** The model with every float16 initializer that a Cast makes float32 as a float32 initializer under the Cast's name. */
export function toFloatWeights(model: Model): Model {
  const { graph } = model;
  const casts = graph.nodes.filter((node) => isWeightCast(node, graph.initializers));
  if (casts.length === 0) return model;
  const folded = new Set(casts);
  const nodes = graph.nodes.filter((node) => !folded.has(node));
  const stillRead = new Set([...nodes.flatMap((node) => node.inputs), ...graph.outputs.map((output) => output.name)]);
  const initializers = new Map<string, Tensor>();
  for (const [name, tensor] of graph.initializers) {
    const into = casts.filter((node) => node.inputs[0] === name).map((node) => node.outputs[0]!);
    if (into.length === 0 || stillRead.has(name)) initializers.set(name, tensor);
    if (tensor.type !== 'float16' || into.length === 0) continue;
    const floats: Tensor = { type: 'float32', dims: tensor.dims, data: fromHalf(tensor.data) };
    for (const output of into) initializers.set(output, floats);
  }
  return { ...model, graph: { ...graph, nodes, initializers } };
}

const isWeight = (tensor: Tensor): boolean => tensor.dims.length > 1 && tensor.data.length >= COMPRESS_FROM_ELEMENTS;

function fitsHalf(values: Float32Array): boolean {
  return values.every((value) => !(Math.abs(value) > HALF_MAX) || !Number.isFinite(value));
}

function castNode(from: string, to: string): Node {
  const attributes = { to: { kind: 'int', value: FLOAT32_CODE } } as const;
  return { name: from, type: 'Cast', domain: '', inputs: [from], outputs: [to], attributes };
}

function isWeightCast(node: Node, initializers: ReadonlyMap<string, Tensor>): boolean {
  const to = node.attributes.to;
  const isToFloat = node.type === 'Cast' && node.domain === '' && to?.kind === 'int' && to.value === FLOAT32_CODE;
  return isToFloat && initializers.get(node.inputs[0] ?? '')?.type === 'float16';
}
