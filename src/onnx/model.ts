// The ONNX intermediate representation that every file of this room works on: plain data, no behaviour of its own.

export type DataType =
  'float32' | 'uint8' | 'int8' | 'uint16' | 'int16' | 'int32' | 'int64' | 'string' | 'bool' | 'float16' | 'float64';

/** Element storage by type: bool as Uint8Array of 0 and 1, float16 as Uint16Array of IEEE 754 half bits, int64 as BigInt64Array. */
export interface ElementArrays {
  float32: Float32Array;
  uint8: Uint8Array;
  int8: Int8Array;
  uint16: Uint16Array;
  int16: Int16Array;
  int32: Int32Array;
  int64: BigInt64Array;
  string: string[];
  bool: Uint8Array;
  float16: Uint16Array;
  float64: Float64Array;
}

/** A dense tensor, row-major. `data.length` is the product of `dims` (1 for a scalar, whose `dims` are empty). */
export type Tensor<T extends DataType = DataType> = {
  [K in T]: { readonly type: K; readonly dims: readonly number[]; readonly data: ElementArrays[K] };
}[T];

export type Attribute =
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'tensor'; readonly value: Tensor }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'strings'; readonly value: readonly string[] }
  /** A subgraph (If, Loop, Scan): kept as bytes so that a file survives a round trip; no rule looks inside. */
  | { readonly kind: 'graph'; readonly value: Uint8Array };

export type Attributes = Readonly<Record<string, Attribute>>;

/** One node. An absent optional input or output is the empty string, as in the file format. */
export interface Node {
  readonly name: string;
  readonly type: string;
  /** '' is the standard operator set. */
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

/** A dimension is a number, a symbol such as 'N', or null where the file does not say. */
export type Dimension = number | string | null;

export interface ValueInfo {
  readonly name: string;
  readonly type: DataType;
  /** Undefined where the file gives no shape. */
  readonly dims: readonly Dimension[] | undefined;
}

/** Nodes stand in topological order. */
export interface Graph {
  readonly name: string;
  readonly nodes: readonly Node[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly initializers: ReadonlyMap<string, Tensor>;
}

export interface Model {
  readonly irVersion: number;
  /** Operator set version by domain; '' is the standard one. */
  readonly opsets: Readonly<Record<string, number>>;
  readonly producer: string;
  readonly graph: Graph;
  readonly metadata: Readonly<Record<string, string>>;
}

/** An ONNX file or graph that cannot be used as asked. `code` is stable; `message` names the file, the node and the remedy. */
export class OnnxError extends Error {
  constructor(
    readonly code: 'onnx-file' | 'onnx-format' | 'onnx-unsupported' | 'onnx-shape' | 'onnx-no-gradient' | 'onnx-size',
    message: string,
  ) {
    super(message);
    this.name = 'OnnxError';
  }
}

/** Number of elements of a tensor with these dimensions. */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}
