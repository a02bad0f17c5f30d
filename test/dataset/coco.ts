// Helpers of the dataset tests: files in temporary folders, small COCO files, and errors by code.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { DatasetError } from '../../src/dataset/errors';
import { readAnnotations } from '../../src/dataset/reader';
import type { CocoIndex } from '../../src/dataset/types';

/** A folder that is gone after the tests of the file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'labelscope-dataset-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

let files = 0;

export function writeTemporary(folder: string, content: string | Uint8Array, extension = '.json'): string {
  const path = join(folder, `file-${++files}${extension}`);
  writeFileSync(path, content);
  return path;
}

export async function readIndex(folder: string, coco: object): Promise<CocoIndex> {
  return readAnnotations(writeTemporary(folder, JSON.stringify(coco)));
}

/** Four images 1..4 and categories dog 18, cat 17: image 1 shows dog, 2 both, 3 nothing, 4 cat as a crowd. */
export const SMALL = {
  images: [1, 2, 3, 4].map((id) => ({ id, file_name: `${id}.jpg`, width: 100, height: 80 })),
  annotations: [
    { id: 1, image_id: 1, category_id: 18, bbox: [10, 10, 20, 20], area: 400, iscrowd: 0 },
    { id: 2, image_id: 2, category_id: 18, bbox: [0, 0, 100, 80], area: 8000, iscrowd: 0 },
    { id: 3, image_id: 2, category_id: 17, bbox: [1.5, 2.25, 3, 4], area: 12, iscrowd: 0 },
    { id: 4, image_id: 4, category_id: 17, bbox: [1, 2, 3, 4], area: 12, iscrowd: 1 },
  ],
  categories: [
    { id: 18, name: 'dog', supercategory: 'animal' },
    { id: 17, name: 'cat', supercategory: 'animal' },
  ],
};

/** The error that `work` ends in; fails the test when it ends in none or in one without a code. */
export async function datasetError(work: () => unknown): Promise<DatasetError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof DatasetError) return error;
    throw error;
  }
  throw new Error('No error was thrown.');
}
