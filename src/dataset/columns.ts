// The annotations of a COCO file as growing typed columns, and what ties them to images and categories.
import { detailsOf } from './details';
import { collectAnew, type Collected, collectedDetails, createCollected } from './details-collected';
import { type IdPool, textOfId } from './ids';
import type { AnnotationTable, CategoryColumn, DanglingReference } from './types';

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

function referTo(references: References, key: number): number {
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
  /** Numbers of `images` and `categories`, and once the annotations are tied, rows. */
  image: Int32Array;
  category: CategoryColumn;
  readonly details: Collected;
  readonly images: References;
  readonly categories: References;
}

/** Memory that is not written to yet costs nothing, so `rows` may be a generous guess. */
export function createColumns(rows: number, mostInMemory: number | undefined): Columns {
  return {
    count: 0,
    image: new Int32Array(rows),
    category: new Int16Array(rows),
    details: createCollected(mostInMemory),
    images: createReferences(),
    categories: createReferences(),
  };
}

const MOST_IN_16_BITS = 0x7fff;

export function addRow(columns: Columns, imageKey: number, categoryKey: number): void {
  if (columns.count === columns.image.length) growColumns(columns);
  const row = columns.count++;
  columns.image[row] = referTo(columns.images, imageKey);
  const category = referTo(columns.categories, categoryKey);
  if (category > MOST_IN_16_BITS && columns.category instanceof Int16Array)
    columns.category = grown(columns.category, new Int32Array(columns.category.length));
  columns.category[row] = category;
}

/** One column after the other, so that only one of them is there twice. */
function growColumns(columns: Columns): void {
  const rows = Math.ceil(columns.image.length * 1.5);
  columns.image = grown(columns.image, new Int32Array(rows));
  const { category } = columns;
  columns.category = grown(category, category instanceof Int16Array ? new Int16Array(rows) : new Int32Array(rows));
}

export function startAnew(columns: Columns): void {
  columns.count = 0;
  collectAnew(columns.details);
}

function grown<T extends Int32Array | Int16Array>(old: CategoryColumn, larger: T): T {
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

/** The kind of the column of categories: that of the narrowest numbers that have all rows. */
export const categoryColumn = (categories: number): typeof Int16Array | typeof Int32Array =>
  categories > MOST_IN_16_BITS ? Int32Array : Int16Array;

const EXAMPLES = 5;

/** A reference that names no record. */
interface Loose {
  readonly row: number;
  readonly field: DanglingReference['field'];
  readonly key: number;
}

/** Ties the annotations to their records, once all are read: images and categories may come after them. */
export async function tieAnnotations(
  columns: Columns,
  imageKeys: number[],
  categoryKeys: number[],
  pool: IdPool,
): Promise<AnnotationTable> {
  const { count, image, category } = columns;
  const loose: Loose[] = [];
  /** From numbers to rows, in place where both have one kind; returns how many name no record. */
  const tie = (
    from: CategoryColumn,
    to: CategoryColumn,
    references: References,
    keys: readonly number[],
    field: Loose['field'],
  ) => {
    const rows = rowsOf(references, keys);
    let missing = 0;
    for (let row = 0; row < count; row++) {
      const number = from[row]!;
      to[row] = rows[number]!;
      if (rows[number] === -1 && ++missing <= EXAMPLES) loose.push({ row, field, key: references.keys[number]! });
    }
    return missing;
  };
  const Kind = categoryColumn(categoryKeys.length);
  const rows = category instanceof Kind ? category : new Kind(count);
  const withoutImage = tie(image, image, columns.images, imageKeys, 'image_id');
  const withoutCategory = tie(category, rows, columns.categories, categoryKeys, 'category_id');
  const details = collectedDetails(columns.details);
  return {
    count,
    image: image.subarray(0, count),
    category: rows.subarray(0, count),
    details,
    texts: pool.texts,
    withoutImage,
    withoutCategory,
    dangling: await named(loose, { details, texts: pool.texts }),
  };
}

async function named(loose: readonly Loose[], { details, texts }: Pick<AnnotationTable, 'details' | 'texts'>) {
  const found = await detailsOf(
    { details },
    loose.map(({ row }) => row),
  );
  return loose.map(({ row, field, key }): DanglingReference => ({
    annotation: textOfId(found.get(row)!.id, texts),
    field,
    value: textOfId(key, texts),
  }));
}
