// Gradient of Resize: every output is a weighted sum of inputs along each axis, so the gradient is the transposed sum.
import type { Operator } from '../operator';
import { type ResizeAxis, resizeAxes } from '../shapes/resize';
import type { GradientRule } from './rule';

export const RESIZE_GRADIENTS: Readonly<Record<string, GradientRule>> = {
  Resize: ({ op, m, inputs: [x], dy }) => {
    const axes = resizeAxes(op);
    return [
      axes.reduce((gradient, to, axis) => {
        const size = x!.dims[axis]!;
        return to.size === size && to.scale === 1 ? gradient : m.along(gradient, axis, resizeWeights(op, size, to));
      }, dy),
    ];
  },
};

/** One row for each input position, one column for each output position. */
export function resizeWeights(op: Operator, size: number, to: ResizeAxis): number[][] {
  const matrix = Array.from({ length: size }, () => new Array<number>(to.size).fill(0));
  const sample = SAMPLERS[op.string('mode', 'nearest')] ?? op.fail(`mode '${op.string('mode', '')}' is not supported`);
  if (op.flag('antialias')) op.fail('antialias is not supported');
  for (let index = 0; index < to.size; index++) {
    for (const [position, weight] of sample(op, original(op, index, size, to))) {
      const row = matrix[Math.min(Math.max(position, 0), size - 1)]!;
      row[index] = row[index]! + weight;
    }
  }
  return matrix;
}

/** Coordinates are rounded to float32 as ONNX Runtime does: which neighbour is nearest can hang on it. */
const f = Math.fround;

const COORDINATES: Readonly<Record<string, (index: number, size: number, to: ResizeAxis) => number>> = {
  half_pixel: (index, _, { scale }) => f(f(index + 0.5) / f(scale)) - 0.5,
  asymmetric: (index, _, { scale }) => f(index / f(scale)),
  align_corners: (index, size, to) => (to.size === 1 ? 0 : f((index * (size - 1)) / (to.size - 1))),
  pytorch_half_pixel: (index, _, to) => (to.size > 1 ? f(f(index + 0.5) / f(to.scale)) - 0.5 : 0),
  half_pixel_symmetric: (index, size, { size: count, scale }) => {
    const adjustment = count / (size * scale);
    return (size / 2) * (1 - adjustment) + (index + 0.5) / scale - 0.5;
  },
};

function original(op: Operator, index: number, size: number, to: ResizeAxis): number {
  const mode = op.string('coordinate_transformation_mode', 'half_pixel');
  const transform = COORDINATES[mode] ?? op.fail(`coordinate_transformation_mode '${mode}' is not supported`);
  return to.scale === 1 ? index : transform(index, size, to);
}

const ROUNDINGS: Readonly<Record<string, (x: number) => number>> = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

type Sampler = (op: Operator, x: number) => readonly (readonly [position: number, weight: number])[];

const SAMPLERS: Readonly<Record<string, Sampler>> = {
  nearest: (op, x) => {
    const mode = op.string('nearest_mode', 'round_prefer_floor');
    return [[(ROUNDINGS[mode] ?? op.fail(`nearest_mode '${mode}' is not supported`))(x), 1]];
  },
  linear: (_, x) => {
    const low = Math.floor(x);
    return [
      [low, low + 1 - x],
      [low + 1, x - low],
    ];
  },
};
