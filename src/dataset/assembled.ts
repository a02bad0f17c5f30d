// The parts of the reader that are WebAssembly (`assembly`): lists of numbers, and whole records. They see one piece of text at a time, which is
// copied into their memory; nothing else is kept there from one piece to the next.
import binary from './assembly/records.wasm';
import { READ_KEYS, type ReadKey } from './coco-fields';
import { SKIP } from './json-table';

interface Assembled {
  readonly memory: WebAssembly.Memory;
  readonly TEXT: WebAssembly.Global;
  readonly ROOM: WebAssembly.Global;
  readonly SKIP: WebAssembly.Global;
  readonly ROWS: WebAssembly.Global;
  readonly MOST_ROWS: WebAssembly.Global;
  readonly rows: WebAssembly.Global;
  skipNumbers(from: number, state: number): number;
  addKey(section: number, length: number, kind: number): void;
  readRecords(from: number, section: number, needed: number): number;
}

/** Doubles a record; see assembly/layout.ts. */
export const SLOTS = 24;
/** Slots: 0 to 15 are the fields, then come the numbers of the box, how many they are, and which fields are texts, one bit each. */
export const BOX = 16;
export const BOX_COUNT = 20;
export const TEXTS = 21;
const TEXT_LENGTH = 1 << 21;

interface Memory {
  readonly code: Assembled;
  readonly text: Buffer;
  /** Of all records that are read in one go, SLOTS each. */
  readonly rows: Float64Array;
}

/** Bytes behind the text: no token goes on with them, so that the code need not look where the text ends. */
const ZEROS = 64;
let made: Memory | undefined;

/** Once a process, when the first text is read. */
function make(): Memory {
  const code = new WebAssembly.Instance(new WebAssembly.Module(binary)).exports as Assembled;
  const { buffer } = code.memory;
  const valueOf = ({ value }: WebAssembly.Global) => value;
  new Uint16Array(buffer, valueOf(code.SKIP), SKIP.length).set(SKIP);
  const text = Buffer.from(buffer, valueOf(code.TEXT), valueOf(code.ROOM) + ZEROS);
  for (const key of READ_KEYS) addKey(code, text, key);
  return { code, text, rows: new Float64Array(buffer, valueOf(code.ROWS), valueOf(code.MOST_ROWS) * SLOTS) };
}

function addKey(code: Assembled, text: Buffer, { section, name, kind, field }: ReadKey): void {
  text.write(`${name}"`, 'latin1');
  code.addKey(section, name.length, (kind << 5) | field);
}

const memory = () => (made ??= make());

/** The longest piece of text. */
export const mostText = (): number => memory().text.length - ZEROS;

/** Copies the next piece of a text to where the functions below see it. It is good until the next one comes, of whatever file. */
export function putText(piece: Buffer): Buffer {
  const { text } = memory();
  piece.copy(text);
  text.fill(0, piece.length, piece.length + ZEROS);
  return text.subarray(0, piece.length);
}

/**
 * Skips what it knows of a list of numbers in the piece of text; what it does not, or what is wrong, is left to the tables. Returns
 * `offset << 8 | state`, where it stopped.
 *
 * @param state of the tables, inside an array
 */
export const skipNumbers = (from: number, state: number): number => memory().code.skipNumbers(from, state);

export interface RecordRows {
  /** Offset in the piece of text behind the last record that was read. */
  readonly end: number;
  readonly count: number;
  /** SLOTS each, NaN where a record has no such field. Good until the next call. */
  readonly rows: Float64Array;
}

/**
 * Reads the records of a list that follow one another, the first one from behind its bracket. Those that are written in a rare way, lack
 * what they need, are wrong, or are cut by the end of the piece are left, and all behind them.
 *
 * @param section the list: 0 images, 1 annotations, 2 categories
 */
export function readRecords(from: number, section: number, needed: number): RecordRows {
  const { code, rows } = memory();
  const end = code.readRecords(from, section, needed);
  return { end, count: code.rows.value, rows };
}

/** Of a field that is a text: where it lies in the piece, without its quotes. */
export function textAt(value: number): { start: number; end: number } {
  const length = Math.floor(value / TEXT_LENGTH);
  const start = value - length * TEXT_LENGTH;
  return { start, end: start + length };
}
