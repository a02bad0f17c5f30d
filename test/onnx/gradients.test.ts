// Every gradient rule against central differences. PyTorch's own numbers are compared in test/reference/operators.test.ts.
import { describe, expect, it } from 'vitest';
import type { AttributeInput } from '../../src/onnx/attributes';
import { GRADIENT_RULES } from '../../src/onnx/gradients/table';
import type { Tensor } from '../../src/onnx/model';
import { tensorOf } from '../../src/onnx/tensors';
import { checkGradient, type GradientCase } from './support/gradient-check';

const ints = (...xs: number[]): Tensor => tensorOf('int64', xs);
const X = [2, 3, 4];
const POSITIVE = [0.5, 2.5] as const;
const type = 'float32' as const;

const ELEMENTWISE: GradientCase[] = [
  { op: 'Add', inputs: [[2, 3], [3]] },
  { op: 'Sub', inputs: [[3], [2, 3]] },
  {
    op: 'Mul',
    inputs: [
      [2, 1, 2],
      [3, 1],
    ],
  },
  {
    op: 'Div',
    inputs: [
      [2, 3],
      [2, 1],
    ],
    range: POSITIVE,
  },
  { op: 'Pow', inputs: [X, tensorOf('float64', [3])] },
  { op: 'Pow', about: 'integer exponent', inputs: [X, ints(2)] },
  { op: 'Pow', about: 'both', inputs: [[2, 3], [3]], range: POSITIVE },
  { op: 'Sum', inputs: [[2, 3], [3], [2, 1]] },
  { op: 'Mean', inputs: [[2, 3], [3]], type },
  { op: 'Max', inputs: [[2, 3], [3], [2, 1]], type },
  { op: 'Min', inputs: [[2, 3], [3]], type },
  { op: 'Where', inputs: [tensorOf('bool', [1, 0, 1]), [2, 3], [2, 1]] },
  ...['Neg', 'Identity', 'Exp', 'Sign', 'Floor', 'Ceil', 'Round'].map((op) => ({ op, inputs: [X] })),
  ...['Sqrt', 'Reciprocal', 'Log'].map((op) => ({ op, inputs: [X], range: POSITIVE })),
  { op: 'Abs', inputs: [X], type },
  { op: 'Erf', inputs: [X], type },
  { op: 'Cast', inputs: [X], attributes: { to: 11 }, type },
  { op: 'Dropout', inputs: [X] },
];

const ACTIVATIONS: GradientCase[] = [
  ...['Relu', 'LeakyRelu', 'Elu', 'Selu', 'HardSigmoid', 'Softplus', 'Gelu'].map((op) => ({ op, inputs: [X], type })),
  { op: 'LeakyRelu', about: 'steep', inputs: [X], attributes: { alpha: 1.5 }, type },
  { op: 'Elu', about: 'alpha', inputs: [X], attributes: { alpha: 0.5 }, type },
  { op: 'Gelu', about: 'tanh', inputs: [X], attributes: { approximate: 'tanh' }, type },
  { op: 'HardSwish', inputs: [X], range: [-5, 5], type },
  {
    op: 'PRelu',
    inputs: [
      [2, 3, 2],
      [3, 1],
    ],
    type,
  },
  { op: 'Clip', inputs: [X, tensorOf('float32', [-1], []), tensorOf('float32', [1], [])], type },
  { op: 'Clip', about: 'below only', inputs: [X, tensorOf('float32', [-1], [])], type },
  { op: 'Sigmoid', inputs: [X] },
  { op: 'Tanh', inputs: [X] },
  { op: 'Softmax', inputs: [X] },
  { op: 'Softmax', about: 'axis 1', inputs: [X], attributes: { axis: 1 } },
  { op: 'LogSoftmax', inputs: [X], attributes: { axis: 1 } },
];

const conv = (about: string, x: number[], w: number[], attributes: Record<string, AttributeInput> = {}): GradientCase => ({
  op: 'Conv',
  about,
  inputs: [x, w, [w[0]!]],
  attributes,
  range: [-0.5, 0.5],
  type,
});

const CONVOLUTIONS: GradientCase[] = [
  conv('few channels', [2, 2, 5, 4], [3, 2, 3, 3], { pads: [1, 1, 1, 1] }),
  conv('few channels, strides and asymmetric pads', [2, 2, 6, 5], [3, 2, 3, 2], { pads: [0, 1, 1, 2], strides: [2, 3] }),
  conv('image by image', [2, 16, 4, 4], [3, 16, 3, 2], { pads: [1, 0, 1, 0] }),
  conv('the whole batch at once', [3, 16, 2, 2], [16, 16, 2, 2], { pads: [1, 1, 0, 0] }),
  conv('stride 2 over many channels', [2, 16, 5, 5], [2, 16, 3, 3], { pads: [1, 1, 1, 1], strides: [2, 2], dilations: [1, 1] }),
  conv('1x1 stride 2', [2, 4, 5, 4], [3, 4, 1, 1], { strides: [2, 2] }),
  conv('1x1 with padding', [1, 2, 3, 3], [3, 2, 1, 1], { pads: [1, 1, 1, 1] }),
  conv('groups', [2, 4, 4, 4], [6, 2, 3, 3], { group: 2, pads: [1, 1, 1, 1] }),
  conv('groups with strides', [2, 4, 5, 5], [4, 2, 3, 3], { group: 2, strides: [2, 2], pads: [1, 1, 1, 1] }),
  conv('depthwise', [2, 3, 5, 5], [3, 1, 3, 3], { group: 3, pads: [1, 1, 1, 1] }),
  conv('depthwise with two filters a channel', [2, 2, 4, 4], [4, 1, 3, 3], { group: 2 }),
  conv('dilated', [1, 2, 7, 7], [2, 2, 3, 3], { dilations: [2, 3], pads: [2, 3, 2, 3] }),
  conv('one dimension', [2, 2, 7], [3, 2, 3], { pads: [1, 1], strides: [2] }),
  conv('three dimensions', [1, 2, 3, 3, 3], [2, 2, 2, 2, 2], { pads: [1, 0, 0, 0, 0, 1] }),
  conv('SAME_UPPER', [1, 2, 6, 5], [2, 2, 3, 3], { auto_pad: 'SAME_UPPER', strides: [2, 2] }),
  conv('SAME_LOWER', [1, 2, 6, 5], [2, 2, 4, 3], { auto_pad: 'SAME_LOWER' }),
  conv('VALID', [1, 2, 6, 5], [2, 2, 4, 3], { auto_pad: 'VALID' }),
  {
    op: 'Conv',
    about: 'without bias',
    inputs: [
      [1, 2, 4, 4],
      [3, 2, 3, 3],
    ],
    type,
  },
  {
    op: 'ConvTranspose',
    inputs: [[2, 2, 3, 3], [2, 3, 3, 3], [3]],
    attributes: { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] },
    type,
  },
  {
    op: 'ConvTranspose',
    about: 'groups',
    inputs: [
      [1, 4, 3, 3],
      [4, 2, 2, 3],
    ],
    attributes: { group: 2, strides: [2, 1] },
    type,
  },
];

const pool = (op: string, about: string, x: number[], attributes: Record<string, AttributeInput>): GradientCase => ({
  op,
  about,
  inputs: [x],
  attributes,
  type,
});

const MAX_POOLS: GradientCase[] = [
  pool('MaxPool', '2x2', [2, 2, 4, 4], { kernel_shape: [2, 2], strides: [2, 2] }),
  pool('MaxPool', '3x3 stride 2 with padding', [1, 2, 7, 6], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
  pool('MaxPool', 'ceil_mode', [1, 2, 6, 7], { kernel_shape: [3, 2], strides: [2, 2], ceil_mode: 1 }),
  // ONNX Runtime infers a wrong shape for this one below operator set 22.
  {
    ...pool('MaxPool', 'ceil_mode with a window that would begin in the padding', [1, 1, 5, 5], {
      kernel_shape: [2, 2],
      strides: [2, 2],
      pads: [1, 1, 1, 1],
      ceil_mode: 1,
    }),
    opset: 22,
  },
  pool('MaxPool', 'dilations', [1, 1, 7, 7], { kernel_shape: [2, 3], dilations: [3, 2] }),
  pool('MaxPool', 'three dimensions', [1, 2, 4, 3, 4], { kernel_shape: [2, 2, 2], strides: [2, 1, 2] }),
  pool('MaxPool', 'one dimension', [2, 2, 7], { kernel_shape: [3], strides: [2] }),
  pool('MaxPool', 'SAME_UPPER', [1, 1, 5, 6], { kernel_shape: [3, 3], strides: [2, 2], auto_pad: 'SAME_UPPER' }),
];

const POOLS: GradientCase[] = [
  ...MAX_POOLS,
  // Where no pool says where its maxima were, another form is taken.
  ...MAX_POOLS.map((one) => ({ ...one, about: `${one.about} on a GPU`, target: 'gpu' as const })),
  pool('MaxPool', 'places in column-major order', [1, 2, 5, 7], { kernel_shape: [3, 2], strides: [2, 2], storage_order: 1 }),
  { ...pool('MaxPool', 'operator set 16', [1, 2, 7, 6], { kernel_shape: [3, 3], strides: [2, 2] }), opset: 16 },
  {
    ...pool('MaxPool', 'before numbers could be scattered and added', [1, 2, 7, 6], { kernel_shape: [3, 3], strides: [2, 2] }),
    opset: 15,
  },
  pool('AveragePool', '2x2', [2, 2, 4, 4], { kernel_shape: [2, 2], strides: [2, 2] }),
  pool('AveragePool', 'padding not counted', [1, 2, 5, 5], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
  pool('AveragePool', 'padding counted', [1, 2, 5, 5], {
    kernel_shape: [3, 2],
    strides: [1, 2],
    pads: [1, 1, 0, 1],
    count_include_pad: 1,
  }),
  pool('AveragePool', 'ceil_mode', [1, 2, 6, 7], { kernel_shape: [3, 2], strides: [2, 2], ceil_mode: 1 }),
  pool('AveragePool', 'ceil_mode, padding counted', [1, 1, 6, 6], {
    kernel_shape: [3, 3],
    strides: [2, 2],
    pads: [1, 1, 1, 1],
    ceil_mode: 1,
    count_include_pad: 1,
  }),
  { op: 'GlobalAveragePool', inputs: [[2, 3, 3, 2]], type },
  { op: 'GlobalMaxPool', inputs: [[2, 3, 3, 2]], type },
];

const batchNorm = (about: string, statistics: GradientCase['inputs'], target: 'cpu' | 'gpu'): GradientCase => ({
  op: 'BatchNormalization',
  about,
  inputs: [[3, 2, 2, 2], [2], [2], ...statistics],
  attributes: { training_mode: 1, momentum: 0.9, epsilon: 1e-3 },
  outputs: 3,
  type,
  target,
});

const NORMALIZATIONS: GradientCase[] = [
  { op: 'BatchNormalization', inputs: [[3, 2, 2, 2], [2], [2], [2], [2]], range: POSITIVE, type },
  batchNorm('batch statistics', [[2], [2]], 'cpu'),
  batchNorm(
    'batch statistics, constant running ones',
    [tensorOf('float32', [0.1, -0.2]), tensorOf('float32', [1.5, 0.7])],
    'cpu',
  ),
  batchNorm('batch statistics on a GPU', [[2], [2]], 'gpu'),
  { op: 'LayerNormalization', inputs: [[2, 3, 4], [4], [4]], type },
  {
    op: 'LayerNormalization',
    about: 'two axes, no bias',
    inputs: [
      [2, 3, 4],
      [3, 4],
    ],
    attributes: { axis: 1 },
    type,
  },
  { op: 'InstanceNormalization', inputs: [[2, 3, 3, 2], [3], [3]], type },
];

const MATRICES: GradientCase[] = [
  {
    op: 'MatMul',
    inputs: [
      [3, 4],
      [4, 2],
    ],
  },
  {
    op: 'MatMul',
    about: 'shared matrix',
    inputs: [
      [2, 2, 3, 4],
      [4, 2],
    ],
  },
  {
    op: 'MatMul',
    about: 'broadcast both',
    inputs: [
      [2, 1, 3, 4],
      [3, 4, 2],
    ],
  },
  { op: 'MatMul', about: 'row', inputs: [[4], [2, 4, 3]] },
  { op: 'MatMul', about: 'column', inputs: [[2, 3, 4], [4]] },
  { op: 'MatMul', about: 'two vectors', inputs: [[4], [4]] },
  ...[0, 1].flatMap((transA) =>
    [0, 1].map((transB) => ({
      op: 'Gemm',
      about: `transA ${transA}, transB ${transB}`,
      inputs: [transA ? [4, 3] : [3, 4], transB ? [2, 4] : [4, 2], transA ? [3, 1] : [2]],
      attributes: { transA, transB, alpha: 0.5, beta: -2 },
    })),
  ),
  {
    op: 'Gemm',
    about: 'without C',
    inputs: [
      [3, 4],
      [4, 2],
    ],
  },
];

const REDUCTIONS: GradientCase[] = [
  ...['ReduceSum', 'ReduceMean', 'ReduceSumSquare', 'ReduceL2', 'ReduceLogSumExp'].flatMap((op) => [
    { op, about: 'all', inputs: [X] },
    { op, about: 'two axes, dropped', inputs: [X, ints(-1, 0)], attributes: { keepdims: 0 } },
    { op, about: 'one axis, kept', inputs: [X, ints(1)] },
  ]),
  { op: 'ReduceSum', about: 'no axes, nothing to do', inputs: [X, ints()], attributes: { noop_with_empty_axes: 1 } },
  { op: 'ReduceMean', about: 'axes as attribute', inputs: [X], attributes: { axes: [1, 2], keepdims: 0 }, opset: 17 },
  { op: 'ReduceMax', inputs: [X, ints(1)], type },
  { op: 'ReduceMin', inputs: [X, ints(0, 2)], attributes: { keepdims: 0 }, type },
];

const IMAGE = [1, 2, 4, 3];
const LAYOUTS: GradientCase[] = [
  { op: 'Reshape', inputs: [X, ints(0, -1)] },
  { op: 'Flatten', inputs: [X], attributes: { axis: 2 } },
  { op: 'Squeeze', inputs: [[2, 1, 3, 1], ints(1)] },
  { op: 'Squeeze', about: 'all', inputs: [[2, 1, 3, 1]] },
  { op: 'Unsqueeze', inputs: [[2, 3], ints(0, -1)] },
  { op: 'Transpose', inputs: [X] },
  { op: 'Transpose', about: 'perm', inputs: [X], attributes: { perm: [1, 2, 0] } },
  { op: 'Expand', inputs: [[3, 1], ints(2, 1, 4)] },
  { op: 'Tile', inputs: [[2, 3], ints(2, 3)] },
  {
    op: 'Concat',
    inputs: [
      [2, 1, 2],
      [2, 3, 2],
    ],
    attributes: { axis: -2 },
  },
  { op: 'Split', inputs: [[2, 5], ints(2, 3)], attributes: { axis: 1 }, outputs: 2, used: [0, 1] },
  {
    op: 'Split',
    about: 'equal parts, one unused',
    inputs: [[2, 7]],
    attributes: { axis: 1, num_outputs: 3 },
    outputs: 3,
    used: [2, 0],
  },
  { op: 'Slice', inputs: [X, ints(1, 0), ints(9, -1), ints(1, 2)] },
  { op: 'Slice', about: 'steps', inputs: [[5, 7], ints(-1, 1), ints(-9, 6), ints(0, 1), ints(-2, 3)] },
  { op: 'Pad', inputs: [IMAGE, ints(0, 0, 1, 2, 0, 1, 0, 1)] },
  { op: 'Pad', about: 'cropping', inputs: [IMAGE, ints(0, 0, -1, 1, 0, 0, 1, -1), tensorOf('float64', [0.5], [])] },
  { op: 'Pad', about: 'axes', inputs: [IMAGE, ints(1, 2), undefined, ints(-1)] },
  ...['reflect', 'edge', 'wrap'].map((mode) => ({
    op: 'Pad',
    about: mode,
    inputs: [IMAGE, ints(0, 0, 1, 2, 0, 0, 2, 1)],
    attributes: { mode },
  })),
  { op: 'Gather', inputs: [X, ints(2, 0, -1, 2)], attributes: { axis: 1 } },
  { op: 'Gather', about: 'a scalar index', inputs: [X, tensorOf('int64', [1], [])], attributes: { axis: 2 } },
  { op: 'Gather', about: 'a table of indices', inputs: [X, tensorOf('int64', [1, 0, 0, 1], [2, 2])] },
  { op: 'DepthToSpace', inputs: [[1, 8, 2, 3]], attributes: { blocksize: 2 } },
  { op: 'DepthToSpace', about: 'CRD', inputs: [[1, 8, 2, 3]], attributes: { blocksize: 2, mode: 'CRD' } },
  { op: 'SpaceToDepth', inputs: [[1, 2, 4, 6]], attributes: { blocksize: 2 } },
];

const COORDINATES = ['half_pixel', 'asymmetric', 'align_corners', 'pytorch_half_pixel', 'half_pixel_symmetric'];
const RESIZES: GradientCase[] = [
  ...COORDINATES.flatMap((coordinate_transformation_mode) =>
    ['nearest', 'linear'].flatMap((mode) =>
      [ints(1, 2, 7, 5), ints(1, 2, 2, 6), ints(1, 2, 1, 3)].map((sizes) => ({
        op: 'Resize',
        about: `${mode}, ${coordinate_transformation_mode}, to ${sizes.data.slice(2).join('×')}`,
        inputs: [IMAGE, undefined, undefined, sizes],
        attributes: { mode, coordinate_transformation_mode },
        type,
      })),
    ),
  ),
  ...['round_prefer_ceil', 'floor', 'ceil'].map((nearest_mode) => ({
    op: 'Resize',
    about: nearest_mode,
    inputs: [IMAGE, undefined, tensorOf('float32', [1, 1, 2, 1.5])],
    attributes: { nearest_mode },
    type,
  })),
  {
    op: 'Resize',
    about: 'axes',
    inputs: [IMAGE, undefined, undefined, ints(8)],
    attributes: { mode: 'linear', axes: [2] },
    type,
  },
];

const CASES = [ELEMENTWISE, ACTIVATIONS, CONVOLUTIONS, POOLS, NORMALIZATIONS, MATRICES, REDUCTIONS, LAYOUTS, RESIZES].flat();

describe('gradients against central differences', () => {
  for (const test of CASES) it(`${test.op}${test.about ? ` (${test.about})` : ''}`, () => checkGradient(test));

  it('leaves no rule of the table out', () => {
    const checked = new Set(CASES.map(({ op }) => op));
    expect(Object.keys(GRADIENT_RULES).filter((op) => !checked.has(op))).toEqual([]);
  });
});
