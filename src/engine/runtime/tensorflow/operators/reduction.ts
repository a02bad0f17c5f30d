// Reductions over axes.
import { PLACE, plain, type Call, type Rule, type Rules } from '../call';
import type { TensorFlow, TfTensor } from '../module';

type Reduce = (tf: TensorFlow, x: TfTensor, axes: number[], keep: boolean) => TfTensor;

const reduction =
  (f: Reduce): Rule =>
  (call) => {
    const { tf, op } = call;
    const given = op.axes(1) ?? [];
    if (given.length === 0 && op.flag('noop_with_empty_axes')) return [call.held(0)];
    const all = call.dims().map((_, axis) => axis);
    const axes = given.length === 0 ? all : [...given];
    const keep = op.number('keepdims', 1) !== 0;
    if (!staysInOrder(call, axes, keep)) return plain(f(tf, call.plain(), axes, keep));
    const { tensor } = call.held(0);
    return [
      {
        tensor: f(
          tf,
          tensor,
          axes.map((axis) => PLACE[axis]!),
          keep,
        ),
        last: keep,
      },
    ];
  };

/** With channels last, what is left of the axes has ONNX's order if it keeps all, or if channels or both others are gone. */
function staysInOrder(call: Call, axes: readonly number[], keep: boolean): boolean {
  return call.held(0).last && (keep || axes.includes(1) || (axes.includes(2) && axes.includes(3)));
}

/** Of several equal ones TensorFlow.js takes the first. */
const argument =
  (f: (tf: TensorFlow, x: TfTensor, axis: number) => TfTensor): Rule =>
  (call) => {
    const { tf, op } = call;
    const axis = op.axis(op.number('axis', 0));
    const x = call.plain();
    const isLast = op.flag('select_last_index');
    const found = isLast ? tf.sub(tf.scalar(x.shape[axis]! - 1, 'int32'), f(tf, tf.reverse(x, axis), axis)) : f(tf, x, axis);
    return plain(op.number('keepdims', 1) === 0 ? found : tf.expandDims(found, axis));
  };

export const REDUCTION: Rules = {
  ReduceSum: reduction((tf, x, axes, keep) => tf.sum(x, axes, keep)),
  ReduceMean: reduction((tf, x, axes, keep) => tf.mean(x, axes, keep)),
  ReduceMax: reduction((tf, x, axes, keep) => tf.max(x, axes, keep)),
  ReduceMin: reduction((tf, x, axes, keep) => tf.min(x, axes, keep)),
  ReduceProd: reduction((tf, x, axes, keep) => tf.prod(x, axes, keep)),
  ReduceL1: reduction((tf, x, axes, keep) => tf.sum(tf.abs(x), axes, keep)),
  ReduceL2: reduction((tf, x, axes, keep) => tf.sqrt(tf.sum(tf.square(x), axes, keep))),
  ReduceSumSquare: reduction((tf, x, axes, keep) => tf.sum(tf.square(x), axes, keep)),
  ReduceLogSum: reduction((tf, x, axes, keep) => tf.log(tf.sum(x, axes, keep))),
  ReduceLogSumExp: reduction((tf, x, axes, keep) => tf.logSumExp(x, axes, keep)),
  ArgMax: argument((tf, x, axis) => tf.argMax(x, axis)),
  ArgMin: argument((tf, x, axis) => tf.argMin(x, axis)),
};
