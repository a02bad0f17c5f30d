// Records of a COCO file, one after the other: their fields become rows of doubles. What is written otherwise than nearly all are, is wrong, or
// is cut by the end of the text is left to the scanner in TypeScript, which also says what is wrong.
import { beginKeys, kind, OTHER, readKey } from './keys';
import { BOX, BOX_COUNT, MOST_ROWS, ROWS, SLOTS, TEXT, TEXT_LENGTH, TEXTS } from './layout';
import { endOfString, QUOTE } from './strings';
import { readNumber, skipValue, value } from './values';

export { addKey } from './keys';
export { MOST_ROWS, ROOM, ROWS, SKIP, TEXT } from './layout';
export { skipNumbers } from './numbers';

/** Kinds of fields, see coco-fields.ts; `kind << 5 | field` is what a key is. */
const NUMBER: i32 = 1;
const ID: i32 = 2;
const NAME: i32 = 3;
const BOX_LIST: i32 = 4;

const COMMA: u8 = 0x2c;
const OPEN: u8 = 0x7b;
const CLOSE: u8 = 0x7d;

/** How many records were read. */
export let rows: i32 = 0;

/**
 * Returns the end of the last record that was read, or `from` where none was.
 *
 * @param from in the text, behind the bracket of the first record
 * @param needed of which fields a record must have a value, one bit each
 */
export function readRecords(from: i32, section: i32, needed: i32): i32 {
  rows = 0;
  beginKeys(section);
  let whole = TEXT + from;
  for (let at = whole; rows < MOST_ROWS;) {
    const end = readRecord(at, section, needed);
    if (end === 0) break;
    whole = end;
    rows++;
    at = skipSpace(end);
    if (load<u8>(at) !== COMMA) break;
    at = skipSpace(at + 1);
    if (load<u8>(at) !== OPEN) break;
    at++;
  }
  return (whole - TEXT) as i32;
}

function skipSpace(from: usize): usize {
  let at = from;
  while (isSpace(load<u8>(at))) at++;
  return at;
}

function isSpace(byte: u8): bool {
  return byte <= 0x20 && (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09);
}

/** Returns the end of the record, 0 where it is left. */
function readRecord(from: usize, section: i32, needed: i32): usize {
  const row = ROWS + (rows as usize) * SLOTS * 8;
  for (let field: usize = 0; field < 16; field++) store<f64>(row + (field << 3), NaN);
  store<f64>(row + (BOX_COUNT << 3), 0);
  let found = 0;
  let texts = 0;
  let at = from;
  for (;;) {
    at = skipSpace(at);
    if (load<u8>(at) !== QUOTE) return 0;
    at = readKey(at + 1, section);
    if (at === 0) return 0;
    at = skipSpace(at + 1);
    if (load<u8>(at) !== 0x3a) return 0;
    at = skipSpace(at + 1);
    const field = kind & 31;
    const slot = row + ((field as usize) << 3);
    const what = kind >> 5;
    if (what === OTHER) at = skipValue(at);
    else if (what === BOX_LIST) at = readBox(at, row);
    else if ((what === ID || what === NAME) && load<u8>(at) === QUOTE) {
      const start = at + 1;
      const end = endOfString(start);
      store<f64>(slot, ((start - TEXT) as f64) + ((end - start) as f64) * (TEXT_LENGTH as f64));
      texts |= 1 << field;
      at = end === 0 ? 0 : end + 1;
    } else if (what === NUMBER || what === ID) {
      const start = at;
      at = readNumber(at);
      // Ids of more digits are texts.
      if (what === ID && (at - start > 15 || value !== floor(value))) return 0;
      store<f64>(slot, value);
      texts &= ~(1 << field);
    } else return 0;
    if (at === 0) return 0;
    found |= 1 << field;
    at = skipSpace(at);
    const byte = load<u8>(at++);
    if (byte === COMMA) continue;
    if (byte !== CLOSE || (found & needed) !== needed) return 0;
    store<f64>(row + (TEXTS << 3), texts as f64);
    return at;
  }
}

/** Four numbers. */
function readBox(from: usize, row: usize): usize {
  if (load<u8>(from) !== 0x5b) return 0;
  let at = from;
  for (let k: usize = 0; k < 4; k++) {
    at = readNumber(skipSpace(at + 1));
    if (at === 0) return 0;
    store<f64>(row + (((BOX as usize) + k) << 3), value);
    at = skipSpace(at);
    if (load<u8>(at) !== (k < 3 ? COMMA : 0x5d)) return 0;
  }
  store<f64>(row + (BOX_COUNT << 3), 4);
  return at + 1;
}
