// Which content each image file has: its SHA-256, taken anew only where place, size or times say that the file may be another.
import { createHash } from 'node:crypto';
import { lstat, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { makeFolders } from '../dataset/make-folder';
import { isSettled, placeAndTimes } from '../dataset/cache-files';
import { writeAtomically } from './client/atomic';

export interface HashedImage {
  /** SHA-256 of the file's bytes, hexadecimal. */
  readonly sha256: string;
  /** Place, size and times when it was read, as a digest. */
  readonly stamp: string;
}

/** Files read at a time. */
const AT_ONCE = 16;
const STAMP_BYTES = 16;
const HASH_BYTES = 32;
const RECORD_BYTES = STAMP_BYTES + HASH_BYTES;
/** More are forgotten, the oldest first: 12.6 MB in the file. */
const MOST_STAMPS = 2 ** 18;

/** Content by stamp, hexadecimal. */
type Stamps = Map<string, string>;

/** The name of the file in the cache that holds the stamps of an image folder's files. */
function stampsName(images: string): string {
  return `${createHash('sha256').update(resolve(images)).digest('hex').slice(0, 32)}.stamps`;
}

/**
 * By row; undefined where a file cannot be read. What was hashed is noted in the cache's file of stamps, where that can be written.
 *
 * @param images the folder of the images, which names the file of stamps
 */
export async function hashImages(
  paths: readonly string[],
  { cache, images, signal }: { readonly cache: string; readonly images: string; readonly signal: AbortSignal },
): Promise<(HashedImage | undefined)[]> {
  const file = join(cache, stampsName(images));
  const stamps = await readStamps(file);
  const before = stamps.size;
  const hashed: (HashedImage | undefined)[] = [];
  for (let start = 0; start < paths.length; start += AT_ONCE) {
    signal.throwIfAborted();
    const some = paths.slice(start, start + AT_ONCE);
    hashed.push(...(await Promise.all(some.map(async (path) => hashImage(path, stamps).catch(() => undefined)))));
  }
  if (stamps.size > before) await writeStamps(cache, file, stamps).catch(() => undefined);
  return hashed;
}

/** Whether the file still is the one that was hashed. */
export async function isStill(path: string, { stamp }: HashedImage): Promise<boolean> {
  return stampOf(path).then(
    (now) => now.stamp === stamp,
    () => false,
  );
}

async function hashImage(path: string, stamps: Stamps): Promise<HashedImage> {
  const { stamp, settled } = await stampOf(path);
  const known = stamps.get(stamp);
  if (known !== undefined) return { sha256: known, stamp };
  const sha256 = createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
  if (settled) stamps.set(stamp, sha256);
  return { sha256, stamp };
}

async function stampOf(path: string): Promise<{ stamp: string; settled: boolean }> {
  const stats = await stat(path, { bigint: true });
  const digest = createHash('sha256').update(JSON.stringify([path, ...placeAndTimes(stats)]));
  return { stamp: digest.digest('hex').slice(0, 2 * STAMP_BYTES), settled: isSettled(stats) };
}

/** SHA-256 of all that follows, then one record a file. Empty where the file is missing, damaged or a link. */
async function readStamps(path: string): Promise<Stamps> {
  const stamps: Stamps = new Map();
  const isFile = await lstat(path)
    .then((entry) => entry.isFile())
    .catch(() => false);
  const bytes = isFile ? await readFile(path).catch(() => undefined) : undefined;
  if (!bytes || bytes.length < HASH_BYTES) return stamps;
  const records = bytes.subarray(HASH_BYTES);
  if (!createHash('sha256').update(records).digest().equals(bytes.subarray(0, HASH_BYTES))) return stamps;
  for (let at = 0; at + RECORD_BYTES <= records.length; at += RECORD_BYTES) {
    const [middle, end] = [at + STAMP_BYTES, at + RECORD_BYTES];
    stamps.set(records.toString('hex', at, middle), records.toString('hex', middle, end));
  }
  return stamps;
}

async function writeStamps(folder: string, path: string, stamps: Stamps): Promise<void> {
  await makeFolders(folder, 0o700);
  const text = [...stamps].slice(-MOST_STAMPS).map((pair) => pair.join(''));
  const records = Buffer.from(text.join(''), 'hex');
  await writeAtomically(path, [createHash('sha256').update(records).digest(), records]);
}
