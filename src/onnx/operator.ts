// What a rule (of shapes, of folding, of gradients) sees of one node: its inputs as values and its parameters as numbers.
import { numberAttribute, numbersAttribute, stringAttribute } from './attributes';
import { type DataType, type Node, OnnxError, type Tensor } from './model';
import { numbersOf } from './tensors';

export interface ValueType {
  readonly type: DataType;
  readonly dims: readonly number[];
}

/** A value of a graph under construction. */
export interface Value extends ValueType {
  readonly name: string;
  /** Where the value is known before the graph runs. */
  readonly constant?: Tensor;
}

export class Operator {
  constructor(
    readonly node: Node,
    readonly inputs: readonly (Value | undefined)[],
    private readonly code: 'onnx-shape' | 'onnx-no-gradient',
  ) {}

  input(index: number): Value {
    return this.inputs[index] ?? this.fail(`its input ${index} is missing`);
  }

  has(index: number): boolean {
    return this.inputs[index] !== undefined;
  }

  number(name: string, fallback: number): number {
    return numberAttribute(this.node.attributes, name) ?? fallback;
  }

  flag(name: string): boolean {
    return this.number(name, 0) !== 0;
  }

  string(name: string, fallback: string): string {
    return stringAttribute(this.node.attributes, name) ?? fallback;
  }

  numbers(name: string): readonly number[] | undefined {
    return numbersAttribute(this.node.attributes, name);
  }

  /**
   * A parameter that is the constant input `index`, or, in older operator sets, the attribute `name`; undefined where left out.
   * @throws OnnxError where the input is computed while the graph runs
   */
  parameter(index: number, name: string): readonly number[] | undefined {
    const value = this.inputs[index];
    if (value === undefined) return this.numbers(name);
    if (value.constant === undefined) this.fail(`its input ${index} (${name}) is not known before the graph runs`);
    return numbersOf(value.constant);
  }

  /** An axis as a non-negative number. */
  axis(axis: number, rank = this.input(0).dims.length): number {
    if (axis < -rank || axis >= rank) this.fail(`axis ${axis} is outside its ${rank} dimensions`);
    return axis < 0 ? axis + rank : axis;
  }

  /** The parameter `axes`, non-negative; undefined where left out. */
  axes(index: number): readonly number[] | undefined {
    return this.parameter(index, 'axes')?.map((axis) => this.axis(axis));
  }

  fail(why: string): never {
    throw new OnnxError(this.code, `${this.node.type} node '${this.node.name}' (domain '${this.node.domain}'): ${why}.`);
  }
}
