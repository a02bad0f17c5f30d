// The boxes that an annotation file gives: of one annotation, and of some images by category.
import { columnsOf, distinctImages } from './labels';
import type { AnnotationTable, CocoIndex } from './types';

/** x, y, width and height in pixels. */
export type BoxNumbers = readonly [x: number, y: number, width: number, height: number];

/** Undefined where the annotation has no box of four numbers. */
function boxAt({ bbox }: AnnotationTable, k: number): BoxNumbers | undefined {
  const [x, y, width, height] = bbox.subarray(4 * k, 4 * k + 4) as unknown as BoxNumbers;
  return Number.isNaN(x) ? undefined : [x, y, width, height];
}

/**
 * By file name and then by column of `categories`: the boxes, those of crowds too, of records that share a file together.
 * Categories without a box are absent.
 */
export function boxesOf(
  index: CocoIndex,
  categories: readonly string[],
  fileNames: readonly string[],
): Map<string, Map<number, BoxNumbers[]>> {
  const { images, rowOfImage } = distinctImages(index);
  const columns = columnsOf(index, categories);
  const wanted = new Set(fileNames);
  const found = new Map<string, Map<number, BoxNumbers[]>>();
  const { annotations } = index;
  for (let k = 0; k < annotations.count; k++) {
    const fileName = images[rowOfImage[annotations.image[k]!] ?? -1]?.fileName;
    const column = columns[annotations.category[k]!] ?? -1;
    if (fileName === undefined || column < 0 || !wanted.has(fileName)) continue;
    const box = boxAt(annotations, k);
    if (box) listOf(listsOf(found, fileName), column).push(box);
  }
  return found;
}

function listsOf<K>(maps: Map<K, Map<number, BoxNumbers[]>>, key: K): Map<number, BoxNumbers[]> {
  const lists = maps.get(key) ?? new Map<number, BoxNumbers[]>();
  maps.set(key, lists);
  return lists;
}

function listOf(lists: Map<number, BoxNumbers[]>, column: number): BoxNumbers[] {
  const list = lists.get(column) ?? [];
  lists.set(column, list);
  return list;
}
