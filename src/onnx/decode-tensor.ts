// Reads one tensor of an ONNX file: raw bytes in place where they are aligned, the typed fields, and data kept in another file.
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { ENTRY, TENSOR, TYPE_CODES } from './format';
import { elementCount, OnnxError } from './model';
import type { DataType, ElementArrays, Tensor } from './model';
import { appendIntegers, bytesOf, integerOf, packedOf, readFields, textOf } from './wire';

/**
 * Gives `length` bytes from byte `offset` of the file that a model keeps beside itself as `location` (a relative path).
 * @throws OnnxError where the file lies outside the model's folder, is missing or is too short.
 */
export type ExternalData = (location: string, offset: number, length: number) => Uint8Array;

export interface Context {
  /** The file as errors name it. */
  readonly source: string;
  readonly external: ExternalData | undefined;
}

const TYPES = new Map(Object.entries(TYPE_CODES).map(([type, code]) => [code, type as DataType]));

const ELEMENTS = {
  float32: Float32Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
  float16: Uint16Array,
  float64: Float64Array,
} as const;

type NumericType = keyof typeof ELEMENTS;

/** The tensor's fields as they stand in the file. */
interface Parts {
  name: string;
  dims: number[];
  type: number;
  raw: Uint8Array | undefined;
  strings: string[];
  /** Encoded elements of the typed fields. */
  typed: Map<number, Uint8Array[]>;
  external: Map<string, string>;
  location: number;
}

/** The element type with this number in the format. `where` says in an error whose type it is. */
export function dataType(code: number, where: string, context: Context): DataType {
  const type = TYPES.get(code);
  if (type !== undefined) return type;
  const remedy = 'Export it with float32 weights.';
  throw new OnnxError(
    'onnx-unsupported',
    `${context.source}: ${where} has element type ${code}, which is not supported. ${remedy}`,
  );
}

/** A TensorProto, with its name ('' where it has none). */
export function decodeTensor(bytes: Uint8Array, context: Context): { name: string; tensor: Tensor } {
  const parts = readParts(bytes);
  const where = `tensor '${parts.name}'`;
  const type = dataType(parts.type, where, context);
  if (parts.dims.some((dim) => dim < 0) || !Number.isSafeInteger(elementCount(parts.dims))) {
    throw new OnnxError('onnx-format', `${context.source}: ${where} has impossible dimensions [${parts.dims.join(', ')}].`);
  }
  return { name: parts.name, tensor: type === 'string' ? stringTensor(parts, context) : numericTensor(parts, type, context) };
}

function readParts(bytes: Uint8Array): Parts {
  const parts: Parts = {
    name: '',
    dims: [],
    type: 0,
    raw: undefined,
    strings: [],
    typed: new Map(),
    external: new Map(),
    location: 0,
  };
  const typed = (element: WireType) => (field: Parameters<typeof packedOf>[0]) => {
    const pieces = parts.typed.get(field.number) ?? [];
    pieces.push(packedOf(field, element));
    parts.typed.set(field.number, pieces);
  };
  readFields(bytes, {
    [TENSOR.dims]: (field) => appendIntegers(field, parts.dims),
    [TENSOR.type]: (field) => (parts.type = integerOf(field)),
    [TENSOR.segment]: () => refuseSegment(),
    [TENSOR.name]: (field) => (parts.name = textOf(field)),
    [TENSOR.raw]: (field) => (parts.raw = bytesOf(field)),
    [TENSOR.string]: (field) => parts.strings.push(textOf(field)),
    [TENSOR.float]: typed(WireType.Bit32),
    [TENSOR.double]: typed(WireType.Bit64),
    [TENSOR.int32]: typed(WireType.Varint),
    [TENSOR.int64]: typed(WireType.Varint),
    [TENSOR.external]: (field) => readExternalEntry(bytesOf(field), parts.external),
    [TENSOR.location]: (field) => (parts.location = integerOf(field)),
  });
  return parts;
}

function refuseSegment(): never {
  throw new Error('a tensor is stored in segments');
}

function readExternalEntry(bytes: Uint8Array, to: Map<string, string>): void {
  let key = '';
  let value = '';
  readFields(bytes, { [ENTRY.key]: (field) => (key = textOf(field)), [ENTRY.value]: (field) => (value = textOf(field)) });
  to.set(key, value);
}

function stringTensor(parts: Parts, context: Context): Tensor {
  if (parts.strings.length !== elementCount(parts.dims)) wrongLength(parts, `${parts.strings.length} strings`, context);
  return { type: 'string', dims: parts.dims, data: parts.strings };
}

function numericTensor(parts: Parts, type: NumericType, context: Context): Tensor {
  const count = elementCount(parts.dims);
  const raw = rawOf(parts, count * ELEMENTS[type].BYTES_PER_ELEMENT, context);
  const data = raw === undefined ? typedElements(parts, type, count, context) : view(type, raw);
  if (data.length !== count) wrongLength(parts, `${raw?.byteLength ?? 0} bytes`, context);
  return { type, dims: parts.dims, data } as Tensor;
}

/** The raw bytes of exactly the expected length, or undefined where the elements stand in a typed field. */
function rawOf(parts: Parts, expected: number, context: Context): Uint8Array | undefined {
  const raw = parts.location === 1 ? externalBytes(parts, expected, context) : parts.raw;
  if (raw === undefined || (raw.byteLength === 0 && parts.typed.size > 0)) return undefined;
  if (raw.byteLength !== expected) wrongLength(parts, `${raw.byteLength} bytes`, context);
  return raw;
}

function externalBytes(parts: Parts, expected: number, context: Context): Uint8Array {
  if (context.external === undefined) {
    const remedy = 'Open it from its folder, or save it as one file.';
    throw new OnnxError(
      'onnx-unsupported',
      `${context.source} keeps the data of tensor '${parts.name}' in another file. ${remedy}`,
    );
  }
  const offset = Number(parts.external.get('offset') ?? '0');
  const length = Number(parts.external.get('length') ?? expected);
  const location = parts.external.get('location') ?? '';
  if (!Number.isSafeInteger(offset) || offset < 0 || length !== expected || location === '') {
    wrongLength(parts, `bytes ${offset} to ${offset + length} of '${location}'`, context);
  }
  return context.external(location, offset, length);
}

function wrongLength(parts: Parts, found: string, context: Context): never {
  const shape = `[${parts.dims.join(', ')}]`;
  const remedy = 'The file is damaged: export or download it again.';
  throw new OnnxError(
    'onnx-format',
    `${context.source}: tensor '${parts.name}' of dimensions ${shape} has ${found}, which do not fit. ${remedy}`,
  );
}

/** Elements of the typed fields: 64-bit integers in one of their own, all smaller ones and float16 bits as int32. */
function typedElements(parts: Parts, type: NumericType, count: number, context: Context): ElementArrays[NumericType] {
  if (type === 'float32') return view(type, joined(parts.typed.get(TENSOR.float) ?? []));
  if (type === 'float64') return view(type, joined(parts.typed.get(TENSOR.double) ?? []));
  const packed = joined(parts.typed.get(type === 'int64' ? TENSOR.int64 : TENSOR.int32) ?? []);
  // Every varint takes a byte, so a hostile count is refused before anything of its size is allocated.
  if (count > packed.length) wrongLength(parts, `${packed.length} bytes`, context);
  const reader = new BinaryReader(packed);
  const data = new ELEMENTS[type](count);
  let at = 0;
  for (; at < count && reader.pos < reader.len; at++) {
    data[at] = type === 'int64' ? BigInt(reader.int64()) : reader.int32();
  }
  if (at < count || reader.pos < reader.len) wrongLength(parts, 'another number of elements', context);
  return data;
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length === 1) return pieces[0]!;
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.byteLength, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.byteLength;
  }
  return bytes;
}

/** Typed elements over little-endian bytes: in place where they are aligned, otherwise one copy. */
function view(type: NumericType, bytes: Uint8Array): ElementArrays[NumericType] {
  const Elements = ELEMENTS[type];
  const size = Elements.BYTES_PER_ELEMENT;
  const aligned = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  return new Elements(aligned.buffer as ArrayBuffer, aligned.byteOffset, Math.floor(aligned.byteLength / size));
}
