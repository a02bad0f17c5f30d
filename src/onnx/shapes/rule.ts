// What every shape rule is made of.
import type { Operator, ValueType } from '../operator';

/** Element type and dimensions of every output a node can have, in order. */
export type ShapeRule = (op: Operator) => readonly ValueType[];

/** The output is like input 0. */
export const sameAsInput: ShapeRule = (op) => [typeOf(op.input(0))];

export function typeOf({ type, dims }: ValueType): ValueType {
  return { type, dims };
}

/** Multidirectional broadcasting (ONNX, "Broadcasting in ONNX"). */
export function broadcast(op: Operator, shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map((dims) => dims.length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map((dims) => dims[axis - rank + dims.length] ?? 1);
    const size = sizes.find((candidate) => candidate !== 1) ?? 1;
    if (sizes.some((other) => other !== 1 && other !== size))
      op.fail(`its inputs ${shapes.map(format).join(' and ')} do not fit each other`);
    return size;
  });
}

export function format(dims: readonly number[]): string {
  return `[${dims.join(', ')}]`;
}

/** The output keeps the input's type and has the dimensions that `dimsOf` gives. */
export function keepsType(dimsOf: (op: Operator, dims: readonly number[]) => readonly number[]): ShapeRule {
  return (op) => {
    const { type, dims } = op.input(0);
    return [{ type, dims: dimsOf(op, dims) }];
  };
}
