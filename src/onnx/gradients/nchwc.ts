// Gradients of ONNX Runtime's convolution on blocked channels (see nchwc.ts), themselves such convolutions.
import { elementCount } from '../model';
import { Blocked } from '../nchwc';
import { NORMALISED_PRODUCT } from '../nchwc-norm';
import type { Value } from '../operator';
import type { GradientContext, GradientRule } from './rule';

interface Geometry {
  readonly kernel: readonly [number, number];
  /** In pixels. */
  readonly begins: readonly [number, number];
  readonly ends: readonly [number, number];
}

export const NCHWC_GRADIENTS: Readonly<Record<string, GradientRule>> = {
  Conv: (context) => {
    const { g, op, inputs, taken } = context;
    const [x, filters, bias, sum] = inputs as [Value, Value, Value | undefined, Value | undefined];
    const blocked = new Blocked(g);
    const d = masked(context);
    if (op.number('group', 1) > 1) return channelwise(context, blocked, d);
    const geometry = geometryOf(context, blocked.block);
    return [
      inputGradient(blocked, geometry, { filters, d, sum: taken(0) }),
      filterGradient(context, blocked, geometry, { x, filters, d }),
      bias && blocked.sumOfChannels(d),
      sum && d,
    ];
  },
  BatchNormalization: batchNormalization,
  [NORMALISED_PRODUCT]: normalisedProduct,
  ReorderInput: ({ g, op, dy }) => {
    const blocked = new Blocked(g);
    return [blocked.op('ReorderOutput', [dy], { channels: dy.dims[1]!, channels_last: op.number('channels_last', 0) })];
  },
  ReorderOutput: ({ g, op, dy }) => [new Blocked(g).op('ReorderInput', [dy], { channels_last: op.number('channels_last', 0) })],
};

function masked({ op, m, y, dy }: GradientContext): Value {
  return op.string('activation', '') === 'Relu' ? m.mul(dy, m.positive(y)) : dy;
}

/** Of factor · x + shift, one of each a channel. */
function channelwise({ m, inputs }: GradientContext, blocked: Blocked, d: Value): (Value | undefined)[] {
  const [x, factor, bias, sum] = inputs as [Value, Value, Value | undefined, Value | undefined];
  const products = blocked.sumOfProducts(d, x);
  return [blocked.channelwise(d, factor), m.reshape(products, factor.dims), bias && blocked.sumOfChannels(d), sum && d];
}

/**
 * By the batch's statistics (Ioffe and Szegedy, "Batch Normalization", section 3), n elements a channel: dx = factor·(d − d bias/n −
 * (x − mean)/σ · d scale/n), in two passes. Inputs 4 to 6 are mean, 1/σ and factor = scale/σ.
 */
function batchNormalization(context: GradientContext): (Value | undefined)[] {
  const { g, m, inputs } = context;
  const [x, , , sum, mean, inverse, factor] = inputs as [Value, Value, Value, Value | undefined, Value, Value, Value];
  const blocked = new Blocked(g);
  const d = masked(context);
  const dbias = blocked.sumOfChannels(d);
  const products = blocked.sumOfProducts(d, x);
  const dscale = m.mul(m.sub(products, m.mul(mean, dbias)), inverse);
  const share = m.mul(factor, -1 / blocked.countOf(x));
  const slope = m.mul(m.mul(share, inverse), dscale);
  const shift = m.sub(m.mul(share, dbias), m.mul(slope, mean));
  const correction = blocked.channelwise(x, slope, { bias: shift });
  return [blocked.channelwise(d, factor, { sum: correction }), dscale, dbias, sum && d];
}

/**
 * Of what a 1×1 convolution makes, z = W·x at n pixels, normalised by the batch's statistics, without z: with P = Σ d ⊗ x the weights' gradient is
 * factor·(P − d bias ⊗ mean of x) − slope·W·C, where C is the covariance of x and slope = factor·(1/σ)·d scale. That of x is Wᵀ·dz with dz as in
 * batchNormalization, whose part in z is −(Wᵀ·slope/n·W)·x. Inputs 5 to 10 are factor, 1/σ, the means of z and x, W·C, and the weights times factor in blocks.
 */
function normalisedProduct(context: GradientContext): (Value | undefined)[] {
  const { g, m, inputs, taken } = context;
  const [x, weights, , , sum, factor, inverse, mean, meanOfX, weightedCovariance, scaled] = inputs as [
    ...[Value, Value, Value, Value, Value | undefined],
    ...[Value, Value, Value, Value, Value, Value],
  ];
  const [out, inside] = weights.dims as [number, number];
  const blocked = new Blocked(g);
  const count = blocked.countOf(x);
  const matrix = m.reshape(weights, [out, inside]);
  const column = (vector: Value) => m.reshape(vector, [out, 1]);
  const d = masked(context);
  const dbias = blocked.sumOfChannels(d);
  const products = blocked.matrix(blocked.product(x, d));
  const dscale = m.mul(m.sub(m.sum(m.mul(products, matrix), [1], false), m.mul(mean, dbias)), inverse);
  const constant = m.mul(factor, dbias);
  const slope = m.mul(m.mul(factor, inverse), dscale);
  const centred = m.sub(m.mul(products, column(factor)), m.mul(column(constant), m.reshape(meanOfX, [1, inside])));
  const dweights = m.sub(centred, m.mul(weightedCovariance, column(slope)));
  const turned = m.transpose(m.mul(matrix, column(m.mul(slope, -1 / count))), [1, 0]);
  const through = blocked.filters(m.reshape(m.matmul(turned, matrix), [inside, inside, 1, 1]));
  const rest = m.reshape(m.mul(m.sub(m.mul(slope, mean), constant), 1 / count), [1, out]);
  const shift = m.reshape(m.matmul(rest, matrix), [inside]);
  const correction = blocked.pointwise(x, through, { bias: shift, sum: taken(0) });
  const dx = blocked.pointwise(d, blocked.exchanged(scaled), { sum: correction });
  return [dx, m.reshape(dweights, weights.dims), dscale, dbias, sum && d];
}

function geometryOf({ op }: GradientContext, block: number): Geometry {
  const [top = 0, left = 0, bottom = 0, right = 0] = op.numbers('pads') ?? [];
  const [high = 1, wide = 1] = op.numbers('kernel_shape') ?? [];
  return { kernel: [high, wide], begins: [top, left / block], ends: [bottom, right / block] };
}

/** The convolution of d with the kernel turned round; the other gradients of the input are added in the same pass. */
function inputGradient(
  blocked: Blocked,
  { kernel, begins, ends }: Geometry,
  { filters, d, sum }: { readonly filters: Value; readonly d: Value; readonly sum: Value | undefined },
): Value {
  const pads = [kernel[0] - 1 - begins[0], kernel[1] - 1 - begins[1], kernel[0] - 1 - ends[0], kernel[1] - 1 - ends[1]] as const;
  return blocked.conv(d, blocked.exchanged(filters), { kernel, pads, sum });
}

interface Factors {
  readonly x: Value;
  readonly filters: Value;
  readonly d: Value;
}

/**
 * dW[o, i, ky, kx] = Σ d[o, y, x, n] · X[i, y + ky − top, x + kx − left, n] over the rows, pixels and images of d. Rows and
 * images become the channels of a convolution that goes along the row of X with a row of d as its kernel: one for each ky.
 */
function filterGradient(context: GradientContext, blocked: Blocked, geometry: Geometry, factors: Factors): Value {
  const { m } = context;
  const { filters } = factors;
  const [out, inside, high, wide] = filters.dims as [number, number, number, number];
  const b = blocked.block;
  if (high * wide === 1) return pointwiseGradient(blocked, factors);
  const rows = Array.from({ length: high }, (_, ky) => rowGradient(context, blocked, geometry, factors, ky));
  const parts = rows.map((row) => m.reshape(row, [out / b, 1, wide, inside / b, b * b]));
  return m.reshape(m.transpose(m.concat(parts, 1), [0, 3, 1, 2, 4]), filters.dims);
}

/** Laid out anew is x, or d where that saves more than turning the gradient, which comes out with its sides exchanged then. */
function pointwiseGradient(blocked: Blocked, { x, filters, d }: Factors): Value {
  if (elementCount(x.dims) - elementCount(d.dims) <= elementCount(filters.dims)) return blocked.product(x, d);
  return blocked.exchanged(blocked.product(d, x));
}

/** [1, O, kw, I] in blocks of O. */
function rowGradient({ m }: GradientContext, blocked: Blocked, { begins, ends }: Geometry, { x, d }: Factors, ky: number): Value {
  const b = blocked.block;
  const [groups, inside, h, rowOfX] = x.dims as [number, number, number, number];
  const [, out, heightOfD, rowOfD] = d.dims as [number, number, number, number];
  const shift = ky - begins[0];
  const first = Math.max(0, -shift);
  const last = Math.min(heightOfD, h - shift);
  const images = m.reshape(blocked.imagesInside(x), [groups, h, rowOfX * inside]);
  const seen = m.slice(images, [1], [first + shift], [last + shift]);
  const outside = m.reshape(blocked.channelsOutside(d), [out / b, groups, heightOfD, rowOfD * b]);
  const kernel = m.slice(outside, [2], [first], [last]);
  const channels = groups * (last - first) * b;
  return blocked.op(
    'Conv',
    [m.reshape(seen, [1, channels, rowOfX / b, inside]), m.reshape(kernel, [out, channels, rowOfD / b, 1])],
    { kernel_shape: [rowOfD / b, 1], pads: [begins[1], 0, ends[1], 0] },
  );
}
