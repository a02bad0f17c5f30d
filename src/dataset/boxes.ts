// The boxes that an annotation file gives for some images, by category.
import { detailsOf } from './details';
import { columnsOf, distinctImages } from './labels';
import type { CocoIndex } from './types';

/** x, y, width and height in pixels. */
export type BoxNumbers = readonly [x: number, y: number, width: number, height: number];

type BoxesByFile = Map<string, Map<number, BoxNumbers[]>>;

/**
 * By file name and then by column of `categories`: the boxes, those of crowds too, of records that share a file together.
 * Categories without a box are absent. Throws DatasetError (index-unreadable).
 */
export async function boxesOf(
  index: CocoIndex,
  categories: readonly string[],
  fileNames: readonly string[],
): Promise<BoxesByFile> {
  const { images, rowOfImage } = distinctImages(index);
  const { annotations } = index;
  const columns = columnsOf(index, categories);
  const wanted = new Set(fileNames);
  const fileOf = (k: number) => images[rowOfImage[annotations.image[k]!] ?? -1]?.fileName ?? '';
  const rows: number[] = [];
  for (let k = 0; k < annotations.count; k++) {
    if ((columns[annotations.category[k]!] ?? -1) >= 0 && wanted.has(fileOf(k))) rows.push(k);
  }
  const details = await detailsOf(annotations, rows);
  const found: BoxesByFile = new Map();
  for (const k of rows) {
    const { x, y, width, height } = details.get(k)!;
    if (!Number.isNaN(x)) add(found, fileOf(k), columns[annotations.category[k]!]!, [x, y, width, height]);
  }
  return found;
}

function add(found: BoxesByFile, fileName: string, column: number, box: BoxNumbers): void {
  const lists = found.get(fileName) ?? new Map<number, BoxNumbers[]>();
  found.set(fileName, lists.set(column, [...(lists.get(column) ?? []), box]));
}
