// A parsed annotation file as a binary file: typed columns that are used as they lie on disk, and texts.
import { createHash } from 'node:crypto';
import { endianness } from 'node:os';
import type { AnnotationTable, CocoCategory, CocoImage, CocoIndex } from './types';

/** To be raised whenever the reader makes something else of a file, or this form changes. */
const MAGIC = `labelscope index 1 ${endianness()}`.padEnd(32, '\n');
const DIGEST_BYTES = 32;
/** Magic, SHA-256 of all that follows it, length of the head. */
const PREFIX = MAGIC.length + DIGEST_BYTES + 8;

/** What is not a column. */
interface Head {
  readonly bytes: number;
  readonly fingerprint: string;
  readonly images: number;
  readonly imageIdTexts: readonly string[];
  readonly fileNames: TextKind;
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
  readonly category: Int32Array;
  readonly bbox: Float32Array;
  readonly area: Float32Array;
  readonly crowd: Uint8Array;
  readonly id: Float64Array;
}

/** The file's parts, in order. Columns are not copied. Throws RangeError for texts longer than a string may be. */
export function encodeIndex({ bytes, fingerprint, images, categories, annotations }: CocoIndex): Uint8Array[] {
  const { count, texts, withoutImage, withoutCategory, dangling, ...columns } = annotations;
  const ids = images.map(({ id }) => (String(Number(id)) === id && Number.isSafeInteger(Number(id)) ? Number(id) : NaN));
  const names = encodeTexts(images.map(({ fileName }) => fileName));
  const head: Head = {
    bytes,
    fingerprint,
    images: images.length,
    imageIdTexts: images.filter((_, row) => Number.isNaN(ids[row])).map(({ id }) => id),
    fileNames: names.kind,
    categories,
    annotations: { count, texts, withoutImage, withoutCategory, dangling },
  };
  const all: Columns = {
    ...columns,
    imageId: Float64Array.from(ids),
    width: Float64Array.from(images, ({ width }) => width),
    height: Float64Array.from(images, ({ height }) => height),
    nameEnd: names.ends,
  };
  return withPrefix(head, [...columnNames(head).map(([name]) => bytesOf(all[name])), names.text]);
}

function withPrefix(head: Head, parts: readonly Uint8Array[]): Uint8Array[] {
  const headBytes = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(8);
  length.writeUInt32LE(headBytes.length);
  const rest = [length, headBytes, ...parts].flatMap((part) => [part, new Uint8Array(-part.length & 7)]);
  const hash = createHash('sha256');
  for (const part of rest) hash.update(part);
  return [Buffer.from(MAGIC, 'latin1'), hash.digest(), ...rest];
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) => new Uint8Array(buffer, byteOffset, byteLength);

function encodeTexts(texts: readonly string[]): { kind: TextKind; text: Buffer; ends: Uint32Array } {
  const whole = texts.join('');
  let end = 0;
  const ends = Uint32Array.from(texts, (text) => (end += text.length));
  const kind = /^[\u0000-\u00ff]*$/.test(whole) ? 'latin1' : 'utf16le';
  return { kind, text: Buffer.from(whole, kind), ends };
}

/** In the order of the file, each with its kind and its number of elements. */
function columnNames({ images, annotations: { count } }: Head) {
  return [
    ['imageId', Float64Array, images],
    ['width', Float64Array, images],
    ['height', Float64Array, images],
    ['nameEnd', Uint32Array, images],
    ['image', Int32Array, count],
    ['category', Int32Array, count],
    ['bbox', Float32Array, count * 4],
    ['area', Float32Array, count],
    ['crowd', Uint8Array, count],
    ['id', Float64Array, count],
  ] as const;
}

/** The index without its path; undefined for bytes that are not a whole, undamaged file of this form. `file` begins its ArrayBuffer. */
export function decodeIndex(file: Buffer<ArrayBuffer>): Omit<CocoIndex, 'path'> | undefined {
  if (file.length < PREFIX || file.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined;
  const digest = createHash('sha256')
    .update(file.subarray(MAGIC.length + DIGEST_BYTES))
    .digest();
  if (!digest.equals(file.subarray(MAGIC.length, MAGIC.length + DIGEST_BYTES))) return undefined;
  const headLength = file.readUInt32LE(MAGIC.length + DIGEST_BYTES);
  const head = JSON.parse(file.toString('utf8', PREFIX, PREFIX + headLength)) as Head;
  let at = PREFIX + headLength + (-headLength & 7);
  const entries = columnNames(head).map(([name, Kind, length]) => {
    const column = new Kind(file.buffer, file.byteOffset + at, length);
    at += column.byteLength + (-column.byteLength & 7);
    return [name, column] as const;
  });
  const { imageId, width, height, nameEnd, ...columns } = Object.fromEntries(entries) as unknown as Columns;
  const names = file.toString(head.fileNames, at, at + (nameEnd.at(-1) ?? 0) * (head.fileNames === 'latin1' ? 1 : 2));
  const images = decodeImages(head, { imageId, width, height, nameEnd }, names);
  const { bytes, fingerprint, categories, annotations } = head;
  if (!inRange(columns.image, images.length) || !inRange(columns.category, categories.length)) return undefined;
  return { bytes, fingerprint, images, categories, annotations: { ...annotations, ...columns } };
}

type ImageColumns = Pick<Columns, 'imageId' | 'width' | 'height' | 'nameEnd'>;

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
function inRange(rows: Int32Array, count: number): boolean {
  return rows.every((row) => row >= -1 && row < count);
}
