// Half and byte weights: what is stored how, that any runtime computes the same with them, and that folding gives float32 back.
import { describe, expect, it } from 'vitest';
import { toByteWeights, toFloatWeights, toHalfWeights } from '../../src/onnx/compress';
import { decodeModel } from '../../src/onnx/decode';
import { encodeModel } from '../../src/onnx/encode';
import { fromHalf, toHalf } from '../../src/onnx/half';
import type { Model, Tensor } from '../../src/onnx/model';
import { floats, model, node, run, runtimeFloats } from './samples';

const wave = (length: number) => Array.from({ length }, (_, index) => Math.sin(index) / 3);
const WEIGHT = floats([32, 40], wave(1280));

/** y = x · w + b, and an initializer of each sort that is kept. */
const NETWORK = model({
  nodes: [node('Gemm', ['x', 'w', 'b'], ['y'])],
  inputs: [{ name: 'x', type: 'float32', dims: ['N', 32] }],
  outputs: [{ name: 'y', type: 'float32', dims: ['N', 40] }],
  initializers: new Map<string, Tensor>([
    ['b', floats([40], wave(40))],
    ['w', WEIGHT],
    ['variance', floats([2048], Array<number>(2048).fill(1e-7))],
    ['large', floats([32, 40], [...wave(1279), 70_000])],
    ['index', { type: 'int64', dims: [1, 2048], data: new BigInt64Array(2048) }],
  ]),
});

const typesOf = ({ graph }: Model) => Object.fromEntries([...graph.initializers].map(([name, tensor]) => [name, tensor.type]));

describe('toHalfWeights', () => {
  const half = toHalfWeights(NETWORK);

  it('stores what is large, has two axes and fits, and nothing else', () => {
    expect(typesOf(half)).toEqual({
      b: 'float32',
      'w/float16': 'float16',
      variance: 'float32',
      large: 'float32',
      index: 'int64',
    });
    expect(half.graph.nodes.map(({ type, inputs, outputs }) => [type, inputs, outputs])).toEqual([
      ['Cast', ['w/float16'], ['w']],
      ['Gemm', ['x', 'w', 'b'], ['y']],
    ]);
  });

  it('makes a file that runs in float32 with the rounded weights', async () => {
    const x = runtimeFloats([1, 32], wave(32));
    const rounded = { ...WEIGHT, data: fromHalf(toHalf(WEIGHT.data)) };
    const reference = {
      ...NETWORK,
      graph: { ...NETWORK.graph, initializers: new Map([...NETWORK.graph.initializers, ['w', rounded]]) },
    };
    const [{ y: found }, { y: expected }] = await Promise.all([run(half, { x }), run(reference as Model, { x })]);
    expect(found?.data).toEqual(expected?.data);
  });
});

describe('toByteWeights', () => {
  const bytes = toByteWeights(NETWORK);
  const rowsOf = (values: Float32Array, size: number) =>
    Array.from({ length: values.length / size }, (_, row) => [...values.subarray(row * size, (row + 1) * size)]);

  it('stores what is large and has two axes, a scale for each slice beside it, and nothing else', () => {
    expect(typesOf(bytes)).toEqual({
      b: 'float32',
      'w/int8': 'int8',
      'w/scale': 'float32',
      variance: 'float32',
      'large/int8': 'int8',
      'large/scale': 'float32',
      index: 'int64',
    });
    expect(bytes.graph.initializers.get('w/scale')!.dims).toEqual([32, 1]);
    expect(bytes.graph.nodes.map(({ type, inputs, outputs }) => [type, inputs, outputs]).slice(0, 2)).toEqual([
      ['Cast', ['w/int8'], ['w/steps']],
      ['Mul', ['w/steps', 'w/scale'], ['w']],
    ]);
  });

  it('is half a step from every weight, a step being a 127th of the largest in its row', () => {
    const found = toFloatWeights(bytes).graph.initializers.get('w') as Tensor<'float32'>;
    const [before, after] = [rowsOf(WEIGHT.data, 40), rowsOf(found.data, 40)];
    before.forEach((row, k) => {
      const step = Math.max(...row.map(Math.abs)) / 127;
      const errors = row.map((value, at) => Math.abs(value - after[k]![at]!));
      expect(Math.max(...errors)).toBeLessThanOrEqual(step * 0.5001);
      expect(Math.max(...errors)).toBeGreaterThan(0);
    });
  });

  it('makes a file that runs in float32 with the weights that are read back from it', async () => {
    const x = runtimeFloats([3, 32], wave(96));
    const read = toFloatWeights(decodeModel(encodeModel(bytes), 'file'));
    const [{ y: found }, { y: expected }] = await Promise.all([run(bytes, { x }), run(read, { x })]);
    expect(found?.data).toEqual(expected?.data);
  });

  it('is read back as the network, in the same order, its nodes gone', () => {
    const { graph } = toFloatWeights(decodeModel(encodeModel(bytes), 'file'));
    expect(graph.nodes).toEqual(NETWORK.graph.nodes);
    expect([...graph.initializers.keys()]).toEqual([...NETWORK.graph.initializers.keys()]);
    expect(typesOf({ ...NETWORK, graph })).toEqual(typesOf(NETWORK));
  });

  it('keeps rows of zeros, and leaves tensors alone that hold what has no scale', () => {
    const zeros = floats([2, 600], Array<number>(600).fill(0).concat(wave(600)));
    const endless = floats([2, 600], wave(1199).concat(Infinity));
    const initializers = new Map<string, Tensor>([...NETWORK.graph.initializers, ['zeros', zeros], ['endless', endless]]);
    const stored = toByteWeights({ ...NETWORK, graph: { ...NETWORK.graph, initializers } });
    expect(stored.graph.initializers.get('endless')).toBe(endless);
    const back = toFloatWeights(stored).graph.initializers.get('zeros') as Tensor<'float32'>;
    expect([...back.data.subarray(0, 600)].every((value) => value === 0)).toBe(true);
    expect(back.data.some((value) => value !== 0)).toBe(true);
  });

  it('is not taken for what another file does with small whole numbers', () => {
    const toFloat = { to: { kind: 'int', value: 1 } } as const;
    const stored: Tensor = { type: 'int8', dims: [2, 2], data: Int8Array.of(1, 2, 3, 4) };
    const byColumn = model({
      nodes: [node('Cast', ['q'], ['steps'], toFloat), node('Mul', ['steps', 's'], ['w']), node('Gemm', ['x', 'w'], ['y'])],
      inputs: [{ name: 'x', type: 'float32', dims: ['N', 2] }],
      outputs: [{ name: 'y', type: 'float32', dims: ['N', 2] }],
      initializers: new Map<string, Tensor>([
        ['q', stored],
        ['s', floats([1, 2], [10, 100])],
      ]),
    });
    const { graph } = toFloatWeights(byColumn);
    expect(graph.nodes).toEqual(byColumn.graph.nodes.slice(1));
    expect(graph.initializers.get('steps')).toEqual(floats([2, 2], [1, 2, 3, 4]));
  });
});

describe('toFloatWeights', () => {
  it('gives back the network, its weights rounded, in the same order', () => {
    const back = toFloatWeights(decodeModel(encodeModel(toHalfWeights(NETWORK)), 'file'));
    const weight = { ...WEIGHT, data: fromHalf(toHalf(WEIGHT.data)) };
    const initializers = new Map([...NETWORK.graph.initializers].map(([name, tensor]) => [name, name === 'w' ? weight : tensor]));
    expect(back).toEqual({ ...NETWORK, graph: { ...NETWORK.graph, initializers } });
    expect([...back.graph.initializers.keys()]).toEqual([...NETWORK.graph.initializers.keys()]);
  });

  it('leaves a network without such casts as it is', () => {
    expect(toFloatWeights(NETWORK)).toBe(NETWORK);
  });

  it('leaves other casts, and a half weight that something else reads as well', () => {
    const toFloat = { to: { kind: 'int', value: 1 } } as const;
    const stored: Tensor = { type: 'float16', dims: [2], data: Uint16Array.of(0x3c00, 0xc000) };
    const mixed = model({
      nodes: [
        node('Cast', ['x'], ['x32'], toFloat),
        node('Cast', ['h'], ['h64'], { to: { kind: 'int', value: 11 } }),
        node('Cast', ['h'], ['h32'], toFloat),
      ],
      inputs: [{ name: 'x', type: 'float16', dims: [2] }],
      outputs: [{ name: 'h64', type: 'float64', dims: [2] }],
      initializers: new Map([['h', stored]]),
    });
    const { graph } = toFloatWeights(mixed);
    expect(graph.nodes).toEqual(mixed.graph.nodes.slice(0, 2));
    expect(graph.initializers).toEqual(
      new Map<string, Tensor>([
        ['h', stored],
        ['h32', floats([2], [1, -2])],
      ]),
    );
  });
});
