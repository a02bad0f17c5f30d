// Normalisations: by statistics that are given, of the batch, of a layer or of an instance.
import { type Call, type Held, plain, type Rule, type Rules } from '../call';
import type { TensorFlow, TfTensor } from '../module';

/** Mean and biased variance over `axes`, which stay as 1, and x without its mean. */
function moments(tf: TensorFlow, x: TfTensor, axes: number[]): { mean: TfTensor; variance: TfTensor; centred: TfTensor } {
  const mean = tf.mean(x, axes, true);
  const centred = tf.sub(x, mean);
  return { mean, variance: tf.mean(tf.square(centred), axes, true), centred };
}

const batchNormalization: Rule = (call) => {
  const { tf, op } = call;
  const x = channelsAtEnd(call);
  const epsilon = op.number('epsilon', 1e-5);
  const [scale, shift, oldMean, oldVariance] = [1, 2, 3, 4].map((index) => call.plain(index)) as [
    TfTensor,
    TfTensor,
    TfTensor,
    TfTensor,
  ];
  if (!op.flag('training_mode')) {
    const centred = tf.sub(x.tensor, oldMean);
    return [x.back(tf.add(tf.mul(centred, tf.mul(scale, tf.rsqrt(tf.add(oldVariance, epsilon)))), shift))];
  }
  const axes = x.tensor.shape.map((_, axis) => axis).slice(0, -1);
  const { mean, variance, centred } = moments(tf, x.tensor, axes);
  const y = tf.add(tf.mul(centred, tf.mul(scale, tf.rsqrt(tf.add(variance, epsilon)))), shift);
  const kept = op.number('momentum', 0.9);
  const running = (old: TfTensor, batch: TfTensor): Held =>
    plain(tf.add(tf.mul(old, kept), tf.mul(tf.reshape(batch, old.shape), 1 - kept)))[0];
  return [x.back(y), running(oldMean, mean), running(oldVariance, variance)];
};

/** The input with its channels as the last axis, and the way back. */
function channelsAtEnd(call: Call): { tensor: TfTensor; back: (y: TfTensor) => Held } {
  const { tf } = call;
  const rank = call.dims().length;
  if (rank === 4) return { tensor: call.last(), back: (tensor) => ({ tensor, last: true }) };
  const x = call.plain();
  const perm = [0, ...x.shape.map((_, axis) => axis).slice(2), ...(rank > 1 ? [1] : [])];
  const inverse = perm.map((_, axis) => perm.indexOf(axis));
  return { tensor: tf.transpose(x, perm), back: (y) => plain(tf.transpose(y, inverse))[0] };
}

const layerNormalization: Rule = (call) => {
  const { tf, op } = call;
  const x = call.plain();
  const axes = x.shape.map((_, axis) => axis).slice(op.axis(op.number('axis', -1)));
  const { mean, variance, centred } = moments(tf, x, axes);
  const inverse = tf.rsqrt(tf.add(variance, op.number('epsilon', 1e-5)));
  const scaled = tf.mul(tf.mul(centred, inverse), call.plain(1));
  const y = op.has(2) ? tf.add(scaled, call.plain(2)) : scaled;
  return [y, mean, inverse].flatMap(plain).slice(0, op.node.outputs.length);
};

const instanceNormalization: Rule = (call) => {
  const { tf, op } = call;
  const x = call.plain();
  const { variance, centred } = moments(tf, x, x.shape.map((_, axis) => axis).slice(2));
  const perChannel = [1, x.shape[1]!, ...x.shape.slice(2).map(() => 1)];
  const [scale, shift] = [1, 2].map((index) => tf.reshape(call.plain(index), perChannel)) as [TfTensor, TfTensor];
  const inverse = tf.rsqrt(tf.add(variance, op.number('epsilon', 1e-5)));
  return plain(tf.add(tf.mul(centred, tf.mul(scale, inverse)), shift));
};

export const NORMALIZATION: Rules = {
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  InstanceNormalization: instanceNormalization,
};
