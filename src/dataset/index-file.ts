// A parsed annotation file as a binary file: typed columns that are used as they lie on disk, texts, and the details of annotations.
import { createHash, type Hash } from 'node:crypto';
import { endianness } from 'node:os';
import { categoryColumn } from './columns';
import { BLOCK_ROWS, bytesOf, eachBlock, ROW_BYTES, ROW_DOUBLES } from './details';
import { MOST_IN_MEMORY } from './details-collected';
import { readAt, sizeOf } from './open-files';
import type { AnnotationDetails, AnnotationTable, CategoryColumn, CocoCategory, CocoImage, CocoIndex, OpenFile } from './types';

/** To be raised whenever the reader makes something else of a file, or this form changes. */
const MAGIC = Buffer.from(`labelscope index 3 ${endianness()}`.padEnd(32, '\n'));
/** Magic, length of the head. What follows begins at multiples of 8 bytes; the SHA-256 of all before it ends the file. */
const PREFIX = MAGIC.length + 8;
const DIGEST_BYTES = 32;

/** What is not a column. */
interface Head {
  readonly bytes: number;
  readonly fingerprint: string;
  readonly images: number;
  readonly imageIdTexts: readonly string[];
  readonly fileNames: TextKind;
  readonly nameBytes: number;
  readonly categories: readonly CocoCategory[];
  readonly annotations: Pick<AnnotationTable, 'count' | 'texts' | 'withoutImage' | 'withoutCategory' | 'dangling'>;
}

type TextKind = 'latin1' | 'utf16le';

/** The columns, each beginning at a multiple of 8 bytes. */
interface Columns {
  /** The id where it is a safe integer; NaN where it is the next of `imageIdTexts`. */
  readonly imageId: Float64Array;
  readonly width: Float64Array;
  readonly height: Float64Array;
  /** Where each file name ends in the text of all, in UTF-16 units. */
  readonly nameEnd: Uint32Array;
  readonly image: Int32Array;
  readonly category: CategoryColumn;
}

/**
 * The file piece by piece; each is only good until the next one is asked for.
 * Throws RangeError for texts longer than a string may be, DatasetError (index-unreadable).
 */
export async function* encodeIndex(index: CocoIndex): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const part of parts(index)) {
    hash.update(part);
    yield part;
  }
  yield hash.digest();
}

async function* parts({ bytes, fingerprint, images, categories, annotations }: CocoIndex): AsyncGenerator<Uint8Array> {
  const { count, texts, withoutImage, withoutCategory, dangling, image, category } = annotations;
  const ids = images.map(({ id }) => (String(Number(id)) === id && Number.isSafeInteger(Number(id)) ? Number(id) : NaN));
  const names = encodeTexts(images.map(({ fileName }) => fileName));
  const head: Head = {
    bytes,
    fingerprint,
    images: images.length,
    imageIdTexts: images.filter((_, row) => Number.isNaN(ids[row])).map(({ id }) => id),
    fileNames: names.kind,
    nameBytes: names.text.length,
    categories,
    annotations: { count, texts, withoutImage, withoutCategory, dangling },
  };
  const columns: Columns = {
    imageId: Float64Array.from(ids),
    width: Float64Array.from(images, ({ width }) => width),
    height: Float64Array.from(images, ({ height }) => height),
    nameEnd: names.ends,
    image,
    category,
  };
  const headBytes = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(8);
  length.writeUInt32LE(headBytes.length);
  yield MAGIC;
  for (const part of [length, headBytes, ...columnsOf(head).map(([name]) => bytesOf(columns[name])), names.text]) {
    yield part;
    yield new Uint8Array(padding(part.length));
  }
  for await (const block of eachBlock(annotations)) yield bytesOf(block);
}

/** Bytes up to the next multiple of 8. */
const padding = (length: number) => -length & 7;

function encodeTexts(texts: readonly string[]): { kind: TextKind; text: Buffer; ends: Uint32Array } {
  const whole = texts.join('');
  let end = 0;
  const ends = Uint32Array.from(texts, (text) => (end += text.length));
  const kind = /^[\u0000-\u00ff]*$/.test(whole) ? 'latin1' : 'utf16le';
  return { kind, text: Buffer.from(whole, kind), ends };
}

/** In the order of the file, each with its kind and its number of elements. */
function columnsOf({ images, categories, annotations: { count } }: Head) {
  return [
    ['imageId', Float64Array, images],
    ['width', Float64Array, images],
    ['height', Float64Array, images],
    ['nameEnd', Uint32Array, images],
    ['image', Int32Array, count],
    ['category', categoryColumn(categories.length), count],
  ] as const;
}

/** Reads on from `at`, hashing what it reads. */
interface Source {
  readonly file: OpenFile;
  /** Bytes in the file. */
  readonly size: number;
  readonly hash: Hash;
  at: number;
}

/**
 * The index without its path; undefined for a file that is not a whole, undamaged one of this form. Details that would take too
 * much memory stay in the file, which has to stay open then.
 *
 * @param mostInMemory bytes that the details of annotations may take
 */
export async function decodeIndex(file: OpenFile, mostInMemory = MOST_IN_MEMORY): Promise<Omit<CocoIndex, 'path'> | undefined> {
  try {
    return await decode({ file, size: await sizeOf(file), hash: createHash('sha256'), at: 0 }, mostInMemory);
  } catch {
    // A damaged head is no JSON, or tells of more than the file has.
    return undefined;
  }
}

async function decode(source: Source, mostInMemory: number): Promise<Omit<CocoIndex, 'path'> | undefined> {
  const prefix = await take(source, PREFIX);
  if (!prefix.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const headLength = prefix.readUInt32LE(MAGIC.length);
  const headBytes = await take(source, headLength + padding(headLength));
  const head = JSON.parse(headBytes.toString('utf8', 0, headLength)) as Head;
  const kinds = columnsOf(head);
  const lengths = [...kinds.map(([, Kind, length]) => length * Kind.BYTES_PER_ELEMENT), head.nameBytes];
  const front = await take(
    source,
    lengths.reduce((sum, length) => sum + length + padding(length), 0),
  );
  const details = await takeDetails(source, head.annotations.count, mostInMemory);
  const digest = source.hash.copy().digest();
  if (!(await take(source, DIGEST_BYTES)).equals(digest) || source.at !== source.size) return undefined;
  let at = 0;
  const entries = kinds.map(([name, Kind, length]) => {
    const column = new Kind(front.buffer, at, length);
    at += column.byteLength + padding(column.byteLength);
    return [name, column] as const;
  });
  const { image, category, ...columns } = Object.fromEntries(entries) as unknown as Columns;
  const images = decodeImages(head, columns, front.toString(head.fileNames, at, at + head.nameBytes));
  const { bytes, fingerprint, categories, annotations } = head;
  if (!inRange(image, images.length) || !inRange(category, categories.length)) return undefined;
  return { bytes, fingerprint, images, categories, annotations: { ...annotations, image, category, details } };
}

/** In an ArrayBuffer of its own. Throws Error where the file ends before. */
async function take(source: Source, length: number): Promise<Buffer<ArrayBuffer>> {
  if (length > source.size - source.at) throw new Error('cut short');
  const bytes = Buffer.allocUnsafeSlow(length);
  await fill(source, bytes);
  return bytes;
}

async function fill(source: Source, bytes: Uint8Array): Promise<void> {
  if ((await readAt(source.file, bytes, source.at)) < bytes.length) throw new Error('cut short');
  source.hash.update(bytes);
  source.at += bytes.length;
}

async function takeDetails(source: Source, rows: number, mostInMemory: number): Promise<AnnotationDetails> {
  const { file, at: start } = source;
  if (rows * ROW_BYTES > source.size - start) throw new Error('cut short');
  const stays = rows * ROW_BYTES > mostInMemory;
  const blocks: Float64Array[] = [];
  let block = new Float64Array(0);
  for (let left = rows; left > 0; left -= BLOCK_ROWS) {
    const length = Math.min(left, BLOCK_ROWS) * ROW_DOUBLES;
    // One block is enough for those that are only looked over.
    if (!stays || block.length === 0) block = new Float64Array(length);
    await fill(source, bytesOf(block.subarray(0, length)));
    if (!stays) blocks.push(block);
  }
  return { stored: stays ? { file, start, rows } : undefined, blocks };
}

type ImageColumns = Omit<Columns, 'image' | 'category'>;

function decodeImages(head: Head, { imageId, width, height, nameEnd }: ImageColumns, names: string): CocoImage[] {
  const images: CocoImage[] = [];
  let texts = 0;
  for (let row = 0; row < head.images; row++) {
    const id = Number.isNaN(imageId[row]) ? head.imageIdTexts[texts++]! : String(imageId[row]);
    const fileName = names.slice(row === 0 ? 0 : nameEnd[row - 1], nameEnd[row]);
    images.push({ id, fileName, width: width[row]!, height: height[row]! });
  }
  return images;
}

/** The folder may be anybody's: a checksum alone does not make its rows rows. */
function inRange(rows: CategoryColumn, count: number): boolean {
  for (const row of rows) if (row < -1 || row >= count) return false;
  return true;
}
