// The blocked layout of ONNX Runtime's CPU provider, in which its convolutions are fastest, and how batches take part in it.
//
// An operator of the domain NCHWC sees [images, C, H, W] and means memory in the order [images][C / B][H][W][B]. B, the block, is
// a property of the processor. Here the images of a block stand within its rows: N images are declared as [N / B, C, H, W·B],
// in memory [N / B][C / B][H][W][B images][B channels]. A step of one pixel to the right is then a dilation of B, and, what
// this is for, the same memory read as [pixels as channels] is what the gradient of the weights needs.
import { type AttributeInput, toAttributes } from './attributes';
import type { GraphBuilder, RecordedNode } from './builder';
import { Expressions } from './expressions';
import { elementCount } from './model';
import type { Value } from './operator';

export const NCHWC = 'com.microsoft.nchwc';

/** What a convolution does in the same pass. */
export interface Fused {
  readonly bias?: Value | undefined;
  /** Is added before the activation. */
  readonly sum?: Value | undefined;
  readonly relu?: boolean;
}

export interface BlockedConvolution extends Fused {
  readonly kernel: readonly [number, number];
  /** Top, left, bottom, right, in pixels. */
  readonly pads: readonly [number, number, number, number];
  /** In place of a bias where none has a gradient, as in front of normalisation by the batch's mean. */
  readonly offset?: Value | undefined;
}

/** Operators on blocked values of one builder, which must have a block. */
export class Blocked {
  readonly block: number;
  private readonly m: Expressions;

  constructor(private readonly g: GraphBuilder) {
    this.block = g.block!;
    this.m = new Expressions(g);
  }

  op(type: string, inputs: readonly (Value | undefined)[], attributes: Readonly<Record<string, AttributeInput>> = {}): Value {
    return this.g.op(type, inputs, attributes, { domain: NCHWC });
  }

  /** [N, C, H, W] → [N / B, C, H, W·B] in blocks. N and C are multiples of B. Two passes: one general one takes twice the time of both. */
  from(plain: Value): Value {
    const [n, c, h, w] = plain.dims as [number, number, number, number];
    const { block: b, m } = this;
    const parts = m.reshape(this.op('ReorderInput', [plain]), [n / b, b, (c / b) * h * w, b]);
    return m.reshape(m.transpose(parts, [0, 2, 1, 3]), [n / b, c, h, w * b]);
  }

  /** The way back. */
  toPlain(blocked: Value): Value {
    const [groups, c, h, wide] = blocked.dims as [number, number, number, number];
    const { block: b, m } = this;
    const parts = m.reshape(blocked, [groups, ((c / b) * h * wide) / b, b, b]);
    const images = m.reshape(m.transpose(parts, [0, 2, 1, 3]), [groups * b, c, h, wide / b]);
    return this.op('ReorderOutput', [images], { channels: c });
  }

  /** Weights [O, I, kh, kw] as the blocked Conv wants them, in memory [O / B][I / B][kh][kw][B of I][B of O]; declared as before. */
  filters(weights: Value): Value {
    const [out, inside, ...kernel] = weights.dims as [number, number, ...number[]];
    const { block: b, m } = this;
    const taps = elementCount(kernel);
    const turned = this.op('ReorderInput', [m.reshape(weights, [out / b, b, 1, inside * taps])]);
    const split = m.reshape(turned, [out / b, inside / b, b, taps, b]);
    return m.reshape(m.transpose(split, taps === 1 ? [0, 1, 2, 3, 4] : [0, 1, 3, 2, 4]), weights.dims);
  }

  /** Blocked weights, each output's times its factor, [O, 1, 1, 1]. */
  scaledFilters(filters: Value, factor: Value): Value {
    const [out, inside, ...kernel] = filters.dims as [number, number, ...number[]];
    const { block: b, m } = this;
    const seen = [1, out, inside / b, elementCount(kernel) * b];
    return m.reshape(this.channelwise(m.reshape(filters, seen), factor), filters.dims);
  }

  /** Blocked weights of the convolution that leads back: kernel turned round, O and I exchanged. */
  exchanged(filters: Value): Value {
    const [out, inside, ...kernel] = filters.dims as [number, number, number, number];
    const { block: b, m } = this;
    const taps = elementCount(kernel);
    const [o, i] = [out / b, inside / b];
    const tiles = this.op('ReorderInput', [m.reshape(filters, [o * i * taps, b, 1, b])]);
    const swapped = m.transpose(m.reshape(tiles, [o, i, taps, b * b]), [1, 0, 2, 3]);
    const turned = taps === 1 ? swapped : m.slice(swapped, [2], [-1], [-(2 ** 31)], [-1]);
    return m.reshape(turned, [inside, out, ...kernel]);
  }

  /** Stride 1. */
  conv(x: Value, filters: Value, { kernel, pads, bias, sum, relu = false, offset }: BlockedConvolution): Value {
    const [top, left, bottom, right] = pads;
    const b = this.block;
    const attributes = {
      kernel_shape: kernel,
      pads: [top, left * b, bottom, right * b],
      dilations: [1, kernel[1] === 1 ? 1 : b],
      ...(relu && { activation: 'Relu' }),
    };
    if (!offset) return this.op('Conv', given(x, filters, bias, sum), attributes);
    return this.g.asOne(() => {
      const y = this.op('Conv', given(x, filters, offset, sum), attributes);
      return standIn('Conv', y, given(x, filters, undefined, sum), attributes);
    });
  }

  /** By a kernel of one pixel. */
  pointwise(x: Value, filters: Value, fused: Fused): Value {
    return this.conv(x, filters, { ...fused, kernel: [1, 1], pads: [0, 0, 0, 0] });
  }

  /** [G, C, H, W·B] → the same numbers with the images as the innermost block, in memory [G][H][W][C][B images]. */
  imagesInside(x: Value): Value {
    const [groups, c, h, wide] = x.dims as [number, number, number, number];
    const rows = this.op('ReorderOutput', [x], { channels: c, channels_last: 1 });
    return this.op('ReorderInput', [this.m.reshape(rows, [(groups * h * wide) / this.block, this.block, 1, c])]);
  }

  /** [G, C, H, W·B] → in memory [C / B][G][H][W][B images][B channels]: as weights, those of C outputs over G·H·W·B inputs. */
  channelsOutside(x: Value): Value {
    const [groups, c, h, wide] = x.dims as [number, number, number, number];
    const parts = this.m.reshape(x, [groups, c / this.block, h * wide * this.block]);
    return groups === 1 ? parts : this.m.transpose(parts, [1, 0, 2]);
  }

  /**
   * Σ kernel ⊗ seen over images and pixels, [K, S, 1, 1] as weights in blocks: all pixels are channels of a convolution. What is seen is laid
   * out anew, in two passes.
   */
  product(seen: Value, kernel: Value): Value {
    const [count, inside, out] = [this.countOf(seen), seen.dims[1]!, kernel.dims[1]!];
    const rows = this.m.reshape(this.imagesInside(seen), [1, count, 1, inside]);
    const columns = this.m.reshape(this.channelsOutside(kernel), [out, count, 1, 1]);
    return this.m.reshape(this.op('Conv', [rows, columns], { kernel_shape: [1, 1] }), [out, inside, 1, 1]);
  }

  /** Weights in blocks of a 1×1 kernel, [O, I, 1, 1] → the matrix [O, I]. */
  matrix(filters: Value): Value {
    const [out, inside] = filters.dims as [number, number];
    const plain = this.op('ReorderOutput', [this.m.reshape(filters, [1, out, 1, inside])], { channels: out });
    return this.m.reshape(plain, [out, inside]);
  }

  /** factor · x + shift, one of each a channel: as a convolution of each channel with itself it takes one pass. */
  channelwise(x: Value, factor: Value, { bias, sum, relu = false }: Fused = {}): Value {
    const c = x.dims[1]!;
    const attributes = { kernel_shape: [1, 1], group: c, ...(relu && { activation: 'Relu' }) };
    return this.op('Conv', given(x, this.m.reshape(factor, [c, 1, 1, 1]), bias, sum), attributes);
  }

  /**
   * factor · x + sum of any two values alike, by a factor without axes, in the dimensions of x: memory is read as rows of blocks, whatever
   * it means, and one pass over it does what a product and a sum do in two. The sum's memory becomes the result's where nothing else reads it.
   */
  scaledSum(x: Value, factor: Value, sum: Value): Value {
    const { block: b, m } = this;
    const [rows = 1, ...others] = x.dims;
    const seen = [1, b, rows, elementCount(others) / b];
    const y = this.channelwise(m.reshape(x, seen), m.expand(factor, [b]), { sum: m.reshape(sum, seen) });
    return m.reshape(y, x.dims);
  }

  /** Whether `scaledSum` takes a value: each of its rows is a number of blocks. */
  fits({ dims: [, ...others] }: Value): boolean {
    return others.length > 0 && elementCount(others) % this.block === 0;
  }

  /**
   * The sum over images and pixels of each channel, [C]. Each row first: one long sum would lose digits, and over the images
   * as well in one pass the CPU provider takes four times as long.
   */
  sumOfChannels(x: Value): Value {
    const [groups, c, h, wide] = x.dims as [number, number, number, number];
    const rows = this.m.reshape(x, [(groups * c) / this.block, h, wide, this.block]);
    return this.sumOfRows(this.m.sum(rows, [2], false), x);
  }

  /**
   * As sumOfChannels, of x · y. Every row of every channel is a channel here whose kernel is the row of the other: the products
   * are added up as they are made, which takes half the time of writing them down first.
   */
  sumOfProducts(x: Value, y: Value): Value {
    const [groups, c, h, wide] = x.dims as [number, number, number, number];
    const count = groups * c * h;
    const inputs = [this.m.reshape(x, [1, count, 1, wide]), this.m.reshape(y, [count, 1, 1, wide])];
    return this.sumOfRows(this.op('Conv', inputs, { kernel_shape: [1, wide], group: count }), x);
  }

  /** The rows' sums in the order of x. */
  private sumOfRows(rows: Value, { dims: [groups = 1, c = 1, h = 1] }: Value): Value {
    const { block: b, m } = this;
    return m.reshape(m.sum(m.reshape(rows, [groups, c / b, h, b]), [0, 2], false), [c]);
  }

  /** Images times pixels. */
  countOf({ dims: [groups = 1, , h = 1, wide = 1] }: Value): number {
    return groups * h * wide;
  }
}

/** A convolution's inputs without what is missing at their end. */
function given(x: Value, filters: Value, bias: Value | undefined, sum: Value | undefined): (Value | undefined)[] {
  if (sum) return [x, filters, bias, sum];
  return bias ? [x, filters, bias] : [x, filters];
}

/** A node for GraphBuilder.asOne: the operator of this domain whose gradient rule is taken for what made y. */
export function standIn(
  type: string,
  y: Value,
  inputs: readonly (Value | undefined)[],
  attributes: Readonly<Record<string, AttributeInput>>,
): RecordedNode {
  const names = inputs.map((input) => input?.name ?? '');
  const node = { name: y.name, type, domain: NCHWC, inputs: names, outputs: [y.name], attributes: toAttributes(attributes) };
  return { node, inputs, outputs: [y] };
}
