// Gradients of pools. Both kinds are separable: they are undone one axis at a time, with as many taps as the kernel is long.
import type { Expressions } from '../expressions';
import { elementCount } from '../model';
import type { Value } from '../operator';
import { extent, slidingWindow, type Window } from '../shapes/window';
import { type GradientContext, type GradientRule, selection, toFirst } from './rule';

export const POOLING_GRADIENTS: Readonly<Record<string, GradientRule>> = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: ({ m, inputs: [x], dy }) => [m.expand(m.div(dy, elementCount(x!.dims.slice(2))), x!.dims)],
  GlobalMaxPool: ({ m, inputs: [x], y, dy }) => {
    const mask = m.isZero(m.sub(y, x!));
    return [m.mul(m.div(dy, m.sumTo(mask, y.dims)), mask)];
  },
};

function windowOf({ op, inputs: [x] }: GradientContext): Window {
  return slidingWindow(op, x!.dims.slice(2), op.numbers('kernel_shape')!);
}

/** Input position that tap `tap` of window `index` sees, on a spatial axis. */
function seen({ strides, dilations, begins }: Window, axis: number, index: number, tap: number): number {
  return index * strides[axis]! + tap * dilations[axis]! - begins[axis]!;
}

/** The mean's share of each input, as a matrix [inputs, windows] for each axis, applied in turn. */
function averagePool(context: GradientContext): Value[] {
  const {
    op,
    m,
    inputs: [x],
    dy,
  } = context;
  const window = windowOf(context);
  const sizes = x!.dims.slice(2);
  return [
    sizes.reduce((gradient, size, axis) => {
      const matrix = shares(window, axis, size, op.flag('count_include_pad'));
      return m.along(gradient, axis + 2, matrix);
    }, dy),
  ];
}

function shares(window: Window, axis: number, size: number, countPadding: boolean): number[][] {
  const matrix = Array.from({ length: size }, () => new Array<number>(window.counts[axis]!).fill(0));
  const [low, high] = countPadding ? [-window.begins[axis]!, size + window.ends[axis]!] : [0, size];
  for (let index = 0; index < window.counts[axis]!; index++) {
    const positions = Array.from({ length: window.kernel[axis]! }, (_, tap) => seen(window, axis, index, tap));
    const counted = positions.filter((position) => position >= low && position < high).length;
    for (const position of positions) if (position >= 0 && position < size) matrix[position]![index] = 1 / counted;
  }
  return matrix;
}

/**
 * The first maximum in row-major order takes the whole gradient. The maximum of rows of maxima finds it too: the first row
 * that has it, then the first in that row. So the pool is redone axis by axis from the last, and undone from the first.
 */
function maxPool(context: GradientContext): Value[] {
  const {
    g,
    op,
    inputs: [x],
    y,
    dy,
  } = context;
  // Column-major places would be others than those of the numbers in memory.
  const saysPlaces = g.target === 'cpu' && !op.flag('storage_order');
  if (saysPlaces && g.opset >= FIRST_WITH_ADDING_SCATTER) return [scattered(context)];
  const window = windowOf(context);
  const spatial = [...window.kernel.keys()];
  const stages = [x!];
  for (const axis of spatial.slice(1).reverse()) stages.unshift(maxAlong(context, stages[0]!, window, axis));
  const results = [y, ...stages];
  return [
    spatial.reduce(
      (gradient, axis) => undo(context, window, axis, { x: results[axis + 1]!, y: results[axis]!, dy: gradient }),
      dy,
    ),
  ];
}

const FIRST_WITH_ADDING_SCATTER = 16;

/**
 * Each number of dy is added where the pool found its maximum, the first in row-major order too. On the CPU this takes half to two thirds
 * of the time of the other form; no GPU provider's pool says where its maxima were. A window without
 * a maximum, all of it not a number, gives its share to any place: such a step has lost its training before.
 */
function scattered({ g, m, inputs: [x], y, dy }: GradientContext): Value {
  const line = (value: Value) => m.reshape(value, [elementCount(value.dims)]);
  const zeros = m.filled(0, line(x!));
  return m.reshape(g.op('ScatterElements', [zeros, line(g.second(y)), line(dy)], { axis: 0, reduction: 'add' }), x!.dims);
}

/** The pool on one spatial axis alone. */
function maxAlong({ g, op }: GradientContext, x: Value, window: Window, axis: number): Value {
  const only = (values: readonly number[], otherwise: number): number[] =>
    values.map((value, other) => (other === axis ? value : otherwise));
  return g.op('MaxPool', [x], {
    kernel_shape: only(window.kernel, 1),
    strides: only(window.strides, 1),
    dilations: only(window.dilations, 1),
    pads: [...only(window.begins, 0), ...only(window.ends, 0)],
    ceil_mode: op.number('ceil_mode', 0),
  });
}

/** Below every number that an activation can be, and finite: minus infinity less itself would be no number. */
const LOWEST = -3e38;

interface Stage {
  readonly x: Value;
  readonly y: Value;
  readonly dy: Value;
}

function undo({ m }: GradientContext, window: Window, axis: number, { x, y, dy }: Stage): Value {
  const at = axis + 2;
  const [size, count, stride] = [x.dims[at]!, window.counts[axis]!, window.strides[axis]!];
  const begin = window.begins[axis]!;
  const end = (count - 1) * stride + extent(window.kernel[axis]!, window.dilations[axis]!) - begin - size;
  const only = (value: number): number[] => x.dims.map((_, other) => (other === at ? value : 0));
  const line = m.pad(x, only(begin), only(end), LOWEST);
  const taps = Array.from({ length: window.kernel[axis]! }, (_, tap) => {
    const start = tap * window.dilations[axis]!;
    return m.slice(line, [at], [start], [start + (count - 1) * stride + 1], [stride]);
  });
  const distances = taps.map((tap) => m.sub(y, tap));
  const shared = toFirst(m, dy, distances);
  if (window.dilations[axis] === 1 && stride <= taps.length) return spread(m, shared, at, { stride, begin, size });
  const positions = taps.flatMap((_, tap) => Array.from({ length: count }, (__, index) => seen(window, axis, index, tap)));
  return m.along(m.concat(shared, at), at, selection(size, positions));
}

/**
 * Adds up what the taps of windows next to each other gave back, where tap t of window i saw position i · stride + t − begin:
 * the positions of one remainder by the stride are lines of their own, which are then laid between one another.
 */
function spread(
  m: Expressions,
  taps: readonly Value[],
  at: number,
  { stride, begin, size }: { readonly stride: number; readonly begin: number; readonly size: number },
): Value {
  const { dims } = taps[0]!;
  const last = Math.floor((taps.length - 1) / stride);
  const only = (value: number): number[] => dims.map((_, axis) => (axis === at ? value : 0));
  const lines = Array.from({ length: stride }, (_, first) => {
    const moved = taps.flatMap((tap, t) => {
      const shift = (t - first) / stride;
      return Number.isInteger(shift) ? [m.pad(tap, only(shift), only(last - shift))] : [];
    });
    return moved.reduce((sum, line) => m.add(sum, line));
  });
  const apart = lines.map((line) => m.reshape(line, [...line.dims.slice(0, at + 1), 1, ...line.dims.slice(at + 1)]));
  const together = m.concat(apart, at + 1);
  const whole = m.reshape(together, [...dims.slice(0, at), (dims[at]! + last) * stride, ...dims.slice(at + 1)]);
  return m.pad(whole, only(-begin), only(size + begin - whole.dims[at]!));
}
