// Computes, while the graph is built, the small constant tensors that shapes are made of: what exporters write as
// Shape → Gather → Concat → Reshape becomes a known number. Big tensors are left to the runtime.
import { elementCount, type Tensor } from './model';
import type { Operator, ValueType } from './operator';
import { sliceRanges } from './shapes/slice';
import { isNumeric, numbersOf, tensorOf } from './tensors';

/** Larger results are not folded: they would be no shapes, and would swell the file. */
const MAX_ELEMENTS = 4096;

type Numbers = readonly number[];

/** The result's elements, in order; undefined where this form is not folded. */
type Fold = (op: Operator, inputs: readonly Numbers[], result: ValueType) => Numbers | undefined;

const same: Fold = (_, [x]) => x;

const unary =
  (f: (x: number) => number): Fold =>
  (_, [x]) =>
    x!.map(f);

const binary =
  (f: (a: number, b: number) => number): Fold =>
  (op, inputs, { dims }) => {
    const [a, b] = inputs.map((values, index) => spread(values, op.input(index).dims, dims));
    return a!.map((value, index) => f(value, b![index]!));
  };

const FOLDS: Readonly<Record<string, Fold | undefined>> = {
  Identity: same,
  Reshape: same,
  Flatten: same,
  Squeeze: same,
  Unsqueeze: same,
  Cast: (_, [x], { type }) =>
    type.startsWith('float') ? x : type === 'bool' ? x!.map((value) => Number(value !== 0)) : x!.map(Math.trunc),
  Neg: unary((x) => -x),
  Abs: unary(Math.abs),
  Sqrt: unary(Math.sqrt),
  Floor: unary(Math.floor),
  Ceil: unary(Math.ceil),
  Not: unary((x) => 1 - x),
  Add: binary((a, b) => a + b),
  Sub: binary((a, b) => a - b),
  Mul: binary((a, b) => a * b),
  Div: (op, inputs, result) =>
    binary(result.type.startsWith('float') ? (a, b) => a / b : (a, b) => Math.trunc(a / b))(op, inputs, result),
  Mod: (op, inputs, result) =>
    binary(op.flag('fmod') ? (a, b) => a % b : (a, b) => a - b * Math.floor(a / b))(op, inputs, result),
  Pow: binary(Math.pow),
  Min: binary(Math.min),
  Max: binary(Math.max),
  Equal: binary((a, b) => Number(a === b)),
  Greater: binary((a, b) => Number(a > b)),
  Less: binary((a, b) => Number(a < b)),
  And: binary((a, b) => a * b),
  Or: binary(Math.max),
  Where: (op, inputs, { dims }) => {
    const [condition, a, b] = inputs.map((values, index) => spread(values, op.input(index).dims, dims));
    return condition!.map((chosen, index) => (chosen ? a! : b!)[index]!);
  },
  Expand: (op, [x], { dims }) => spread(x!, op.input(0).dims, dims),
  ConstantOfShape: (op, _, { dims }) => {
    const { value } = op.node.attributes;
    return new Array<number>(elementCount(dims)).fill(value?.kind === 'tensor' ? Number(value.value.data[0]) : 0);
  },
  Range: (_, [start, , delta], { dims }) => Array.from({ length: dims[0]! }, (__, index) => start![0]! + index * delta![0]!),
  Concat: (op, inputs) => (op.axis(op.number('axis', 0)) === 0 ? inputs.flat() : undefined),
  Gather: (op, [x, indices]) => {
    const { dims } = op.input(0);
    if (op.axis(op.number('axis', 0)) !== 0) return undefined;
    const row = elementCount(dims.slice(1));
    return indices!.flatMap((index) => x!.slice(row * (index < 0 ? index + dims[0]! : index)).slice(0, row));
  },
  Slice: (op, [x]) => {
    const [range, ...more] = sliceRanges(op);
    return range && more.length === 0
      ? Array.from({ length: range.count }, (_, index) => x![range.start + index * range.step]!)
      : undefined;
  },
  ReduceProd: (_, [x], { dims }) => (elementCount(dims) === 1 ? [elementCount(x!)] : undefined),
};

/** The node's only result where it is known before the graph runs and small; otherwise undefined. */
export function foldConstant(op: Operator, result: ValueType): Tensor | undefined {
  const { type, domain } = op.node;
  if (domain !== '') return undefined;
  if (type === 'Constant') return constantOf(op, result);
  if (type === 'Shape')
    return tensorOf('int64', op.input(0).dims.slice(op.number('start', 0), op.number('end', op.input(0).dims.length)));
  if (type === 'Size') return tensorOf('int64', [elementCount(op.input(0).dims)], []);
  const fold = Object.hasOwn(FOLDS, type) ? FOLDS[type] : undefined;
  const constants = op.inputs.map((input) => input?.constant);
  const small = [result, ...constants].every(
    (tensor) => tensor !== undefined && isNumeric(tensor.type) && elementCount(tensor.dims) <= MAX_ELEMENTS,
  );
  if (!fold || !small || !isNumeric(result.type)) return undefined;
  const numbers = fold(
    op,
    constants.map((tensor) => numbersOf(tensor!)),
    result,
  );
  return numbers && tensorOf(result.type, numbers, result.dims);
}

function constantOf(op: Operator, { type, dims }: ValueType): Tensor | undefined {
  const { value } = op.node.attributes;
  if (value?.kind === 'tensor') return value.value;
  const numbers = op.numbers('value_floats') ?? op.numbers('value_ints') ?? [op.number('value_float', op.number('value_int', 0))];
  return isNumeric(type) ? tensorOf(type, numbers, dims) : undefined;
}

/** Repeats elements of shape `from` to shape `to` by broadcasting. */
function spread(values: Numbers, from: Numbers, to: Numbers): Numbers {
  const sizes = [...new Array<number>(to.length - from.length).fill(1), ...from];
  return Array.from({ length: elementCount(to) }, (_, index) => {
    let [rest, source, stride] = [index, 0, 1];
    for (let axis = to.length - 1; axis >= 0; axis--) {
      source += sizes[axis] === 1 ? 0 : (rest % to[axis]!) * stride;
      stride *= sizes[axis]!;
      rest = Math.floor(rest / to[axis]!);
    }
    return values[source]!;
  });
}
