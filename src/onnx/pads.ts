// Padding that stands in front of a convolution or a pool as a node of its own, as Keras exports it, becomes that operator's.
import { numberAttribute, numbersAttribute, stringAttribute, toAttributes } from './attributes';
import type { Graph, Node, Tensor } from './model';
import { producers } from './subgraph';

/**
 * The same function without the copies of their inputs that Pad nodes make: zeros around images in front of a Conv, and in
 * front of a MaxPool where no number is below zero because a Relu made them: the most of a window is the same without its zeros.
 */
export function foldPads(graph: Graph): Graph {
  const makers = producers(graph);
  const nodes = graph.nodes.map((node) => {
    const pad = makers.get(node.inputs[0] ?? '');
    const zeros = pad && zerosAround(pad, graph.initializers);
    return zeros && takes(node, pad, zeros, makers) ? withPads(node, pad, zeros) : node;
  });
  const used = new Set([...nodes.flatMap(({ inputs }) => inputs), ...graph.outputs.map(({ name }) => name)]);
  return { ...graph, nodes: nodes.filter(({ type, outputs: [output] }) => type !== 'Pad' || used.has(output!)) };
}

interface Zeros {
  readonly begins: readonly number[];
  readonly ends: readonly number[];
}

/** What a Pad node adds to the axes after images and channels; undefined where it does anything else. */
function zerosAround({ type, domain, inputs, attributes }: Node, initializers: ReadonlyMap<string, Tensor>): Zeros | undefined {
  if (type !== 'Pad' || domain !== '' || inputs[3]) return undefined;
  const [pads, value] = [inputs[1], inputs[2]].map((name) => initializers.get(name ?? ''));
  const isZero = !inputs[2] || (value !== undefined && Number(value.data[0]) === 0);
  if (!pads || !isZero || (stringAttribute(attributes, 'mode') ?? 'constant') !== 'constant') return undefined;
  const sizes = Array.from(pads.data, Number);
  const [begins, ends] = [sizes.slice(0, sizes.length / 2), sizes.slice(sizes.length / 2)];
  const spatial = sizes.every((size, k) => size >= 0 && (size === 0 || k % begins.length > 1));
  return spatial ? { begins: begins.slice(2), ends: ends.slice(2) } : undefined;
}

function takes(node: Node, pad: Node, zeros: Zeros, makers: ReadonlyMap<string, Node>): boolean {
  const { type, domain, outputs, attributes } = node;
  if (domain !== '' || !['NOTSET', 'VALID'].includes(stringAttribute(attributes, 'auto_pad') ?? 'NOTSET')) return false;
  if (type === 'Conv') return true;
  const isPool = type === 'MaxPool' && outputs.length === 1 && makers.get(pad.inputs[0]!)?.type === 'Relu';
  // A window of padding alone has no most; a last one that is not whole (ceil_mode) could become one.
  const kernel = numbersAttribute(attributes, 'kernel_shape') ?? [];
  const { begins, ends } = together(node, zeros);
  const inside = kernel.every((size, axis) => Math.max(begins[axis]!, ends[axis]!) < size);
  return isPool && inside && (numberAttribute(attributes, 'ceil_mode') ?? 0) === 0;
}

function together({ attributes }: Node, { begins, ends }: Zeros): Zeros {
  const own = numbersAttribute(attributes, 'pads') ?? [];
  const sum = (added: readonly number[], first: number) => added.map((size, axis) => size + (own[first + axis] ?? 0));
  return { begins: sum(begins, 0), ends: sum(ends, begins.length) };
}

function withPads(node: Node, pad: Node, zeros: Zeros): Node {
  const { begins, ends } = together(node, zeros);
  return {
    ...node,
    inputs: [pad.inputs[0]!, ...node.inputs.slice(1)],
    attributes: { ...node.attributes, ...toAttributes({ auto_pad: 'NOTSET', pads: [...begins, ...ends] }) },
  };
}
