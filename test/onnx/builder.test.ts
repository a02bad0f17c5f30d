// The graph builder: names, sharing, dead nodes, outputs and what it refuses.
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../src/onnx/builder';
import { type Graph, type Node, OnnxError } from '../../src/onnx/model';
import { floats, runOnce } from './support/run';

const node = (type: string, inputs: string[], outputs: string[], attributes: Node['attributes'] = {}): Node => ({
  name: `node ${outputs[0]}`,
  type,
  domain: '',
  inputs,
  outputs,
  attributes,
});

/** y = (x + b)·w, where a is made on the way. */
const AFFINE: Graph = {
  name: 'affine',
  nodes: [node('Add', ['x', 'b'], ['a']), node('Mul', ['a', 'w'], ['y'])],
  inputs: [{ name: 'x', type: 'float32', dims: ['N', 2] }],
  outputs: [{ name: 'y', type: 'float32', dims: ['N', 2] }],
  initializers: new Map([
    ['b', floats([1, 2], [2])],
    ['w', floats([3, 4], [2])],
  ]),
};

function errorOf(action: () => unknown): OnnxError {
  try {
    action();
  } catch (error) {
    if (error instanceof OnnxError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('GraphBuilder', () => {
  it('drops nodes and constants that no output needs, and keeps every input', () => {
    const builder = new GraphBuilder();
    const [x, unused] = [builder.input('x', 'float32', [2]), builder.input('unused', 'float32', [3])];
    const kept = builder.op('Mul', [x, builder.scalar(2)]);
    builder.op('Exp', [builder.op('Add', [unused, builder.scalar(3)])]);
    builder.output(kept, 'y');
    const graph = builder.build('g');
    expect(graph.nodes.map(({ type }) => type)).toEqual(['Mul']);
    expect([...graph.initializers.keys()]).toEqual(['2']);
    expect(graph.inputs.map(({ name }) => name)).toEqual(['x', 'unused']);
  });

  it('makes equal constants and equal nodes once, but tells types and attributes apart', () => {
    const builder = new GraphBuilder();
    const x = builder.input('x', 'float32', [2, 3]);
    expect(builder.scalar(1)).toBe(builder.constant(floats([1], [])));
    expect(builder.scalar(1)).not.toBe(builder.constant(floats([1], [1])));
    expect(builder.scalar(1)).not.toBe(builder.scalar(1, 'float64'));
    expect(builder.op('Softmax', [x], { axis: 1 })).toBe(builder.op('Softmax', [x], { axis: 1 }));
    expect(builder.op('Softmax', [x], { axis: 0 })).not.toBe(builder.op('Softmax', [x], { axis: 1 }));
  });

  it('writes a plain number as the kind of attribute that ONNX declares', () => {
    const builder = new GraphBuilder();
    const x = builder.input('x', 'float32', [2, 3]);
    builder.op('LeakyRelu', [x], { alpha: 1 });
    builder.op('Transpose', [x], { perm: [1, 0] });
    builder.op('Gelu', [x], { approximate: 'tanh' });
    builder.op('Softmax', [x], { axis: { kind: 'int', value: 0 } });
    expect(builder.nodes.map((entry) => Object.values(entry.node.attributes)[0]?.kind)).toEqual([
      'float',
      'ints',
      'string',
      'int',
    ]);
  });

  it('appends a graph with its names, binding inputs and chosen initializers', async () => {
    const builder = new GraphBuilder();
    const bindings = new Map([
      ['x', builder.input('x', 'float32', [1, 2])],
      ['w', builder.input('w', 'float32', [2])],
    ]);
    const values = builder.append(AFFINE, bindings);
    expect(values.get('y')).toEqual({ name: 'y', type: 'float32', dims: [1, 2] });
    expect(values.get('b')?.constant).toBe(AFFINE.initializers.get('b'));
    expect(builder.nodes.map((entry) => entry.node.name)).toEqual(['node a', 'node y']);
    builder.output(values.get('y')!, 'y');
    const results = await runOnce(builder, { x: floats([10, 20], [1, 2]), w: floats([1, -1], [2]) });
    expect(results.y).toEqual({ dims: [1, 2], data: [11, -22] });
  });

  it('appends the same graph twice under names of its own', async () => {
    const builder = new GraphBuilder();
    const first = builder.append(AFFINE, new Map([['x', builder.input('x', 'float32', [1, 2])]]));
    const second = builder.append(AFFINE, new Map([['x', first.get('y')!]]));
    expect(second.get('y')!.name).not.toBe(first.get('y')!.name);
    builder.output(second.get('y')!, 'result');
    const results = await runOnce(builder, { x: floats([0, 0], [1, 2]) });
    expect(results.result!.data).toEqual([12, 40]);
  });

  it('gives outputs exactly their names, whatever inner values, inputs or constants are called', async () => {
    const builder = new GraphBuilder();
    const x = builder.input('x', 'float32', [2]);
    const taken = builder.op('Neg', [x], {}, { name: 'y' });
    const doubled = builder.op('Add', [taken, taken]);
    builder.output(doubled, 'y');
    builder.output(doubled, 'again');
    builder.output(taken, 'negative');
    builder.output(x, 'input');
    builder.output(builder.constant(floats([7], [1])), 'constant');
    const results = await runOnce(builder, { x: floats([1, 2], [2]) });
    const data = Object.fromEntries(Object.entries(results).map(([name, result]) => [name, result.data]));
    expect(data).toEqual({ y: [-2, -4], again: [-2, -4], negative: [-1, -2], input: [1, 2], constant: [7] });
  });

  it('keeps an input name that an appended graph uses for another value', async () => {
    const builder = new GraphBuilder();
    const values = builder.append(AFFINE, new Map([['x', builder.input('x', 'float32', [1, 2])]]));
    const shift = builder.input('a', 'float32', [2]);
    builder.output(builder.op('Add', [values.get('y')!, shift]), 'sum');
    const results = await runOnce(builder, { x: floats([0, 0], [1, 2]), a: floats([100, 200], [2]) });
    expect(results.sum!.data).toEqual([103, 208]);
  });

  it('puts the scope in front of the names of nodes made inside', () => {
    const builder = new GraphBuilder();
    const x = builder.input('x', 'float32', [2]);
    const inner = builder.within('a', () => builder.within('b', () => builder.op('Exp', [x])));
    expect([inner.name, builder.op('Neg', [x]).name]).toEqual(['b/Exp', 'Neg']);
  });

  it('names operator and node where no shape is known or inputs do not fit', () => {
    const builder = new GraphBuilder();
    const x = builder.input('x', 'float32', [2, 3]);
    const refusals: [() => unknown, RegExp][] = [
      [() => builder.op('NonMaxSuppression', [x], {}, { name: 'boxes' }), /NonMaxSuppression node 'boxes'.*not supported/],
      [() => builder.op('Relu', [x], {}, { name: 'act', domain: 'com.example' }), /'act' \(domain 'com.example'\)/],
      [
        () => builder.op('Add', [x, builder.input('z', 'float32', [2])], {}, { name: 'sum' }),
        /Add node 'sum'.*\[2, 3\] and \[2\]/,
      ],
      [() => builder.op('MatMul', [x, x], {}, { name: 'product' }), /MatMul node 'product'/],
      [() => builder.op('Reshape', [x, builder.ints([4, -1])], {}, { name: 'shape' }), /Reshape node 'shape'/],
      [
        () => builder.op('Reshape', [x, builder.input('s', 'int64', [2])], {}, { name: 'dynamic' }),
        /'dynamic'.*not known before/,
      ],
      [() => builder.op('Softmax', [x], { axis: 1 }, { outputs: 2 }), /Softmax.*no output 1/],
    ];
    for (const [action, message] of refusals) {
      const error = errorOf(action);
      expect(error.code).toBe('onnx-shape');
      expect(error.message).toMatch(message);
    }
  });

  it('refuses graphs with unbound inputs and operator sets that are too old', () => {
    expect(errorOf(() => new GraphBuilder().append(AFFINE, new Map()))).toMatchObject({
      code: 'onnx-shape',
      message: /'x' of graph 'affine'/,
    });
    expect(errorOf(() => new GraphBuilder(11))).toMatchObject({ code: 'onnx-unsupported', message: /operator set 11/ });
  });
});
