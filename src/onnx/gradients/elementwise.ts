// Gradients of arithmetic, element by element, with broadcasting.
import type { Expressions } from '../expressions';
import type { Value } from '../operator';
import { elementwise, type GradientContext, type GradientRule, toFirst } from './rule';

const none: GradientRule = ({ m, dy }) => [m.mul(dy, 0)];

/** The gradient with respect to each input before broadcasting is undone. */
function broadcasting(rule: (context: GradientContext) => readonly Value[]): GradientRule {
  return (context) => rule(context).map((gradient, index) => context.m.sumTo(gradient, context.inputs[index]!.dims));
}

/** Of several equal inputs the first takes the gradient. */
function extremum(distance: (m: Expressions, x: Value, y: Value) => Value): GradientRule {
  return broadcasting(({ m, inputs, y, dy }) => {
    const distances = inputs.map((x) => distance(m, x, y));
    return toFirst(m, dy, distances);
  });
}

export const ELEMENTWISE_GRADIENTS: Readonly<Record<string, GradientRule>> = {
  Add: broadcasting(({ dy }) => [dy, dy]),
  Sub: broadcasting(({ m, dy }) => [dy, m.neg(dy)]),
  Mul: broadcasting(({ m, inputs: [a, b], dy }) => [m.mul(dy, b!), m.mul(dy, a!)]),
  Div: broadcasting(({ m, inputs: [, b], y, dy }) => {
    const da = m.div(dy, b!);
    return [da, m.neg(m.mul(da, y))];
  }),
  Pow: broadcasting(({ m, inputs: [base, exponent], y, dy }) => {
    const power = m.cast(exponent!, y);
    return [m.mul(dy, m.mul(power, m.pow(base!, m.sub(power, 1)))), m.mul(dy, m.mul(y, m.log(base!)))];
  }),
  Sum: broadcasting(({ inputs, dy }) => inputs.map(() => dy)),
  Mean: broadcasting(({ m, inputs, dy }) => inputs.map(() => m.div(dy, inputs.length))),
  Max: extremum((m, x, y) => m.sub(y, x)),
  Min: extremum((m, x, y) => m.sub(x, y)),
  Where: ({ m, inputs: [condition, a, b], dy }) => [
    undefined,
    m.sumTo(m.where(condition!, dy, 0), a!.dims),
    m.sumTo(m.where(condition!, 0, dy), b!.dims),
  ],

  Neg: ({ m, dy }) => [m.neg(dy)],
  Identity: ({ dy }) => [dy],
  Abs: elementwise((m, x) => m.sign(x)),
  Sqrt: elementwise((m, _, y) => m.div(0.5, y)),
  Reciprocal: elementwise((m, _, y) => m.neg(m.mul(y, y))),
  Exp: elementwise((_, __, y) => y),
  Log: ({ m, inputs: [x], dy }) => [m.div(dy, x!)],
  Erf: elementwise((m, x) => m.mul(m.exp(m.neg(m.mul(x, x))), 2 / Math.sqrt(Math.PI))),
  Sign: none,
  Floor: none,
  Ceil: none,
  Round: none,

  Cast: ({ m, inputs: [x], dy }) => [m.cast(dy, x!)],
  Dropout: ({ op, dy }) => {
    const training = op.inputs[2];
    const inference = training === undefined || training.constant?.data[0] === 0;
    if (!inference) op.fail('it has no gradient in training mode: export the model for inference');
    return [dy];
  },
};
