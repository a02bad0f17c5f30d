// Strings of JSON, 16 bytes a step.

export const QUOTE: u8 = 0x22;
const BACKSLASH: u8 = 0x5c;

/** Where the quote, the escape or the control character stands that ends plain text. There is always one: zeros follow the text. */
export function endOfPlain(from: usize): usize {
  let at = from;
  let ends = endsAt(at);
  while (ends === 0) {
    at += 16;
    ends = endsAt(at);
  }
  return at + (ctz(ends) as usize);
}

function endsAt(at: usize): i32 {
  const bytes = v128.load(at);
  const quotes = i8x16.eq(bytes, i8x16.splat(QUOTE as i8));
  const backslashes = i8x16.eq(bytes, i8x16.splat(BACKSLASH as i8));
  return i8x16.bitmask(v128.or(v128.or(quotes, backslashes), i8x16.lt_u(bytes, i8x16.splat(0x20))));
}

/** Where the quote stands that ends the string; 0 where it is none. */
export function endOfString(from: usize): usize {
  let at = endOfPlain(from);
  while (load<u8>(at) === BACKSLASH) {
    const length = escapeAt(at);
    if (length === 0) return 0;
    at = endOfPlain(at + length);
  }
  return load<u8>(at) === QUOTE ? at : 0;
}

/** The bytes of the escape; 0 where it is none. */
function escapeAt(at: usize): usize {
  switch (load<u8>(at, 1)) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f: // /
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return 2;
    case 0x75: // u
      for (let k: usize = 2; k < 6; k++) if (!isHexadecimal(load<u8>(at + k))) return 0;
      return 6;
    default:
      return 0;
  }
}

function isHexadecimal(byte: u8): bool {
  return ((byte - 0x30) as u8) < 10 || (((byte | 0x20) - 0x61) as u8) < 6;
}
