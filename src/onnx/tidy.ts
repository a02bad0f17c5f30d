// What exporters leave in a graph that would stand in the way of training it is put straight before anything else looks at it.
import type { Graph, Node, Tensor } from './model';
import { producers } from './subgraph';

/**
 * The same function as a graph in which every constant is an initializer, every use of a weight has one of its own where the
 * exporter merged equal ones, the batch is free, and no value has one of the `reserved` names.
 */
export function tidied(graph: Graph, reserved: ReadonlySet<string>): Graph {
  return renamed(withFreeBatch(withInitializers(graph)), reserved);
}

/** Constant nodes, and Identity nodes of initializers: PyTorch merges weights that happen to begin equal in this way. */
function withInitializers(graph: Graph): Graph {
  const initializers = new Map(graph.initializers);
  const nodes = graph.nodes.filter((node) => {
    const tensor = constantOf(node, initializers);
    if (tensor) initializers.set(node.outputs[0]!, tensor);
    return tensor === undefined;
  });
  return { ...graph, nodes, initializers };
}

function constantOf({ type, domain, inputs, attributes }: Node, initializers: ReadonlyMap<string, Tensor>): Tensor | undefined {
  if (domain !== '') return undefined;
  if (type === 'Identity') return initializers.get(inputs[0]!);
  return type === 'Constant' && attributes.value?.kind === 'tensor' ? attributes.value.value : undefined;
}

/** A network exported for one batch size has it in its Reshapes: 0 there says "as it comes". */
function withFreeBatch(graph: Graph): Graph {
  const batch = graph.inputs.find(({ name }) => !graph.initializers.has(name))?.dims?.[0];
  if (typeof batch !== 'number') return graph;
  const makers = producers(graph);
  const initializers = new Map(graph.initializers);
  const nodes = graph.nodes.map((node) => {
    const [data = '', name = ''] = node.inputs;
    const shape = initializers.get(name);
    const isFixed = node.type === 'Reshape' && makers.has(data) && shape?.type === 'int64' && shape.data[0] === BigInt(batch);
    if (!isFixed) return node;
    const free = `${name}/any_batch`;
    initializers.set(free, { ...shape, data: shape.data.with(0, 0n) });
    return { ...node, inputs: [data, free] };
  });
  return { ...graph, nodes, initializers };
}

function renamed(graph: Graph, reserved: ReadonlySet<string>): Graph {
  const rename = (name: string): string => (reserved.has(name) ? `${name}/backbone` : name);
  const nodes = graph.nodes.map((node) => ({ ...node, inputs: node.inputs.map(rename), outputs: node.outputs.map(rename) }));
  const infos = (values: Graph['inputs']) => values.map((value) => ({ ...value, name: rename(value.name) }));
  const initializers = new Map([...graph.initializers].map(([name, tensor]) => [rename(name), tensor]));
  return { ...graph, nodes, inputs: infos(graph.inputs), outputs: infos(graph.outputs), initializers };
}
