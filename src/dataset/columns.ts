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
export function keyOfId(pool: IdPool, text: string, numeric: boolean): number {
  const value = numeric || INTEGER.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(value)) return value + 0;
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

export interface Columns {
  count: number;
  id: Float64Array;
  imageId: Float64Array;
  categoryId: Float64Array;
  bbox: Float32Array;
  area: Float32Array;
  crowd: Uint8Array;
}

/** Memory that is not written to yet costs nothing, so `rows` may be a generous guess. */
export function createColumns(rows: number): Columns {
  return {
    count: 0,
    id: new Float64Array(rows),
    imageId: new Float64Array(rows),
    categoryId: new Float64Array(rows),
    bbox: new Float32Array(rows * 4),
    area: new Float32Array(rows),
    crowd: new Uint8Array(rows),
  };
}

export function growColumns(old: Columns): Columns {
  const grown = createColumns(Math.ceil(old.id.length * 1.5));
  grown.count = old.count;
  for (const name of ['id', 'imageId', 'categoryId', 'bbox', 'area', 'crowd'] as const) grown[name].set(old[name]);
  return grown;
}

/** Row of each id; of a repeated id the first. */
function rowsById(keys: readonly number[]): Map<number, number> {
  const rows = new Map<number, number>();
  keys.forEach((key, row) => {
    if (!rows.has(key)) rows.set(key, row);
  });
  return rows;
}

function lookUp(ids: Float64Array, count: number, rows: Map<number, number>): Int32Array {
  const found = new Int32Array(count);
  for (let i = 0; i < count; i++) found[i] = rows.get(ids[i]!) ?? -1;
  return found;
}

const EXAMPLES = 5;

/** Ties the annotations to their records, once all are read: images and categories may come after them. */
export function tieAnnotations(columns: Columns, imageKeys: number[], categoryKeys: number[], pool: IdPool): AnnotationTable {
  const { count } = columns;
  const image = lookUp(columns.imageId, count, rowsById(imageKeys));
  const category = lookUp(columns.categoryId, count, rowsById(categoryKeys));
  const dangling: DanglingReference[] = [];
  const countMissing = (rows: Int32Array, ids: Float64Array, field: DanglingReference['field']) => {
    let missing = 0;
    for (let i = 0; i < count; i++) {
      if (rows[i] !== -1 || ++missing > EXAMPLES) continue;
      dangling.push({ annotation: textOfId(columns.id[i]!, pool.texts), field, value: textOfId(ids[i]!, pool.texts) });
    }
    return missing;
  };
  return {
    count,
    image,
    category,
    bbox: columns.bbox.subarray(0, count * 4),
    area: columns.area.subarray(0, count),
    crowd: columns.crowd.subarray(0, count),
    id: columns.id.subarray(0, count),
    texts: pool.texts,
    withoutImage: countMissing(image, columns.imageId, 'image_id'),
    withoutCategory: countMissing(category, columns.categoryId, 'category_id'),
    dangling,
  };
}
