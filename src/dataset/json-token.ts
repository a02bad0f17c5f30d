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

/** The powers of ten that a double holds exactly. */
export const POWERS = Array.from({ length: 23 }, (_, k) => Number(`1e${k}`));
export const LONGEST_INTEGER = 15;
/** With at most 22 decimals a number is one exact integer divided by one exact power of ten. */
export const LONGEST_NUMBER = 22;
/** Below it one more digit keeps the mantissa exact. Areas often carry 17 digits; their column, float32, holds 7. */
export const FULL_MANTISSA = 9e14;

/** The value of any JSON number. */
export function parseNumber(bytes: Buffer, start: number, end: number): number {
  return Number(bytes.toString('latin1', start, end));
}
