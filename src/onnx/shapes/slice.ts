// The ranges of a Slice node, axis by axis.
import type { Operator } from '../operator';

export interface SliceRange {
  /** First position, in range. */
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

/** One entry an axis, undefined where the axis is not sliced (ONNX, operator Slice; out-of-range ends are clamped). */
export function sliceRanges(op: Operator): (SliceRange | undefined)[] {
  const { dims } = op.input(0);
  const starts = op.parameter(1, 'starts') ?? op.fail('it has no starts');
  const ends = op.parameter(2, 'ends') ?? op.fail('it has no ends');
  const axes = op.axes(3) ?? starts.map((_, axis) => axis);
  const steps = op.parameter(4, 'steps') ?? [];
  return dims.map((size, axis) => {
    const at = axes.indexOf(axis);
    return at < 0 ? undefined : range(size, starts[at]!, ends[at]!, steps[at] ?? 1);
  });
}

function range(size: number, from: number, to: number, step: number): SliceRange {
  const last = step > 0 ? size : size - 1;
  const first = step > 0 ? 0 : -1;
  const clamp = (position: number, low: number): number =>
    Math.min(Math.max(position < 0 ? position + size : position, low), last);
  const start = clamp(from, 0);
  return { start, step, count: Math.max(0, Math.ceil((clamp(to, first) - start) / step)) };
}
