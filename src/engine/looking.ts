// What `pointing` and `sanity` share: a sample of a split's images, read one after the other, the next while one is worked on.
import type { CountProgress, FailedFile } from '../protocol/messages';
import { toWireError } from '../protocol/errors';
import { ahead } from './examples';
import { type Pixels, readPixels } from './images';
import { randomStream } from '../metrics/random';

/** `most` of the rows, drawn by the seed, in their order. */
export function sampled(rows: readonly number[], most: number, seed: number): number[] {
  if (rows.length <= most) return [...rows];
  const drawn = randomStream(seed, 'looking').shuffle([...rows]);
  return drawn.slice(0, most).sort((a, b) => a - b);
}

export interface ReadImage {
  readonly row: number;
  readonly path: string;
  readonly pixels: Pixels;
}

interface ReadOptions {
  readonly width: number;
  readonly height: number;
  readonly signal: AbortSignal;
  readonly emit: (progress: CountProgress) => void;
}

/** The images of these rows that can be read; the others are added to `failed`. Progress counts both. */
export async function* readRows(
  rows: readonly number[],
  paths: readonly string[],
  failed: FailedFile[],
  { width, height, signal, emit }: ReadOptions,
): AsyncGenerator<ReadImage> {
  const read = (k: number) => (k < rows.length ? ahead(readPixels(paths[rows[k]!]!, width, height)) : undefined);
  emit({ done: 0, total: rows.length });
  let next = read(0);
  for (const [k, row] of rows.entries()) {
    signal.throwIfAborted();
    const path = paths[row]!;
    const pixels = await next?.catch((error: unknown) => {
      failed.push({ file: path, error: toWireError(error).message });
      return undefined;
    });
    next = read(k + 1);
    if (pixels) yield { row, path, pixels };
    emit({ done: k + 1, total: rows.length });
  }
}
