// What is known of the images of a split beyond labels: sizes, the largest object of each category, fields of their records.
import { eachDetail } from '../dataset/details';
import { columnsOf, distinctImages } from '../dataset/labels';
import { openAnnotations } from '../dataset/index-cache';
import type { CocoIndex, Detail, LabelledSet } from '../dataset/types';
import type { FactTable, ImageFacts, ObjectArea } from '../metrics/facts';
import { groupsByField } from '../metrics/groups';
import { FACTS_FORMAT, type ImageFactsFile } from '../protocol/run';
import type { Opening } from './context';
import type { Split } from './data';
import { checkImages } from './health';
import { readImageFields } from './image-fields';

/** Undefined where the annotation file is not the one any more that the split was made from. */
export async function factsOf({ set, paths, source }: Split, { signal, runsFolder }: Opening): Promise<FactTable | undefined> {
  const index = await openAnnotations(source.annotations, { signal, runsFolder });
  if (index.fingerprint !== source.fingerprint) return undefined;
  const rowOfRecord = rowsOf(index, set);
  const areas = await largestObjects(index, rowOfRecord, set, signal);
  const sizes = await sizesOf(set, paths, signal);
  const fields = await readImageFields(index, rowOfRecord, set.images.length, signal);
  return { images: areas.map((own, row) => ({ ...sizes[row]!, areas: own })), fields };
}

/** What is kept of the facts of a split for some of its rows, in the order given: the fields that make slices of them. */
export function factsFile({ images, fields }: FactTable, { set }: Split, rows: readonly number[]): ImageFactsFile {
  const judged = fields.map(({ name, values }) => {
    const field = { name, values: rows.map((row) => values[row]!) };
    return { field, groups: groupsByField(field) };
  });
  return {
    format: FACTS_FORMAT,
    images: rows.map((row) => ({ file_name: set.images[row]!.fileName, ...images[row]! })),
    fields: judged.flatMap(({ field, groups }) => (typeof groups === 'string' ? [] : [field])),
    leftOut: judged.flatMap(({ field: { name }, groups }) => (typeof groups === 'string' ? [{ name, reason: groups }] : [])),
  };
}

/** Row of the set by record of the file, -1 for records that are not in it. */
function rowsOf(index: CocoIndex, set: LabelledSet): Int32Array {
  const rows = new Map(set.images.map(({ fileName }, row) => [fileName, row]));
  const { images, rowOfImage } = distinctImages(index);
  return rowOfImage.map((distinct) => (distinct < 0 ? -1 : (rows.get(images[distinct]!.fileName) ?? -1)));
}

/** Square pixels: as the annotation says, else those of its box; NaN where neither tells. */
function areaOf({ area, width, height }: Detail): number {
  if (area > 0) return area;
  const box = width * height;
  return box >= 0 ? box : NaN;
}

/** Crowds alone: no object so far. NaN stands for objects of which no area is known. */
const NO_OBJECT = -1;

function larger(before: number, area: number): number {
  return before >= 0 && !(area > before) ? before : area;
}

/** By row, one for each of its labels in the order of the set's categories. */
async function largestObjects(
  index: CocoIndex,
  rowOfRecord: Int32Array,
  { images, categories, labels }: LabelledSet,
  signal: AbortSignal,
): Promise<ObjectArea[][]> {
  const { annotations } = index;
  const columns = columnsOf(index, categories);
  const width = categories.length;
  const largest = new Float64Array(images.length * width).fill(NO_OBJECT);
  const judge = (k: number, detail: Detail) => {
    const row = rowOfRecord[annotations.image[k]!] ?? -1;
    const column = columns[annotations.category[k]!] ?? -1;
    if (row < 0 || column < 0 || detail.crowd === 1) return;
    const at = row * width + column;
    largest[at] = larger(largest[at]!, areaOf(detail));
  };
  await eachDetail(annotations, judge, signal);
  return images.map((_, row) =>
    categories.flatMap((_, c) => (labels[row * width + c] === 1 ? [areaFrom(largest[row * width + c]!)] : [])),
  );
}

function areaFrom(largest: number): ObjectArea {
  if (Number.isNaN(largest)) return null;
  return largest === NO_OBJECT ? 'crowd' : largest;
}

type Size = Pick<ImageFacts, 'width' | 'height'>;

/** As the annotation file declares them; of the others the head of the file is read. */
async function sizesOf({ images }: LabelledSet, paths: readonly string[], signal: AbortSignal): Promise<Size[]> {
  const isDeclared = ({ width, height }: { width: number; height: number }) => width > 0 && height > 0;
  const asked = images.map((image, row) => (isDeclared(image) ? undefined : paths[row]));
  const read = asked.some((path) => path !== undefined)
    ? await checkImages(asked, 'headers', { signal, onProgress: () => undefined })
    : [];
  return images.map((image, row) => {
    const size = isDeclared(image) ? image : read[row];
    return size && isDeclared(size) ? { width: size.width, height: size.height } : { width: null, height: null };
  });
}
