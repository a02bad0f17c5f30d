// Small constant tensors as plain numbers and back.
import { TYPE_CODES } from './format';
import { type DataType, elementCount, type Tensor } from './model';

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  int32: Int32Array,
  bool: Uint8Array,
} as const;

const INT64_MAX = 2n ** 63n - 1n;

/** Types whose elements are plain numbers here; float16 and strings are carried, never computed with. */
export type NumericType = keyof typeof ARRAYS | 'int64';

export function isNumeric(type: DataType): type is NumericType {
  return type !== 'string' && type !== 'float16';
}

export function isFloat(type: DataType): boolean {
  return type === 'float32' || type === 'float64' || type === 'float16';
}

/** The element type that the file format numbers so; undefined where this project has none. */
export function dataTypeOf(code: number): DataType | undefined {
  return (Object.keys(TYPE_CODES) as DataType[]).find((type) => TYPE_CODES[type] === code);
}

/** The elements as numbers. 64-bit integers beyond 2^53, which stand for "to the end" in graphs, are rounded. */
export function numbersOf(tensor: Tensor): number[] {
  return Array.from(tensor.data as ArrayLike<number | bigint>, Number);
}

/** A tensor of the numbers, with the dimensions `dims` or else as a vector. */
export function tensorOf(type: NumericType, numbers: readonly number[], dims: readonly number[] = [numbers.length]): Tensor {
  if (type === 'int64') return { type, dims, data: BigInt64Array.from(numbers, toInt64) };
  return { type, dims, data: ARRAYS[type].from(numbers) } as Tensor;
}

export function filled(type: NumericType, value: number, dims: readonly number[]): Tensor {
  return tensorOf(type, new Array<number>(elementCount(dims)).fill(value), dims);
}

function toInt64(value: number): bigint {
  const whole = BigInt(Math.trunc(value));
  return whole > INT64_MAX ? INT64_MAX : whole;
}
