// What a training step eats: batches of images or of pooled features, with their labels, by row number.
import type { LabelledSet } from '../dataset/types';
import type { Tensor } from '../onnx/model';
import { LabelscopeError } from '../protocol/errors';
import type { Recipe } from '../protocol/recipe';
import { type Transform, transformInto } from './augment';
import { type Pixels, readPixels } from './images';
import { randomStream } from '../metrics/random';

/** Rows to draw, and, for training, what decides their augmentation. Without an epoch the rows are evaluated. */
interface Draw {
  readonly rows: readonly number[];
  readonly epoch?: number;
}

/** For training as many examples as rows were asked for; an evaluation leaves out those that cannot be read. */
export interface Batch {
  readonly input: Tensor;
  /** float32, N×C. */
  readonly labels: Tensor<'float32'>;
}

export interface Examples {
  readonly count: number;
  batch(draw: Draw): Promise<Batch>;
}

export interface ImageSource {
  readonly set: LabelledSet;
  /** Where each image of the set lies. */
  readonly paths: readonly string[];
  readonly height: number;
  readonly width: number;
  readonly seed: number;
  readonly augmentation: Pick<Recipe, 'rotation' | 'reflection'>;
  readonly cache: PixelCache;
  /** Told once for every file that cannot be read. */
  readonly onUnreadable: (message: string) => void;
}

/** Decoded images within a budget of bytes; what does not fit is decoded again each time. */
export interface PixelCache {
  get(path: string): Pixels | undefined;
  keep(path: string, pixels: Pixels): void;
}

const MOST_UNREADABLE = 0.2;

/** Work begun before it is needed: an error in it waits for whoever awaits it, instead of ending the process. */
export function ahead<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return work;
}

export function pixelCache(megabytes: number): PixelCache {
  const kept = new Map<string, Pixels>();
  let room = megabytes * 1e6;
  return {
    get: (path) => kept.get(path),
    keep: (path, pixels) => {
      if (kept.has(path) || pixels.data.length > room) return;
      room -= pixels.data.length;
      kept.set(path, pixels);
    },
  };
}

interface Found {
  /** The row that was asked for. */
  readonly asked: number;
  /** The row that was read. */
  readonly row: number;
  readonly pixels: Pixels;
}

/**
 * Examples straight from image files. An unreadable file is named once; in training the next readable row takes its place,
 * so that the batches of a run depend on nothing but the files and the seed. More than a fifth unreadable is an error.
 */
export function imageExamples(source: ImageSource): Examples {
  const { set, paths } = source;
  const bad = unreadableCounter(paths.length, source.onUnreadable);

  const readable = async (row: number): Promise<Pixels | undefined> => {
    if (bad.has(row)) return undefined;
    return cached(source, paths[row]!).catch((error: unknown) => bad.add(row, error));
  };
  const read = async (asked: number): Promise<Found[]> => {
    const pixels = await readable(asked);
    return pixels ? [{ asked, row: asked, pixels }] : [];
  };
  const readOrNext = async (asked: number): Promise<Found[]> => {
    for (let row = asked; ; row = (row + 1) % paths.length) {
      const pixels = await readable(row);
      if (pixels) return [{ asked, row, pixels }];
    }
  };

  return {
    count: set.images.length,
    batch: async ({ rows, epoch }) => {
      const found = (await Promise.all(rows.map(epoch === undefined ? read : readOrNext))).flat();
      const stride = source.height * source.width * 3;
      const data = new Uint8Array(found.length * stride);
      found.forEach(({ asked, pixels }, k) => transformInto(data, k * stride, pixels, transformOf(source, asked, epoch)));
      const input: Tensor = { type: 'uint8', dims: [found.length, source.height, source.width, 3], data };
      const drawn = found.map(({ row }) => row);
      return { input, labels: labelsOf(set, drawn) };
    },
  };
}

interface UnreadableCounter {
  has(row: number): boolean;
  /** @throws LabelscopeError 'images-unreadable' when they are more than a fifth */
  add(row: number, error: unknown): undefined;
}

/** Tells of each unreadable image once, and ends the work when they are too many. */
export function unreadableCounter(total: number, tell: (message: string, row: number) => void): UnreadableCounter {
  const rows = new Set<number>();
  return {
    has: (row) => rows.has(row),
    add: (row, error) => {
      const message = error instanceof Error ? error.message : String(error);
      if (!rows.has(row)) tell(message, row);
      rows.add(row);
      if (rows.size > MOST_UNREADABLE * total) throw tooManyUnreadable(rows.size, total, message);
    },
  };
}

/**
 * Examples from features that were computed before: `variants` matrices of count × F, such as one of the images as they
 * are and one of their mirror images, of which training draws one at random and evaluation the first.
 */
export function featureExamples(set: LabelledSet, variants: readonly Float32Array[], seed: number): Examples {
  const width = variants[0]!.length / Math.max(1, set.images.length);
  return {
    count: set.images.length,
    batch: ({ rows, epoch }) => {
      const data = new Float32Array(rows.length * width);
      rows.forEach((row, k) => {
        const variant = epoch === undefined ? 0 : randomStream('variant', seed, epoch, row).integer(variants.length);
        data.set(variants[variant]!.subarray(row * width, (row + 1) * width), k * width);
      });
      const input: Tensor = { type: 'float32', dims: [rows.length, width], data };
      return Promise.resolve({ input, labels: labelsOf(set, rows) });
    },
  };
}

async function cached({ cache, height, width }: ImageSource, path: string): Promise<Pixels> {
  const known = cache.get(path);
  if (known) return known;
  const pixels = await readPixels(path, width, height);
  cache.keep(path, pixels);
  return pixels;
}

/** Depends on seed, epoch and row alone: a resumed run draws what an undisturbed one would have drawn. */
function transformOf({ seed, augmentation }: ImageSource, row: number, epoch: number | undefined): Transform {
  if (epoch === undefined) return { angle: 0, mirrored: false };
  const random = randomStream('augment', seed, epoch, row);
  const angle = (2 * random.next() - 1) * augmentation.rotation * (Math.PI / 180);
  return { angle, mirrored: augmentation.reflection && random.next() < 0.5 };
}

function labelsOf({ categories, labels }: LabelledSet, rows: readonly number[]): Tensor<'float32'> {
  const data = new Float32Array(rows.length * categories.length);
  rows.forEach((row, k) =>
    data.set(labels.subarray(row * categories.length, (row + 1) * categories.length), k * categories.length),
  );
  return { type: 'float32', dims: [rows.length, categories.length], data };
}

function tooManyUnreadable(bad: number, total: number, last: string): LabelscopeError {
  return new LabelscopeError(
    'images-unreadable',
    `${bad} of ${total} images cannot be read, so the folder is probably wrong or its files are damaged. The last one: ${last}`,
  );
}
