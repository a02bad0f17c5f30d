// Checks how the nodes of a graph hang together and puts them into topological order.
import { OnnxError } from './model';
import type { Graph, Node } from './model';

/**
 * The graph with its nodes in topological order (unchanged where they stand in one already).
 * @throws OnnxError onnx-format where a value is made twice, used but never made, or depends on itself.
 */
export function checkedGraph(graph: Graph, source: string): Graph {
  const makers = valueMakers(graph, source);
  for (const node of graph.nodes)
    for (const input of node.inputs) requireMade(input, makers, `node ${label(node)} reads`, source);
  for (const output of graph.outputs) requireMade(output.name, makers, 'the graph gives out', source);
  if (isSorted(graph.nodes, makers)) return graph;
  if (graph.nodes.some((node) => Object.values(node.attributes).some((attribute) => attribute.kind === 'graph'))) {
    // What a subgraph takes from outside is unknown here, so an order that holds for it cannot be found.
    throw new OnnxError('onnx-unsupported', `${source} has subgraphs and its nodes are not in order. Sort them first.`);
  }
  return { ...graph, nodes: sorted(graph.nodes, makers, source) };
}

/** The index of the node that makes a value; -1 for graph inputs and initializers. */
type Makers = ReadonlyMap<string, number>;

function valueMakers(graph: Graph, source: string): Makers {
  const makers = new Map<string, number>();
  const make = (name: string, index: number) => {
    if (makers.has(name))
      throw new OnnxError('onnx-format', `${source}: the value '${name}' is made twice. Export the model again.`);
    makers.set(name, index);
  };
  for (const name of graph.initializers.keys()) make(name, -1);
  for (const input of graph.inputs) make(input.name, -1);
  graph.nodes.forEach((node, index) => {
    for (const output of node.outputs) if (output !== '') make(output, index);
  });
  return makers;
}

function requireMade(name: string, makers: Makers, who: string, source: string): void {
  if (name === '' || makers.has(name)) return;
  throw new OnnxError('onnx-format', `${source}: ${who} '${name}', which nothing makes. Export the model again.`);
}

function isSorted(nodes: readonly Node[], makers: Makers): boolean {
  return nodes.every((node, index) => node.inputs.every((input) => (makers.get(input) ?? -1) < index));
}

/** Depth-first in file order, with an explicit stack: a chain of 100,000 nodes must not overflow the call stack. */
function sorted(nodes: readonly Node[], makers: Makers, source: string): Node[] {
  const order: Node[] = [];
  const state = new Uint8Array(nodes.length);
  for (let root = 0; root < nodes.length; root++) {
    const stack = [root];
    while (stack.length > 0) {
      const index = stack.at(-1)!;
      const waiting = state[index] === DONE ? [] : unfinished(nodes[index]!, makers, state);
      if (waiting.length === 0) {
        if (state[index] !== DONE) order.push(nodes[index]!);
        state[index] = DONE;
        stack.pop();
      } else {
        if (state[index] === OPEN) throw cycle(nodes[index]!, source);
        state[index] = OPEN;
        stack.push(...waiting);
      }
    }
  }
  return order;
}

const OPEN = 1;
const DONE = 2;

function unfinished(node: Node, makers: Makers, state: Uint8Array): number[] {
  const before = node.inputs.map((input) => makers.get(input) ?? -1);
  return before.filter((index) => index >= 0 && state[index] !== DONE).reverse();
}

function cycle(node: Node, source: string): OnnxError {
  return new OnnxError('onnx-format', `${source}: node ${label(node)} depends on its own output. Export the model again.`);
}

const label = (node: Node): string => `'${node.name === '' ? node.type : node.name}'`;
