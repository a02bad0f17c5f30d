// Cutting graphs: the part that certain values need, and who makes and uses a value.
import type { Graph, Node, Tensor, ValueInfo } from './model';

/** The node that makes each value. */
export function producers(graph: Graph): Map<string, Node> {
  return new Map(graph.nodes.flatMap((node) => node.outputs.filter(Boolean).map((name) => [name, node] as const)));
}

/** The nodes that use each value. */
export function consumers(graph: Graph): Map<string, Node[]> {
  const users = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const name of new Set(node.inputs)) users.set(name, [...(users.get(name) ?? []), node]);
  }
  return users;
}

/**
 * The part of `graph` that `outputs` need when the values `inputs` are given; order is kept, and what only other
 * outputs used, initializers too, is gone.
 */
export function extract(graph: Graph, inputs: readonly ValueInfo[], outputs: readonly ValueInfo[]): Graph {
  const given = new Set(inputs.map(({ name }) => name));
  const needed = new Set(outputs.map(({ name }) => name));
  const nodes: Node[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((name) => needed.has(name) && !given.has(name))) continue;
    nodes.unshift(node);
    for (const name of node.inputs) needed.add(name);
  }
  const initializers = new Map<string, Tensor>([...graph.initializers].filter(([name]) => needed.has(name) && !given.has(name)));
  return { name: graph.name, nodes, inputs, outputs, initializers };
}
