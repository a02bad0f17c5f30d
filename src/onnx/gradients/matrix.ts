// Gradients of matrix products.
import type { Expressions } from '../expressions';
import type { Value } from '../operator';
import type { GradientContext, GradientRule } from './rule';

export const MATRIX_GRADIENTS: Readonly<Record<string, GradientRule>> = { MatMul: matMul, Gemm: gemm };

/** y = a·b gives da = dy·bᵀ and db = aᵀ·dy, summed over what was broadcast; vectors are rows or columns. */
function matMul({ g, m, inputs: [left, right], y, dy }: GradientContext): Value[] {
  const a = left!.dims.length === 1 ? m.reshape(left!, [1, ...left!.dims]) : left!;
  const b = right!.dims.length === 1 ? m.reshape(right!, [...right!.dims, 1]) : right!;
  const batch = y.dims.slice(0, y.dims.length - (left!.dims.length > 1 ? 1 : 0) - (right!.dims.length > 1 ? 1 : 0));
  const d = m.reshape(dy, [...batch, a.dims.at(-2)!, b.dims.at(-1)!]);
  const da = m.sumTo(m.matmul(d, swapped(m, b)), a.dims);
  // Weights shared by a batch: one product over all its rows instead of one each and a sum.
  const rows = (x: Value): Value => m.reshape(x, [-1, x.dims.at(-1)!]);
  const db = b.dims.length === 2 ? g.op('Gemm', [rows(a), rows(d)], { transA: 1 }) : m.sumTo(m.matmul(swapped(m, a), d), b.dims);
  return [m.reshape(da, left!.dims), m.reshape(db, right!.dims)];
}

function swapped(m: Expressions, x: Value): Value {
  const axes = [...x.dims.keys()];
  return m.transpose(x, [...axes.slice(0, -2), axes.length - 1, axes.length - 2]);
}

function gemm({ op, g, m, inputs: [a, b, c], dy }: GradientContext): (Value | undefined)[] {
  const [transA, transB] = [op.number('transA', 0), op.number('transB', 0)];
  const product = (left: Value, right: Value, flipLeft: number, flipRight: number): Value =>
    g.op('Gemm', [left, right], { alpha: op.number('alpha', 1), transA: flipLeft, transB: flipRight });
  return [
    transA ? product(b!, dy, transB, 1) : product(dy, b!, 0, 1 - transB),
    transB ? product(dy, a!, 1, transA) : product(a!, dy, 1 - transA, 0),
    c && m.mul(m.sumTo(dy, c.dims), op.number('beta', 1)),
  ];
}
