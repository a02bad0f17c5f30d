// Lists of numbers, which nearly all of a COCO file consists of, checked 64 bytes a step: a bit of a word for each byte, and one rule of the
// grammar (RFC 8259) an operation.
import { TEXT } from './layout';

/** Inside arrays: see json-table.ts. */
const FIRST: i32 = 14;
const VALUE: i32 = FIRST + 1;
const AFTER: i32 = FIRST + 2;
const MINUS: i32 = FIRST + 9;
const ZERO: i32 = FIRST + 10;
const INTEGER: i32 = FIRST + 11;
const POINT: i32 = FIRST + 12;
const FRACTION: i32 = FIRST + 13;

function maskOf(a: v128, b: v128, c: v128, d: v128): u64 {
  return (
    (i8x16.bitmask(a) as u64) |
    ((i8x16.bitmask(b) as u64) << 16) |
    ((i8x16.bitmask(c) as u64) << 32) |
    ((i8x16.bitmask(d) as u64) << 48)
  );
}

function equal(a: v128, b: v128, c: v128, d: v128, byte: i8): u64 {
  const all = i8x16.splat(byte);
  return maskOf(i8x16.eq(a, all), i8x16.eq(b, all), i8x16.eq(c, all), i8x16.eq(d, all));
}

function digit(bytes: v128): v128 {
  return i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(0x30)), i8x16.splat(10));
}

/**
 * Skips what it knows of a list of numbers: digits, points, minus signs, commas, blanks and line feeds. Returns `offset << 8 | state`, where it
 * stopped: at another byte, or up to 64 bytes before one that may be wrong, which is for the table to say.
 *
 * @param from offset in the text
 * @param entered the state there, inside an array
 */
export function skipNumbers(from: i32, entered: i32): i32 {
  // In a string, a word or an exponent, where a piece of text may begin.
  if (entered > AFTER && (entered < MINUS || entered > FRACTION)) return (from << 8) | entered;
  let at = TEXT + from;
  let now = entered;
  for (;;) {
    const a = v128.load(at);
    const b = v128.load(at, 16);
    const c = v128.load(at, 32);
    const d = v128.load(at, 48);
    let digits = maskOf(digit(a), digit(b), digit(c), digit(d));
    let points = equal(a, b, c, d, 0x2e);
    let commas = equal(a, b, c, d, 0x2c);
    let minuses = equal(a, b, c, d, 0x2d);
    let spaces = equal(a, b, c, d, 0x20) | equal(a, b, c, d, 0x0a);
    const count = ctz<u64>(~(digits | points | commas | minuses | spaces)) as i32;
    if (count === 0) break;
    const known: u64 = count === 64 ? -1 : ((1 as u64) << count) - 1;
    digits &= known;
    points &= known;
    commas &= known;
    minuses &= known;
    spaces &= known;

    // What the byte before the first one was.
    const isInteger = u64(now === ZERO || now === INTEGER);
    const isNumber = isInteger | u64(now === FRACTION);
    const isPoint = u64(now === POINT);
    const expectsValue = u64(now === FIRST || now === VALUE);

    // Adding the first bit of a run to it clears the run: those that were not begun are left.
    const spacesBefore = spaces & ~(spaces + (((commas << 1) | expectsValue) & spaces));
    const fraction = digits & ~(digits + (((points << 1) | isPoint | u64(now === FRACTION)) & digits));
    const integer = digits & ~fraction;
    const afterNumber = (digits << 1) | isNumber;
    const afterPoint = (points << 1) | isPoint;
    const beforeValue = (commas << 1) | (spacesBefore << 1) | expectsValue;
    const afterValue = ((spaces & ~spacesBefore) << 1) | u64(now === AFTER);
    const zeros = equal(a, b, c, d, 0x30) & digits & ~afterNumber & ~afterPoint;

    let wrong = digits & (afterValue | (zeros << 1) | u64(now === ZERO));
    wrong |= points & ~((integer << 1) | isInteger);
    wrong |= commas & ~(afterNumber | afterValue);
    wrong |= minuses & ~beforeValue;
    wrong |= spaces & ~(afterNumber | afterValue | beforeValue);
    // Blanks in an empty list may be followed by its end.
    wrong |= spaces & u64(now === FIRST);
    if (wrong !== 0) break;

    const last: u64 = (1 as u64) << (count - 1);
    if (digits & last) now = fraction & last ? FRACTION : zeros & last ? ZERO : INTEGER;
    else if (points & last) now = POINT;
    else if (minuses & last) now = MINUS;
    else now = (commas | spacesBefore) & last ? VALUE : AFTER;
    at += count;
    if (count < 64) break;
  }
  return (((at - TEXT) as i32) << 8) | now;
}
