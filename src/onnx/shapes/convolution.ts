// Shapes of convolutions and pools.
import type { Operator, ValueType } from '../operator';
import { format, keepsType, type ShapeRule, typeOf } from './rule';
import { extent, slidingWindow } from './window';

const pool: ShapeRule = (op) => {
  const { type, dims } = op.input(0);
  const kernel = op.numbers('kernel_shape') ?? op.fail('it has no kernel_shape');
  return [{ type, dims: [...dims.slice(0, 2), ...slidingWindow(op, dims.slice(2), kernel).counts] }];
};

const globalPool = keepsType((_, dims) => dims.map((size, axis) => (axis < 2 ? size : 1)));

export const CONVOLUTION_SHAPES: Readonly<Record<string, ShapeRule>> = {
  Conv: (op) => {
    const [x, w] = [op.input(0), op.input(1)];
    const channels = w.dims[1]! * op.number('group', 1);
    if (x.dims.length !== w.dims.length || x.dims[1] !== channels) mismatch(op, x, w);
    const { counts } = slidingWindow(op, x.dims.slice(2), w.dims.slice(2));
    return [{ type: x.type, dims: [x.dims[0]!, w.dims[0]!, ...counts] }];
  },
  ConvTranspose: (op) => {
    const [x, w] = [op.input(0), op.input(1)];
    if (x.dims.length !== w.dims.length || x.dims[1] !== w.dims[0]) mismatch(op, x, w);
    return [{ type: x.type, dims: [x.dims[0]!, w.dims[1]! * op.number('group', 1), ...transposedSizes(op, x.dims, w.dims)] }];
  },
  MaxPool: (op) => [...pool(op), { type: 'int64', dims: pool(op)[0]!.dims }],
  AveragePool: pool,
  LpPool: pool,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  DepthToSpace: keepsType((op, [n, c, h, w]) => {
    const block = op.number('blocksize', 1);
    return [n!, c! / block ** 2, h! * block, w! * block];
  }),
  SpaceToDepth: keepsType((op, [n, c, h, w]) => {
    const block = op.number('blocksize', 1);
    return [n!, c! * block ** 2, h! / block, w! / block];
  }),
  InstanceNormalization: (op) => [typeOf(op.input(0))],
};

/** ONNX, operator ConvTranspose: stride·(in − 1) + output_padding + kernel extent − pads. */
function transposedSizes(op: Operator, [, , ...sizes]: readonly number[], [, , ...kernel]: readonly number[]): number[] {
  if (op.numbers('output_shape') || !['NOTSET', 'VALID'].includes(op.string('auto_pad', 'NOTSET'))) {
    op.fail('output_shape and auto_pad are not supported: give pads and output_padding');
  }
  const strides = op.numbers('strides') ?? [];
  const dilations = op.numbers('dilations') ?? [];
  const pads = op.numbers('pads') ?? [];
  const extra = op.numbers('output_padding') ?? [];
  return sizes.map((size, axis) => {
    const padded = (pads[axis] ?? 0) + (pads[axis + sizes.length] ?? 0);
    return (strides[axis] ?? 1) * (size - 1) + (extra[axis] ?? 0) + extent(kernel[axis]!, dilations[axis] ?? 1) - padded;
  });
}

function mismatch(op: Operator, x: ValueType, w: ValueType): never {
  return op.fail(`its weights ${format(w.dims)} do not fit its input ${format(x.dims)}`);
}
