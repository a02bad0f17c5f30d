// Which initializers of a graph are parameters that learn, and what each is to its layer.
import type { Graph, Node, Tensor } from './model';
import { producers } from './subgraph';

type ParameterRole = 'weight' | 'bias' | 'scale' | 'shift' | 'mean' | 'variance';

export interface Parameter {
  /** The initializer's name. */
  readonly name: string;
  readonly role: ParameterRole;
  readonly tensor: Tensor;
  /** The first node that uses it. */
  readonly node: Node;
}

/** Roles by operator and input position. Constants elsewhere, such as the mean that preprocessing subtracts, do not learn. */
const SLOTS: Readonly<Record<string, Readonly<Record<number, ParameterRole>>>> = {
  Conv: { 1: 'weight', 2: 'bias' },
  ConvTranspose: { 1: 'weight', 2: 'bias' },
  Gemm: { 1: 'weight', 2: 'bias' },
  MatMul: { 0: 'weight', 1: 'weight' },
  BatchNormalization: { 1: 'scale', 2: 'shift', 3: 'mean', 4: 'variance' },
  LayerNormalization: { 1: 'scale', 2: 'shift' },
  InstanceNormalization: { 1: 'scale', 2: 'shift' },
  PRelu: { 1: 'scale' },
};

/** Operators behind which a weight is still that weight. */
const VIEWS = new Set(['Identity', 'Transpose', 'Reshape', 'Squeeze', 'Unsqueeze', 'Flatten']);

/** Every parameter of the graph once, in the order of the nodes. */
export function parametersOf(graph: Graph): Parameter[] {
  const makers = producers(graph);
  const found = new Map<string, Parameter>();
  const initializer = (name: string): string => {
    const maker = makers.get(name);
    return maker && VIEWS.has(maker.type) ? initializer(maker.inputs[0]!) : name;
  };
  const isWeighed = (node: Node | undefined): boolean =>
    node?.type === 'MatMul' && node.inputs.some((name) => graph.initializers.has(initializer(name)));
  for (const node of graph.nodes) {
    for (const [slot, input] of node.inputs.entries()) {
      const name = initializer(input);
      const tensor = graph.initializers.get(name);
      const isBias = node.type === 'Add' && tensor?.dims.length === 1 && isWeighed(makers.get(node.inputs[1 - slot] ?? ''));
      const role = isBias ? 'bias' : SLOTS[node.type]?.[slot];
      if (tensor?.type === 'float32' && role && !found.has(name)) found.set(name, { name, role, tensor, node });
    }
  }
  return [...found.values()];
}

/** Running statistics follow the data and have no gradient. */
export function learns(parameter: Parameter): boolean {
  return parameter.role !== 'mean' && parameter.role !== 'variance';
}
