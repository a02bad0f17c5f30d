// Gradients of activation functions. Where a derivative jumps, it is 0 or that of the left side, as nearly everywhere else.
import type { Expressions } from '../expressions';
import type { Operator, Value } from '../operator';
import { elementwise, type GradientContext, type GradientRule } from './rule';

/** The slope of a ramp from 0 to 1 that rises by `alpha`. */
function ramp(m: Expressions, ramped: Value, alpha: number): Value {
  return m.mul(m.mul(m.positive(ramped), m.positive(m.sub(1, ramped))), alpha);
}

/** `below` left of zero, `above` right of it. */
function kink(m: Expressions, x: Value, below: Value, above: number): Value {
  return m.where(m.greater(x, 0), above, below);
}

/** 0 at the bounds and beyond. */
function clip({ m, inputs: [, low, high], y, dy }: GradientContext): Value[] {
  const above = low && m.positive(m.sub(y, low));
  const below = high && m.positive(m.sub(high, y));
  return [[above, below].reduce<Value>((gradient, mask) => (mask ? m.mul(gradient, mask) : gradient), dy)];
}

/** Φ(x) + x·φ(x) or its tanh approximation (Hendrycks and Gimpel, "Gaussian Error Linear Units"). */
function gelu(m: Expressions, x: Value, y: Value, op: Operator): Value {
  const squared = m.mul(x, x);
  if (op.string('approximate', 'none') === 'none') {
    const density = m.mul(m.exp(m.mul(squared, -0.5)), 1 / Math.sqrt(2 * Math.PI));
    const distribution = m.mul(m.add(m.erf(m.mul(x, Math.SQRT1_2)), 1), 0.5);
    return m.add(distribution, m.mul(x, density));
  }
  const slope = m.mul(m.add(m.mul(squared, 3 * 0.044715), 1), Math.sqrt(2 / Math.PI));
  const inner = m.mul(m.mul(x, m.add(m.mul(squared, 0.044715), 1)), Math.sqrt(2 / Math.PI));
  const gate = m.sigmoid(m.mul(inner, 2));
  return m.add(gate, m.mul(m.mul(y, m.sub(1, gate)), m.mul(slope, 2)));
}

function softmaxSum({ op, m, inputs: [x] }: GradientContext, weighted: Value): Value {
  return m.sum(weighted, [op.axis(op.number('axis', -1), x!.dims.length)]);
}

const ELU = { alpha: 1, gamma: 1 };
const SELU = { alpha: 1.6732632423543772, gamma: 1.0507009873554805 };

/** x right of zero, gamma·alpha·(eˣ − 1) left of it. */
const exponential = (defaults: typeof ELU): GradientRule =>
  elementwise((m, x, y, op) => {
    const gamma = op.number('gamma', defaults.gamma);
    return kink(m, x, m.add(y, gamma * op.number('alpha', defaults.alpha)), gamma);
  });

export const ACTIVATION_GRADIENTS: Readonly<Record<string, GradientRule>> = {
  Relu: elementwise((m, _, y) => m.positive(y)),
  LeakyRelu: elementwise((m, x, _, op) => {
    const alpha = op.number('alpha', 0.01);
    return m.add(m.mul(m.positive(x), 1 - alpha), alpha);
  }),
  PRelu: ({ m, inputs: [x, slope], dy }) => {
    const right = m.positive(x!);
    const left = m.sub(1, right);
    return [m.mul(dy, m.add(right, m.mul(left, slope!))), m.sumTo(m.mul(m.mul(dy, x!), left), slope!.dims)];
  },
  Clip: clip,
  Sigmoid: elementwise((m, _, y) => m.mul(y, m.sub(1, y))),
  Tanh: elementwise((m, _, y) => m.sub(1, m.mul(y, y))),
  Softplus: elementwise((m, x) => m.sigmoid(x)),
  Elu: exponential(ELU),
  Selu: exponential(SELU),
  Gelu: elementwise(gelu),
  HardSigmoid: elementwise((m, _, y, op) => ramp(m, y, op.number('alpha', 0.2))),
  HardSwish: elementwise((m, x) => {
    const gate = m.hardSigmoid(x, 1 / 6, 0.5);
    return m.add(gate, m.mul(x, ramp(m, gate, 1 / 6)));
  }),
  Softmax: (context) => {
    const { m, y, dy } = context;
    return [m.mul(m.sub(dy, softmaxSum(context, m.mul(dy, y))), y)];
  },
  LogSoftmax: (context) => {
    const { m, y, dy } = context;
    return [m.sub(dy, m.mul(m.exp(y), softmaxSum(context, dy)))];
  },
};
