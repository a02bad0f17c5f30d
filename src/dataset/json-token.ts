// The text and the value of single JSON tokens, from their bytes.
import { LocatedError } from './errors';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of a string from the bytes between its quotes. Throws LocatedError (json-encoding) where they are not UTF-8. */
export function decodeString(bytes: Buffer, start: number, end: number, at: number): string {
  let plain = true;
  let escaped = false;
  for (let i = start; i < end; i++) {
    if (bytes[i]! >= 0x80) plain = false;
    else if (bytes[i] === 0x5c) escaped = true;
  }
  const text = plain ? bytes.toString('latin1', start, end) : decodeUtf8(bytes, start, end, at);
  return escaped ? (JSON.parse(`"${text}"`) as string) : text;
}

function decodeUtf8(bytes: Buffer, start: number, end: number, at: number): string {
  try {
    return utf8.decode(bytes.subarray(start, end));
  } catch {
    throw new LocatedError('json-encoding', at, 'this text is not UTF-8. Save the file again as UTF-8.');
  }
}

/** A number as an integer of at most 15 digits, NaN where it is written otherwise. */
export function parseShortInteger(bytes: Buffer, start: number, end: number): number {
  if (end - start > 15) return NaN;
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = bytes[i]! - 0x30;
    if (digit < 0 || digit > 9) return NaN;
    value = value * 10 + digit;
  }
  return value;
}

const POWERS = Array.from({ length: 23 }, (_, k) => Number(`1e${k}`));
/** Below it one more digit keeps the mantissa exact. */
const FULL = 9e14;

/**
 * A number for a float32 column: right to 15 digits, which is what a double holds exactly. Coordinates are most of the
 * numbers that are read, and areas often carry 17 digits, for which Number() would take ten times as long.
 */
export function parseMeasure(bytes: Buffer, start: number, end: number): number {
  const negative = bytes[start] === 0x2d;
  let mantissa = 0;
  let decimals = 0;
  let inFraction = false;
  for (let i = negative ? start + 1 : start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte === 0x2e) inFraction = true;
    else if (byte > 0x39 || decimals === 22 || (mantissa >= FULL && !inFraction)) return parseExactly(bytes, start, end);
    else if (mantissa < FULL) {
      mantissa = mantissa * 10 + byte - 0x30;
      if (inFraction) decimals++;
    }
  }
  const value = decimals === 0 ? mantissa : mantissa / POWERS[decimals]!;
  return negative ? -value : value;
}

function parseExactly(bytes: Buffer, start: number, end: number): number {
  return Number(bytes.toString('latin1', start, end));
}
