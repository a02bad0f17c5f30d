// Which images a filter lets through, in which order: the rows of the windows that scroll over them.
import type { BrowseParams, ImageFilter, ImageOrder } from '../protocol/browse';
import type { BrowseIndex } from './browse-index';

/** Selections kept: going back and forth between a few costs nothing. */
const MOST_KEPT = 4;

/** Rows of `index.images`. */
export function selectionOf(
  opened: BrowseIndex,
  params: Pick<BrowseParams, 'filter' | 'images' | 'order' | 'descending'>,
): Int32Array {
  const { filter, images, order, descending } = params;
  const key = JSON.stringify([filter, images, order, descending]);
  const known = opened.selections.get(key);
  const rows = known ?? inOrder(opened, chosen(opened, filter, images), order, descending);
  opened.selections.delete(key);
  opened.selections.set(key, rows);
  const [oldest] = opened.selections.keys();
  if (opened.selections.size > MOST_KEPT && oldest !== undefined) opened.selections.delete(oldest);
  return rows;
}

function chosen(opened: BrowseIndex, filter: ImageFilter, images: readonly number[] | undefined): Int32Array {
  const rows =
    images === undefined ? opened.records : Int32Array.from(new Set(images.filter((row) => row in opened.index.images)));
  const conditions = conditionsOf(opened, filter);
  return rows.filter((row) => conditions.every((holds) => holds(row)));
}

type Condition = (row: number) => boolean;

function conditionsOf(opened: BrowseIndex, filter: ImageFilter): Condition[] {
  const { images } = opened.index;
  const { text, has = [], hasNot = [], labels, longSide, aspect, size } = filter;
  const wanted = text?.toLowerCase();
  const within = (value: number, [from, to]: readonly [number, number]) => value >= from && value <= to;
  return [
    wanted ? (row: number) => images[row]!.fileName.toLowerCase().includes(wanted) : [],
    has.map((column) => (row: number) => shows(opened, row, column)),
    hasNot.map((column) => (row: number) => !shows(opened, row, column)),
    labels ? (row: number) => within(labelsOf(opened, row), labels) : [],
    longSide ? (row: number) => within(Math.max(images[row]!.width, images[row]!.height), longSide) : [],
    aspect ? (row: number) => hasAspect(images[row]!, aspect) : [],
    size ? (row: number) => images[row]!.width === size[0] && images[row]!.height === size[1] : [],
  ].flat();
}

function hasAspect(
  { width, height }: { readonly width: number; readonly height: number },
  [from, to]: readonly [number, number],
) {
  return width > 0 && height > 0 && width / height >= from && width / height < to;
}

/** Positions in `order` of the annotations of an image record. */
export function annotationsOf({ imageOfRecord, start, order }: BrowseIndex, row: number): Int32Array {
  const image = imageOfRecord[row]!;
  return image < 0 ? new Int32Array() : order.subarray(start[image], start[image + 1]);
}

function shows(opened: BrowseIndex, row: number, column: number): boolean {
  const { category } = opened.index.annotations;
  return annotationsOf(opened, row).some((k) => opened.columns[category[k]!] === column);
}

const labelsOf = ({ imageOfRecord, labelCount }: BrowseIndex, row: number) => labelCount[imageOfRecord[row]!] ?? 0;

/** Rows of equal rank stay in the file's order, also when the others are turned round. */
function inOrder(opened: BrowseIndex, rows: Int32Array, order: ImageOrder, descending: boolean): Int32Array {
  const sign = descending ? -1 : 1;
  if (order === 'file') return rows.sort((a, b) => sign * (a - b));
  if (order === 'name') return byName(opened, rows, sign);
  const { images } = opened.index;
  const rank: Record<Exclude<ImageOrder, 'file' | 'name'>, (row: number) => number> = {
    labels: (row) => labelsOf(opened, row),
    boxes: (row) => opened.boxCount[opened.imageOfRecord[row]!] ?? 0,
    size: (row) => images[row]!.width * images[row]!.height,
  };
  const ranks = new Map(Array.from(rows, (row) => [row, rank[order](row)]));
  return rows.sort((a, b) => sign * (ranks.get(a)! - ranks.get(b)!) || a - b);
}

/** Numbers in names by their size: image 9 before image 10. */
function byName({ index: { images } }: BrowseIndex, rows: Int32Array, sign: number): Int32Array {
  const { compare } = new Intl.Collator(undefined, { numeric: true });
  return rows.sort((a, b) => sign * compare(images[a]!.fileName, images[b]!.fileName) || a - b);
}
