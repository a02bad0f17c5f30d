// Features, a row an image: in memory, or in a temporary file where there are so many images that they would take too much of it.
import { bytesOf } from '../dataset/details';
import { openTemporary, readAt, writeAt } from '../dataset/open-files';
import type { OpenFile } from '../dataset/types';
import { LabelscopeError } from '../protocol/errors';

export interface FeatureRows {
  /** Features of a row. */
  readonly width: number;
  /** Copies a row into `target` from `at` on. @throws LabelscopeError 'features-unreadable' where its file is cut */
  read(row: number, target: Float32Array, at: number): Promise<void>;
}

export interface FeatureMatrix extends FeatureRows {
  /** Replaces whole rows from one on; `values` is free again afterwards. */
  put(row: number, values: Float32Array): Promise<void>;
}

/** Bytes: the features of 8,192 images, 2048 each. The system keeps the file in memory as far as it has some to spare. */
const MOST_IN_MEMORY = 2 ** 26;

/**
 * Without a file where none can be made in `folder`.
 *
 * @param most bytes that may be in memory
 */
export async function featureMatrix(rows: number, width: number, folder: string, most = MOST_IN_MEMORY): Promise<FeatureMatrix> {
  const file = 4 * rows * width > most ? await openTemporary(folder).catch(() => undefined) : undefined;
  return file ? onDisk(file, width) : inMemory(new Float32Array(rows * width), width);
}

export function inMemory(data: Float32Array, width: number): FeatureMatrix {
  return {
    width,
    read: (row, target, at) => {
      target.set(data.subarray(row * width, (row + 1) * width), at);
      return Promise.resolve();
    },
    put: (row, values) => {
      data.set(values, row * width);
      return Promise.resolve();
    },
  };
}

function onDisk(file: OpenFile, width: number): FeatureMatrix {
  const bytesOfRow = 4 * width;
  return {
    width,
    read: async (row, target, at) => {
      const bytes = bytesOf(target.subarray(at, at + width));
      if ((await readAt(file, bytes, row * bytesOfRow)) === bytesOfRow) return;
      throw new LabelscopeError(
        'features-unreadable',
        `${file.path} has lost features that were written to it. Look for errors of its disk, then start again with --resume.`,
      );
    },
    put: (row, values) => writeAt(file, bytesOf(values), row * bytesOfRow),
  };
}

/** Some rows, numbered anew. */
export function pickRows(matrix: FeatureRows, rows: readonly number[]): FeatureRows {
  return { width: matrix.width, read: (row, target, at) => matrix.read(rows[row]!, target, at) };
}
