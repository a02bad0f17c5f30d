// Batch normalisation on blocked channels (see nchwc.ts): the moments by sums, then scale, shift, shortcut and Relu in one pass; or, of what a 1×1
// convolution makes, the moments by those of what it reads, and all else within that convolution.
import type { GraphBuilder, RecordedNode } from './builder';
import { Expressions } from './expressions';
import { Blocked, type Fused, standIn } from './nchwc';
import type { Value } from './operator';

interface Norm extends Pick<Fused, 'sum' | 'relu'> {
  readonly scale: Value;
  readonly bias: Value;
  readonly epsilon: number;
}

/** What was normalised by the batch, and its moments, [C] each. */
export interface ByBatch {
  readonly y: Value;
  readonly mean: Value;
  readonly variance: Value;
}

/** By given statistics, [C] each. */
export function normalised(g: GraphBuilder, x: Value, mean: Value, variance: Value, norm: Norm): Value {
  const { factor, fused } = affine(g, mean, variance, norm);
  return new Blocked(g).channelwise(x, factor, fused);
}

/**
 * By the batch's own mean and biased variance, which are answered too. The variance is the mean of the squares less the square
 * of the mean: x should lie around zero. To gradients it is one node, whose rule is in gradients/nchwc.ts.
 */
export function normalisedByBatch(g: GraphBuilder, x: Value, norm: Norm): ByBatch {
  const m = new Expressions(g);
  const blocked = new Blocked(g);
  const share = 1 / blocked.countOf(x);
  return asOneWithMoments(g, () => {
    const mean = m.mul(blocked.sumOfChannels(x), share);
    const squares = m.mul(blocked.sumOfProducts(x, x), share);
    const variance = g.op('Relu', [m.sub(squares, m.mul(mean, mean))]);
    const { factor, inverse, fused, activation } = affine(g, mean, variance, norm);
    const y = blocked.channelwise(x, factor, fused);
    const inputs = [x, norm.scale, norm.bias, norm.sum, mean, inverse, factor];
    return { y, mean, variance, one: standIn('BatchNormalization', y, inputs, activation) };
  });
}

/** The type of the node that stands for a `normalisedProduct` where gradients are taken: their rule has this name. */
export const NORMALISED_PRODUCT = 'NormalisedProduct';

/**
 * Whether `normalisedProduct` takes less time than a 1×1 convolution and its normalisation one after the other: it saves passes over count · out
 * numbers and does 4 · inside² · (count + out) multiplications and additions more. Of ResNet-50's layers at a batch of 16 (docs/performance.md) it took
 * less time where inside² · (1 / out + 1 / count) was at most 85, as much at 462, and between them there is none.
 */
export function paysOff(out: number, inside: number, count: number): boolean {
  return inside ** 2 * (1 / out + 1 / count) < 200;
}

/**
 * The product z of weights W, [O, I, 1, 1], and each pixel of x, normalised by the batch's own mean and biased variance, which are answered too.
 * They are made of the mean and the covariance C of x: the mean of z is W times that of x, its variance the diagonal of W·C·Wᵀ. So nothing looks
 * at z, which in a residual network has four times as many channels as x: scale and shift are part of the weights. Held for the gradients is, in
 * place of z, x once more in the layout that sums of products need.
 *
 * In single precision x should lie around zero, as behind a ReLU it does: where its mean is m times its standard deviation, the variance is off by some
 * 1e-6 · m² of itself (measured: 1e-4 at 10).
 */
export function normalisedProduct(g: GraphBuilder, x: Value, weights: Value, norm: Norm): ByBatch {
  const m = new Expressions(g);
  const blocked = new Blocked(g);
  const [out, inside] = weights.dims as [number, number];
  const share = 1 / blocked.countOf(x);
  return asOneWithMoments(g, () => {
    const matrix = m.reshape(weights, [out, inside]);
    const meanOfX = m.mul(blocked.sumOfChannels(x), share);
    const squares = m.mul(blocked.matrix(blocked.product(x, x)), share);
    const covariance = m.sub(squares, m.mul(m.reshape(meanOfX, [inside, 1]), m.reshape(meanOfX, [1, inside])));
    const mean = m.reshape(m.matmul(matrix, m.reshape(meanOfX, [inside, 1])), [out]);
    const weightedCovariance = m.matmul(matrix, covariance);
    const variance = g.op('Relu', [m.sum(m.mul(weightedCovariance, matrix), [1], false)]);
    const { factor, inverse, fused, activation } = affine(g, mean, variance, norm);
    const scaled = blocked.scaledFilters(blocked.filters(weights), factor);
    const y = blocked.pointwise(x, scaled, fused);
    const inputs = [x, weights, norm.scale, norm.bias, norm.sum, factor, inverse, mean, meanOfX, weightedCovariance, scaled];
    return { y, mean, variance, one: standIn(NORMALISED_PRODUCT, y, inputs, activation) };
  });
}

/** Adds what is one node to gradients, and whose moments are values that running statistics are made of. */
function asOneWithMoments(g: GraphBuilder, build: () => ByBatch & { readonly one: RecordedNode }): ByBatch {
  let found: ByBatch;
  g.asOne(() => {
    const { one, ...made } = build();
    found = made;
    return one;
  });
  return found!;
}

function affine(g: GraphBuilder, mean: Value, variance: Value, { scale, bias, epsilon, sum, relu }: Norm) {
  const m = new Expressions(g);
  const inverse = m.div(1, m.sqrt(m.add(variance, epsilon)));
  const factor = m.mul(scale, inverse);
  const fused: Fused = { bias: m.sub(bias, m.mul(mean, factor)), sum, ...(relu && { relu }) };
  return { inverse, factor, fused, activation: relu ? ({ activation: 'Relu' } as const) : {} };
}
