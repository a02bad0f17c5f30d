// Every operator that TensorFlow.js computes for the second engine, by value, against ONNX Runtime: those without a gradient are in no other test.
import { describe, expect, it } from 'vitest';
import { OPERATORS } from '../../src/engine/runtime/tensorflow/operators/table';
import type { AttributeInput } from '../../src/onnx/attributes';
import { GraphBuilder, type Target } from '../../src/onnx/builder';
import { elementCount, type Model, type Tensor } from '../../src/onnx/model';
import { numbersOf, tensorOf } from '../../src/onnx/tensors';
import { type GraphRunner, graphRunner, type Tensors } from '../support/graphs';
import { tensorFlowRunner } from '../support/tensorflow';

interface OperatorCase {
  readonly op: string;
  /** Known when the graph runs. */
  readonly inputs: readonly Tensor[];
  /** The inputs behind them, known before. */
  readonly parameters?: readonly (Tensor | undefined)[];
  readonly attributes?: Readonly<Record<string, AttributeInput>>;
  readonly outputs?: number;
}

const ints = (...xs: number[]): Tensor => tensorOf('int64', xs);
const reals = (...xs: number[]): Tensor => tensorOf('float32', xs);
const truths = (...xs: number[]): Tensor => tensorOf('bool', xs);
const waves = (...dims: number[]): Tensor => {
  const count = elementCount(dims);
  return tensorOf(
    'float32',
    Array.from({ length: count }, (_, index) => Math.sin(index + count)),
    dims,
  );
};
const each = (names: string, inputs: readonly Tensor[], more: Omit<OperatorCase, 'op' | 'inputs'> = {}): OperatorCase[] =>
  names.split(/\s+/).map((op) => ({ op, inputs, ...more }));

const LINE = reals(-7.5, -2.5, -1.5, -1, -0.5, -0.1, 0, 0.1, 0.5, 1, 1.5, 2.5, 7.5);
const ODD = reals(NaN, Infinity, -Infinity, 1);
const IMAGE = waves(2, 4, 6, 6);
const SIGNED = [ints(7, -7, 7, -7, 6), ints(3, 3, -3, -3, 3)];

const CASES: readonly OperatorCase[] = [
  ...each('Identity Dropout Neg Abs Exp Erf Sin Cos Sign Floor Ceil Round Relu LeakyRelu ThresholdedRelu Sigmoid Tanh', [LINE]),
  ...each('Softplus Softsign Elu Selu Gelu Mish HardSigmoid HardSwish', [LINE]),
  { op: 'Gelu', inputs: [LINE], attributes: { approximate: 'tanh' } },
  ...each('Sqrt Log Reciprocal', [reals(0.1, 1, 4, 9)]),
  ...each('IsNaN IsInf', [ODD]),
  { op: 'IsInf', inputs: [ODD], attributes: { detect_negative: 0 } },
  { op: 'IsInf', inputs: [ODD], attributes: { detect_positive: 0 } },
  { op: 'Not', inputs: [truths(1, 0)] },
  ...each('And Or Xor', [tensorOf('bool', [1, 0, 1, 0], [2, 2]), truths(1, 0)]),
  ...each('Equal Greater GreaterOrEqual Less LessOrEqual', [tensorOf('float32', [1, 2, 3, -2], [2, 2]), reals(2, -2)]),
  ...each('Equal Greater Less', [ints(1, 2, 3), ints(2)]),
  ...each('Add Sub Mul Div Min Max', [waves(2, 3), waves(3)]),
  ...each('Add Sub Mul Div Min Max Mod', SIGNED),
  { op: 'Mod', inputs: SIGNED, attributes: { fmod: 1 } },
  { op: 'Mod', inputs: [reals(7.5, -7.5, 7.5, -7.5), reals(2, 2, -2, -2)], attributes: { fmod: 1 } },
  ...each('Sum Mean', [waves(2, 3), waves(3), waves(2, 1)]),
  { op: 'Pow', inputs: [reals(1, 2, 3), reals(2, 0.5, -1)] },
  { op: 'Where', inputs: [truths(1, 0, 1), waves(2, 3), waves(2, 1)] },
  { op: 'PRelu', inputs: [IMAGE, waves(4, 1, 1)] },
  { op: 'Clip', inputs: [LINE], parameters: [tensorOf('float32', [-1], []), tensorOf('float32', [2], [])] },
  ...[1, 6, 7, 9].map((to) => ({ op: 'Cast', inputs: [LINE], attributes: { to } })),
  { op: 'Cast', inputs: [tensorOf('uint8', [0, 200])], attributes: { to: 1 } },
  { op: 'CastLike', inputs: [LINE], parameters: [ints(1)] },
  ...each('Softmax LogSoftmax', [waves(2, 3, 4)]),
  ...each('Softmax LogSoftmax', [waves(2, 3, 4)], { attributes: { axis: 1 } }),

  { op: 'Conv', inputs: [IMAGE, waves(6, 2, 3, 3), waves(6)], attributes: { group: 2, dilations: [2, 1], pads: [2, 0, 1, 1] } },
  { op: 'Conv', inputs: [IMAGE, waves(8, 1, 3, 3)], attributes: { group: 4, auto_pad: 'SAME_LOWER', strides: [2, 2] } },
  {
    op: 'ConvTranspose',
    inputs: [IMAGE, waves(4, 3, 3, 3), waves(3)],
    attributes: { strides: [2, 2], pads: [1, 0, 0, 1], output_padding: [1, 0] },
  },
  { op: 'MaxPool', inputs: [IMAGE], attributes: { kernel_shape: [3, 2], strides: [2, 2], pads: [1, 0, 1, 0] } },
  { op: 'MaxPool', inputs: [IMAGE], attributes: { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 } },
  { op: 'AveragePool', inputs: [IMAGE], attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 2] } },
  {
    op: 'AveragePool',
    inputs: [IMAGE],
    attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 2], count_include_pad: 1 },
  },
  { op: 'AveragePool', inputs: [IMAGE], attributes: { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 } },
  ...each('GlobalAveragePool GlobalMaxPool', [IMAGE]),
  { op: 'BatchNormalization', inputs: [IMAGE, waves(4), waves(4), waves(4), reals(1, 2, 0.5, 3)] },
  { op: 'LayerNormalization', inputs: [waves(2, 3, 4), waves(3, 4), waves(3, 4)], attributes: { axis: 1 } },
  { op: 'InstanceNormalization', inputs: [IMAGE, waves(4), waves(4)] },

  { op: 'Gemm', inputs: [waves(3, 2), waves(4, 3), waves(4)], attributes: { alpha: 0.5, beta: 2, transA: 1, transB: 1 } },
  { op: 'MatMul', inputs: [waves(2, 1, 3, 4), waves(5, 4, 2)] },
  { op: 'MatMul', inputs: [waves(2, 3, 4), waves(4)] },
  { op: 'MatMul', inputs: [waves(4), waves(4)] },

  ...each('ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSumExp', [IMAGE], {
    parameters: [ints(1, -1)],
    attributes: { keepdims: 0 },
  }),
  ...each('ReduceSum ReduceMax', [waves(2, 3)]),
  { op: 'ReduceSum', inputs: [waves(2, 3)], attributes: { noop_with_empty_axes: 1 } },
  { op: 'ReduceLogSum', inputs: [reals(1, 2, 3)], parameters: [ints(0)] },
  ...each('ArgMax ArgMin', [tensorOf('float32', [2, 1, 2, 1, 1, 3], [2, 3])], { attributes: { axis: 1 } }),
  ...each('ArgMax ArgMin', [tensorOf('float32', [2, 1, 2, 1, 1, 3], [2, 3])], {
    attributes: { axis: -1, keepdims: 0, select_last_index: 1 },
  }),

  { op: 'Reshape', inputs: [waves(2, 3, 4)], parameters: [ints(0, -1)] },
  { op: 'Flatten', inputs: [waves(2, 3, 4)], attributes: { axis: 2 } },
  { op: 'Squeeze', inputs: [waves(2, 1, 3, 1)], parameters: [ints(-1)] },
  { op: 'Unsqueeze', inputs: [waves(2, 3)], parameters: [ints(0, 2)] },
  { op: 'Expand', inputs: [waves(2, 1, 3)], parameters: [ints(2, 2, 1, 1)] },
  // Smaller ones are made while the graph is built.
  {
    op: 'ConstantOfShape',
    inputs: [],
    parameters: [ints(5000)],
    attributes: { value: { kind: 'tensor', value: reals(1.5) } },
  },
  ...[
    [0, 2, 3, 1],
    [3, 2, 1, 0],
  ].map((perm) => ({ op: 'Transpose', inputs: [IMAGE], attributes: { perm } })),
  { op: 'Concat', inputs: [waves(2, 3), waves(2, 1)], attributes: { axis: -1 } },
  { op: 'Split', inputs: [waves(2, 7)], attributes: { axis: 1, num_outputs: 3 }, outputs: 3 },
  { op: 'Slice', inputs: [waves(5, 6)], parameters: [ints(4, -1), ints(-9, 0), ints(0, -1), ints(-2, -4)] },
  ...['constant', 'edge', 'reflect', 'wrap'].map((mode) => ({
    op: 'Pad',
    inputs: [waves(3, 4)],
    parameters: [ints(1, 2, 0, 3)],
    attributes: { mode },
  })),
  { op: 'Pad', inputs: [waves(3, 4)], parameters: [ints(-1, 2), tensorOf('float32', [9], []), ints(-1)] },
  { op: 'Gather', inputs: [waves(3, 4), tensorOf('int64', [2, -1, 0, -3], [2, 2])] },
  { op: 'Gather', inputs: [waves(3, 4)], parameters: [tensorOf('int64', [-1], [])], attributes: { axis: 1 } },
  ...['DCR', 'CRD'].map((mode) => ({ op: 'DepthToSpace', inputs: [IMAGE], attributes: { blocksize: 2, mode } })),
  { op: 'SpaceToDepth', inputs: [IMAGE], attributes: { blocksize: 2 } },
  ...['nearest', 'linear'].map((mode) => ({
    op: 'Resize',
    inputs: [waves(1, 2, 5, 3)],
    parameters: [undefined, reals(1, 1, 1.6, 2)],
    attributes: { mode },
  })),
  { op: 'Tile', inputs: [waves(2, 3)], parameters: [ints(2, 1)] },
];

function title({ op, inputs, attributes = {} }: OperatorCase): string {
  const shapes = inputs.map(({ type, dims }) => `${type} [${dims.join()}]`).join(', ');
  const settings = Object.entries(attributes).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`);
  return `${op}(${shapes})${settings.join('')}`;
}

async function answersOf(one: OperatorCase, target: Target, open: (model: Model) => Promise<GraphRunner>): Promise<Tensors> {
  const builder = new GraphBuilder(20, target);
  const inputs = one.inputs.map(({ type, dims }, k) => builder.input(`x${k}`, type, dims));
  const parameters = (one.parameters ?? []).map((tensor) => tensor && builder.constant(tensor));
  const results = builder.ops(one.op, [...inputs, ...parameters], one.attributes, { outputs: one.outputs ?? 1 });
  results.forEach((value, k) => builder.output(value, `y${k}`));
  const graph = builder.build('operator');
  const runner = await open({ irVersion: 9, opsets: { '': 20 }, producer: 'test', metadata: {}, graph });
  const answers = await runner.run(Object.fromEntries(one.inputs.map((tensor, k) => [`x${k}`, tensor])));
  await runner.release();
  return answers;
}

describe('operators of TensorFlow.js', () => {
  it('all have a case here', () => {
    const seen = new Set(CASES.map(({ op }) => op));
    expect(Object.keys(OPERATORS).filter((op) => !seen.has(op))).toEqual([]);
  });

  it.each(CASES.map((one) => [title(one), one] as const))('give what ONNX Runtime gives: %s', async (_, one) => {
    const [ours, theirs] = [await answersOf(one, 'cpu', graphRunner), await answersOf(one, 'autodiff', tensorFlowRunner)];
    for (const [name, wanted] of Object.entries(ours)) {
      const found = theirs[name]!;
      expect([found.type, found.dims]).toEqual([wanted.type, wanted.dims]);
      const numbers = numbersOf(wanted);
      numbersOf(found).forEach((value, k) => {
        const isSame = Object.is(value, numbers[k]) || Math.abs(value - numbers[k]!) <= 1e-5 * (1 + Math.abs(numbers[k]!));
        expect(isSame, `${name}[${k}] is ${value}, not ${numbers[k]}`).toBe(true);
      });
    }
  });

  it('refuse to drop out at random, which they do not do', async () => {
    const one = { op: 'Dropout', inputs: [LINE], parameters: [tensorOf('float32', [0.5], []), tensorOf('bool', [1], [])] };
    await expect(answersOf(one, 'autodiff', tensorFlowRunner)).rejects.toThrow(/Dropout.*engine onnxruntime/);
  });
});
