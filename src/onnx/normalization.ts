// Two forms of batch normalisation in a training graph: with the batch's statistics, or frozen and folded into the convolution.
import type { Graph, Node, Tensor } from './model';
import { consumers, producers } from './subgraph';

/** A graph output of this prefix is the next value of the state tensor whose name follows it. */
export const NEXT = 'next/';

/**
 * Normalisation by the batch's own mean and (biased) variance. The running statistics that a step leaves behind are
 * additional outputs `next/<name>` = momentum · old + (1 − momentum) · batch, the rule of ONNX.
 *
 * @param momentum share of the old statistics that is kept; undefined = as each node says
 */
export function withBatchStatistics(graph: Graph, momentum: number | undefined): Graph {
  const nodes = graph.nodes.map((node) => (node.type === 'BatchNormalization' ? trained(node, momentum) : node));
  return { ...graph, nodes };
}

/** Names of the running statistics in the order mean, variance, node by node; those that nodes share once. */
export function runningStatistics(graph: Graph): string[] {
  const norms = graph.nodes.filter(({ type }) => type === 'BatchNormalization');
  return [...new Set(norms.flatMap(({ inputs }) => inputs.slice(3, 5)))];
}

function trained(node: Node, momentum: number | undefined): Node {
  const outputs = [node.outputs[0]!, ...node.inputs.slice(3, 5).map((name) => NEXT + name)];
  const kept = momentum === undefined ? {} : { momentum: { kind: 'float', value: momentum } as const };
  return { ...node, outputs, attributes: { ...node.attributes, ...kept, training_mode: { kind: 'int', value: 1 } } };
}

/**
 * Folds every frozen normalisation that follows a convolution into that convolution, in the graph itself:
 * with s = scale / √(variance + ε), W' = s·W and b' = s·(b − mean) + shift. The new nodes work on weights, not on
 * activations, so they cost next to nothing, and gradients flow through them to W, b, scale and shift exactly.
 */
export function foldFrozenNorm(graph: Graph): Graph {
  const initializers = new Map(graph.initializers);
  const replaced = new Map<Node, readonly Node[]>();
  for (const { conv, norm, rank } of foldable(graph)) {
    replaced.set(conv, folded(conv, norm, rank, initializers));
    replaced.set(norm, []);
  }
  return { ...graph, nodes: graph.nodes.flatMap((node) => replaced.get(node) ?? [node]), initializers };
}

/** A frozen normalisation with the convolution in front of it, whose weights have `rank` axes. */
export interface Foldable {
  readonly conv: Node;
  readonly norm: Node;
  readonly rank: number;
}

export function foldable(graph: Graph): Foldable[] {
  const makers = producers(graph);
  const users = consumers(graph);
  return graph.nodes.flatMap((norm) => {
    const conv = norm.type === 'BatchNormalization' ? makers.get(norm.inputs[0] ?? '') : undefined;
    if (conv?.type !== 'Conv' || (users.get(conv.outputs[0]!) ?? []).length !== 1) return [];
    const rank = graph.initializers.get(conv.inputs[1] ?? '')?.dims.length;
    return rank === undefined ? [] : [{ conv, norm, rank }];
  });
}

/** The ε of a normalisation. */
export function epsilonOf({ attributes }: Node): number {
  return attributes.epsilon?.kind === 'float' ? attributes.epsilon.value : 1e-5;
}

function folded(conv: Node, norm: Node, rank: number, initializers: Map<string, Tensor>): Node[] {
  const [, scale, shift, mean, variance] = norm.inputs as [string, string, string, string, string];
  const epsilon = epsilonOf(norm);
  // Not the node's name, which may be empty.
  const scope = norm.outputs[0]!;
  const make = (type: string, label: string, inputs: readonly string[]): Node => {
    const output = `${scope}/${label}`;
    return { name: output, type, domain: '', inputs, outputs: [output], attributes: {} };
  };
  const constant = (label: string, tensor: Tensor): string => {
    initializers.set(`${scope}/${label}`, tensor);
    return `${scope}/${label}`;
  };
  const perFilter = BigInt64Array.from(Array.from({ length: rank }, (_, axis) => (axis === 0 ? -1n : 1n)));
  const shape = constant('filter_shape', { type: 'int64', dims: [rank], data: perFilter });
  const small = constant('epsilon', { type: 'float32', dims: [], data: Float32Array.of(epsilon) });
  const widened = make('Add', 'widened_variance', [variance, small]);
  const deviation = make('Sqrt', 'deviation', widened.outputs);
  const factor = make('Div', 'factor', [scale, deviation.outputs[0]!]);
  const factors = make('Reshape', 'filter_factor', [factor.outputs[0]!, shape]);
  const weight = make('Mul', 'folded_weight', [conv.inputs[1]!, factors.outputs[0]!]);
  const bias = conv.inputs[2];
  const centred = bias ? make('Sub', 'centred_bias', [bias, mean]) : make('Neg', 'centred_bias', [mean]);
  const scaled = make('Mul', 'scaled_bias', [centred.outputs[0]!, factor.outputs[0]!]);
  const shifted = make('Add', 'folded_bias', [scaled.outputs[0]!, shift]);
  const convolution = {
    ...conv,
    inputs: [conv.inputs[0]!, weight.outputs[0]!, shifted.outputs[0]!],
    outputs: [norm.outputs[0]!],
  };
  return [widened, deviation, factor, factors, weight, centred, scaled, shifted, convolution];
}
