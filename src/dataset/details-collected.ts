// The details of annotations while a file is read: in memory, and on disk from where they would take too much of it.
import { bytesOf, BLOCK_ROWS, floatsOf, ROW_BYTES, ROW_DOUBLES, ROW_FLOATS } from './details';
import { closeFile, openTemporary, writeAt } from './open-files';
import type { AnnotationDetails, OpenFile } from './types';

/** COCO's 860,001 annotations take 27.5 MB, and so need no file. */
export const MOST_IN_MEMORY = 1 << 25;
const BLOCK_BYTES = BLOCK_ROWS * ROW_BYTES;
/** Small files are many, and most of them have few annotations. */
const FIRST_ROWS = 1 << 8;

export interface Collected {
  /** Bytes. */
  readonly mostInMemory: number;
  file: OpenFile | undefined;
  /** The first rows, which are in the file. */
  rowsInFile: number;
  /** Whether writing has failed: the rest stays in memory. */
  refused: boolean;
  /** All full but the last one, of which `rows` are filled. */
  blocks: Float64Array[];
  last: Float64Array;
  floats: Float32Array;
  rows: number;
}

export function createCollected(mostInMemory = MOST_IN_MEMORY): Collected {
  const first = new Float64Array(FIRST_ROWS * ROW_DOUBLES);
  return {
    mostInMemory,
    file: undefined,
    rowsInFile: 0,
    refused: false,
    blocks: [first],
    last: first,
    floats: floatsOf(first),
    rows: 0,
  };
}

/** `values[box]` and the next three are x, y, width and height; there is no box where `box` is negative. */
export function collect(collected: Collected, id: number, values: Float64Array, box: number, area: number, crowd: number): void {
  if (collected.rows * ROW_DOUBLES === collected.last.length) makeRoom(collected);
  const { last, floats } = collected;
  const row = collected.rows++;
  last[row * ROW_DOUBLES] = id;
  const at = row * ROW_FLOATS + 2;
  for (let k = 0; k < 4; k++) floats[at + k] = box < 0 ? NaN : values[box + k]!;
  floats[at + 4] = area;
  floats[at + 5] = crowd;
}

function makeRoom(collected: Collected): void {
  const { last } = collected;
  const isFull = last.length === BLOCK_ROWS * ROW_DOUBLES;
  const next = new Float64Array(isFull ? last.length : 2 * last.length);
  if (isFull) {
    collected.blocks.push(next);
    collected.rows = 0;
  } else {
    next.set(last);
    collected.blocks = [next];
  }
  writeInto(collected, next);
}

function writeInto(collected: Collected, last: Float64Array): void {
  collected.last = last;
  collected.floats = floatsOf(last);
}

/** As if there had been none. */
export function collectAnew(collected: Collected): void {
  collected.blocks = collected.blocks.slice(0, 1);
  writeInto(collected, collected.blocks[0]!);
  collected.rows = collected.rowsInFile = 0;
}

/**
 * To be called now and then: writes all rows to a temporary file where they take more memory than they may. Where that fails,
 * they stay in memory. Throws the signal's reason.
 *
 * @param folder where a temporary file may be made
 */
export async function spill(collected: Collected, folder: () => Promise<string>, signal: AbortSignal | undefined): Promise<void> {
  const bytes = (collected.blocks.length - 1) * BLOCK_BYTES + collected.rows * ROW_BYTES;
  const { mostInMemory, refused, file } = collected;
  if (refused || bytes <= (file ? Math.min(mostInMemory, BLOCK_BYTES) : mostInMemory)) return;
  try {
    collected.file ??= await openTemporary(await folder());
    while (collected.rows > 0) {
      signal?.throwIfAborted();
      await spillBlock(collected, collected.file);
    }
  } catch {
    signal?.throwIfAborted();
    collected.refused = true;
  }
}

/** The first block; the last one is used again. */
async function spillBlock(collected: Collected, file: OpenFile): Promise<void> {
  const [block, next] = collected.blocks;
  const rows = next ? BLOCK_ROWS : collected.rows;
  await writeAt(file, bytesOf(block!.subarray(0, rows * ROW_DOUBLES)), collected.rowsInFile * ROW_BYTES);
  collected.rowsInFile += rows;
  if (next) collected.blocks.shift();
  else collected.rows = 0;
}

/** Nothing more is collected then. */
export function collectedDetails({ file, rowsInFile, blocks, last, rows }: Collected): AnnotationDetails {
  return {
    stored: file && { file, start: 0, rows: rowsInFile },
    blocks: [...blocks.slice(0, -1), last.subarray(0, rows * ROW_DOUBLES)].filter(({ length }) => length > 0),
  };
}

export function discard({ file }: Collected): void {
  if (file) closeFile(file);
}
