// What the rule of an operator sees: one node, with its inputs as TensorFlow.js tensors.
import type { DataType } from '../../../onnx/model';
import type { Operator, Value } from '../../../onnx/operator';
import type { Tf4D, TensorFlow, TfTensor } from './module';

/**
 * A value in memory. TensorFlow.js convolves images whose channels come last, ONNX says they come second: what `last` marks has
 * four axes N, C, H, W and lies in memory as N, H, W, C, until an operator needs it otherwise.
 */
export interface Held {
  readonly tensor: TfTensor;
  readonly last: boolean;
}

/** Where axis k of N, C, H, W lies when channels come last. */
export const PLACE = [0, 3, 1, 2] as const;

const TO_LAST = [0, 2, 3, 1];
const FROM_LAST = [0, 3, 1, 2];

/** The values of a node's outputs, in order. */
export type Rule = (call: Call) => readonly Held[];
export type Rules = Readonly<Record<string, Rule>>;

export function plain(tensor: TfTensor): readonly [Held] {
  return [{ tensor, last: false }];
}

export function last(tensor: TfTensor): readonly [Held] {
  return [{ tensor, last: true }];
}

/** The result of `make`, kept for as long as the session, where the value that it is made of is a constant of the graph. */
export type Prepare = (index: number, what: string, make: () => TfTensor) => TfTensor;

export class Call {
  constructor(
    readonly tf: TensorFlow,
    readonly op: Operator,
    private readonly values: readonly (Held | undefined)[],
    private readonly results: readonly (Value | undefined)[],
    readonly prepared: Prepare,
  ) {}

  /** Of the first output, as ONNX has them. */
  resultDims(): number[] {
    return [...(this.results[0]?.dims ?? [])];
  }

  held(index: number): Held {
    return this.values[index] ?? this.op.fail(`its input ${index} is missing`);
  }

  /** The input with its axes as ONNX has them. */
  plain(index = 0): TfTensor {
    return inOrder(this.tf, this.held(index));
  }

  /** The input, of four axes, with its channels last. */
  last(index = 0): Tf4D {
    const { tensor, last: already } = this.held(index);
    return (already ? tensor : moved(this.tf, tensor, TO_LAST)) as Tf4D;
  }

  dims(index = 0): readonly number[] {
    return this.op.input(index).dims;
  }

  /** The inputs `indexes` (all, if left out) laid out alike, so that they can be combined element by element. */
  aligned(indexes = [...this.values.keys()]): { readonly tensors: readonly TfTensor[]; readonly last: boolean } {
    const held = indexes.map((index) => this.held(index));
    const isLast = held.some((value) => value.last) && held.every(({ tensor }) => tensor.rank <= 4);
    const tensors = held.map((value) => (isLast ? this.asLast(value) : inOrder(this.tf, value)));
    return { tensors, last: isLast };
  }

  private asLast({ tensor, last: already }: Held): TfTensor {
    if (already || tensor.size === 1) return tensor;
    const shape = [...new Array<number>(4 - tensor.rank).fill(1), ...tensor.shape];
    return moved(this.tf, this.tf.reshape(tensor, shape), TO_LAST);
  }
}

export function inOrder(tf: TensorFlow, { tensor, last: isLast }: Held): TfTensor {
  return isLast ? moved(tf, tensor, FROM_LAST) : tensor;
}

/** Where at most one of the three axes that change places is longer than 1, nothing moves. */
function moved(tf: TensorFlow, tensor: TfTensor, perm: readonly number[]): TfTensor {
  const shape = perm.map((axis) => tensor.shape[axis]!);
  const isLine = shape.slice(1).filter((size) => size > 1).length <= 1;
  return isLine ? tf.reshape(tensor, shape) : tf.transpose(tensor, [...perm]);
}

/** TensorFlow.js has one floating-point type and one of integers. */
export function dtypeOf(op: Operator, type: DataType): 'float32' | 'int32' | 'bool' {
  if (type === 'float32' || type === 'bool') return type;
  return /^u?int/.test(type) ? 'int32' : op.fail(`TensorFlow.js has no ${type}: use the engine onnxruntime`);
}
