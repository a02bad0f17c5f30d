// Shapes of reductions and normalisations.
import { keepsType, type ShapeRule, typeOf } from './rule';

const NAMES =
  'ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceSumSquare';

const reduce: ShapeRule = keepsType((op, dims) => {
  const axes = op.axes(1) ?? [];
  if (axes.length === 0 && op.flag('noop_with_empty_axes')) return dims;
  return reducedDims(dims, axes, op.number('keepdims', 1) !== 0);
});

const argument: ShapeRule = (op) => {
  const { dims } = op.input(0);
  return [{ type: 'int64', dims: reducedDims(dims, [op.axis(op.number('axis', 0))], op.number('keepdims', 1) !== 0) }];
};

/** No axes stand for all of them. */
function reducedDims(dims: readonly number[], axes: readonly number[], keep: boolean): readonly number[] {
  const reduced = dims.map((size, axis) => (axes.length === 0 || axes.includes(axis) ? 1 : size));
  return keep ? reduced : reduced.filter((_, axis) => axes.length > 0 && !axes.includes(axis));
}

export const REDUCTION_SHAPES: Readonly<Record<string, ShapeRule>> = {
  ...Object.fromEntries(NAMES.split(' ').map((name) => [name, reduce])),
  ArgMax: argument,
  ArgMin: argument,
  BatchNormalization: (op) => {
    const statistics = { type: op.input(3).type, dims: op.input(3).dims };
    return [typeOf(op.input(0)), ...(op.flag('training_mode') ? [statistics, statistics] : [])];
  },
  LayerNormalization: (op) => {
    const { type, dims } = op.input(0);
    const axis = op.axis(op.number('axis', -1));
    const moments = { type, dims: dims.map((size, index) => (index < axis ? size : 1)) };
    return [{ type, dims }, moments, moments];
  },
};
