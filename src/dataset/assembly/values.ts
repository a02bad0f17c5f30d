// Values that stand behind a key: numbers that are wanted, and everything that is not.
import { SKIP, TEXT } from './layout';
import { skipNumbers } from './numbers';
import { endOfString } from './strings';

/** See json-token.ts. */
const LONGEST_INTEGER: usize = 15;
const LONGEST_NUMBER: usize = 22;
const FULL_MANTISSA: u64 = 900_000_000_000_000;
const POWERS: StaticArray<f64> = [
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/** Of the number that was read last: right to 15 digits, exact for integers. */
export let value: f64 = 0;

function isDigit(byte: u8): bool {
  return ((byte - 0x30) as u8) < 10;
}

/** Returns the end of the number that begins here; 0 where it is none, or one of a kind that is left: long, or with an exponent. */
export function readNumber(start: usize): usize {
  const isNegative = load<u8>(start) === 0x2d;
  let at = isNegative ? start + 1 : start;
  const first = at;
  let mantissa: u64 = 0;
  let decimals = 0;
  while (isDigit(load<u8>(at))) mantissa = 10 * mantissa + (load<u8>(at++) - 0x30);
  const length = at - first;
  if (length === 0 || length > LONGEST_INTEGER || (length > 1 && load<u8>(first) === 0x30)) return 0;
  if (load<u8>(at) === 0x2e) {
    const point = at++;
    for (; isDigit(load<u8>(at)); at++) {
      if (mantissa >= FULL_MANTISSA) continue;
      mantissa = 10 * mantissa + (load<u8>(at) - 0x30);
      decimals++;
    }
    if (at === point + 1) return 0;
  }
  if (at - start > LONGEST_NUMBER || (load<u8>(at) | 0x20) === 0x65) return 0;
  const size = decimals === 0 ? (mantissa as f64) : (mantissa as f64) / unchecked(POWERS[decimals]);
  value = isNegative ? -size : size;
  return at;
}

/** json-table.ts: what an entry of the table says, and the states behind a key and behind its value. */
const EXIT: i32 = 0x8000;
const EVENT_BITS: i32 = 0xff;
const OPEN_ARRAY: i32 = 1;
const OPEN_OBJECT: i32 = 2;
const CLOSE: i32 = 3;
const IN_ARRAY: i32 = 14 << 8;
const AFTER_ELEMENT: i32 = 16 << 8;
const IN_OBJECT: i32 = 5 << 8;
const NEXT_MEMBER: i32 = 6 << 8;
const MEMBER_VALUE: i32 = 42 << 8;
const AFTER_MEMBER: i32 = 43 << 8;

/** Which of the containers around a value are arrays. Deeper ones are left. */
const DEPTHS: i32 = 1024;
const ARRAYS: usize = memory.data(1024, 16);

/** Returns where the comma or the bracket stands that follows the value of a key; 0 where that is not JSON. */
export function skipValue(from: usize): usize {
  if (load<u8>(from) === 0x22) {
    const end = endOfString(from + 1);
    return end === 0 ? 0 : end + 1;
  }
  let at = from;
  let now = MEMBER_VALUE;
  let depth = 0;
  while (true) {
    now = load<u16>(SKIP + ((now | (load<u8>(at++) as i32)) << 1)) as i32;
    if (now < EXIT) {
      if (depth === 0 && now === NEXT_MEMBER) return at - 1;
      continue;
    }
    switch (now & EVENT_BITS) {
      case OPEN_ARRAY:
      case OPEN_OBJECT: {
        const isArray = (now & EVENT_BITS) === OPEN_ARRAY;
        if (++depth === DEPTHS) return 0;
        store<u8>(ARRAYS + depth, u8(isArray));
        now = isArray ? IN_ARRAY : IN_OBJECT;
        break;
      }
      case CLOSE:
        if (depth === 0) return at - 1;
        now = --depth > 0 && load<u8>(ARRAYS + depth) === 1 ? AFTER_ELEMENT : AFTER_MEMBER;
        break;
      default:
        return 0;
    }
    if (depth > 0 && load<u8>(ARRAYS + depth) === 1) {
      const stopped = skipNumbers((at - TEXT) as i32, now >> 8);
      at = TEXT + (stopped >> 8);
      now = (stopped & 0xff) << 8;
    }
  }
}
