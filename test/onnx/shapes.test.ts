// Inferred shapes and folded constants against what ONNX Runtime computes, and the shape arithmetic that exporters write.
import { describe, expect, it } from 'vitest';
import type { AttributeInput } from '../../src/onnx/attributes';
import { GraphBuilder, type Value } from '../../src/onnx/builder';
import { elementCount, type Tensor } from '../../src/onnx/model';
import { type NumericType, tensorOf } from '../../src/onnx/tensors';
import { runOnce } from './support/run';

interface OperatorCase {
  readonly op: string;
  readonly inputs: readonly (Tensor | undefined)[];
  readonly attributes?: Readonly<Record<string, AttributeInput>>;
  readonly outputs?: number;
  readonly opset?: number;
}

const ints = (...xs: number[]): Tensor => tensorOf('int64', xs);
const scalar = (x: number, type: NumericType = 'int64'): Tensor => tensorOf(type, [x], []);
const reals = (...xs: number[]): Tensor => tensorOf('float32', xs);
const truths = (...xs: number[]): Tensor => tensorOf('bool', xs);
const image = (...dims: number[]): Tensor =>
  tensorOf(
    'float32',
    Array.from({ length: elementCount(dims) }, (_, index) => Math.sin(index)),
    dims,
  );

/** Operators that no gradient test runs, or with other parameters there: gradient tests compare shapes too. */
const SHAPES: OperatorCase[] = [
  { op: 'GreaterOrEqual', inputs: [image(2, 3), image(3)] },
  { op: 'LessOrEqual', inputs: [image(2, 1), image(3)] },
  { op: 'IsNaN', inputs: [image(2)] },
  { op: 'IsInf', inputs: [image(2)] },
  { op: 'Xor', inputs: [truths(1, 0), truths(1)] },
  { op: 'CastLike', inputs: [image(2), ints(1)] },
  { op: 'Dropout', inputs: [image(2, 3)], outputs: 2 },
  { op: 'ArgMax', inputs: [image(2, 3, 4)], attributes: { axis: -1, keepdims: 0 } },
  { op: 'ArgMin', inputs: [image(2, 3, 4)], attributes: { axis: 1 } },
  { op: 'ReduceProd', inputs: [image(2, 3, 4), ints(0, 2)] },
  { op: 'LpPool', inputs: [image(1, 2, 5, 5)], attributes: { kernel_shape: [2, 3], strides: [2, 2] } },
  { op: 'MaxPool', inputs: [image(1, 2, 5, 5)], attributes: { kernel_shape: [2, 2], ceil_mode: 1, strides: [2, 2] }, outputs: 2 },
  { op: 'ConvTranspose', inputs: [image(1, 2, 4), image(2, 3, 3)], attributes: { strides: [2], dilations: [2], pads: [1, 0] } },
  { op: 'BatchNormalization', inputs: [image(2, 3), reals(1, 1, 1), reals(0, 0, 0), reals(0, 0, 0), reals(1, 1, 1)] },
  { op: 'LayerNormalization', inputs: [image(2, 3, 4), image(3, 4)], attributes: { axis: 1 }, outputs: 3 },
  { op: 'MatMul', inputs: [image(3), image(3)] },
  { op: 'Split', inputs: [image(2, 7)], attributes: { axis: -1, num_outputs: 3 }, outputs: 3 },
  { op: 'Split', inputs: [image(2, 6)], attributes: { axis: 1 }, outputs: 2, opset: 17 },
  { op: 'Slice', inputs: [image(5, 6), ints(4, -1), ints(-9, 0), ints(0, -1), ints(-2, -4)] },
  { op: 'Pad', inputs: [image(2, 3), ints(1, 2), scalar(0, 'float32'), ints(-1)] },
  { op: 'Resize', inputs: [image(1, 1, 5, 3), undefined, reals(1, 1, 1.5, 0.7)] },
  { op: 'GatherElements', inputs: [image(3, 2), tensorOf('int64', [0, 1, 2, 0], [2, 2])] },
  { op: 'ScatterElements', inputs: [image(3), ints(0, 2), reals(7, 8)], attributes: { reduction: 'add' } },
  { op: 'OneHot', inputs: [ints(0, 2), scalar(3), reals(0, 1)] },
  { op: 'OneHot', inputs: [ints(0, 2), scalar(3), reals(0, 1)], attributes: { axis: 0 } },
  { op: 'Shape', inputs: [image(2, 3, 4)], attributes: { start: -2, end: 5 } },
  { op: 'Size', inputs: [image(2, 3, 4)] },
];

/** Nodes on constants that must be known at build time, with the value that ONNX Runtime gives. */
const FOLDED: OperatorCase[] = [
  { op: 'Shape', inputs: [image(2, 3, 4)] },
  { op: 'Shape', inputs: [image(2, 3, 4)], attributes: { start: 1, end: -1 } },
  { op: 'Size', inputs: [image(2, 3, 4)] },
  ...['Identity', 'Neg', 'Abs'].map((op) => ({ op, inputs: [ints(3, -4)] })),
  ...['Floor', 'Ceil', 'Sqrt'].map((op) => ({ op, inputs: [reals(2.5, 9, 0.25)] })),
  ...['Add', 'Sub', 'Mul', 'Div', 'Mod', 'Min', 'Max', 'Equal', 'Greater', 'Less'].map((op) => ({
    op,
    inputs: [tensorOf('int64', [7, -7, 4, 9, -3, 2], [2, 3]), ints(3, -2, 2)],
  })),
  { op: 'Div', inputs: [reals(7, -7), scalar(2, 'float32')] },
  { op: 'Mod', inputs: [reals(7.5, -7.5), reals(2, -2)], attributes: { fmod: 1 } },
  { op: 'Pow', inputs: [reals(2, 3), reals(2)] },
  { op: 'Not', inputs: [truths(1, 0)] },
  { op: 'And', inputs: [truths(1, 1, 0), truths(1, 0, 0)] },
  { op: 'Or', inputs: [truths(1, 1, 0), truths(1, 0, 0)] },
  { op: 'Where', inputs: [truths(1, 0, 0), ints(1, 2, 3), scalar(9)] },
  { op: 'Cast', inputs: [reals(2.7, -2.7)], attributes: { to: 7 } },
  { op: 'Cast', inputs: [ints(2, 0)], attributes: { to: 9 } },
  { op: 'Cast', inputs: [ints(2, 0)], attributes: { to: 1 } },
  { op: 'Reshape', inputs: [ints(1, 2, 3, 4), ints(2, -1)] },
  { op: 'Flatten', inputs: [tensorOf('int64', [1, 2, 3, 4], [2, 2])] },
  { op: 'Squeeze', inputs: [ints(5), ints(0)] },
  { op: 'Unsqueeze', inputs: [scalar(5), ints(0)] },
  { op: 'Expand', inputs: [tensorOf('int64', [1, 2], [2, 1]), ints(2, 2, 3)] },
  { op: 'Concat', inputs: [ints(1, 2), ints(3)], attributes: { axis: 0 } },
  { op: 'Gather', inputs: [ints(10, 20, 30), scalar(-1)] },
  { op: 'Gather', inputs: [tensorOf('int64', [1, 2, 3, 4], [2, 2]), ints(1, 0)] },
  { op: 'Slice', inputs: [ints(1, 2, 3, 4), ints(-2), ints(2 ** 53)] },
  { op: 'Slice', inputs: [ints(1, 2, 3, 4), ints(3), ints(-9), ints(0), ints(-2)] },
  { op: 'Range', inputs: [scalar(1), scalar(8), scalar(3)] },
  { op: 'ConstantOfShape', inputs: [ints(3)], attributes: { value: { kind: 'tensor', value: ints(4) } } },
  { op: 'ConstantOfShape', inputs: [ints(2, 1)] },
  { op: 'ReduceProd', inputs: [ints(3, 4)], attributes: { keepdims: 0 } },
];

function title({ op, inputs, attributes = {} }: OperatorCase): string {
  const shapes = inputs.map((input) => (input ? `${input.type} [${input.dims.join()}]` : '-')).join(', ');
  const settings = Object.entries(attributes).map(
    ([name, value]) => ` ${name}=${typeof value === 'object' && 'kind' in value ? value.kind : String(value)}`,
  );
  return `${op}(${shapes})${settings.join('')}`;
}

/** What ONNX Runtime makes of the node when every input that need not be constant is an input of the graph. */
async function computed(test: OperatorCase, constant: readonly boolean[]) {
  const builder = new GraphBuilder(test.opset);
  const inputs = test.inputs.map((tensor, index) => {
    if (tensor === undefined) return undefined;
    return constant[index] ? builder.constant(tensor) : builder.input(`x${index}`, tensor.type, tensor.dims);
  });
  const values = builder.ops(test.op, inputs, test.attributes, { outputs: test.outputs ?? 1 });
  values.forEach((value, index) => builder.output(value, `y${index}`));
  const feeds = test.inputs.flatMap((tensor, index) => (tensor && !constant[index] ? [[`x${index}`, tensor] as const] : []));
  return { values, results: await runOnce(builder, Object.fromEntries(feeds)) };
}

/** Inputs that decide a shape; the data is never constant. */
const PARAMETERS: Readonly<Record<string, readonly number[]>> = { OneHot: [1], Range: [0, 1, 2], ConstantOfShape: [0] };

function isParameter({ op, inputs }: OperatorCase, index: number): boolean {
  const positions =
    PARAMETERS[op] ?? ['Slice', 'Pad', 'Resize', 'Split', 'ReduceProd', 'Reshape', 'Squeeze', 'Unsqueeze', 'Expand'].includes(op);
  return typeof positions === 'boolean' ? positions && index > 0 && inputs.length > 1 : positions.includes(index);
}

describe('shapes', () => {
  for (const test of SHAPES) {
    it(title(test), async () => {
      const { values, results } = await computed(
        test,
        test.inputs.map((_, index) => isParameter(test, index)),
      );
      values.forEach((value, index) => expect(results[`y${index}`]!.dims).toEqual(value.dims));
    });
  }
});

describe('constant folding', () => {
  for (const test of FOLDED) {
    it(title(test), async () => {
      const folded = new GraphBuilder();
      const value = folded.op(
        test.op,
        test.inputs.map((tensor) => tensor && folded.constant(tensor)),
        test.attributes,
      );
      expect(folded.nodes).toEqual([]);
      const { results } = await computed(
        test,
        test.inputs.map((_, index) => isParameter(test, index)),
      );
      expect(results.y0).toEqual({ dims: value.dims, data: Array.from(value.constant!.data as Float32Array, Number) });
    });
  }

  it('reads every form of Constant', () => {
    const builder = new GraphBuilder();
    const forms: [Record<string, AttributeInput>, number[], number[]][] = [
      [{ value: { kind: 'tensor', value: ints(1, 2) } }, [2], [1, 2]],
      [{ value_float: 0.5 }, [], [0.5]],
      [{ value_floats: [1, 2.5] }, [2], [1, 2.5]],
      [{ value_int: 3 }, [], [3]],
      [{ value_ints: [4, 5] }, [2], [4, 5]],
    ];
    for (const [attributes, dims, data] of forms) {
      const value = builder.op('Constant', [], attributes);
      expect([value.dims, Array.from(value.constant!.data as Float32Array, Number)]).toEqual([dims, data]);
    }
  });

  it('keeps a 64-bit "to the end" what it is', () => {
    const builder = new GraphBuilder();
    const end = builder.op(
      'Concat',
      [builder.constant({ type: 'int64', dims: [1], data: BigInt64Array.of(2n ** 63n - 1n) }), builder.ints([1])],
      { axis: 0 },
    );
    expect(end.constant!.data).toEqual(BigInt64Array.of(2n ** 63n - 1n, 1n));
  });

  it('leaves big tensors to the runtime', () => {
    const builder = new GraphBuilder();
    expect(builder.op('ConstantOfShape', [builder.ints([100, 100])]).constant).toBeUndefined();
    expect(builder.nodes).toHaveLength(1);
  });
});

/** Builds with a short spelling for a chain of nodes on one value. */
function spelling(builder: GraphBuilder) {
  const at = (x: Value, index: number): Value =>
    builder.op('Gather', [builder.op('Shape', [x]), builder.constant(scalar(index))]);
  const row = (x: Value): Value => builder.op('Unsqueeze', [x, builder.ints([0])]);
  return { at, row, joined: (...xs: Value[]): Value => builder.op('Concat', xs.map(row), { axis: 0 }) };
}

describe('shape arithmetic as PyTorch exports it', () => {
  it('view(n, -1): Shape → Gather → Unsqueeze → Concat → Reshape', () => {
    const builder = new GraphBuilder();
    const { at, joined } = spelling(builder);
    const x = builder.input('x', 'float32', [2, 3, 4, 5]);
    const y = builder.op('Reshape', [x, joined(at(x, 0), builder.constant(scalar(-1)))]);
    expect(y.dims).toEqual([2, 60]);
    expect(builder.nodes.map(({ node }) => node.type)).toEqual(['Reshape']);
  });

  it('channel shuffle: Div and Mul of dimensions', () => {
    const builder = new GraphBuilder();
    const { at, joined } = spelling(builder);
    const x = builder.input('x', 'float32', [1, 6, 4, 4]);
    const groups = builder.constant(scalar(2));
    const y = builder.op('Reshape', [x, joined(at(x, 0), groups, builder.op('Div', [at(x, 1), groups]), at(x, 2), at(x, 3))]);
    expect(y.dims).toEqual([1, 2, 3, 4, 4]);
  });

  it('interpolate(scale_factor=1.5): Cast → Mul → Floor → Cast → Concat → Resize', () => {
    const builder = new GraphBuilder();
    const x = builder.input('x', 'float32', [1, 3, 5, 7]);
    const shape = builder.op('Shape', [x]);
    const spatial = builder.op('Cast', [builder.op('Slice', [shape, builder.ints([2]), builder.ints([4]), builder.ints([0])])], {
      to: 1,
    });
    const sizes = builder.op('Cast', [builder.op('Floor', [builder.op('Mul', [spatial, builder.scalar(1.5)])])], { to: 7 });
    const front = builder.op('Slice', [shape, builder.ints([0]), builder.ints([2]), builder.ints([0])]);
    const all = builder.op('Concat', [front, sizes], { axis: 0 });
    const y = builder.op('Resize', [x, undefined, undefined, all], { mode: 'linear' });
    expect(y.dims).toEqual([1, 3, 7, 10]);
  });

  it('expand(-1, n, -1): Where, Equal and ConstantOfShape', () => {
    const builder = new GraphBuilder();
    const x = builder.input('x', 'float32', [1, 1, 8]);
    const wanted = builder.ints([-1, 5, -1]);
    const ones = builder.op('ConstantOfShape', [builder.ints([3])], { value: { kind: 'tensor', value: ints(1) } });
    const kept = builder.op('Equal', [wanted, builder.op('Mul', [ones, builder.constant(scalar(-1))])]);
    expect(builder.op('Expand', [x, builder.op('Where', [kept, ones, wanted])]).dims).toEqual([1, 5, 8]);
  });
});
