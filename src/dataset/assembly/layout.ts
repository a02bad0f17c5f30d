// What the two sides, this one in WebAssembly and that of Node.js, have in common: places in memory.

/** Bytes of text that are read at a time. */
export const ROOM: i32 = 1 << 20;
/** Bytes after the text, which are zero: no token of JSON goes on with them, so that nobody need look where the text ends. */
const ZEROS: i32 = 64;
export const TEXT: usize = memory.data(ROOM + ZEROS, 16);

/** The grammar: the next state by `state << 8 | byte`, 16 bits each. */
export const SKIP: usize = memory.data(128 * 256 * 2, 16);

/** Doubles a record. */
export const SLOTS: i32 = 24;
/** Slots: 0 to 15 are the fields, then the four numbers of the box. */
export const BOX: i32 = 16;
/** 4 where there is a box, else 0. */
export const BOX_COUNT: i32 = 20;
/** Which fields are texts, one bit each; in their slots is where the text lies: `start + length * TEXT_LENGTH`. */
export const TEXTS: i32 = 21;
export const TEXT_LENGTH: i32 = 1 << 21;

/** Records that are read at most in one go. */
export const MOST_ROWS: i32 = 512;
export const ROWS: usize = memory.data(MOST_ROWS * SLOTS * 8, 16);
