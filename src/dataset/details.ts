// The details of annotations (id, box, area, crowd), wherever they are: all in turn, or those of some images.
import { textOfId } from './ids';
import { DatasetError } from './errors';
import { readAt } from './open-files';
import type { Annotation, AnnotationTable, CocoIndex, Detail, StoredRows } from './types';

/** A row as it is kept, in memory and on disk: the id as a 64-bit float, then x, y, width, height, area and crowd as 32-bit ones. */
export const ROW_BYTES = 32;
export const ROW_DOUBLES = 4;
export const ROW_FLOATS = 8;
/** 1 MiB. */
export const BLOCK_ROWS = 1 << 15;

/** On disk, rows that are so near to each other are read together with those between them. */
const NEAR = 1 << 11;

export const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

export const floatsOf = ({ buffer, byteOffset, length }: Float64Array): Float32Array =>
  new Float32Array(buffer, byteOffset, 2 * length);

/**
 * Tells of every annotation, in the order of the file; `detail` is good only until the next one.
 * Throws what `use` throws, the signal's reason, and DatasetError (index-unreadable).
 */
export async function eachDetail(
  table: Pick<AnnotationTable, 'details'>,
  use: (row: number, detail: Detail) => void,
  signal?: AbortSignal,
): Promise<void> {
  const detail: { -readonly [K in keyof Detail]: Detail[K] } = { ...NOTHING };
  let row = 0;
  for await (const block of eachBlock(table)) {
    signal?.throwIfAborted();
    const floats = floatsOf(block);
    for (let k = 0; k < block.length / ROW_DOUBLES; k++) {
      detail.id = block[k * ROW_DOUBLES]!;
      detail.x = floats[k * ROW_FLOATS + 2]!;
      detail.y = floats[k * ROW_FLOATS + 3]!;
      detail.width = floats[k * ROW_FLOATS + 4]!;
      detail.height = floats[k * ROW_FLOATS + 5]!;
      detail.area = floats[k * ROW_FLOATS + 6]!;
      detail.crowd = floats[k * ROW_FLOATS + 7]!;
      use(row++, detail);
    }
  }
}

const NOTHING: Detail = { id: NaN, x: NaN, y: NaN, width: NaN, height: NaN, area: NaN, crowd: 0 };

/** Whole rows, in order; each block is good only until the next one is asked for. Throws DatasetError (index-unreadable). */
export async function* eachBlock({ details }: Pick<AnnotationTable, 'details'>): AsyncGenerator<Float64Array> {
  const { stored, blocks } = details;
  const rows = stored?.rows ?? 0;
  const buffer = new Float64Array(Math.min(rows, BLOCK_ROWS) * ROW_DOUBLES);
  for (let first = 0; first < rows; first += BLOCK_ROWS) {
    const block = buffer.subarray(0, Math.min(rows - first, BLOCK_ROWS) * ROW_DOUBLES);
    await readRows(stored!, first, block);
    yield block;
  }
  yield* blocks;
}

async function readRows(stored: StoredRows, first: number, rows: Float64Array): Promise<void> {
  const { file, start } = stored;
  const read = await readAt(file, bytesOf(rows), start + first * ROW_BYTES).catch((cause: unknown) =>
    unreadable(file.path, cause),
  );
  if (read < rows.byteLength) unreadable(file.path, new Error('it is shorter than it was'));
}

function unreadable(path: string, cause: unknown): never {
  throw new DatasetError(
    'index-unreadable',
    `${path}, where Labelscope keeps the boxes of large annotation files, cannot be read (${(cause as Error).message}). ` +
      'Open the annotation file anew.',
    path,
    { cause },
  );
}

/** The details of these annotations, by row. Throws DatasetError (index-unreadable). */
export async function detailsOf(
  { details }: Pick<AnnotationTable, 'details'>,
  rows: Iterable<number>,
): Promise<ReadonlyMap<number, Detail>> {
  const found = new Map<number, Detail>();
  const { stored, blocks } = details;
  const sorted = Int32Array.from(rows).sort();
  const inFile = sorted.filter((row) => row < (stored?.rows ?? 0));
  for (let k = 0; k < inFile.length;) {
    const end = endOfRun(inFile, k);
    const first = inFile[k]!;
    const run = new Float64Array((inFile[end - 1]! + 1 - first) * ROW_DOUBLES);
    await readRows(stored!, first, run);
    for (; k < end; k++) found.set(inFile[k]!, detailAt(run, inFile[k]! - first));
  }
  for (const row of sorted.subarray(inFile.length)) {
    const at = row - (stored?.rows ?? 0);
    found.set(row, detailAt(blocks[Math.floor(at / BLOCK_ROWS)]!, at % BLOCK_ROWS));
  }
  return found;
}

/** Where the rows end that are to be read together with the k-th. */
function endOfRun(rows: Int32Array, k: number): number {
  let end = k + 1;
  while (end < rows.length && rows[end]! - rows[end - 1]! <= NEAR && rows[end]! - rows[k]! < BLOCK_ROWS) end++;
  return end;
}

function detailAt(block: Float64Array, k: number): Detail {
  const floats = floatsOf(block);
  const value = (place: number) => floats[k * ROW_FLOATS + place]!;
  return {
    id: block[k * ROW_DOUBLES]!,
    x: value(2),
    y: value(3),
    width: value(4),
    height: value(5),
    area: value(6),
    crowd: value(7),
  };
}

/**
 * The annotations of some image records (rows of `index.images`), by record in the order of the file; records without any are left out.
 * A repeated id's annotations are those of its first record. Takes a scan of all annotations' images and, for large
 * files, reads from disk: ask for many images at once rather than one by one. Throws DatasetError (index-unreadable).
 */
export async function annotationsOfImages(
  { annotations, images: records }: CocoIndex,
  images: Iterable<number>,
): Promise<Map<number, Annotation[]>> {
  const wanted = new Uint8Array(records.length);
  for (const image of images) wanted[image] = 1;
  const rows: number[] = [];
  for (let k = 0; k < annotations.count; k++) if (wanted[annotations.image[k]!] === 1) rows.push(k);
  const details = await detailsOf(annotations, rows);
  const found = new Map<number, Annotation[]>();
  for (const row of rows) {
    const image = annotations.image[row]!;
    const { id, ...detail } = details.get(row)!;
    const own = found.get(image) ?? [];
    own.push({ row, id: textOfId(id, annotations.texts), category: annotations.category[row]!, ...detail });
    found.set(image, own);
  }
  return found;
}
