// The keys of records: those that are read, and any others that the text has had, so that most are only compared with the one expected.
import { TEXT } from './layout';
import { endOfPlain, QUOTE } from './strings';

/** An entry: the text and its quote, filled up with zeros; then its length, what it is, and the entry that followed it last. */
const ENTRY: usize = 32;
const LENGTH: usize = 16;
const KIND: usize = 20;
const NEXT: usize = 24;
/** With the quote. */
const LONGEST: usize = 16;
/** Keys of one of the three lists. */
const MOST: usize = 64;
const ENTRIES: usize = memory.data(3 * 64 * 32, 16);
const COUNTS: usize = memory.data(3 * 4, 4);

/** What a key that nobody reads is. */
export const OTHER: i32 = 0;

/** Of the key that was read last. */
export let kind: i32 = 0;
let last: usize = 0;

function firstBytes(bytes: v128, length: i32): v128 {
  const places = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  return v128.and(bytes, i8x16.lt_u(places, i8x16.splat(length as i8)));
}

function isEqual(a: v128, b: v128): bool {
  return !v128.any_true(v128.xor(a, b));
}

/** Whoever reads the keys of another list begins anew: what followed in one does not in the other. */
export function beginKeys(section: i32): void {
  last = ENTRIES + (section as usize) * MOST * ENTRY;
}

/** Adds the key that lies, with a quote after it, at the beginning of the text: at most 15 bytes. */
export function addKey(section: i32, length: i32, what: i32): void {
  add(section, firstBytes(v128.load(TEXT), length + 1), length + 1, what);
}

function add(section: i32, text: v128, length: i32, what: i32): usize {
  const counts = COUNTS + ((section as usize) << 2);
  const count = load<u32>(counts) as usize;
  if (count === MOST) return 0;
  store<u32>(counts, (count + 1) as u32);
  const entry = ENTRIES + ((section as usize) * MOST + count) * ENTRY;
  v128.store(entry, text);
  store<i32>(entry, length, LENGTH);
  store<i32>(entry, what, KIND);
  store<u32>(entry, entry as u32, NEXT);
  return entry;
}

/** Returns the end of the key that begins here, where its quote stands, and tells its `kind`; 0 where it has escapes or is none. */
export function readKey(at: usize, section: i32): usize {
  const bytes = v128.load(at);
  const expected = load<u32>(last, NEXT) as usize;
  const length = load<i32>(expected, LENGTH);
  if (isEqual(firstBytes(bytes, length), v128.load(expected))) {
    last = expected;
    kind = load<i32>(expected, KIND);
    return at + length - 1;
  }
  const end = endOfPlain(at);
  if (load<u8>(end) !== QUOTE) return 0;
  kind = OTHER;
  if (end - at < LONGEST) find(section, bytes, (end - at + 1) as i32);
  return end;
}

function find(section: i32, bytes: v128, length: i32): void {
  const text = firstBytes(bytes, length);
  const first = ENTRIES + (section as usize) * MOST * ENTRY;
  const end = first + (load<u32>(COUNTS + ((section as usize) << 2)) as usize) * ENTRY;
  let entry = first;
  while (entry < end && !isEqual(text, v128.load(entry))) entry += ENTRY;
  if (entry === end) entry = add(section, text, length, OTHER);
  if (entry === 0) return;
  store<u32>(last, entry as u32, NEXT);
  last = entry;
  kind = load<i32>(entry, KIND);
}
