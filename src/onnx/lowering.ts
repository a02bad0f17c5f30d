// Operators that are replaced as they are added, because they are slow, wrong or missing in the form they come in.
import type { GraphBuilder } from './builder';
import { acrossChannels, Expressions } from './expressions';
import { elementCount } from './model';
import type { Operator, Value } from './operator';

type Lowering = (op: Operator, builder: GraphBuilder, m: Expressions) => (Value | undefined)[] | undefined;

const LOWERINGS: Readonly<Record<string, Lowering | undefined>> = { BatchNormalization: batchNormalization };

/** The node's outputs, made of other nodes; undefined where the node stays as it is. */
export function lower(builder: GraphBuilder, op: Operator): (Value | undefined)[] | undefined {
  const { type, domain, name } = op.node;
  const lowering = domain === '' && Object.hasOwn(LOWERINGS, type) ? LOWERINGS[type] : undefined;
  return lowering && builder.within(name, () => lowering(op, builder, new Expressions(builder)));
}

/**
 * Normalisation by batch statistics, with the batch's mean and biased variance as values of their own, which the gradient
 * needs, and the running statistics computed from them: running = momentum · old + (1 − momentum) · batch.
 * With momentum 0 the CPU's operator gives exactly the batch's statistics; it writes them over its inputs 3 and 4, so it
 * is given copies, and constants, which are shared, never reach it. On GPUs its training mode fails (WebGPU) or gives the
 * unbiased variance (cuDNN), and before operator set 14 there is none, so there the statistics are reductions.
 */
function batchNormalization(op: Operator, builder: GraphBuilder, m: Expressions): (Value | undefined)[] | undefined {
  const momentum = op.number('momentum', 0.9);
  const [x, scale, bias, ...old] = op.inputs as [Value, Value, Value, Value, Value];
  const itself = builder.target === 'cpu' && builder.opset >= 14 && !old.some((statistic) => statistic.constant);
  if (!op.flag('training_mode') || (itself && momentum === 0)) return undefined;
  const epsilon = op.number('epsilon', 1e-5);
  const [y, ...batch] = itself
    ? builder.ops(
        'BatchNormalization',
        [x, scale, bias, ...old.map((statistic) => m.mul(statistic, 0))],
        { epsilon, momentum: 0, training_mode: 1 },
        { outputs: 3 },
      )
    : normalizedByReductions(builder, m, [x, scale, bias], epsilon);
  const running = old.map((statistic, index) => m.add(m.mul(statistic, momentum), m.mul(batch[index]!, 1 - momentum)));
  return [y, ...running];
}

function normalizedByReductions(
  builder: GraphBuilder,
  m: Expressions,
  [x, scale, bias]: [Value, Value, Value],
  epsilon: number,
): Value[] {
  const axes = acrossChannels(x);
  const count = elementCount(x.dims) / x.dims[1]!;
  const mean = m.div(m.sum(x, axes), count);
  const centred = m.sub(x, mean);
  const variance = m.div(m.sum(m.mul(centred, centred), axes), count);
  const statistics = [mean, variance].map((value) => m.reshape(value, scale.dims));
  return [builder.op('BatchNormalization', [x, scale, bias, ...statistics], { epsilon }), ...statistics];
}
