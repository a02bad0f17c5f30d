// Shapes of ONNX Runtime's operators on blocked channels: memory [images][C / block][H][W][block], declared as [images, C, H, W].
import { format, keepsType, type ShapeRule } from './rule';
import { slidingWindow } from './window';

export const NCHWC_SHAPES: Readonly<Record<string, ShapeRule>> = {
  Conv: (op) => {
    const [x, w] = [op.input(0), op.input(1)];
    if (x.dims[1] !== w.dims[1]! * op.number('group', 1)) {
      op.fail(`its weights ${format(w.dims)} do not fit its input ${format(x.dims)}`);
    }
    const { counts } = slidingWindow(op, x.dims.slice(2), w.dims.slice(2));
    return [{ type: x.type, dims: [x.dims[0]!, w.dims[0]!, ...counts] }];
  },
  AveragePool: (op) => {
    const { type, dims } = op.input(0);
    return [{ type, dims: [...dims.slice(0, 2), ...slidingWindow(op, dims.slice(2), op.numbers('kernel_shape')!).counts] }];
  },
  GlobalAveragePool: keepsType((_, dims) => dims.map((size, axis) => (axis < 2 ? size : 1))),
  ReorderInput: keepsType((op, dims) => (op.flag('channels_last') ? [dims[0]!, dims.at(-1)!, ...dims.slice(1, -1)] : dims)),
  ReorderOutput: keepsType((op, dims) => (op.flag('channels_last') ? [dims[0]!, ...dims.slice(2), dims[1]!] : dims)),
};
