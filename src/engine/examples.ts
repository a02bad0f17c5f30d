// What a training step eats: batches of images or of pooled features, with their labels, by row number.
import type { Labels, Listed } from '../dataset/types';
import type { Tensor } from '../onnx/model';
import { LabelscopeError } from '../protocol/errors';
import type { Recipe } from '../protocol/recipe';
import { copyInto, type Transform, warpInto } from './augment';
import { type Pixels, readPicture, readPixels } from './images';
import type { FeatureRows } from './feature-matrix';
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
  /** How many an evaluation draws at a time; undefined = as many as images. */
  readonly evaluated?: number;
  batch(draw: Draw): Promise<Batch>;
}

export interface ImageSource {
  readonly set: Labels;
  /** Where each image of the set lies. */
  readonly paths: Listed<string>;
  readonly height: number;
  readonly width: number;
  readonly seed: number;
  readonly augmentation: Pick<Recipe, 'rotation' | 'reflection'>;
  readonly cache: PixelCache;
  /** Told once for every file that cannot be read. */
  readonly onUnreadable: (message: string) => void;
}

/** Decoded images within a budget of bytes. */
export interface PixelCache {
  /** What is kept under the key, else what `read` gives; a key always names the same pixels. */
  get<T extends Pixels>(key: string, read: () => Promise<T>): Promise<T>;
}

const MOST_UNREADABLE = 0.2;

/** Work begun before it is needed: an error in it waits for whoever awaits it, instead of ending the process. */
export function ahead<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return work;
}

/**
 * What was read first stays, and what no longer fits is decoded again each time. An epoch draws every image once in a new order: a cache that
 * gave up old images for new ones would have given up most of those that it is asked for.
 */
export function pixelCache(bytes: number): PixelCache {
  const kept = new Map<string, Pixels>();
  let room = bytes;
  return {
    get: async <T extends Pixels>(key: string, read: () => Promise<T>) => {
      const known = kept.get(key);
      if (known) return known as T;
      const pixels = await read();
      if (!kept.has(key) && pixels.data.length <= room) {
        room -= pixels.data.length;
        kept.set(key, pixels);
      }
      return pixels;
    },
  };
}

interface Found {
  /** The row that was asked for. */
  readonly asked: number;
  /** The row that was read. */
  readonly row: number;
  readonly image: Drawable;
}

/** A decoded image that can be drawn into a batch. */
type Drawable = (target: Uint8Array, offset: number, transform: Transform) => void;

/**
 * Examples straight from image files. An unreadable file is named once; in training the next readable row takes its place,
 * so that the batches of a run depend on nothing but the files and the seed. More than a fifth unreadable is an error.
 */
export function imageExamples(source: ImageSource): Examples {
  const { set, paths } = source;
  const bad = unreadableCounter(paths.length, source.onUnreadable);

  const readable = async (row: number, turns: boolean): Promise<Drawable | undefined> => {
    if (bad.has(row)) return undefined;
    return drawable(source, paths.at(row)!, turns).catch((error: unknown) => bad.add(row, error));
  };
  const read = async (asked: number): Promise<Found[]> => {
    const image = await readable(asked, false);
    return image ? [{ asked, row: asked, image }] : [];
  };
  const readOrNext = async (asked: number): Promise<Found[]> => {
    for (let row = asked; ; row = (row + 1) % paths.length) {
      const image = await readable(row, source.augmentation.rotation > 0);
      if (image) return [{ asked, row, image }];
    }
  };

  return {
    count: set.images.length,
    batch: async ({ rows, epoch }) => {
      const found = (await Promise.all(rows.map(epoch === undefined ? read : readOrNext))).flat();
      const stride = source.height * source.width * 3;
      const data = new Uint8Array(found.length * stride);
      found.forEach(({ asked, image }, k) => image(data, k * stride, transformOf(source, asked, epoch)));
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

/** Features that an evaluation looks at together, 2 MB: a head takes less time for fewer than the message that asks for them. */
const EVALUATED_FEATURES = 2 ** 19;

/**
 * Examples from features that were computed before: `variants` with a row an image, such as one of the images as they
 * are and one of their mirror images, of which training draws one at random and evaluation the first.
 */
export function featureExamples(set: Labels, variants: readonly FeatureRows[], seed: number): Examples {
  const { width } = variants[0]!;
  return {
    count: set.images.length,
    evaluated: Math.max(1, Math.floor(EVALUATED_FEATURES / width)),
    batch: async ({ rows, epoch }) => {
      const data = new Float32Array(rows.length * width);
      const drawn = rows.map((row, k) => {
        const variant = epoch === undefined ? 0 : randomStream('variant', seed, epoch, row).integer(variants.length);
        return variants[variant]!.read(row, data, k * width);
      });
      await Promise.all(drawn);
      return { input: { type: 'float32', dims: [rows.length, width], data }, labels: labelsOf(set, rows) };
    },
  };
}

/** @param turns whether it may be turned: else it is decoded at the network's size, as for every prediction */
async function drawable({ cache, height, width }: ImageSource, path: string, turns: boolean): Promise<Drawable> {
  if (!turns) {
    const pixels = await cache.get(`pixels ${path}`, () => readPixels(path, width, height));
    return (target, offset, { mirrored }) => copyInto(target, offset, pixels, mirrored);
  }
  const picture = await cache.get(`picture ${path}`, () => readPicture(path, { width, height }));
  return (target, offset, transform) => warpInto(target, offset, { width, height }, picture, transform);
}

/** Depends on seed, epoch and row alone: a resumed run draws what an undisturbed one would have drawn. */
function transformOf({ seed, augmentation }: ImageSource, row: number, epoch: number | undefined): Transform {
  if (epoch === undefined) return { angle: 0, mirrored: false };
  const random = randomStream('augment', seed, epoch, row);
  const angle = (2 * random.next() - 1) * augmentation.rotation * (Math.PI / 180);
  return { angle, mirrored: augmentation.reflection && random.next() < 0.5 };
}

function labelsOf({ categories, labels }: Labels, rows: readonly number[]): Tensor<'float32'> {
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
