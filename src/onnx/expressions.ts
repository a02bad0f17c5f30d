// Short spellings of the operators that gradients are made of: numbers become constants, and what changes nothing adds no node.
import type { GraphBuilder } from './builder';
import { TYPE_CODES } from './format';
import { elementCount } from './model';
import type { Value } from './operator';
import { isNumeric, type NumericType, tensorOf } from './tensors';

type Operand = Value | number;
type Dims = readonly number[];

/** Steeper than 1 over the smallest normal float32, so that every positive normal number saturates a HardSigmoid. */
const STEEP = 3e38;

/** Operators as functions of values of one builder. In `add` to `pow` and `where`, one side may be a number. */
export class Expressions {
  constructor(private readonly g: GraphBuilder) {}

  readonly add = this.binary('Add', 0);
  readonly sub = this.binary('Sub', 0);
  readonly mul = this.binary('Mul', 1);
  readonly div = this.binary('Div', 1);
  readonly pow = this.binary('Pow', 1);
  readonly greater = this.binary('Greater');
  readonly abs = this.unary('Abs');
  readonly neg = this.unary('Neg');
  readonly exp = this.unary('Exp');
  readonly log = this.unary('Log');
  readonly erf = this.unary('Erf');
  readonly sqrt = this.unary('Sqrt');
  readonly sigmoid = this.unary('Sigmoid');

  hardSigmoid(x: Value, alpha: number, beta: number): Value {
    return this.g.op('HardSigmoid', [x], { alpha, beta });
  }

  /** 1 where x > 0, else 0: one fast pass on the CPU, where comparing and selecting takes several times as long. */
  positive(x: Value): Value {
    return this.hardSigmoid(x, STEEP, 0);
  }

  /** 1 where x = 0, else 0, for x ≥ 0. */
  isZero(x: Value): Value {
    return this.hardSigmoid(x, -STEEP, 1);
  }

  /** −1, 0 or 1, as the operator Sign, which is slow on the CPU and missing on WebGPU. */
  sign(x: Value): Value {
    return this.sub(this.mul(this.hardSigmoid(x, STEEP, 0.5), 2), 1);
  }

  where(condition: Value, a: Operand, b: Operand): Value {
    const like = typeof a === 'number' ? (b as Value) : a;
    return this.g.op('Where', [condition, this.lift(a, like), this.lift(b, like)]);
  }

  cast(x: Value, { type }: Value): Value {
    return x.type === type ? x : this.g.op('Cast', [x], { to: TYPE_CODES[type] });
  }

  /** A scalar of the same type. */
  number(x: number, like: Value): Value {
    return this.g.scalar(x, numericType(like));
  }

  /** x everywhere, in the type and dimensions of `like`. */
  filled(x: number, like: Value): Value {
    return this.expand(this.number(x, like), like.dims);
  }

  matmul(a: Value, b: Value): Value {
    return this.g.op('MatMul', [a, b]);
  }

  reshape(x: Value, dims: Dims): Value {
    return sameDims(x.dims, dims) ? x : this.g.op('Reshape', [x, this.g.ints(dims)]);
  }

  expand(x: Value, dims: Dims): Value {
    return sameDims(x.dims, dims) ? x : this.g.op('Expand', [x, this.g.ints(dims)]);
  }

  transpose(x: Value, perm: Dims): Value {
    return perm.every((axis, at) => axis === at) ? x : this.g.op('Transpose', [x], { perm });
  }

  concat(xs: readonly Value[], axis: number): Value {
    return xs.length === 1 ? xs[0]! : this.g.op('Concat', xs, { axis });
  }

  slice(x: Value, axes: Dims, starts: Dims, ends: Dims, steps: Dims = axes.map(() => 1)): Value {
    const whole = axes.every((axis, at) => {
      const size = x.dims[axis]!;
      return starts[at] === 0 && ends[at]! >= size && (steps[at] === 1 || (size === 1 && steps[at]! > 0));
    });
    return whole ? x : this.g.op('Slice', [x, ...[starts, ends, axes, steps].map((xs) => this.g.ints(xs))]);
  }

  /** Adds zeros (or `fill`) before and after; negative numbers crop. Lists have one entry an axis. */
  pad(x: Value, begins: Dims, ends: Dims, fill = 0): Value {
    const first = begins.map((pad) => Math.max(0, -pad));
    const last = x.dims.map((size, axis) => size + Math.min(0, ends[axis]!));
    const cropped = this.slice(x, [...x.dims.keys()], first, last);
    const pads = [...begins, ...ends].map((pad) => Math.max(0, pad));
    return pads.every((pad) => pad === 0) ? cropped : this.g.op('Pad', [cropped, this.g.ints(pads), this.number(fill, x)]);
  }

  sum(x: Value, axes: Dims, keepdims = true): Value {
    return axes.length === 0 ? x : this.g.op('ReduceSum', [x, this.g.ints(axes)], { keepdims: Number(keepdims) });
  }

  /** Sums x over what broadcasting from `dims` to x's dimensions repeated: the gradient of broadcasting. */
  sumTo(x: Value, dims: Dims): Value {
    const extra = x.dims.length - dims.length;
    const repeated = [...x.dims.keys()].filter((axis) => axis < extra || dims[axis - extra] !== x.dims[axis]);
    return this.reshape(this.sum(x, repeated, false), dims);
  }

  /** Replaces every line x along `axis` by matrix · x. `matrix` has one row for each new position. */
  along(x: Value, axis: number, matrix: readonly Dims[]): Value {
    const [before, after] = [x.dims.slice(0, axis), x.dims.slice(axis + 1)];
    const columns = x.dims[axis]!;
    const inner = elementCount(after);
    const lines = this.reshape(x, [elementCount(before), columns, ...(inner === 1 ? [] : [inner])]);
    const transposed = (): number[][] => Array.from({ length: columns }, (_, column) => matrix.map((row) => row[column]!));
    const rows = inner === 1 ? transposed() : matrix;
    const factor = this.g.constant(tensorOf(numericType(x), rows.flat(), [rows.length, rows[0]!.length]), 'matrix');
    const product = inner === 1 ? this.matmul(lines, factor) : this.matmul(factor, lines);
    return this.reshape(product, [...before, matrix.length, ...after]);
  }

  private lift(x: Operand, like: Value): Value {
    return typeof x === 'number' ? this.number(x, like) : x;
  }

  private unary(type: string): (x: Value) => Value {
    return (x) => this.g.op(type, [x]);
  }

  /** `neutral` is the right operand that leaves the left one as it is. */
  private binary(type: string, neutral?: number): (a: Operand, b: Operand) => Value {
    return (a, b) => {
      if (typeof a === 'number') return this.g.op(type, [this.lift(a, b as Value), b as Value]);
      return b === neutral ? a : this.g.op(type, [a, this.lift(b, a)]);
    };
  }
}

/** Every axis but the channels'. */
export function acrossChannels({ dims }: Value): number[] {
  return [...dims.keys()].filter((axis) => axis !== 1);
}

function numericType({ type }: Value): NumericType {
  return isNumeric(type) ? type : 'float32';
}

function sameDims(a: Dims, b: Dims): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}
