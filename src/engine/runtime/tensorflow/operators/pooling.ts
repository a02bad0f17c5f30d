// Pools over windows and over whole images.
import type { Operator } from '../../../../onnx/operator';
import { slidingWindow, type Window } from '../../../../onnx/shapes/window';
import { type Call, last, plain, type Rule, type Rules } from '../call';
import type { Tf4D, TensorFlow, TfTensor } from '../module';
import { padded, paddingOf } from './window';

/** Below every number that a network computes, and still one that gradients can be multiplied with. */
const LOWEST = -3.4e38;

interface Pooled {
  readonly x: Tf4D;
  readonly window: Window;
  readonly kernel: [number, number];
  readonly strides: [number, number];
  /** Added after the input, so that the last, partial windows of ceil_mode count. */
  readonly ends: readonly number[];
}

function pooled(call: Call): Pooled {
  const { op } = call;
  const sizes = call.dims().slice(2);
  const kernel = op.numbers('kernel_shape') ?? [];
  if (sizes.length !== 2) op.fail('TensorFlow.js pools images here: use the engine onnxruntime');
  const window = slidingWindow(op, sizes, kernel);
  if (window.dilations.some((dilation) => dilation !== 1))
    op.fail('TensorFlow.js pools without dilations here: use the engine onnxruntime');
  const ends = window.counts.map(
    (count, axis) => (count - 1) * window.strides[axis]! + kernel[axis]! - sizes[axis]! - window.begins[axis]!,
  );
  return { x: call.last(), window, kernel: [kernel[0]!, kernel[1]!], strides: [window.strides[0]!, window.strides[1]!], ends };
}

const maxPool: Rule = (call) => {
  const { tf, op } = call;
  if ((op.node.outputs[1] ?? '') !== '') op.fail('TensorFlow.js has no second output of it: use the engine onnxruntime');
  const { x, window, kernel, strides, ends } = pooled(call);
  const pad = op.flag('ceil_mode') ? undefined : paddingOf(window, kernel, x.shape.slice(1, 3));
  const input =
    pad === undefined
      ? padded(
          tf,
          x,
          window.begins,
          ends.map((end) => Math.max(0, end)),
          LOWEST,
        )
      : x;
  return last(tf.maxPool(input, kernel, strides, pad ?? 'valid'));
};

/** The mean of zero-padded windows over that of a mask of what counts, where padding does not or partial windows exist. */
const averagePool: Rule = (call) => {
  const { tf, op } = call;
  const { x, window, kernel, strides, ends } = pooled(call);
  if (paddingOf(window, kernel, x.shape.slice(1, 3)) === 'valid' && !op.flag('ceil_mode'))
    return last(tf.avgPool(x, kernel, strides, 'valid'));
  const missing = ends.map((end) => Math.max(0, end));
  const mean = tf.avgPool(padded(tf, x, window.begins, missing, 0), kernel, strides, 'valid');
  return last(tf.div(mean, tf.avgPool(counted(tf, op, { x, window, missing }), kernel, strides, 'valid')));
};

/** 1 where a position counts, else 0, as large as the padded image: the image, and by count_include_pad its padding. */
function counted(
  tf: TensorFlow,
  op: Operator,
  { x, window: { begins, ends }, missing }: { x: Tf4D; window: Window; missing: readonly number[] },
): Tf4D {
  const [height, width] = [x.shape[1], x.shape[2]];
  if (!op.flag('count_include_pad')) return padded(tf, tf.ones([1, height, width, 1]), begins, missing, 0);
  const after = missing.map((end, axis) => Math.min(end, ends[axis]!));
  const ones: Tf4D = tf.ones([1, height + begins[0]! + after[0]!, width + begins[1]! + after[1]!, 1]);
  return padded(
    tf,
    ones,
    [0, 0],
    missing.map((end, axis) => end - after[axis]!),
    0,
  );
}

const globalPool =
  (f: (tf: TensorFlow, x: TfTensor, axes: number[]) => TfTensor): Rule =>
  (call) => {
    const { tensor, last: isLast } = call.held(0);
    if (isLast) return last(f(call.tf, tensor, [1, 2]));
    return plain(f(call.tf, tensor, tensor.shape.map((_, axis) => axis).slice(2)));
  };

export const POOLING: Rules = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: globalPool((tf, x, axes) => tf.mean(x, axes, true)),
  GlobalMaxPool: globalPool((tf, x, axes) => tf.max(x, axes, true)),
};
