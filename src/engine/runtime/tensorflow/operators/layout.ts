// Operators that move elements without changing them. What TensorFlow.js has no gradient of is made of gathers.
import { numbersOf } from '../../../../onnx/tensors';
import { resizeWeights } from '../../../../onnx/gradients/resize';
import { resizeAxes } from '../../../../onnx/shapes/resize';
import { sliceRanges } from '../../../../onnx/shapes/slice';
import { dtypeOf, last, PLACE, plain, type Rule, type Rules } from '../call';
import type { TensorFlow, TfTensor } from '../module';

const reshape: Rule = (call) => plain(call.tf.reshape(call.plain(), call.resultDims()));

const transpose: Rule = (call) => {
  const { tf, op } = call;
  const { tensor, last: isLast } = call.held(0);
  const perm =
    op.numbers('perm') ??
    call
      .dims()
      .map((_, axis) => axis)
      .reverse();
  // From and to channels last, as images come: their memory is already what is asked for.
  if (!isLast && perm.join() === '0,3,1,2') return last(tensor);
  if (isLast && perm.join() === '0,2,3,1') return plain(tensor);
  return plain(tf.transpose(call.plain(), [...perm]));
};

const concat: Rule = (call) => {
  const axis = call.op.axis(call.op.number('axis', 0));
  const { tensors, last: isLast } = call.aligned();
  return [{ tensor: call.tf.concat([...tensors], isLast ? PLACE[axis] : axis), last: isLast }];
};

const split: Rule = (call) => {
  const { tf, op } = call;
  const axis = op.axis(op.number('axis', 0));
  const { tensor, last: isLast } = call.held(0);
  const count = op.number('num_outputs', op.node.outputs.length);
  const chunk = Math.ceil(call.dims()[axis]! / count);
  const even = Array.from({ length: count }, (_, k) => Math.min(chunk, call.dims()[axis]! - k * chunk));
  const parts = tf.split(tensor, [...(op.parameter(1, 'split') ?? even)], isLast ? PLACE[axis] : axis);
  return parts.map((part) => ({ tensor: part, last: isLast }));
};

function gathered(tf: TensorFlow, x: TfTensor, positions: readonly number[], axis: number): TfTensor {
  return tf.gather(x, tf.tensor1d([...positions], 'int32'), axis);
}

const slice: Rule = (call) => {
  const { tf } = call;
  const ranges = sliceRanges(call.op);
  const x = call.plain();
  const begins = ranges.map((range) => (range && range.step === 1 ? range.start : 0));
  const sizes = ranges.map((range, axis) => (range && range.step === 1 ? range.count : x.shape[axis]!));
  return plain(
    ranges.reduce<TfTensor>(
      (cut, range, axis) => {
        if (!range || range.step === 1) return cut;
        return gathered(
          tf,
          cut,
          Array.from({ length: range.count }, (_, k) => range.start + k * range.step),
          axis,
        );
      },
      tf.slice(x, begins, sizes),
    ),
  );
};

/** Position in the input for every position beside it, by ONNX's modes of Pad. */
const BESIDE: Readonly<Record<string, (position: number, size: number) => number>> = {
  edge: (position, size) => Math.min(Math.max(position, 0), size - 1),
  reflect: (position, size) => {
    const period = Math.max(1, 2 * (size - 1));
    const inside = ((position % period) + period) % period;
    return inside < size ? inside : period - inside;
  },
  wrap: (position, size) => ((position % size) + size) % size,
};

const pad: Rule = (call) => {
  const { tf, op } = call;
  const x = call.plain();
  const pads = op.parameter(1, 'pads') ?? op.fail('it has no pads');
  const axes = op.axes(3) ?? x.shape.map((_, axis) => axis);
  const sides = x.shape.map((_, axis): [number, number] => {
    const at = axes.indexOf(axis);
    return at < 0 ? [0, 0] : [pads[at]!, pads[at + axes.length]!];
  });
  const mode = op.string('mode', 'constant');
  if (mode === 'constant') return plain(padConstant(tf, x, sides, op.parameter(2, 'constant_value')?.[0] ?? 0));
  const beside = BESIDE[mode] ?? op.fail(`mode '${mode}' is not supported`);
  return plain(
    sides.reduce<TfTensor>((whole, [begin, end], axis) => {
      const size = x.shape[axis]!;
      if (begin === 0 && end === 0) return whole;
      return gathered(
        tf,
        whole,
        Array.from({ length: size + begin + end }, (_, k) => beside(k - begin, size)),
        axis,
      );
    }, x),
  );
};

function padConstant(tf: TensorFlow, x: TfTensor, sides: readonly [number, number][], fill: number): TfTensor {
  const begins = sides.map(([begin]) => Math.max(0, -begin));
  const sizes = x.shape.map((size, axis) => size + Math.min(0, sides[axis]![0]) + Math.min(0, sides[axis]![1]));
  const more = sides.map(([begin, end]): [number, number] => [Math.max(0, begin), Math.max(0, end)]);
  const cropped = sides.flat().some((side) => side < 0) ? tf.slice(x, begins, sizes) : x;
  return more.flat().some((side) => side > 0) ? tf.pad(cropped, more, fill) : cropped;
}

const gather: Rule = (call) => {
  const { tf, op } = call;
  const [x, dims] = [call.plain(), call.dims()];
  const axis = op.axis(op.number('axis', 0));
  const indices = op.input(1);
  const size = dims[axis]!;
  const flat = indices.constant
    ? tf.tensor1d(
        numbersOf(indices.constant).map((index) => (index < 0 ? index + size : index)),
        'int32',
      )
    : tf.mod(tf.reshape(call.plain(1), [-1]), tf.scalar(size, 'int32'));
  return plain(tf.reshape(tf.gather(x, flat, axis), [...dims.slice(0, axis), ...indices.dims, ...dims.slice(axis + 1)]));
};

const depthToSpace: Rule = (call) => {
  const { tf, op } = call;
  const [n, c, h, w] = call.dims() as [number, number, number, number];
  const block = op.number('blocksize', 1);
  const channels = c / block ** 2;
  const isColumnsFirst = op.string('mode', 'DCR') === 'CRD';
  const parts = isColumnsFirst ? [n, channels, block, block, h, w] : [n, block, block, channels, h, w];
  const perm = isColumnsFirst ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2];
  return plain(tf.reshape(tf.transpose(tf.reshape(call.plain(), parts), perm), [n, channels, h * block, w * block]));
};

const spaceToDepth: Rule = (call) => {
  const { tf, op } = call;
  const [n, c, h, w] = call.dims() as [number, number, number, number];
  const block = op.number('blocksize', 1);
  const parts = tf.reshape(call.plain(), [n, c, h / block, block, w / block, block]);
  return plain(tf.reshape(tf.transpose(parts, [0, 3, 5, 1, 2, 4]), [n, c * block ** 2, h / block, w / block]));
};

/** Along each axis every output is a weighted sum of inputs: a product with a matrix. */
const resize: Rule = (call) => {
  const { tf, op } = call;
  return plain(
    resizeAxes(op).reduce<TfTensor>((x, to, axis) => {
      const size = x.shape[axis]!;
      if (to.size === size && to.scale === 1) return x;
      const perm = x.shape.map((_, at) => at);
      [perm[axis], perm[x.rank - 1]] = [x.rank - 1, axis];
      const lines = tf.transpose(x, perm);
      const sampled = tf.matMul(tf.reshape(lines, [x.size / size, size]), tf.tensor2d(resizeWeights(op, size, to)));
      return tf.transpose(tf.reshape(sampled, lines.shape.with(-1, to.size)), perm);
    }, call.plain()),
  );
};

const constantOfShape: Rule = (call) => {
  const { tf, op } = call;
  const { value } = op.node.attributes;
  const number = value?.kind === 'tensor' ? Number(value.value.data[0]) : 0;
  return plain(tf.fill(call.resultDims(), number, dtypeOf(op, value?.kind === 'tensor' ? value.value.type : 'float32')));
};

export const LAYOUT: Rules = {
  Reshape: reshape,
  Flatten: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Expand: (call) => plain(call.tf.broadcastTo(call.plain(), call.resultDims())),
  ConstantOfShape: constantOfShape,
  Transpose: transpose,
  Concat: concat,
  Split: split,
  Slice: slice,
  Pad: pad,
  Gather: gather,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  Resize: resize,
  Tile: (call) => plain(call.tf.tile(call.plain(), [...(call.op.parameter(1, 'repeats') ?? [])])),
};
