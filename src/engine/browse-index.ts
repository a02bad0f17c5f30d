// Parsed annotation files that are kept while somebody looks at their images: a few at most, and none that is not used.
import { resolve } from 'node:path';
import { eachDetail } from '../dataset/details';
import { findFiles } from '../dataset/image-files';
import { openAnnotations } from '../dataset/index-cache';
import { chooseCategories, columnsOf, distinctImages } from '../dataset/labels';
import type { ReaderOptions } from '../dataset/reader';
import type { CocoIndex } from '../dataset/types';
import { LabelscopeError } from '../protocol/errors';
import type { DatasetKey } from '../protocol/browse';

/** A COCO 2017 training file takes about 60 MB, one with ten times the annotations 120. */
const MOST_KEPT = 2;

/** One that nobody has asked for this long is forgotten; the next question reads the file again. */
const IDLE_MS = 5 * 60_000;

/** An index by image: image `d` of the distinct ones has the annotations `order[start[d]] … order[start[d + 1] - 1]`. */
export interface BrowseIndex {
  readonly index: CocoIndex;
  /** First record (row of `index.images`) of every distinct image. */
  readonly records: Int32Array;
  /** Distinct image of every record; -1 for a repeated id. */
  readonly imageOfRecord: Int32Array;
  readonly start: Int32Array;
  readonly order: Int32Array;
  /** Column among `categories` of every category record. */
  readonly columns: Int32Array;
  readonly categories: number;
  /** By distinct image: how many of the categories it shows, and how many boxes it has. */
  readonly labelCount: Int32Array;
  readonly boxCount: Int32Array;
  /** Where the files lie, looked up once. */
  readonly files: (folder: string) => ReturnType<typeof findFiles>;
  /** The rows of the last questions, by filter and order. */
  readonly selections: Map<string, Int32Array>;
}

interface Kept {
  readonly opened: Promise<BrowseIndex>;
  readonly timer: NodeJS.Timeout;
}

/** By path; the one used last stands last. */
const kept = new Map<string, Kept>();

function keep(path: string, opened: Promise<BrowseIndex>): Promise<BrowseIndex> {
  forget(path);
  const timer = setTimeout(() => forget(path), IDLE_MS);
  timer.unref();
  kept.set(path, { opened, timer });
  opened.catch(() => kept.get(path)?.opened === opened && forget(path));
  const [oldest] = kept.keys();
  if (kept.size > MOST_KEPT && oldest !== undefined) forget(oldest);
  return opened;
}

export function forget(path: string): void {
  clearTimeout(kept.get(path)?.timer);
  kept.delete(path);
}

export async function keepIndex(index: CocoIndex): Promise<void> {
  await keep(index.path, browseIndexOf(index));
}

/** Where a forgotten file is read again: how, and who hears how far that is. */
export type Reading = Pick<ReaderOptions, 'runsFolder' | 'onProgress'>;

/**
 * The kept index, or the file read anew. Reading is not stopped with the request that began it: others wait for it too.
 *
 * @throws LabelscopeError 'dataset-changed' where the file is not the one of the report any more
 */
export async function openIndex({ annotations, fingerprint }: DatasetKey, reading: Reading = {}): Promise<BrowseIndex> {
  const path = resolve(annotations);
  const known = kept.get(path)?.opened;
  const opened = await keep(path, known ?? openAnnotations(path, reading).then(browseIndexOf));
  if (opened.index.fingerprint === fingerprint) return opened;
  forget(path);
  throw new LabelscopeError(
    'dataset-changed',
    `${path} has changed since its report was made. Show its dataset report anew (close the panel and open it again).`,
  );
}

async function browseIndexOf(index: CocoIndex): Promise<BrowseIndex> {
  const { rowOfImage: imageOfRecord, images } = distinctImages(index);
  const categories = index.categories.length === 0 ? [] : chooseCategories(index);
  const columns = columnsOf(index, categories);
  const byImage = groupByImage(index, imageOfRecord, images.length);
  const records = new Int32Array(images.length);
  for (let k = imageOfRecord.length - 1; k >= 0; k--) if (imageOfRecord[k]! >= 0) records[imageOfRecord[k]!] = k;
  let found: { readonly folder: string; readonly files: ReturnType<typeof findFiles> } | undefined;
  const files = (folder: string) => {
    if (found?.folder !== folder) found = { folder, files: findFiles(namesOf(index), folder) };
    return found.files;
  };
  const base = { index, records, imageOfRecord, columns, categories: categories.length, ...byImage };
  const boxCount = await boxesOf(index, imageOfRecord, images.length);
  return { ...base, labelCount: labelsOf(base), boxCount, files, selections: new Map() };
}

const namesOf = ({ images }: CocoIndex) => images.map(({ fileName }) => fileName);

/** Counting sort of the annotations by distinct image; within one they keep the file's order. */
function groupByImage({ annotations }: CocoIndex, imageOfRecord: Int32Array, images: number) {
  const start = new Int32Array(images + 1);
  const imageOf = (k: number) => imageOfRecord[annotations.image[k]!] ?? -1;
  for (let k = 0; k < annotations.count; k++) if (imageOf(k) >= 0) start[imageOf(k) + 1]!++;
  for (let d = 0; d < images; d++) start[d + 1]! += start[d]!;
  const order = new Int32Array(start[images]!);
  const next = start.slice();
  for (let k = 0; k < annotations.count; k++) if (imageOf(k) >= 0) order[next[imageOf(k)]!++] = k;
  return { start, order };
}

type Grouped = Pick<BrowseIndex, 'index' | 'records' | 'columns' | 'categories' | 'start' | 'order'>;

function labelsOf({ index, records, columns, categories, start, order }: Grouped): Int32Array {
  const count = new Int32Array(records.length);
  const { category } = index.annotations;
  const seen = new Int32Array(categories).fill(-1);
  for (let d = 0; d < records.length; d++) {
    for (let at = start[d]!; at < start[d + 1]!; at++) {
      const column = columns[category[order[at]!]!] ?? -1;
      if (column < 0 || seen[column] === d) continue;
      seen[column] = d;
      count[d]!++;
    }
  }
  return count;
}

async function boxesOf({ annotations }: CocoIndex, imageOfRecord: Int32Array, images: number): Promise<Int32Array> {
  const count = new Int32Array(images);
  await eachDetail(annotations, (row, { x }) => {
    const image = imageOfRecord[annotations.image[row]!] ?? -1;
    if (image >= 0 && !Number.isNaN(x)) count[image]!++;
  });
  return count;
}
