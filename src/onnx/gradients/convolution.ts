// Gradients of convolutions. Which of several equal forms is taken was measured on the CPU provider.
import { acrossChannels, type Expressions } from '../expressions';
import { elementCount } from '../model';
import type { Value } from '../operator';
import { extent, slidingWindow, type Window } from '../shapes/window';
import type { GradientContext, GradientRule } from './rule';

export const CONVOLUTION_GRADIENTS: Readonly<Record<string, GradientRule>> = {
  Conv: (context) => {
    const { op, inputs, dy } = context;
    const [x, w] = inputs as [Value, Value];
    const window = slidingWindow(op, x.dims.slice(2), w.dims.slice(2));
    const convolution = { window, groups: op.number('group', 1), weights: w };
    return [inputGradient(context, convolution, x), weightGradient(context, convolution, x, dy), biasGradient(context)];
  },

  /** A transposed convolution is the input gradient of a convolution, so its own gradients are that convolution. */
  ConvTranspose: (context) => {
    const { op, g, inputs, dy } = context;
    const [x, w] = inputs as [Value, Value];
    const window = slidingWindow(op, dy.dims.slice(2), w.dims.slice(2));
    const groups = op.number('group', 1);
    const dx = g.op('Conv', [dy, w], attributesOf(window, groups));
    return [dx, weightGradient(context, { window, groups, weights: w }, dy, x), biasGradient(context)];
  },
};

/** `weights` are [out, in / groups, ...kernel] of the convolution from `in` to `out` channels. */
interface Convolution {
  readonly window: Window;
  readonly groups: number;
  readonly weights: Value;
}

function attributesOf({ kernel, strides, dilations, begins, ends }: Window, group: number) {
  return { kernel_shape: kernel, strides, dilations, pads: [...begins, ...ends], group };
}

function biasGradient({ m, inputs: [, , bias], dy }: GradientContext): Value | undefined {
  return bias && m.sum(dy, acrossChannels(dy), false);
}

/**
 * With stride 1 a convolution of dy with the kernel turned round and its channels exchanged, as fast as the forward one,
 * where a ConvTranspose takes 1.2 to 1.8 times as long. With larger strides the ConvTranspose is the fastest form.
 */
function inputGradient({ g, m, dy }: GradientContext, { window, groups, weights }: Convolution, x: Value): Value {
  const { kernel, strides, dilations, begins } = window;
  const sizes = x.dims.slice(2);
  const full = kernel.map((size, axis) => extent(size, dilations[axis]!) - 1);
  const before = full.map((reach, axis) => reach - begins[axis]!);
  const after = sizes.map((size, axis) => size - dy.dims[axis + 2]! - before[axis]! + full[axis]!);
  if (strides.every((stride) => stride === 1) && [...before, ...after].every((pad) => pad >= 0)) {
    return g.op('Conv', [dy, exchanged(m, weights, groups)], attributesOf({ ...window, begins: before, ends: after }, groups));
  }
  // Input positions after the last window get zeros: output_padding, not counted as padding.
  const reached = sizes.map((_, axis) => (dy.dims[axis + 2]! - 1) * strides[axis]! + full[axis]! + 1 - begins[axis]!);
  const ends = sizes.map((size, axis) => Math.max(0, reached[axis]! - size));
  const rest = sizes.map((size, axis) => Math.max(0, size - reached[axis]!));
  return g.op('ConvTranspose', [dy, weights], { ...attributesOf({ ...window, ends }, groups), output_padding: rest });
}

/**
 * The kernel turned round, with its channels exchanged within each group. A Transpose that keeps the kernel's axes, then a
 * Slice of them, is what the CPU provider does fast: with the kernel as one axis a whole training step took a tenth longer.
 */
function exchanged(m: Expressions, weights: Value, groups: number): Value {
  const kernel = weights.dims.slice(2);
  const axes = kernel.map((_, axis) => axis + 2);
  const swapped = groups === 1 ? m.transpose(weights, [1, 0, ...axes]) : exchangedInGroups(m, weights, groups);
  if (elementCount(kernel) === 1) return swapped;
  const all = (value: number) => kernel.map(() => value);
  return m.slice(swapped, axes, all(-1), all(-(2 ** 31)), all(-1));
}

function exchangedInGroups(m: Expressions, weights: Value, groups: number): Value {
  const [out, inside, ...kernel] = weights.dims as [number, number, ...number[]];
  const grouped = m.reshape(weights, [groups, out / groups, inside, ...kernel]);
  const swapped = m.transpose(grouped, [0, 2, 1, ...kernel.map((_, axis) => axis + 3)]);
  return m.reshape(swapped, [groups * inside, out / groups, ...kernel]);
}

/** dW[o, i, tap] = Σ over images and positions of dy[o, position] · x[i, position · stride + tap · dilation − pad]. */
function weightGradient(context: GradientContext, convolution: Convolution, x: Value, dy: Value): Value {
  const { window, groups, weights } = convolution;
  const [out, inside] = weights.dims as [number, number];
  const positions = elementCount(dy.dims.slice(2));
  if (groups === 1 && inside < FEW_CHANNELS && elementCount(window.kernel) > 1) {
    return (context.g.target === 'cpu' ? byConvolution : byPatches)(context, convolution, x, dy);
  }
  if (groups > 1 && inside === 1 && out === groups) return byTaps(context, convolution, x, dy, depthwise);
  const strided = elementCount(window.kernel) > 1 && window.strides.some((stride) => stride > 1);
  // One product over the whole batch copies x and dy; one an image adds up as many results: take what moves less memory.
  const perImage = groups > 1 || (!strided && out * inside <= positions * (out + inside));
  return byTaps(context, convolution, x, dy, perImage ? imagewise : batchwise);
}

/** Below so many input channels, matrix products by tap are too narrow to be fast. */
const FEW_CHANNELS = 16;

/** The batch takes the channels' place: x as input, dy as kernel, strides as dilations. */
function byConvolution({ g, m }: GradientContext, { window }: Convolution, x: Value, dy: Value): Value {
  const { strides, dilations } = window;
  const exchanged = [1, 0, ...window.kernel.map((_, axis) => axis + 2)];
  const [lines, kernel] = [m.transpose(padded(m, x, window), exchanged), m.transpose(dy, exchanged)];
  const attributes = { kernel_shape: dy.dims.slice(2), dilations: strides, strides: dilations };
  return m.transpose(g.op('Conv', [lines, kernel], attributes), exchanged);
}

/**
 * What all taps see of an image below each other, so that one product an image makes the gradient of all. A convolution with dy
 * as its kernel has so few results that it leaves a GPU idle: that of ResNet-50's first layer took 32 of a step's 147 ms.
 */
function byPatches({ m }: GradientContext, { window, weights }: Convolution, x: Value, dy: Value): Value {
  const [out, inside] = weights.dims as [number, number];
  const [images, positions, taps] = [dy.dims[0]!, elementCount(window.counts), elementCount(window.kernel)];
  const wide = padded(m, x, window);
  const seen = places(window.kernel).map((tap) => m.reshape(seenBy(m, wide, 2, window, tap), [images, inside, positions]));
  const patches = m.transpose(m.concat(seen, 1), [0, 2, 1]);
  const products = m.matmul(m.reshape(dy, [images, out, positions]), patches);
  const byTap = m.reshape(m.sum(products, [0], false), [out, taps, inside]);
  return m.reshape(m.transpose(byTap, [0, 2, 1]), weights.dims);
}

/** x with padding, cut to what the windows touch. */
function padded(m: Expressions, x: Value, { kernel, strides, dilations, begins, counts }: Window): Value {
  const sizes = x.dims.slice(2);
  const ends = sizes.map(
    (size, axis) => (counts[axis]! - 1) * strides[axis]! + extent(kernel[axis]!, dilations[axis]!) - begins[axis]! - size,
  );
  return m.pad(x, [0, 0, ...begins], [0, 0, ...ends]);
}

/** Makes the gradient of one tap, out × inside numbers, from its place in the kernel. */
type TapGradient = (tap: readonly number[]) => Value;

type TapForm = (m: Expressions, convolution: Convolution, x: Value, dy: Value) => TapGradient;

function byTaps({ m }: GradientContext, convolution: Convolution, x: Value, dy: Value, form: TapForm): Value {
  const { window, weights } = convolution;
  const gradient = form(m, convolution, padded(m, x, window), dy);
  const taps = places(window.kernel).map((tap) => m.reshape(gradient(tap), [...weights.dims.slice(0, 2), 1]));
  return m.reshape(taps.length === 1 ? taps[0]! : m.concat(taps, 2), weights.dims);
}

/** Every place in a kernel, row by row. */
function places(kernel: readonly number[]): number[][] {
  return kernel.reduce<number[][]>(
    (all, size) => all.flatMap((place) => Array.from({ length: size }, (_, at) => [...place, at])),
    [[]],
  );
}

/** What the tap sees of x, whose first spatial axis is `first`: one element a window. */
function seenBy(m: Expressions, x: Value, first: number, { strides, dilations, counts }: Window, tap: readonly number[]): Value {
  const starts = tap.map((place, axis) => place * dilations[axis]!);
  const ends = starts.map((start, axis) => start + (counts[axis]! - 1) * strides[axis]! + 1);
  const axes = tap.map((_, axis) => axis + first);
  return m.slice(x, axes, starts, ends, strides);
}

/** One product an image and group, then their sum: 98 GFLOP/s for 3×3, 128→128 channels at 28×28, on one core. */
const imagewise: TapForm = (m, { window, groups, weights }, x, dy) => {
  const [out, inside] = weights.dims as [number, number];
  const positions = elementCount(window.counts);
  const images = dy.dims[0]!;
  const d = m.reshape(dy, [images, groups, out / groups, positions]);
  return (tap) => {
    const seen = m.reshape(seenBy(m, x, 2, window, tap), [images, groups, inside, positions]);
    return m.sum(m.matmul(d, m.transpose(seen, [0, 1, 3, 2])), [0], false);
  };
};

/**
 * One product over all images, with the channels of x last, so that strided slices copy whole rows of channels: twice as
 * fast as image by image for 3×3, 512→512 at 7×7, and 1.6 times for 128→128 with stride 2.
 */
const batchwise: TapForm = (m, { window, weights }, x, dy) => {
  const [out, inside] = weights.dims as [number, number];
  const positions = elementCount(window.counts);
  const images = dy.dims[0]!;
  const rows = m.reshape(m.transpose(m.reshape(dy, [images, out, positions]), [1, 0, 2]), [out, images * positions]);
  const channelsLast = m.transpose(x, [0, ...window.kernel.map((_, axis) => axis + 2), 1]);
  return (tap) => m.matmul(rows, m.reshape(seenBy(m, channelsLast, 1, window, tap), [images * positions, inside]));
};

/** One input channel for each output channel: no product of matrices at all. */
const depthwise: TapForm = (m, { window }, x, dy) => {
  return (tap) => m.sum(m.mul(dy, seenBy(m, x, 2, window, tap)), acrossChannels(dy), false);
};
