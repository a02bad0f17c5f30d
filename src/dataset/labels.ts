// From annotations to multi-hot labels: which images, which categories, in which order.
import { DatasetError } from './errors';
import { nearestNames } from './nearest';
import type { AnnotationTable, CocoIndex, LabelledImage, LabelledSet, Labels } from './types';

interface LabelOptions {
  /** Names, in the order wanted; without, all categories in the file's order. */
  readonly categories?: readonly string[] | undefined;
  /** Keep the images that show none of the categories. */
  readonly includeUnlabeled?: boolean | undefined;
}

/**
 * The multi-hot labels of a file. An image has a label when any annotation, iscrowd ones too, gives it. Of repeated
 * image ids the first record stays; records of one file name become one image with the labels of all; categories of one name
 * are one label. Annotations that point nowhere are left out (see `inspect`).
 * Throws DatasetError: unknown-category, repeated-category, no-categories-chosen, no-labelled-images.
 */
export function labelSet(index: CocoIndex, options: LabelOptions = {}): LabelledSet {
  const categories = chooseCategories(index, options.categories);
  const { images, rowOfImage } = distinctImages(index);
  const columnOfCategory = columnsOf(index, categories);
  const labels = multiHot(index.annotations, rowOfImage, columnOfCategory, images.length, categories.length);
  const set = { categories, images, labels };
  const kept = options.includeUnlabeled === true ? set : takeSome(set, labelledRows(set));
  if (kept.images.length > 0) return kept;
  throw new DatasetError(
    'no-labelled-images',
    `No image of ${index.path} shows ${categories.length === 1 ? `"${categories[0]!}"` : `one of the ${categories.length} categories`}. ` +
      'Choose other categories: labelscope inspect lists them with their counts.',
    index.path,
  );
}

/** The names asked for, checked; else all names of the file, each once. */
export function chooseCategories(index: CocoIndex, asked?: readonly string[]): readonly string[] {
  const known = [...new Set(index.categories.map((category) => category.name))];
  const names = asked ?? known;
  if (names.length === 0)
    throw new DatasetError(
      'no-categories-chosen',
      `There is no category to use from ${index.path}. Name at least one.`,
      index.path,
    );
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw unknownCategory(index, unknown, known);
  const repeated = names.find((name, k) => names.indexOf(name) !== k);
  if (repeated === undefined) return names;
  throw new DatasetError('repeated-category', `The category "${repeated}" is asked for twice. Name each once.`, index.path);
}

function unknownCategory(index: CocoIndex, unknown: readonly string[], known: readonly string[]): DatasetError {
  const told = unknown.map((name) => {
    const near = nearestNames(name, known).map((candidate) => `"${candidate}"`);
    return near.length === 0 ? `"${name}"` : `"${name}" (did you mean ${near.join(' or ')}?)`;
  });
  return new DatasetError(
    'unknown-category',
    `${index.path} has no category ${told.join(', ')}. See all ${known.length} names with: labelscope inspect "${index.path}"`,
    index.path,
  );
}

/** Distinct images in file order, and for every record of the file the row of its image (-1 for a repeated id). */
export function distinctImages(index: CocoIndex): { images: readonly LabelledImage[]; rowOfImage: Int32Array } {
  const images: LabelledImage[] = [];
  const rowOfImage = new Int32Array(index.images.length).fill(-1);
  const ids = new Set<string>();
  const rowOfFile = new Map<string, number>();
  index.images.forEach((image, k) => {
    if (ids.has(image.id)) return;
    ids.add(image.id);
    let row = rowOfFile.get(image.fileName);
    if (row === undefined) {
      row = images.push(image) - 1;
      rowOfFile.set(image.fileName, row);
    }
    rowOfImage[k] = row;
  });
  return { images, rowOfImage };
}

/** Column of every category record of the file, -1 where it was not chosen. */
export function columnsOf(index: CocoIndex, chosen: readonly string[]): Int32Array {
  const columns = new Map(chosen.map((name, column) => [name, column]));
  return Int32Array.from(index.categories, (category) => columns.get(category.name) ?? -1);
}

/** rows × columns, 0 or 1, row-major. */
export function multiHot(
  annotations: AnnotationTable,
  rowOfImage: Int32Array,
  columnOfCategory: Int32Array,
  rows: number,
  columns: number,
): Uint8Array {
  const labels = new Uint8Array(rows * columns);
  for (let k = 0; k < annotations.count; k++) {
    const row = rowOfImage[annotations.image[k]!] ?? -1;
    const column = columnOfCategory[annotations.category[k]!] ?? -1;
    if (row >= 0 && column >= 0) labels[row * columns + column] = 1;
  }
  return labels;
}

/** Of the records wanted, the names of the categories that they show, sorted, in one line. */
export function labelsOfRows({ annotations, categories }: CocoIndex, wanted: ReadonlySet<number>): Map<number, string> {
  const names = new Map<number, Set<string>>();
  if (wanted.size === 0) return new Map();
  for (let k = 0; k < annotations.count; k++) {
    const [row, name] = [annotations.image[k]!, categories[annotations.category[k]!]?.name];
    if (name === undefined || !wanted.has(row)) continue;
    names.set(row, (names.get(row) ?? new Set()).add(name));
  }
  return new Map([...names].map(([row, own]) => [row, [...own].sort().join(', ')]));
}

function labelledRows(set: LabelledSet): number[] {
  const { images, labels, categories } = set;
  const width = categories.length;
  // Not by a view of each row: it is an object of more bytes than most rows have.
  const isLabelled = (row: number) => {
    for (let at = row * width; at < (row + 1) * width; at++) if (labels[at] === 1) return true;
    return false;
  };
  return Array.from(images.keys()).filter(isLabelled);
}

/** As `takeRows`, of ascending rows: nothing is copied where they are all of them. */
function takeSome(set: LabelledSet, rows: readonly number[]): LabelledSet {
  return rows.length === set.images.length ? set : takeRows(set, rows);
}

/** The set of these rows, in the order given. */
export function takeRows(set: LabelledSet, rows: readonly number[]): LabelledSet {
  return { ...takeLabels(set, rows), images: rows.map((row) => set.images[row]!) };
}

/** Their labels alone. */
export function takeLabels({ categories, labels: all }: Labels, rows: readonly number[]): Labels {
  const width = categories.length;
  const labels = new Uint8Array(rows.length * width);
  rows.forEach((row, k) => {
    for (let c = 0; c < width; c++) labels[k * width + c] = all[row * width + c]!;
  });
  return { categories, images: { length: rows.length }, labels };
}
