// Gradients of batch, layer and instance normalisation.
import { acrossChannels, type Expressions } from '../expressions';
import { elementCount } from '../model';
import type { Value } from '../operator';
import type { GradientContext, GradientRule } from './rule';

export const NORMALIZATION_GRADIENTS: Readonly<Record<string, GradientRule>> = {
  BatchNormalization: (context) => (context.op.flag('training_mode') ? batchStatistics(context) : frozenStatistics(context)),
  LayerNormalization: layerNorm,
  InstanceNormalization: instanceNorm,
};

/** One number a channel, shaped to broadcast over x. */
function perChannel(m: Expressions, value: Value, x: Value): Value {
  return m.reshape(
    value,
    x.dims.slice(1).map((_, axis) => (axis === 0 ? value.dims[0]! : 1)),
  );
}

/** What both forms share: 1/σ, Σ dy and d scale = Σ dy·(x − mean)/σ, one number a channel. */
function reductions({ op, m, inputs: [x], dy }: GradientContext, mean: Value, variance: Value) {
  const inverse = m.div(1, m.sqrt(m.add(variance, op.number('epsilon', 1e-5))));
  const dbias = m.sum(dy, acrossChannels(x!), false);
  const products = m.mul(dy, m.sub(x!, perChannel(m, mean, x!)));
  return { inverse, dbias, dscale: m.mul(inverse, m.sum(products, acrossChannels(x!), false)) };
}

/** Fixed mean and variance: y = factor·(x − mean) + bias with factor = scale/√(variance + ε). */
function frozenStatistics(context: GradientContext): Value[] {
  const { m, inputs, dy } = context;
  const [x, scale, , mean, variance] = inputs as [Value, Value, Value, Value, Value];
  const { inverse, dbias, dscale } = reductions(context, mean, variance);
  const factor = m.mul(scale, inverse);
  const dmean = m.neg(m.mul(factor, dbias));
  const dvariance = m.mul(m.mul(m.mul(factor, inverse), dscale), -0.5);
  return [m.mul(dy, perChannel(m, factor, x)), dscale, dbias, dmean, dvariance];
}

/**
 * Mean and biased variance of the batch (Ioffe and Szegedy, "Batch Normalization", section 3), n elements a channel:
 * dx = factor·(dy − d bias/n − (x − mean)/σ · d scale/n). The part without dy is a normalisation with other constants,
 * so the operator itself computes it in one pass. The statistics are outputs 1 and 2: see lowering.ts.
 */
function batchStatistics(context: GradientContext): Value[] {
  const { g, m, inputs, outputs, dy } = context;
  const [x, scale] = inputs as [Value, Value];
  const [, mean, variance] = outputs as [Value, Value, Value];
  const { inverse, dbias, dscale } = reductions(context, mean, variance);
  const factor = m.mul(scale, inverse);
  const share = m.div(factor, -elementCount(x.dims) / x.dims[1]!);
  const one = m.filled(1, variance);
  const constants = [m.mul(m.mul(share, inverse), dscale), m.mul(share, dbias), mean, one];
  const correction = g.op('BatchNormalization', [x, ...constants], { epsilon: 0 });
  return [m.add(m.mul(dy, perChannel(m, factor, x)), correction), dscale, dbias, m.filled(0, mean), m.filled(0, variance)];
}

/** The gradient of x̂ = (x − mean)/σ over `axes`, given that of x̂ (Ba et al., "Layer Normalization"), and x̂. */
function standardized(m: Expressions, x: Value, axes: readonly number[], epsilon: number) {
  const count = axes.reduce((product, axis) => product * x.dims[axis]!, 1);
  const average = (value: Value): Value => m.div(m.sum(value, axes), count);
  const centred = m.sub(x, average(x));
  const inverse = m.div(1, m.sqrt(m.add(average(m.mul(centred, centred)), epsilon)));
  const normal = m.mul(centred, inverse);
  const backward = (d: Value): Value => {
    const parallel = m.mul(normal, average(m.mul(d, normal)));
    return m.mul(inverse, m.sub(m.sub(d, average(d)), parallel));
  };
  return { normal, backward };
}

function layerNorm({ op, m, inputs: [x, scale, bias], dy }: GradientContext): (Value | undefined)[] {
  const first = op.axis(op.number('axis', -1));
  const axes = [...x!.dims.keys()].slice(first);
  const { normal, backward } = standardized(m, x!, axes, op.number('epsilon', 1e-5));
  const dscale = m.sumTo(m.mul(dy, normal), scale!.dims);
  return [backward(m.mul(dy, scale!)), dscale, bias && m.sumTo(dy, bias.dims)];
}

function instanceNorm({ op, m, inputs, dy }: GradientContext): Value[] {
  const [x, scale] = inputs as [Value, Value];
  const { normal, backward } = standardized(m, x, [...x.dims.keys()].slice(2), op.number('epsilon', 1e-5));
  const across = acrossChannels(x);
  return [backward(m.mul(dy, perChannel(m, scale, x))), m.sum(m.mul(dy, normal), across, false), m.sum(dy, across, false)];
}
