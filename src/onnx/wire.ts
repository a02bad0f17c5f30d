// Walks the fields of protobuf messages. What is malformed throws a plain Error; decode.ts turns it into one that names the file.
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/** A field whose tag has been read: the value comes next in `reader`. */
export interface Field {
  readonly number: number;
  readonly wire: WireType;
  readonly reader: BinaryReader;
}

export type Handlers = Readonly<Record<number, (field: Field) => void>>;

/** Calls the handler of each field in file order; fields without one are skipped, as protobuf asks of unknown fields. */
export function readFields(bytes: Uint8Array, handlers: Handlers): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, wire] = reader.tag();
    const handle = handlers[number];
    if (handle === undefined) reader.skip(wire, number);
    else handle({ number, wire, reader });
  }
}

/** A view, not a copy. */
export function bytesOf(field: Field): Uint8Array {
  expectWire(field, WireType.LengthDelimited);
  return field.reader.bytes();
}

export function textOf(field: Field): string {
  expectWire(field, WireType.LengthDelimited);
  return field.reader.string(true);
}

/** An int64; INT64_MAX and INT64_MIN, which mean "to the end", become ±2^63, all else must be exact as a number. */
export function integerOf(field: Field): number {
  expectWire(field, WireType.Varint);
  return exact(BigInt(field.reader.int64()));
}

export function floatOf(field: Field): number {
  expectWire(field, WireType.Bit32);
  return field.reader.float();
}

/** Appends a repeated int64 field in either of its forms: packed, or one tag an element. */
export function appendIntegers(field: Field, to: number[]): void {
  if (field.wire !== WireType.LengthDelimited) {
    to.push(integerOf(field));
    return;
  }
  const packed = new BinaryReader(field.reader.bytes());
  while (packed.pos < packed.len) to.push(exact(BigInt(packed.int64())));
}

/** Appends a repeated float field in either of its forms. */
export function appendFloats(field: Field, to: number[]): void {
  if (field.wire !== WireType.LengthDelimited) {
    to.push(floatOf(field));
    return;
  }
  const packed = new BinaryReader(field.reader.bytes());
  while (packed.pos < packed.len) to.push(packed.float());
}

/** The encoded elements of a repeated number field in either form, as a view: pieces joined are the packed form. */
export function packedOf(field: Field, element: WireType): Uint8Array {
  if (field.wire === WireType.LengthDelimited) return field.reader.bytes();
  expectWire(field, element);
  return field.reader.skip(field.wire, field.number);
}

function expectWire(field: Field, wire: WireType): void {
  if (field.wire !== wire) throw new Error(`field ${field.number} has wire type ${field.wire}, not ${wire}`);
}

function exact(value: bigint): number {
  const number = Number(value);
  if (Number.isSafeInteger(number) || value === 2n ** 63n - 1n || value === -(2n ** 63n)) return number;
  throw new Error(`the integer ${value.toString()} is too large`);
}
