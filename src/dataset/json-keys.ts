// The keys that a JSON text has had so far: records have the same ones in the same order, so most are only compared with the one
// expected.
import { endOfPlain } from './json-token';

/** A key as it is written in the text, with the quote that ends it. */
interface KnownKey {
  readonly bytes: Buffer;
  /** The handler's. */
  readonly name: unknown;
  /** The key that followed it last. */
  next: KnownKey | undefined;
}

export interface KnownKeys {
  /** By `placeOf`, one a place. */
  readonly places: (KnownKey | undefined)[];
  last: KnownKey | undefined;
}

interface Namer {
  name(bytes: Buffer, start: number, end: number): unknown;
}

const PLACES = 256;
/** Bytes: longer ones are not kept, so that no file takes memory by its keys. */
const LONGEST = 64;
const QUOTE = 0x22;

export function createKnownKeys(): KnownKeys {
  return { places: Array<KnownKey | undefined>(PLACES).fill(undefined), last: undefined };
}

/** The key that begins here, after its quote; undefined where it has escapes or is cut by the end of the bytes. */
export function keyAt(keys: KnownKeys, namer: Namer, bytes: Buffer, start: number): KnownKey | undefined {
  const expected = keys.last?.next;
  if (expected !== undefined && standsAt(expected.bytes, bytes, start)) return (keys.last = expected);
  const end = endOfPlain(bytes, start);
  if (end >= bytes.length || bytes[end] !== QUOTE) return undefined;
  const place = placeOf(bytes, start, end);
  let known = keys.places[place];
  if (known?.bytes.length !== end - start + 1 || !standsAt(known.bytes, bytes, start)) {
    known = { bytes: Buffer.from(bytes.subarray(start, end + 1)), name: namer.name(bytes, start, end), next: undefined };
    if (known.bytes.length > LONGEST) return known;
    keys.places[place] = known;
  }
  if (keys.last !== undefined) keys.last.next = known;
  return (keys.last = known);
}

function standsAt(known: Buffer, bytes: Buffer, start: number): boolean {
  const { length } = known;
  if (start + length > bytes.length) return false;
  for (let k = 0; k < length; k++) if (known[k] !== bytes[start + k]) return false;
  return true;
}

const placeOf = (bytes: Buffer, start: number, end: number) =>
  (31 * (end - start) + 7 * bytes[start]! + bytes[end - 1]!) & (PLACES - 1);
