// The annotations of a COCO file as growing typed columns, and the ids that tie them to images and categories.
import type { AnnotationTable, DanglingReference } from './types';

/**
 * Ids as numbers: a safe integer stands for itself, any other text is numbered -0.5, -1.5, … in the order first met, so
 * that 860,000 ids need no strings.
 */
export interface IdPool {
  readonly texts: string[];
  readonly keys: Map<string, number>;
}

export function createIdPool(): IdPool {
  return { texts: [], keys: new Map() };
}

const INTEGER = /^(?:0|-?[1-9]\d{0,15})$/;

/** The key of an id written as a JSON string, or as a number that is not a short integer (`numeric`). */
export function keyOfId(pool: IdPool, written: string, numeric: boolean): number {
  const value = numeric || INTEGER.test(written) ? Number(written) : NaN;
  if (Number.isSafeInteger(value)) return value + 0;
  // 1.50 is 1.5; whole numbers beyond 2^53 keep every digit.
  const text = Number.isFinite(value) && !Number.isInteger(value) ? String(value) : written;
  let key = pool.keys.get(text);
  if (key === undefined) {
    key = -(pool.texts.length + 0.5);
    pool.texts.push(text);
    pool.keys.set(text, key);
  }
  return key;
}

/** The text of an id; '?' for an annotation that has none. */
export function textOfId(key: number, texts: readonly string[]): string {
  if (Number.isNaN(key)) return '?';
  return Number.isInteger(key) ? String(key) : texts[-key - 0.5]!;
}

/** Keys numbered in the order first met: a reference takes 4 bytes a row, whatever the ids are. */
interface References {
  /** The number of each key that is a small integer, plus 1: several times faster than a map. */
  small: Int32Array;
  /** The numbers of the other keys. */
  readonly numbers: Map<number, number>;
  readonly keys: number[];
}

/** 16 MB, of which only what is used takes memory. */
const MOST_SMALL = 1 << 22;

function createReferences(): References {
  return { small: new Int32Array(1024), numbers: new Map(), keys: [] };
}

const isSmall = (key: number) => key >= 0 && key < MOST_SMALL;

export function referTo(references: References, key: number): number {
  const number = numberOf(references, key);
  return number === -1 ? addReference(references, key) : number;
}

/** -1 for a key that nothing refers to. */
function numberOf({ small, numbers }: References, key: number): number {
  if (isSmall(key)) return key < small.length ? small[key]! - 1 : -1;
  return numbers.get(key) ?? -1;
}

function addReference(references: References, key: number): number {
  const number = references.keys.push(key) - 1;
  if (!isSmall(key)) references.numbers.set(key, number);
  else {
    if (key >= references.small.length)
      references.small = grown(references.small, new Int32Array(2 ** Math.ceil(Math.log2(key + 1))));
    references.small[key] = number + 1;
  }
  return number;
}

export interface Columns {
  count: number;
  id: Float64Array;
  /** Numbers of `images` and `categories`, and once the annotations are tied, rows. */
  image: Int32Array;
  category: Int32Array;
  bbox: Float32Array;
  area: Float32Array;
  crowd: Uint8Array;
  readonly images: References;
  readonly categories: References;
}

/** Memory that is not written to yet costs nothing, so `rows` may be a generous guess. */
export function createColumns(rows: number): Columns {
  return { ...createArrays(rows), count: 0, images: createReferences(), categories: createReferences() };
}

function createArrays(rows: number) {
  return {
    id: new Float64Array(rows),
    image: new Int32Array(rows),
    category: new Int32Array(rows),
    bbox: new Float32Array(rows * 4),
    area: new Float32Array(rows),
    crowd: new Uint8Array(rows),
  };
}

/** One column after the other, so that only one of them is there twice. */
export function growColumns(columns: Columns): void {
  const rows = Math.ceil(columns.id.length * 1.5);
  columns.id = grown(columns.id, new Float64Array(rows));
  columns.image = grown(columns.image, new Int32Array(rows));
  columns.category = grown(columns.category, new Int32Array(rows));
  columns.bbox = grown(columns.bbox, new Float32Array(rows * 4));
  columns.area = grown(columns.area, new Float32Array(rows));
  columns.crowd = grown(columns.crowd, new Uint8Array(rows));
}

function grown<T extends Float64Array | Float32Array | Int32Array | Uint8Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}

/** By number of a reference its record's row, of a repeated id the first, -1 where there is no record. */
function rowsOf(references: References, records: readonly number[]): Int32Array {
  const rows = new Int32Array(references.keys.length).fill(-1);
  records.forEach((key, row) => {
    const number = numberOf(references, key);
    if (number !== -1 && rows[number] === -1) rows[number] = row;
  });
  return rows;
}

const EXAMPLES = 5;

/** Ties the annotations to their records, once all are read: images and categories may come after them. */
export function tieAnnotations(columns: Columns, imageKeys: number[], categoryKeys: number[], pool: IdPool): AnnotationTable {
  const { count } = columns;
  const image = columns.image.subarray(0, count);
  const category = columns.category.subarray(0, count);
  const dangling: DanglingReference[] = [];
  /** In place; returns how many name no record. */
  const tie = (column: Int32Array, references: References, records: readonly number[], field: DanglingReference['field']) => {
    const rows = rowsOf(references, records);
    let missing = 0;
    for (let i = 0; i < count; i++) {
      const number = column[i]!;
      column[i] = rows[number]!;
      if (column[i] !== -1 || ++missing > EXAMPLES) continue;
      const value = textOfId(references.keys[number]!, pool.texts);
      dangling.push({ annotation: textOfId(columns.id[i]!, pool.texts), field, value });
    }
    return missing;
  };
  const withoutImage = tie(image, columns.images, imageKeys, 'image_id');
  const withoutCategory = tie(category, columns.categories, categoryKeys, 'category_id');
  return {
    count,
    image,
    category,
    bbox: columns.bbox.subarray(0, count * 4),
    area: columns.area.subarray(0, count),
    crowd: columns.crowd.subarray(0, count),
    id: columns.id.subarray(0, count),
    texts: pool.texts,
    withoutImage,
    withoutCategory,
    dangling,
  };
}
