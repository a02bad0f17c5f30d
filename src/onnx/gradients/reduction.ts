// Gradients of reductions.
import { elementCount } from '../model';
import type { Value } from '../operator';
import type { GradientContext, GradientRule } from './rule';

/** `value`, which has the dimensions of the reduction's result, with the reduced axes kept as 1. */
function kept({ op, m, inputs: [x] }: GradientContext, value: Value): Value {
  const given = op.axes(1) ?? [];
  const axes = given.length === 0 && !op.flag('noop_with_empty_axes') ? [...x!.dims.keys()] : given;
  return m.reshape(
    value,
    x!.dims.map((size, axis) => (axes.includes(axis) ? 1 : size)),
  );
}

/** Equal extremes share the gradient evenly. */
const extreme: GradientRule = (context) => {
  const {
    m,
    inputs: [x],
    y,
    dy,
  } = context;
  const distance = m.sub(x!, kept(context, y));
  const mask = m.isZero(m.mul(distance, m.sign(distance)));
  const count = m.sumTo(mask, kept(context, y).dims);
  return [m.mul(m.div(kept(context, dy), count), mask)];
};

/** dx = factor(x, y) · dy, where y and dy broadcast over the reduced axes. */
function scaled(factor: (context: GradientContext, y: Value) => Value): GradientRule {
  return (context) => [context.m.mul(factor(context, kept(context, context.y)), kept(context, context.dy))];
}

export const REDUCTION_GRADIENTS: Readonly<Record<string, GradientRule>> = {
  ReduceSum: (context) => [context.m.expand(kept(context, context.dy), context.inputs[0]!.dims)],
  ReduceMean: (context) => {
    const {
      m,
      inputs: [x],
      y,
      dy,
    } = context;
    return [m.expand(m.div(kept(context, dy), elementCount(x!.dims) / elementCount(y.dims)), x!.dims)];
  },
  ReduceMax: extreme,
  ReduceMin: extreme,
  ReduceSumSquare: scaled(({ m, inputs: [x] }) => m.mul(x!, 2)),
  ReduceL2: scaled(({ m, inputs: [x] }, y) => m.div(x!, y)),
  ReduceLogSumExp: scaled(({ m, inputs: [x] }, y) => m.exp(m.sub(x!, y))),
};
