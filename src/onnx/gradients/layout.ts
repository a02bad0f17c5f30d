// Gradients of operators that move elements: each moves them back, and adds where one element went to several places.
import type { Value } from '../operator';
import { sliceRanges } from '../shapes/slice';
import { type GradientContext, type GradientRule, selection } from './rule';

const reshape: GradientRule = ({ m, inputs: [x], dy }) => [m.reshape(dy, x!.dims)];

/** The most parts that one operator of a GPU makes: see bunches.ts. */
const PARTS = 7;

function concat({ op, g, m, inputs, dy }: GradientContext): Value[] {
  const axis = op.axis(op.number('axis', 0));
  if (g.target !== 'cpu' && inputs.length > 2 && inputs.length <= PARTS) {
    const sizes = g.ints(inputs.map((x) => x.dims[axis]!));
    return g.ops('Split', [dy, sizes], { axis }, { outputs: inputs.length });
  }
  let start = 0;
  return inputs.map((x) => {
    const end = start + x.dims[axis]!;
    const part = m.slice(dy, [axis], [start], [end]);
    start = end;
    return part;
  });
}

function slice({ op, m, inputs: [x], dy }: GradientContext): Value[] {
  const begins = x!.dims.map(() => 0);
  const ends = x!.dims.map(() => 0);
  let spread = dy;
  for (const [axis, range] of sliceRanges(op).entries()) {
    if (range?.step === 1) {
      begins[axis] = range.start;
      ends[axis] = x!.dims[axis]! - range.start - range.count;
    } else if (range) {
      const positions = Array.from({ length: range.count }, (_, index) => range.start + index * range.step);
      spread = m.along(spread, axis, selection(x!.dims[axis]!, positions));
    }
  }
  return [m.pad(spread, begins, ends)];
}

/** Where position `index` of a padded line comes from: outside the line for constant padding. */
const PAD_SOURCES: Readonly<Record<string, (index: number, size: number) => number>> = {
  constant: (index) => index,
  edge: (index, size) => Math.min(Math.max(index, 0), size - 1),
  wrap: (index, size) => ((index % size) + size) % size,
  reflect: (index, size) => {
    const period = Math.max(2 * (size - 1), 1);
    const offset = ((index % period) + period) % period;
    return Math.min(offset, period - offset);
  },
};

function pad({ op, m, inputs: [x], dy }: GradientContext): (Value | undefined)[] {
  const pads = op.parameter(1, 'pads')!;
  const axes = op.axes(3) ?? [...x!.dims.keys()];
  const mode = op.string('mode', 'constant');
  const source = PAD_SOURCES[mode] ?? op.fail(`mode '${mode}' is not supported`);
  const crop = (side: number): number[] =>
    x!.dims.map((_, axis) => (axes.includes(axis) ? -pads[axes.indexOf(axis) + side * axes.length]! : 0));
  if (mode === 'constant') return [m.pad(dy, crop(0), crop(1))];
  return [
    axes.reduce((gradient, axis, at) => {
      if (pads[at] === 0 && pads[at + axes.length] === 0) return gradient;
      const positions = Array.from({ length: gradient.dims[axis]! }, (_, index) => source(index - pads[at]!, x!.dims[axis]!));
      return m.along(gradient, axis, selection(x!.dims[axis]!, positions));
    }, dy),
  ];
}

function gather({ op, m, inputs: [x], dy }: GradientContext): (Value | undefined)[] {
  const axis = op.axis(op.number('axis', 0));
  const size = x!.dims[axis]!;
  const positions = op.parameter(1, 'indices')!.map((index) => (index < 0 ? index + size : index));
  const lines = m.reshape(dy, x!.dims.with(axis, positions.length));
  return [m.along(lines, axis, selection(size, positions))];
}

function tile({ op, m, inputs: [x], dy }: GradientContext): (Value | undefined)[] {
  const repeats = op.parameter(1, 'repeats')!;
  const blocks = m.reshape(
    dy,
    x!.dims.flatMap((size, axis) => [repeats[axis]!, size]),
  );
  return [
    m.reshape(
      m.sum(
        blocks,
        x!.dims.map((_, axis) => 2 * axis),
        false,
      ),
      x!.dims,
    ),
  ];
}

/** Blocks of pixels back to channels; DCR has the position in the block before the channel, CRD after it. */
function depthToSpace({ op, m, inputs: [x], dy }: GradientContext): Value[] {
  const block = op.number('blocksize', 1);
  const [n, c, h, w] = x!.dims as [number, number, number, number];
  const split = m.reshape(dy, [n, c / block ** 2, h, block, w, block]);
  const perm = op.string('mode', 'DCR') === 'DCR' ? [0, 3, 5, 1, 2, 4] : [0, 1, 3, 5, 2, 4];
  return [m.reshape(m.transpose(split, perm), x!.dims)];
}

export const LAYOUT_GRADIENTS: Readonly<Record<string, GradientRule>> = {
  Reshape: reshape,
  Flatten: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Transpose: ({ op, m, inputs: [x], dy }) => {
    const perm = op.numbers('perm') ?? [...x!.dims.keys()].reverse();
    return [
      m.transpose(
        dy,
        [...perm.keys()].map((axis) => perm.indexOf(axis)),
      ),
    ];
  },
  Expand: ({ m, inputs: [x], dy }) => [m.sumTo(dy, x!.dims)],
  Tile: tile,
  Concat: concat,
  Split: ({ op, m, outputs, upstream }) => {
    const parts = outputs.map((output, index) => upstream[index] ?? m.filled(0, output));
    return [m.concat(parts, op.axis(op.number('axis', 0)))];
  },
  Slice: slice,
  Pad: pad,
  Gather: gather,
  DepthToSpace: depthToSpace,
  SpaceToDepth: ({ g, op, dy }) => [g.op('DepthToSpace', [dy], { blocksize: op.number('blocksize', 1) })],
};
