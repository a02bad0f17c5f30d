// Shapes of operators that move elements without changing them.
import { elementCount } from '../model';
import type { Operator, ValueType } from '../operator';
import { broadcast, format, keepsType, type ShapeRule } from './rule';
import { sliceRanges } from './slice';

const unsqueeze = keepsType((op, dims) => {
  const given = op.parameter(1, 'axes') ?? op.fail('it has no axes');
  const axes = given.map((axis) => op.axis(axis, dims.length + given.length));
  const rest = [...dims];
  return Array.from({ length: dims.length + axes.length }, (_, axis) => (axes.includes(axis) ? 1 : rest.shift()!));
});

const squeeze = keepsType((op, dims) => {
  const axes = op.axes(1) ?? dims.flatMap((size, axis) => (size === 1 ? [axis] : []));
  return dims.filter((_, axis) => !axes.includes(axis));
});

const concat = keepsType((op, dims) => {
  const axis = op.axis(op.number('axis', 0));
  const all = op.inputs.map((_, index) => op.input(index).dims);
  const fits = (other: readonly number[]): boolean =>
    other.length === dims.length && other.every((size, at) => at === axis || size === dims[at]);
  if (!all.every(fits)) op.fail(`its inputs ${all.map(format).join(', ')} do not fit along axis ${axis}`);
  return dims.with(
    axis,
    all.reduce((sum, other) => sum + other[axis]!, 0),
  );
});

const pad = keepsType((op, dims) => {
  const pads = op.parameter(1, 'pads') ?? op.fail('it has no pads');
  const axes = op.axes(3) ?? dims.map((_, axis) => axis);
  return dims.map((size, axis) => {
    const at = axes.indexOf(axis);
    return at < 0 ? size : size + pads[at]! + pads[at + axes.length]!;
  });
});

const gather = keepsType((op, dims) => {
  const axis = op.axis(op.number('axis', 0));
  return [...dims.slice(0, axis), ...op.input(1).dims, ...dims.slice(axis + 1)];
});

export const LAYOUT_SHAPES: Readonly<Record<string, ShapeRule>> = {
  Reshape: keepsType(reshapedDims),
  Flatten: keepsType((op, dims) => {
    const axis = op.axis(op.number('axis', 1), dims.length + 1);
    return [elementCount(dims.slice(0, axis)), elementCount(dims.slice(axis))];
  }),
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: keepsType((op, dims) => (op.numbers('perm') ?? [...dims.keys()].reverse()).map((axis) => dims[axis]!)),
  Expand: keepsType((op, dims) => broadcast(op, [dims, known(op, 1, 'shape')])),
  Tile: keepsType((op, dims) => dims.map((size, axis) => size * known(op, 1, 'repeats')[axis]!)),
  Concat: concat,
  Split: splits,
  Slice: keepsType((op, dims) => dims.map((size, axis) => sliceRanges(op)[axis]?.count ?? size)),
  Pad: pad,
  Gather: gather,
  GatherElements: keepsType((op) => op.input(1).dims),
  ScatterElements: keepsType((_, dims) => dims),
  Shape: (op) => [
    { type: 'int64', dims: [op.input(0).dims.slice(op.number('start', 0), op.number('end', op.input(0).dims.length)).length] },
  ],
  Size: () => [{ type: 'int64', dims: [] }],
  Constant: (op) => [constantType(op)],
  ConstantOfShape: (op) => {
    const value = op.node.attributes.value;
    return [{ type: value?.kind === 'tensor' ? value.value.type : 'float32', dims: known(op, 0, 'shape') }];
  },
  Range: (op) => {
    const [[start], [limit], [delta]] = [known(op, 0, 'start'), known(op, 1, 'limit'), known(op, 2, 'delta')];
    return [{ type: op.input(0).type, dims: [Math.max(0, Math.ceil((limit! - start!) / delta!))] }];
  },
  OneHot: (op) => {
    const dims = op.input(0).dims;
    const axis = op.axis(op.number('axis', -1), dims.length + 1);
    return [{ type: op.input(2).type, dims: dims.toSpliced(axis, 0, known(op, 1, 'depth')[0]!) }];
  },
};

function known(op: Operator, index: number, name: string): readonly number[] {
  return op.parameter(index, name) ?? op.fail(`it has no ${name}`);
}

/** 0 copies the input's dimension, −1 takes what is left (ONNX, operator Reshape). */
function reshapedDims(op: Operator, dims: readonly number[]): readonly number[] {
  const wanted = known(op, 1, 'shape').map((size, axis) => (size === 0 && !op.flag('allowzero') ? dims[axis]! : size));
  const given = elementCount(wanted.filter((size) => size !== -1));
  const result = wanted.map((size) => (size === -1 ? elementCount(dims) / given : size));
  if (elementCount(result) !== elementCount(dims) || !result.every(Number.isInteger))
    op.fail(`${format(dims)} does not reshape to ${format(wanted)}`);
  return result;
}

function splits(op: Operator): ValueType[] {
  const { type, dims } = op.input(0);
  const axis = op.axis(op.number('axis', 0));
  const count = op.number('num_outputs', op.node.outputs.length);
  const chunk = Math.ceil(dims[axis]! / count);
  const even = Array.from({ length: count }, (_, index) => Math.min(chunk, dims[axis]! - index * chunk));
  return (op.parameter(1, 'split') ?? even).map((size) => ({ type, dims: dims.with(axis, size) }));
}

function constantType(op: Operator): ValueType {
  const { value, value_float, value_floats, value_int, value_ints } = op.node.attributes;
  if (value?.kind === 'tensor') return { type: value.value.type, dims: value.value.dims };
  if (value_float || value_floats) return { type: 'float32', dims: value_float ? [] : [op.numbers('value_floats')!.length] };
  if (value_int || value_ints) return { type: 'int64', dims: value_int ? [] : [op.numbers('value_ints')!.length] };
  return op.fail('it holds neither a tensor nor numbers');
}
