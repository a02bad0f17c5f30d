// The text and the value of single JSON tokens, from their bytes.

/** The text of a string from the bytes between its quotes. */
export function decodeString(bytes: Buffer, start: number, end: number): string {
  let plain = true;
  let escaped = false;
  for (let i = start; i < end; i++) {
    if (bytes[i]! >= 0x80) plain = false;
    else if (bytes[i] === 0x5c) escaped = true;
  }
  const text = bytes.toString(plain ? 'latin1' : 'utf8', start, end);
  return escaped ? (JSON.parse(`"${text}"`) as string) : text;
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

const PLAIN = Uint8Array.from({ length: 256 }, (_, b) => (b >= 0x20 && b !== 0x22 && b !== 0x5c ? 1 : 0));

/** Where the quote, the escape, the control character or the end follows that ends plain text. */
export function endOfPlain(bytes: Buffer, start: number): number {
  let end = start;
  while (end < bytes.length && PLAIN[bytes[end]!] === 1) end++;
  return end;
}
