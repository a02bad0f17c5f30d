// Cutting graphs: what is kept, in which order, and what a cut leaves behind.
import { describe, expect, it } from 'vitest';
import type { Graph, ValueInfo } from '../../src/onnx/model';
import { consumers, extract, producers } from '../../src/onnx/subgraph';
import { float32 } from '../support/graphs';
import { node } from './samples';

const value = (name: string): ValueInfo => ({ name, type: 'float32', dims: ['N'] });

/** x → a → (b, c) → d, beside it x → e; p is used by a, q by d, r by e. */
const GRAPH: Graph = {
  name: 'g',
  nodes: [
    node('Mul', ['x', 'p'], ['a']),
    node('Split', ['a'], ['b', 'c']),
    node('Add', ['x', 'r'], ['e']),
    node('Sum', ['b', 'c', 'q', 'b'], ['d']),
  ],
  inputs: [value('x')],
  outputs: [value('d'), value('e')],
  initializers: new Map(['p', 'q', 'r'].map((name) => [name, float32([], [1])])),
};

const outputsOf = ({ nodes }: Graph): string[] => nodes.map(({ outputs }) => outputs.join());

describe('producers', () => {
  it('names the node of every output, and none for inputs, initializers and outputs left out', () => {
    const optional = node('Dropout', ['x'], ['y', '']);
    const makers = producers({ ...GRAPH, nodes: [...GRAPH.nodes, optional] });
    expect([...makers.keys()].sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'y']);
    expect(makers.get('c')).toBe(GRAPH.nodes[1]);
  });
});

describe('consumers', () => {
  it('lists each node once, also where it uses a value twice', () => {
    const users = consumers(GRAPH);
    expect(users.get('b')).toEqual([GRAPH.nodes[3]]);
    expect(users.get('x')).toEqual([GRAPH.nodes[0], GRAPH.nodes[2]]);
    expect(users.get('d')).toBeUndefined();
  });
});

describe('extract', () => {
  it('gives the whole graph back for its own inputs and outputs', () => {
    expect(extract(GRAPH, GRAPH.inputs, GRAPH.outputs)).toEqual(GRAPH);
  });

  it.each([
    { inputs: ['x'], outputs: ['d'], nodes: ['a', 'b,c', 'd'], initializers: ['p', 'q'] },
    { inputs: ['x'], outputs: ['e'], nodes: ['e'], initializers: ['r'] },
    { inputs: ['x'], outputs: ['c'], nodes: ['a', 'b,c'], initializers: ['p'] },
    { inputs: ['a'], outputs: ['d'], nodes: ['b,c', 'd'], initializers: ['q'] },
    { inputs: ['b', 'c', 'q'], outputs: ['d'], nodes: ['d'], initializers: [] },
    { inputs: ['a'], outputs: ['a'], nodes: [], initializers: [] },
    { inputs: ['b', 'x'], outputs: ['d', 'e'], nodes: ['a', 'b,c', 'e', 'd'], initializers: ['p', 'q', 'r'] },
  ])('from $inputs to $outputs keeps $nodes and $initializers', ({ inputs, outputs, nodes, initializers }) => {
    const part = extract(GRAPH, inputs.map(value), outputs.map(value));
    expect(outputsOf(part)).toEqual(nodes);
    expect([...part.initializers.keys()]).toEqual(initializers);
    expect([part.inputs, part.outputs]).toEqual([inputs.map(value), outputs.map(value)]);
  });
});
