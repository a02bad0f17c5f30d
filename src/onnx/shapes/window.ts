// Sliding windows of convolutions and pools: kernel, strides, dilations, padding and how many windows fit.
import type { Operator } from '../operator';

/** All lists have one entry a spatial axis. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly begins: readonly number[];
  readonly ends: readonly number[];
  /** Number of windows. */
  readonly counts: readonly number[];
}

/** The window of a Conv or a pool over spatial `sizes`, with `auto_pad` turned into numbers (ONNX, operator Conv and MaxPool). */
export function slidingWindow(op: Operator, sizes: readonly number[], kernel: readonly number[]): Window {
  const strides = op.numbers('strides') ?? kernel.map(() => 1);
  const dilations = op.numbers('dilations') ?? kernel.map(() => 1);
  const [begins, ends] = padding(op, sizes, kernel, strides, dilations);
  const counts = sizes.map((size, axis) => {
    const room = size + begins[axis]! + ends[axis]! - extent(kernel[axis]!, dilations[axis]!);
    if (room < 0) op.fail(`its kernel ${kernel.join('×')} is larger than its padded input ${sizes.join('×')}`);
    return windowCount(room, strides[axis]!, op.flag('ceil_mode'), size + begins[axis]!);
  });
  return { kernel, strides, dilations, begins, ends, counts };
}

/** Positions that a kernel of `size` taps covers. */
export function extent(size: number, dilation: number): number {
  return (size - 1) * dilation + 1;
}

/** With ceil_mode a last, partial window counts, unless it would begin in the padding after the input (ONNX Runtime and PyTorch). */
function windowCount(room: number, stride: number, ceil: boolean, inputEnd: number): number {
  if (!ceil) return Math.floor(room / stride) + 1;
  const count = Math.ceil(room / stride) + 1;
  return (count - 1) * stride >= inputEnd ? count - 1 : count;
}

type Lists = readonly number[];

function padding(op: Operator, sizes: Lists, kernel: Lists, strides: Lists, dilations: Lists): [Lists, Lists] {
  const mode = op.string('auto_pad', 'NOTSET');
  const none = kernel.map(() => 0);
  if (mode === 'VALID') return [none, none];
  if (mode === 'NOTSET') {
    const pads = op.numbers('pads');
    return pads ? [pads.slice(0, kernel.length), pads.slice(kernel.length)] : [none, none];
  }
  const totals = sizes.map((size, axis) => {
    const count = Math.ceil(size / strides[axis]!);
    return Math.max((count - 1) * strides[axis]! + extent(kernel[axis]!, dilations[axis]!) - size, 0);
  });
  const small = totals.map((total) => Math.floor(total / 2));
  const large = totals.map((total) => Math.ceil(total / 2));
  return mode === 'SAME_LOWER' ? [large, small] : [small, large];
}
