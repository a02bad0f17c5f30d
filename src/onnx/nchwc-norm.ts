// Batch normalisation on blocked channels (see nchwc.ts): the moments by sums, then scale, shift, shortcut and Relu in one pass.
import type { GraphBuilder } from './builder';
import { Expressions } from './expressions';
import { Blocked, type Fused, standIn } from './nchwc';
import type { Value } from './operator';

interface Norm extends Pick<Fused, 'sum' | 'relu'> {
  readonly scale: Value;
  readonly bias: Value;
  readonly epsilon: number;
}

/** By given statistics, [C] each. */
export function normalised(g: GraphBuilder, x: Value, mean: Value, variance: Value, norm: Norm): Value {
  const { factor, shift } = affine(g, mean, variance, norm);
  return new Blocked(g).channelwise(x, factor, { bias: shift, sum: norm.sum, relu: norm.relu === true });
}

/**
 * By the batch's own mean and biased variance, which are answered too. The variance is the mean of the squares less the square
 * of the mean: x should lie around zero. To gradients it is one node, whose rule is in gradients/nchwc.ts.
 */
export function normalisedByBatch(g: GraphBuilder, x: Value, norm: Norm): { y: Value; mean: Value; variance: Value } {
  const m = new Expressions(g);
  const blocked = new Blocked(g);
  const share = 1 / blocked.countOf(x);
  const statistics: Value[] = [];
  const y = g.asOne(() => {
    const mean = m.mul(blocked.sumOfChannels(x), share);
    const squares = m.mul(blocked.sumOfProducts(x, x), share);
    const variance = g.op('Relu', [m.sub(squares, m.mul(mean, mean))]);
    statistics.push(mean, variance);
    const { factor, inverse, shift } = affine(g, mean, variance, norm);
    const y = blocked.channelwise(x, factor, { bias: shift, sum: norm.sum, relu: norm.relu === true });
    const inputs = [x, norm.scale, norm.bias, norm.sum, mean, inverse, factor];
    return standIn('BatchNormalization', y, inputs, norm.relu === true ? { activation: 'Relu' } : {});
  });
  const [mean, variance] = statistics as [Value, Value];
  return { y, mean, variance };
}

function affine(g: GraphBuilder, mean: Value, variance: Value, { scale, bias, epsilon }: Norm) {
  const m = new Expressions(g);
  const inverse = m.div(1, m.sqrt(m.add(variance, epsilon)));
  const factor = m.mul(scale, inverse);
  return { inverse, factor, shift: m.sub(bias, m.mul(mean, factor)) };
}
