// Matrix products.
import { plain, type Rule, type Rules } from '../call';
import type { TensorFlow, TfTensor } from '../module';

const gemm: Rule = (call) => {
  const { tf, op } = call;
  const product = tf.matMul(call.plain(0), call.plain(1), op.flag('transA'), op.flag('transB'));
  const scaled = scaledBy(tf, product, op.number('alpha', 1));
  return plain(op.has(2) ? tf.add(scaled, scaledBy(tf, call.plain(2), op.number('beta', 1))) : scaled);
};

function scaledBy(tf: TensorFlow, x: TfTensor, factor: number): TfTensor {
  return factor === 1 ? x : tf.mul(x, factor);
}

/** numpy.matmul. Batches are made equal first: the gradient of TensorFlow.js's product does not sum over what was repeated. */
const matMul: Rule = (call) => {
  const { tf } = call;
  const [a, b] = [call.plain(0), call.plain(1)];
  const left = a.rank === 1 ? tf.reshape(a, [1, a.size]) : a;
  const right = b.rank === 1 ? tf.reshape(b, [b.size, 1]) : b;
  const batch = broadcastBatch(left.shape.slice(0, -2), right.shape.slice(0, -2));
  const full = (x: TfTensor) => {
    const shape = [...batch, ...x.shape.slice(-2)];
    return shape.length === x.rank && shape.every((size, axis) => size === x.shape[axis]) ? x : tf.broadcastTo(x, shape);
  };
  const [rows, columns] = [left.shape.at(-2)!, right.shape.at(-1)!];
  const wanted = [...batch, ...(a.rank === 1 ? [] : [rows]), ...(b.rank === 1 ? [] : [columns])];
  if (right.rank === 2) {
    const inner = left.shape.at(-1)!;
    return plain(tf.reshape(tf.matMul(tf.reshape(left, [left.size / inner, inner]), right), wanted));
  }
  return plain(tf.reshape(tf.matMul(full(left), full(right)), wanted));
};

function broadcastBatch(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const [p, q] = [a, b].map((dims) => dims[axis - rank + dims.length] ?? 1) as [number, number];
    return p === 1 ? q : p;
  });
}

export const MATRIX: Rules = { Gemm: gemm, MatMul: matMul };
