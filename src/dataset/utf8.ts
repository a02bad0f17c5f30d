// Whether a text that comes in pieces is UTF-8, checked by Node's vectorised validator: also where nobody reads it.
import { isUtf8 } from 'node:buffer';

/** The beginning of a character that the end of a piece cut. */
export interface Utf8Check {
  cut: Buffer;
}

export function createUtf8Check(): Utf8Check {
  return { cut: Buffer.alloc(0) };
}

/** Offset in the piece of the first character that is none, negative where it began in the piece before; undefined where all are. */
export function findBadUtf8(check: Utf8Check, piece: Buffer): number | undefined {
  const { cut } = check;
  const rest = cut.length === 0 ? 0 : continuation(piece, lengthOf(cut[0]!) - cut.length);
  const joined = Buffer.concat([cut, piece.subarray(0, rest)]);
  if (rest === piece.length && cut.length > 0 && joined.length < lengthOf(joined[0]!)) {
    check.cut = joined;
    return undefined;
  }
  if (!isUtf8(joined)) return -cut.length;
  const end = cutAt(piece, rest);
  check.cut = Buffer.from(piece.subarray(end));
  const whole = piece.subarray(rest, end);
  return isUtf8(whole) ? undefined : rest + firstBad(whole);
}

const continues = (byte: number) => (byte & 0xc0) === 0x80;

/** How many of the first bytes, at most `most`, go on with a character. */
function continuation(piece: Buffer, most: number): number {
  let count = 0;
  while (count < Math.min(most, piece.length) && continues(piece[count]!)) count++;
  return count;
}

/** Bytes of the character that begins with this one; 1 for what begins none. */
function lengthOf(first: number): number {
  if (first < 0xc2 || first > 0xf4) return 1;
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/** Where the last character begins, if the end of the piece cuts it; else the end. */
function cutAt(piece: Buffer, from: number): number {
  let at = piece.length - 1;
  while (at > from && at > piece.length - 4 && continues(piece[at]!)) at--;
  return at >= from && lengthOf(piece[at]!) > piece.length - at ? at : piece.length;
}

function firstBad(bytes: Buffer): number {
  let at = 0;
  while (isUtf8(bytes.subarray(at, at + lengthOf(bytes[at]!)))) at += lengthOf(bytes[at]!);
  return at;
}
