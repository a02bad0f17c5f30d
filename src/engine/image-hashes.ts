// Which content each image file has: its SHA-256, taken anew only where place, size or times say that the file may be another.
import { createHash } from 'node:crypto';
import { lstat, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { makeFolders } from '../dataset/make-folder';
import { isSettled, placeAndTimes } from '../dataset/cache-files';
import type { Listed } from '../dataset/types';
import { writeAtomically } from './client/atomic';
import { type DigestTable, digestTable } from './digest-table';

/** What image files hold, by row. */
export interface ImageHashes {
  /** How many were asked for and could be read. */
  readonly known: number;
  /** SHA-256 of the file's bytes, hexadecimal; undefined where it was not asked for or could not be read. */
  sha256(row: number): string | undefined;
  /** The rows whose files have this content. */
  rowsOf(sha256: string): number[];
  /** Whether the row's file still is the one that was hashed. */
  isStill(row: number): Promise<boolean>;
}

interface HashOptions {
  /** The folder of the cache. */
  readonly cache: string;
  /** The folder of the images, which names the file of stamps. */
  readonly images: string;
  readonly signal: AbortSignal;
}

/** Files read at a time. */
const AT_ONCE = 16;
/** A record is a stamp (place, size and times of a file when it was read, as a digest) and the SHA-256 of its bytes. */
const STAMP_BYTES = 16;
const HASH_BYTES = 32;
const RECORD_BYTES = STAMP_BYTES + HASH_BYTES;
const BY_STAMP = { size: RECORD_BYTES, digestAt: 0, digestBytes: STAMP_BYTES };
const BY_CONTENT = { size: RECORD_BYTES, digestAt: STAMP_BYTES, digestBytes: HASH_BYTES };
/** More are forgotten, the oldest first: 12.6 MB in the file. */
const MOST_STAMPS = 2 ** 18;

/** Records of files that were hashed some time. */
interface Stamps {
  readonly table: DigestTable;
  count: number;
}

/** The name of the file in the cache that holds the stamps of an image folder's files. */
function stampsName(images: string): string {
  return `${createHash('sha256').update(resolve(images)).digest('hex').slice(0, 32)}.stamps`;
}

/**
 * Hashes the files of some rows, in their order. What was hashed is noted in the cache's file of stamps, where that can be written.
 */
export async function hashImages(
  paths: Listed<string>,
  rows: readonly number[],
  { cache, images, signal }: HashOptions,
): Promise<ImageHashes> {
  const file = join(cache, stampsName(images));
  const stamps = await readStamps(file, rows.length);
  const before = stamps.count;
  const table = digestTable(paths.length, BY_CONTENT);
  let known = 0;
  for (let start = 0; start < rows.length; start += AT_ONCE) {
    signal.throwIfAborted();
    const some = rows.slice(start, start + AT_ONCE);
    const records = await Promise.all(some.map((row) => recordOf(paths.at(row)!, stamps).catch(() => undefined)));
    records.forEach((record, k) => {
      if (record) table.put(some[k]!, record);
      if (record) known++;
    });
  }
  if (stamps.count > before) await writeStamps(cache, file, stamps).catch(() => undefined);
  return hashesIn(table, paths, known);
}

function hashesIn(table: DigestTable, paths: Listed<string>, known: number): ImageHashes {
  return {
    known,
    sha256: (row) => table.at(row)?.toString('hex', STAMP_BYTES),
    rowsOf: (sha256) => table.find(Buffer.from(sha256, 'hex')),
    isStill: async (row) => {
      const record = table.at(row);
      const now = record && (await stampOf(paths.at(row)!).catch(() => undefined));
      return now !== undefined && now.stamp.equals(record!.subarray(0, STAMP_BYTES));
    },
  };
}

async function recordOf(path: string, stamps: Stamps): Promise<Uint8Array> {
  const { table } = stamps;
  const { stamp, settled } = await stampOf(path);
  const [known] = table.find(stamp);
  if (known !== undefined) return table.at(known)!;
  const sha256 = createHash('sha256')
    .update(await readFile(path))
    .digest();
  const record = Buffer.concat([stamp, sha256]);
  // Two rows may name one file.
  if (settled && table.find(stamp).length === 0) table.put(stamps.count++, record);
  return record;
}

async function stampOf(path: string): Promise<{ stamp: Buffer; settled: boolean }> {
  const stats = await stat(path, { bigint: true });
  const digest = createHash('sha256').update(JSON.stringify([path, ...placeAndTimes(stats)]));
  return { stamp: digest.digest().subarray(0, STAMP_BYTES), settled: isSettled(stats) };
}

/**
 * SHA-256 of all that follows, then one record a file. Empty where the file is missing, damaged or a link.
 *
 * @param more how many records may be added
 */
async function readStamps(path: string, more: number): Promise<Stamps> {
  const records = await readRecords(path);
  const count = Math.floor(records.length / RECORD_BYTES);
  const table = digestTable(count + more, BY_STAMP);
  for (let k = 0; k < count; k++) table.put(k, records.subarray(k * RECORD_BYTES, (k + 1) * RECORD_BYTES));
  return { table, count };
}

async function readRecords(path: string): Promise<Buffer> {
  const nothing = Buffer.alloc(0);
  const isFile = await lstat(path)
    .then((entry) => entry.isFile())
    .catch(() => false);
  const bytes = isFile ? await readFile(path).catch(() => undefined) : undefined;
  if (!bytes || bytes.length < HASH_BYTES) return nothing;
  const records = bytes.subarray(HASH_BYTES);
  return createHash('sha256').update(records).digest().equals(bytes.subarray(0, HASH_BYTES)) ? records : nothing;
}

async function writeStamps(folder: string, path: string, { table, count }: Stamps): Promise<void> {
  await makeFolders(folder, 0o700);
  const records = table.bytes.subarray(Math.max(0, count - MOST_STAMPS) * RECORD_BYTES, count * RECORD_BYTES);
  await writeAtomically(path, [createHash('sha256').update(records).digest(), records]);
}
