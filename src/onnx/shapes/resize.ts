// Shape and sampling of Resize: which input positions, with which weights, make an output position.
import type { Operator } from '../operator';
import { keepsType, type ShapeRule } from './rule';

export interface ResizeAxis {
  readonly size: number;
  readonly scale: number;
}

export const RESIZE_SHAPES: Readonly<Record<string, ShapeRule>> = {
  Resize: keepsType((op) => resizeAxes(op).map(({ size }) => size)),
};

/** Output size and scale of every axis. */
export function resizeAxes(op: Operator): ResizeAxis[] {
  const { dims } = op.input(0);
  if (op.string('keep_aspect_ratio_policy', 'stretch') !== 'stretch') op.fail('keep_aspect_ratio_policy is not supported');
  const axes = op.numbers('axes')?.map((axis) => op.axis(axis)) ?? dims.map((_, axis) => axis);
  const scales = nonEmpty(op.parameter(2, 'scales'));
  const sizes = nonEmpty(op.parameter(3, 'sizes'));
  return dims.map((old, axis) => {
    const at = axes.indexOf(axis);
    if (at < 0) return { size: old, scale: 1 };
    if (sizes) return { size: sizes[at]!, scale: sizes[at]! / old };
    const scale = scales?.[at] ?? op.fail('it has neither scales nor sizes');
    return { size: Math.floor(old * scale), scale };
  });
}

function nonEmpty(values: readonly number[] | undefined): readonly number[] | undefined {
  return values?.length === 0 ? undefined : values;
}
