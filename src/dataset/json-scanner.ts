// A push scanner for JSON of any size: feed it bytes in pieces cut anywhere, and a handler is told of the keys and values
// that it wants; everything else is checked and skipped. Memory does not grow with the file.
import { mostText, putText, skipNumbers } from './assembled';
import { LocatedError } from './errors';
import { describeExpected, describeFound } from './json-expected';
import { createKnownKeys, keyAt, type KnownKeys } from './json-keys';
import { endOfPlain, FULL_MANTISSA, LONGEST_INTEGER, LONGEST_NUMBER, parseNumber, POWERS } from './json-token';
import { createUtf8Check, findBadUtf8, type Utf8Check } from './utf8';
import { EVENT_BITS, EXIT, Event, READ, SKIP, STATE_BITS, State } from './json-table';

export type Container = 'array' | 'object';

/** Bytes of a token are `bytes[start]` up to `bytes[end]` exclusive, without quotes and with escapes as written. */
export interface JsonHandler<Name = unknown> {
  /** What `key` is told of a key that is written so, wherever it stands: asked once for most of a file's keys. */
  name(bytes: Buffer, start: number, end: number): Name;
  /** Returns whether the value of this key is wanted; if not, none of it is reported. */
  key(name: Name): boolean;
  string(bytes: Buffer, start: number, end: number): void;
  /** `value` is right to 15 digits: exact for integers of so many. */
  number(value: number, bytes: Buffer, start: number, end: number): void;
  literal(value: boolean | null): void;
  /** Returns whether the contents are wanted; if not, `close` is not called for it either. */
  open(kind: Container): boolean;
  /**
   * Asked of an object in a wanted list, before `open`: may read it, and those that follow it, at once. Returns the offset behind the last one,
   * or `from`, which is behind the bracket. `bytes` are those that `assembled` sees.
   */
  records?(bytes: Buffer, from: number): number;
  close(): void;
}

const IN_ARRAY = State.array.first << 8;
const IN_OBJECT = State.objectFirst << 8;
const AFTER_ELEMENT = State.array.after << 8;
const AFTER_MEMBER = State.object.after << 8;

const IN_OBJECT_GROUP = State.object.first << 8;
const MEMBER_VALUE = State.object.value << 8;
const MEMBER_ZERO = State.object.zero << 8;
const MEMBER_INTEGER = State.object.integer << 8;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const POINT = 0x2e;
const COLON = 0x3a;
/** Of so many digits the value fits into 32 bits. */
const INTEGER_DIGITS = 9;

interface Scanner {
  readonly handler: JsonHandler;
  /** Offset in the text of the token or bracket that the handler is being told of. */
  at: number;
  /** Offset in the text of the chunk being read. */
  base: number;
  /** Shifted by 8: an index into the tables. */
  state: number;
  depth: number;
  /** By depth: 1 where the container is an array. */
  arrays: Uint8Array;
  /** Containers are skipped until the depth falls below this; 0 while reading. */
  skipFrom: number;
  wanted: boolean;
  /** Where the token began in this chunk; -1 outside tokens and in those nobody wants. */
  start: number;
  /** The beginning of a token that the end of a chunk cut. */
  carry: Buffer | undefined;
  readonly keys: KnownKeys;
  readonly utf8: Utf8Check;
}

export function createScanner<Name>(handler: JsonHandler<Name>): Scanner {
  return {
    handler,
    at: 0,
    base: 0,
    state: State.start << 8,
    depth: 0,
    arrays: new Uint8Array(64),
    skipFrom: 0,
    wanted: true,
    start: -1,
    carry: undefined,
    keys: createKnownKeys(),
    utf8: createUtf8Check(),
  };
}

/** Reads the next bytes. Throws LocatedError (json-syntax, json-utf16, json-encoding) at the first byte that is not JSON. */
export function pushBytes(scanner: Scanner, chunk: Buffer): void {
  const bad = findBadUtf8(scanner.utf8, chunk);
  if (bad === undefined) {
    scanBytes(scanner, chunk);
    return;
  }
  const offset = scanner.base + bad;
  try {
    scanBytes(scanner, chunk);
  } catch (error) {
    if (!(error instanceof LocatedError) || error.offset <= offset) throw error;
  }
  throw new LocatedError('json-encoding', offset, 'this text is not UTF-8. Save the file again as UTF-8.');
}

function scanBytes(scanner: Scanner, chunk: Buffer): void {
  const most = mostText();
  for (let at = 0; at < chunk.length; at += most) scanPiece(scanner, putText(chunk.subarray(at, at + most)));
}

function scanPiece(scanner: Scanner, bytes: Buffer): void {
  if (scanner.start >= 0) scanner.start = 0;
  for (let i = 0; i < bytes.length;) {
    i = scanner.skipFrom > 0 ? skip(scanner, bytes, i) : read(scanner, bytes, i);
    if (scanner.state >= EXIT) i = handleEvent(scanner, bytes, i);
  }
  if (scanner.start >= 0) keepToken(scanner, bytes);
  scanner.base += bytes.length;
}

/** To be called after the last bytes. Throws LocatedError (file-empty, json-truncated) when the text is not complete. */
export function endOfBytes(scanner: Scanner): void {
  const state = scanner.state >> 8;
  if (state === State.end) return;
  if (state === State.start || state === State.begin)
    throw new LocatedError('file-empty', scanner.base, 'the file is empty. Download or export it again.');
  throw new LocatedError(
    'json-truncated',
    scanner.base,
    `the file ends where ${describeExpected(state)} should follow: it is incomplete. Download or export it again.`,
  );
}

function read(scanner: Scanner, bytes: Buffer, from: number): number {
  let state = scanner.state;
  let i = from;
  do state = READ[state | bytes[i++]!]!;
  while (state < EXIT && i < bytes.length);
  scanner.state = state;
  return i;
}

/** Until the skipped container ends: lists of numbers in big steps, the rest byte by byte. An error is left to `handleEvent`. */
function skip(scanner: Scanner, bytes: Buffer, from: number): number {
  const { length } = bytes;
  let { state, depth, arrays } = scanner;
  let i = from;
  while (i < length && depth >= scanner.skipFrom) {
    if (arrays[depth] === 1) {
      const stopped = skipNumbers(i, state >> 8);
      i = stopped >> 8;
      state = (stopped & EVENT_BITS) << 8;
    }
    while (state < EXIT && i < length) state = SKIP[state | bytes[i++]!]!;
    if (state < EXIT || (state & EVENT_BITS) === Event.error) break;
    if ((state & EVENT_BITS) === Event.close) state = arrays[--depth] === 1 ? AFTER_ELEMENT : AFTER_MEMBER;
    else {
      const isArray = (state & EVENT_BITS) === Event.openArray;
      if (++depth === arrays.length) arrays = scanner.arrays = growBytes(arrays);
      arrays[depth] = isArray ? 1 : 0;
      state = isArray ? IN_ARRAY : IN_OBJECT;
    }
  }
  scanner.state = state;
  scanner.depth = depth;
  if (depth < scanner.skipFrom) scanner.skipFrom = 0;
  return i;
}

/** `i` is the byte after the one that caused the event; returns where to go on. */
function handleEvent(scanner: Scanner, bytes: Buffer, i: number): number {
  const event = scanner.state & EVENT_BITS;
  scanner.state &= STATE_BITS;
  switch (event) {
    case Event.keyStart:
      return readMembers(scanner, bytes, i);
    case Event.stringStart:
      beginToken(scanner, i, scanner.wanted);
      return i;
    case Event.numberStart:
      return readNumber(scanner, bytes, i - 1);
    case Event.keyEnd:
    case Event.stringEnd:
      endToken(scanner, event, bytes, i - 1);
      return i;
    case Event.numberEnd:
      endToken(scanner, event, bytes, i - 1);
      return i - 1;
    case Event.openObject:
      return openObject(scanner, bytes, i);
    case Event.openArray:
      open(scanner, true, i);
      return i;
    case Event.close:
      close(scanner, i);
      return i;
    case Event.error:
      throw syntaxError(scanner, bytes, i - 1);
    default:
      if (scanner.wanted) scanner.handler.literal(event === Event.null ? null : event === Event.true);
      return i;
  }
}

/**
 * Members as most are written, `"key": 123,` and `"key": "text",`, one after the other without the tables. Whatever is not, or is
 * cut by the end of the chunk, is left to the tables from there on.
 */
function readMembers(scanner: Scanner, bytes: Buffer, start: number): number {
  for (let i = start; ;) {
    i = readKey(scanner, bytes, i);
    if (scanner.state !== MEMBER_VALUE || i >= bytes.length) return i;
    if (bytes[i] === QUOTE) i = readText(scanner, bytes, i);
    else if (isDigit(bytes[i]!)) {
      scanner.state = bytes[i] === 0x30 ? MEMBER_ZERO : MEMBER_INTEGER;
      i = readNumber(scanner, bytes, i);
    }
    if (scanner.state !== AFTER_MEMBER || bytes[i] !== COMMA) return i;
    const next = bytes[i + 1] === SPACE ? i + 2 : i + 1;
    if (next >= bytes.length || bytes[next] !== QUOTE) return i;
    i = next + 1;
  }
}

/** A key without escapes that lies whole in the chunk, and the colon after it. */
function readKey(scanner: Scanner, bytes: Buffer, start: number): number {
  scanner.state = State.key << 8;
  beginToken(scanner, start, true);
  const known = keyAt(scanner.keys, scanner.handler, bytes, start);
  if (known === undefined) return start;
  const end = start + known.bytes.length;
  if (end + 1 >= bytes.length) return start;
  scanner.start = -1;
  scanner.wanted = scanner.handler.key(known.name);
  const colon = bytes[end] === COLON;
  scanner.state = colon ? MEMBER_VALUE : State.colon << 8;
  if (!colon) return end;
  return bytes[end + 1] === SPACE ? end + 2 : end + 1;
}

/** A text without escapes that lies whole in the chunk; else it is left where it begins. */
function readText(scanner: Scanner, bytes: Buffer, quote: number): number {
  const start = quote + 1;
  const end = endOfPlain(bytes, start);
  if (bytes[end] !== QUOTE) return quote;
  scanner.at = scanner.base + start;
  scanner.state = AFTER_MEMBER;
  if (scanner.wanted) scanner.handler.string(bytes, start, end);
  return end + 1;
}

/**
 * A number of ordinary length, without sign and exponent, that lies whole in the chunk; its value is made on the way, of the first
 * digits by arithmetic of integers.
 */
function readNumber(scanner: Scanner, bytes: Buffer, start: number): number {
  beginToken(scanner, start, scanner.wanted);
  const { length } = bytes;
  let end = start;
  let digits = 0;
  for (const few = Math.min(start + INTEGER_DIGITS, length); end < few && isDigit(bytes[end]!); end++)
    digits = (10 * digits + bytes[end]! - 0x30) | 0;
  let mantissa = digits;
  for (; end < length && isDigit(bytes[end]!); end++) mantissa = mantissa * 10 + bytes[end]! - 0x30;
  if (end - start > LONGEST_INTEGER || (bytes[start] === 0x30 && end - start > 1)) return start + 1;
  let decimals = 0;
  if (end < length - 1 && bytes[end] === POINT && isDigit(bytes[end + 1]!)) {
    const point = end++;
    digits = 0;
    for (const few = Math.min(start + INTEGER_DIGITS + 1, length); end < few && isDigit(bytes[end]!); end++)
      digits = (10 * digits + bytes[end]! - 0x30) | 0;
    decimals = end - point - 1;
    mantissa = mantissa * POWERS[decimals]! + digits;
    for (; end < length && isDigit(bytes[end]!); end++) {
      if (mantissa >= FULL_MANTISSA) continue;
      mantissa = mantissa * 10 + bytes[end]! - 0x30;
      decimals++;
    }
  }
  const inArray = scanner.state < IN_OBJECT_GROUP;
  if (end >= length || end - start > LONGEST_NUMBER) return start + 1;
  if (bytes[end] !== COMMA && bytes[end] !== (inArray ? 0x5d : 0x7d)) return start + 1;
  scanner.start = -1;
  scanner.state = inArray ? AFTER_ELEMENT : AFTER_MEMBER;
  if (scanner.wanted) scanner.handler.number(decimals === 0 ? mantissa : mantissa / POWERS[decimals]!, bytes, start, end);
  return end;
}

const isDigit = (byte: number) => (byte - 0x30) >>> 0 < 10;

function beginToken(scanner: Scanner, start: number, wanted: boolean): void {
  scanner.start = wanted ? start : -1;
  scanner.at = scanner.base + start;
}

function endToken(scanner: Scanner, event: number, bytes: Buffer, end: number): void {
  const start = scanner.start;
  if (start < 0) return;
  scanner.start = -1;
  if (scanner.carry === undefined) {
    report(scanner, event, bytes, start, end);
    return;
  }
  const whole = Buffer.concat([scanner.carry, bytes.subarray(start, end)]);
  scanner.carry = undefined;
  report(scanner, event, whole, 0, whole.length);
}

function report(scanner: Scanner, event: number, bytes: Buffer, start: number, end: number): void {
  if (event === Event.keyEnd) scanner.wanted = scanner.handler.key(scanner.handler.name(bytes, start, end));
  else if (event === Event.numberEnd) scanner.handler.number(parseNumber(bytes, start, end), bytes, start, end);
  else scanner.handler.string(bytes, start, end);
}

/** The chunk's memory is used again for the next one. */
function keepToken(scanner: Scanner, bytes: Buffer): void {
  const part = bytes.subarray(scanner.start);
  scanner.carry = scanner.carry === undefined ? Buffer.from(part) : Buffer.concat([scanner.carry, part]);
}

/** In a wanted list the handler may read it, and those that follow. */
function openObject(scanner: Scanner, bytes: Buffer, i: number): number {
  const isRecord = scanner.wanted && scanner.skipFrom === 0 && scanner.arrays[scanner.depth] === 1;
  const end = (isRecord && scanner.handler.records?.(bytes, i)) || i;
  if (end > i) scanner.state = AFTER_ELEMENT;
  else open(scanner, false, i);
  return end;
}

function open(scanner: Scanner, isArray: boolean, i: number): void {
  const depth = ++scanner.depth;
  if (depth === scanner.arrays.length) scanner.arrays = growBytes(scanner.arrays);
  scanner.arrays[depth] = isArray ? 1 : 0;
  scanner.state = (isArray ? State.array.first : State.objectFirst) << 8;
  if (scanner.skipFrom > 0) return;
  scanner.at = scanner.base + i - 1;
  if (!scanner.wanted || !scanner.handler.open(isArray ? 'array' : 'object')) scanner.skipFrom = depth;
  // The elements of a wanted array are wanted; an object's keys decide one by one.
  scanner.wanted = true;
}

function close(scanner: Scanner, i: number): void {
  const depth = --scanner.depth;
  const parent = scanner.arrays[depth] === 1 ? State.array.after : State.object.after;
  scanner.state = (depth === 0 ? State.end : parent) << 8;
  scanner.wanted = true;
  if (scanner.skipFrom === 0) {
    scanner.at = scanner.base + i - 1;
    scanner.handler.close();
  } else if (depth < scanner.skipFrom) scanner.skipFrom = 0;
}

function growBytes(bytes: Uint8Array): Uint8Array {
  const grown = new Uint8Array(bytes.length * 2);
  grown.set(bytes);
  return grown;
}

function syntaxError(scanner: Scanner, bytes: Buffer, i: number): LocatedError {
  const byte = bytes[i]!;
  const offset = scanner.base + i;
  if (offset < 2 && looksLikeUtf16(byte, bytes[i + 1]))
    return new LocatedError('json-utf16', offset, 'the file is UTF-16, and JSON must be UTF-8. Save it again as UTF-8.');
  const expected = describeExpected(scanner.state >> 8);
  return new LocatedError('json-syntax', offset, `expected ${expected}, found ${describeFound(byte)}.`);
}

/** A byte-order mark, or the zero that every other byte of '{ "' has in UTF-16. */
function looksLikeUtf16(byte: number, next: number | undefined): boolean {
  if (byte === 0xff) return next === 0xfe || next === undefined;
  if (byte === 0xfe) return next === 0xff || next === undefined;
  return byte === 0 && next !== 0;
}
