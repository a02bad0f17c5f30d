// Small tensors of many layers as one vector: a GPU spends as long on starting an operator as on a million numbers.
import type { GraphBuilder, Value } from './builder';
import type { Graph, Node, Tensor } from './model';
import { epsilonOf, type Foldable, foldable, foldFrozenNorm } from './normalization';

/** With the result, an operator then uses the 8 buffers that every WebGPU device has. */
const BUNCH = 7;

export function inBunches<T>(all: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(all.length / BUNCH) }, (_, k) => all.slice(k * BUNCH, (k + 1) * BUNCH));
}

/** Vectors behind each other; one vector as it is. */
export function joined(builder: GraphBuilder, vectors: readonly Value[]): Value {
  return vectors.length === 1 ? vectors[0]! : builder.op('Concat', vectors, { axis: 0 });
}

/** The parts of `joined`, which are as long as `like`. */
export function parted(builder: GraphBuilder, vector: Value, like: readonly Value[]): Value[] {
  if (like.length === 1) return [vector];
  const sizes = builder.ints(like.map(({ dims }) => dims[0]!));
  return builder.ops('Split', [vector, sizes], { axis: 0 }, { outputs: like.length });
}

/** As `foldFrozenNorm`, with the numbers of several layers computed as one vector: a third of the nodes, on gradients' way too. */
export function foldInBunches(graph: Graph): Graph {
  const initializers = new Map(graph.initializers);
  const replaced = new Map<Node, Node>();
  const gone = new Set<Node>();
  const isWhole = ({ conv, norm }: Foldable) => [...norm.inputs.slice(1), conv.inputs[2]].every((name) => isVector(graph, name));
  const first = inBunches(foldable(graph).filter(isWhole)).flatMap((bunch, number) => {
    const { nodes, convolutions } = foldedBunch(bunch, `bunch_${number}`, initializers);
    for (const [k, { conv, norm }] of bunch.entries()) {
      replaced.set(conv, convolutions[k]!);
      gone.add(norm);
    }
    return nodes;
  });
  const rest = graph.nodes.filter((node) => !gone.has(node)).map((node) => replaced.get(node) ?? node);
  return foldFrozenNorm({ ...graph, nodes: [...first, ...rest], initializers });
}

function isVector({ initializers }: Graph, name = ''): boolean {
  return name === '' || initializers.get(name)?.dims.length === 1;
}

function foldedBunch(bunch: readonly Foldable[], scope: string, initializers: Map<string, Tensor>) {
  const nodes: Node[] = [];
  const make = (
    type: string,
    label: string,
    inputs: readonly string[],
    outputs = [`${scope}/${label}`],
    axis?: number,
  ): string[] => {
    const attributes = axis === undefined ? {} : { axis: { kind: 'int' as const, value: axis } };
    nodes.push({ name: `${scope}/${label}`, type, domain: '', inputs, outputs, attributes });
    return outputs;
  };
  const one = (type: string, label: string, ...inputs: string[]): string => make(type, label, inputs)[0]!;
  const constant = (label: string, tensor: Tensor): string => {
    initializers.set(`${scope}/${label}`, tensor);
    return `${scope}/${label}`;
  };
  const sizes = bunch.map(({ norm }) => initializers.get(norm.inputs[1]!)!.data.length);
  const together = (label: string, names: readonly string[]): string => make('Concat', label, names, undefined, 0)[0]!;
  const input = (index: number, label: string) =>
    together(
      label,
      bunch.map(({ norm }) => norm.inputs[index]!),
    );
  const floats = (data: readonly number[]): Tensor => ({ type: 'float32', dims: [data.length], data: Float32Array.from(data) });
  const spread = (values: readonly number[]) =>
    floats(values.flatMap((value, k) => Array.from({ length: sizes[k]! }, () => value)));

  const epsilon = constant('epsilon', spread(bunch.map(({ norm }) => epsilonOf(norm))));
  const deviation = one('Sqrt', 'deviation', one('Add', 'widened_variance', input(4, 'variance'), epsilon));
  const factor = one('Div', 'factor', input(1, 'scale'), deviation);
  const none = (k: number) => constant(`no_bias_${k}`, floats(Array.from({ length: sizes[k]! }, () => 0)));
  const bias = together(
    'bias',
    bunch.map(({ conv }, k) => conv.inputs[2] || none(k)),
  );
  const centred = one('Sub', 'centred_bias', bias, input(3, 'mean'));
  const shifted = one('Add', 'folded_bias', one('Mul', 'scaled_bias', centred, factor), input(2, 'shift'));
  const lengths = constant('lengths', { type: 'int64', dims: [sizes.length], data: BigInt64Array.from(sizes, BigInt) });
  const each = (label: string) => bunch.map((_, k) => `${scope}/${label}_${k}`);
  const factors = make('Split', 'factors', [factor, lengths], each('factor'), 0);
  const biases = make('Split', 'biases', [shifted, lengths], each('folded_bias'), 0);
  const convolutions = bunch.map(({ conv, norm, rank }, k) => {
    const perFilter = BigInt64Array.from({ length: rank }, (_, axis) => (axis === 0 ? -1n : 1n));
    const shape = constant(`filter_shape_${k}`, { type: 'int64', dims: [rank], data: perFilter });
    const weight = one('Mul', `folded_weight_${k}`, conv.inputs[1]!, one('Reshape', `filter_factor_${k}`, factors[k]!, shape));
    return { ...conv, inputs: [conv.inputs[0]!, weight, biases[k]!], outputs: [norm.outputs[0]!] };
  });
  return { nodes, convolutions };
}
