// Convolutions: channels last, one filter H×W×in×out, padding that TensorFlow.js knows or zeros of our own.
import { extent, slidingWindow, type Window } from '../../../../onnx/shapes/window';
import { type Call, last, plain, type Rule, type Rules } from '../call';
import type { Rank4, Tf4D, TensorFlow, TfTensor } from '../module';
import { padded, paddingOf } from './window';

/** ONNX's out×in×H×W. */
const FILTER = [2, 3, 1, 0];

const conv: Rule = (call) => {
  const { tf, op } = call;
  const { image, window, isLine } = asImage(call);
  const group = op.number('group', 1);
  const kernel = call.prepared(1, 'filter', () =>
    dilated(tf, tf.transpose(asPlanes(tf, call.plain(1)), FILTER) as Tf4D, window.dilations),
  );
  const size = window.kernel.map((taps, axis) => extent(taps, window.dilations[axis]!));
  const pad = paddingOf(window, size, image.shape.slice(1, 3));
  const x = pad === undefined ? padded(tf, image, window.begins, window.ends, 0) : image;
  const strides = window.strides as [number, number];
  const convolved = grouped(
    tf,
    x,
    kernel as Tf4D,
    group,
    (part, filter) => tf.conv2d(part, filter, strides, pad ?? 'valid'),
    (part, filter) => tf.depthwiseConv2d(part, filter, strides, pad ?? 'valid'),
  );
  const y = op.has(2) ? tf.add(convolved, call.plain(2)) : convolved;
  return isLine ? plain(tf.squeeze(tf.transpose(y, [0, 3, 1, 2]), [2])) : last(y);
};

/** Sequences are images one pixel high. */
function asImage(call: Call): { image: Tf4D; window: Window; isLine: boolean } {
  const { tf, op } = call;
  const [sizes, kernel] = [call.dims().slice(2), call.dims(1).slice(2)];
  const window = slidingWindow(op, sizes, kernel);
  if (sizes.length === 2) return { image: call.last(), window, isLine: false };
  if (sizes.length !== 1) op.fail('TensorFlow.js convolves images and sequences here: use the engine onnxruntime');
  const flat = (numbers: readonly number[], first: number) => [first, ...numbers];
  const high = {
    kernel: flat(window.kernel, 1),
    strides: flat(window.strides, 1),
    dilations: flat(window.dilations, 1),
    begins: flat(window.begins, 0),
    ends: flat(window.ends, 0),
    counts: flat(window.counts, 1),
  };
  return { image: tf.transpose(asPlanes(tf, call.plain()), [0, 2, 3, 1]) as Tf4D, window: high, isLine: true };
}

function asPlanes(tf: TensorFlow, x: TfTensor): TfTensor {
  return x.rank === 3 ? tf.expandDims(x, 2) : x;
}

/** Zeros between the taps: TensorFlow.js has no gradient of a convolution with dilations. */
function dilated(tf: TensorFlow, kernel: Tf4D, dilations: readonly number[]): Tf4D {
  return dilations.reduce<Tf4D>((filter, dilation, axis) => {
    if (dilation === 1) return filter;
    const taps = filter.shape[axis]!;
    const spread = filter.shape.toSpliced(axis + 1, 0, 1);
    const zeros = spread.map((_, at): [number, number] => [0, at === axis + 1 ? dilation - 1 : 0]);
    const long = tf.reshape(tf.pad(tf.reshape(filter, spread), zeros), filter.shape.with(axis, taps * dilation));
    const begin = filter.shape.map(() => 0);
    return tf.slice(long, begin, filter.shape.with(axis, extent(taps, dilation))) as Tf4D;
  }, kernel);
}

type Convolve = (x: Tf4D, filter: Tf4D) => Tf4D;

function grouped(tf: TensorFlow, x: Tf4D, kernel: Tf4D, group: number, convolve: Convolve, depthwise: Convolve): Tf4D {
  if (group === 1) return convolve(x, kernel);
  const [height, width, from, to] = kernel.shape;
  if (from === 1 && group === x.shape[3]) return depthwise(x, tf.reshape<Rank4>(kernel, [height, width, group, to / group]));
  const filters = tf.split<Tf4D>(kernel, group, 3);
  return tf.concat<Tf4D>(
    tf.split<Tf4D>(x, group, 3).map((part, k) => convolve(part, filters[k]!)),
    3,
  );
}

/** The whole of what the taps reach, then cropped by the pads (ONNX, operator ConvTranspose); filter H×W×out×in. */
const convTranspose: Rule = (call) => {
  const { tf, op } = call;
  const [, , ...sizes] = call.dims();
  if (sizes.length !== 2) op.fail('TensorFlow.js convolves images here: use the engine onnxruntime');
  const list = (name: string, fallback: number) => op.numbers(name) ?? [fallback, fallback, fallback, fallback];
  const [strides, dilations, pads, extra] = [
    list('strides', 1),
    list('dilations', 1),
    list('pads', 0),
    list('output_padding', 0),
  ];
  const kernel = dilated(tf, tf.transpose(call.plain(1), FILTER) as Tf4D, dilations.slice(0, 2));
  const whole = sizes.map((size, axis) => strides[axis]! * (size - 1) + kernel.shape[axis]!);
  const group = op.number('group', 1);
  const filters = group === 1 ? [kernel] : tf.split<Tf4D>(kernel, group, 3);
  const parts = group === 1 ? [call.last()] : tf.split<Tf4D>(call.last(), group, 3);
  const raised = parts.map((part, k) =>
    tf.conv2dTranspose<Tf4D>(
      part,
      filters[k]!,
      [part.shape[0], whole[0]!, whole[1]!, kernel.shape[2]],
      [strides[0]!, strides[1]!],
      'valid',
    ),
  );
  const all = raised.length === 1 ? raised[0]! : tf.concat<Tf4D>(raised, 3);
  const ends = sizes.map((_, axis) => (extra[axis] ?? 0) - pads[axis + 2]!);
  const y = padded(tf, all, [-pads[0]!, -pads[1]!], ends, 0);
  return last(op.has(2) ? tf.add(y, call.plain(2)) : y);
};

export const CONVOLUTION: Rules = { Conv: conv, ConvTranspose: convTranspose };
