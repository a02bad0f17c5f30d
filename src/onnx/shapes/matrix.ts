// Shapes of matrix products.
import type { Operator } from '../operator';
import { broadcast, format, type ShapeRule } from './rule';

export const MATRIX_SHAPES: Readonly<Record<string, ShapeRule>> = {
  MatMul: (op) => [{ type: op.input(0).type, dims: product(op, op.input(0).dims, op.input(1).dims) }],
  Gemm: (op) => {
    const [m, k] = flipped(op.input(0).dims, op.flag('transA'));
    const [inner, n] = flipped(op.input(1).dims, op.flag('transB'));
    if (k !== inner) mismatch(op);
    return [{ type: op.input(0).type, dims: [m!, n!] }];
  },
};

/** numpy.matmul: a vector on the left is a row, on the right a column, and the added dimension is dropped again. */
function product(op: Operator, a: readonly number[], b: readonly number[]): number[] {
  const [left, right] = [a.length === 1 ? [1, ...a] : a, b.length === 1 ? [...b, 1] : b];
  if (left.at(-1) !== right.at(-2)) mismatch(op);
  const batch = broadcast(op, [left.slice(0, -2), right.slice(0, -2)]);
  return [...batch, ...(a.length === 1 ? [] : [left.at(-2)!]), ...(b.length === 1 ? [] : [right.at(-1)!])];
}

function flipped(dims: readonly number[], transposed: boolean): readonly number[] {
  return transposed ? [...dims].reverse() : dims;
}

function mismatch(op: Operator): never {
  return op.fail(`matrices ${format(op.input(0).dims)} and ${format(op.input(1).dims)} cannot be multiplied`);
}
