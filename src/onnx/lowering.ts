// Operators that are replaced as they are added, because they are slow, wrong or missing in the form they come in.
import type { GraphBuilder } from './builder';
import { acrossChannels, Expressions } from './expressions';
import { elementCount } from './model';
import type { Operator, Value } from './operator';

type Lowering = (op: Operator, builder: GraphBuilder, m: Expressions) => (Value | undefined)[] | undefined;

const LOWERINGS: Readonly<Record<string, Lowering | undefined>> = {
  BatchNormalization: batchNormalization,
  ReduceSum: reduceSum,
};

/** The node's outputs, made of other nodes; undefined where the node stays as it is. */
export function lower(builder: GraphBuilder, op: Operator): (Value | undefined)[] | undefined {
  const { type, domain, name } = op.node;
  if (builder.target === 'autodiff') return undefined;
  const lowering = domain === '' && Object.hasOwn(LOWERINGS, type) ? LOWERINGS[type] : undefined;
  return lowering && builder.within(name, () => lowering(op, builder, new Expressions(builder)));
}

/**
 * Normalisation by batch statistics, with the batch's mean and biased variance as values of their own, which the gradient
 * needs, and the running statistics computed from them: running = momentum · old + (1 − momentum) · batch.
 * With momentum 0 the CPU's operator gives exactly the batch's statistics; it writes them over its inputs 3 and 4, so it
 * is given copies, and constants, which are shared, never reach it. On GPUs there is no training mode that works (WebGPU's
 * fails, CUDA's ends with operator set 13), and before operator set 14 it was another, so there the statistics are reductions.
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
    : normalizedByReductions(op, builder, m, epsilon);
  const running = old.map((statistic, index) => m.add(m.mul(statistic, momentum), m.mul(batch[index]!, 1 - momentum)));
  return [y, ...running];
}

/** y, mean and biased variance, with the gradient of the operator itself: that through the statistics has many more passes. */
function normalizedByReductions({ node, inputs }: Operator, builder: GraphBuilder, m: Expressions, epsilon: number): Value[] {
  const [x, scale, bias] = inputs as [Value, Value, Value];
  let made: Value[] = [];
  builder.asOne(() => {
    const axes = acrossChannels(x);
    const count = elementCount(x.dims) / x.dims[1]!;
    const mean = m.div(m.sum(x, axes), count);
    const centred = m.sub(x, mean);
    const variance = m.div(m.sum(m.mul(centred, centred), axes), count);
    const statistics = [mean, variance].map((value) => m.reshape(value, scale.dims));
    made = [builder.op('BatchNormalization', [x, scale, bias, ...statistics], { epsilon }), ...statistics];
    return { node: { ...node, outputs: made.map(({ name }) => name) }, inputs, outputs: made };
  });
  return made;
}

/**
 * GPU providers have a fast kernel for axes that lie side by side; for others, as the sum of every channel has them, CUDA's
 * takes a general one of cuDNN and WebGPU's transposes first. So there, run after run of neighbours is summed, the last first.
 */
function reduceSum(op: Operator, builder: GraphBuilder, m: Expressions): Value[] | undefined {
  const [x] = op.inputs as [Value];
  const given = op.axes(1);
  if (builder.target === 'cpu' || given === undefined) return undefined;
  const runs = neighbours(given);
  if (runs.length < 2) return undefined;
  const summed = runs.reduceRight((rest, axes) => m.sum(rest, axes), x);
  return [
    op.number('keepdims', 1) !== 0
      ? summed
      : m.reshape(
          summed,
          x.dims.filter((_, axis) => !given.includes(axis)),
        ),
  ];
}

/** [0, 2, 3] → [[0], [2, 3]] */
function neighbours(axes: readonly number[]): number[][] {
  const runs: number[][] = [];
  for (const axis of [...axes].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last?.at(-1) === axis - 1) last.push(axis);
    else runs.push([axis]);
  }
  return runs;
}
