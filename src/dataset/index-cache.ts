// Opens annotation files through a cache of parsed ones: the second opening of a big file reads its columns instead of its text.
import { open, readdir, readFile, rename, rm, utimes, type FileHandle } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { makeFolders } from './make-folder';
import { isSettled, placeAndTimes, prune, TEMPORARY_SUFFIX } from './cache-files';
import { cacheFolderFor } from './cache-folder';
import { readChunks, withFile } from './chunks';
import { fingerprintOf } from './fingerprint';
import { decodeIndex, encodeIndex } from './index-file';
import { closeFile, openForReading } from './open-files';
import { readAnnotations, type ReaderOptions } from './reader';
import type { CocoIndex } from './types';

/** Smaller files are parsed faster than people notice. */
const CACHED_FROM = 1 << 22;

/**
 * As `readAnnotations`, with the same errors, and from the cache where it holds this very content. The cache is keyed by the
 * content's SHA-256. A file whose place, size, times and samples are those of a file hashed before is not hashed again.
 * A cache that is damaged, of another version, or in a folder that cannot be written to is no failure.
 */
export async function openAnnotations(path: string, options: ReaderOptions = {}): Promise<CocoIndex> {
  const identity = await withFile(path, (handle) => identityOf(path, handle));
  if (identity.bytes < CACHED_FROM) return readAnnotations(path, options);
  options.signal?.throwIfAborted();
  const cache = { folder: options.cacheFolder ?? (await cacheFolderFor(resolve(path), options)), identity };
  const known = await findIndex(cache, path, options);
  if (known) {
    options.onProgress?.(identity.bytes, identity.bytes);
    return { ...known, path };
  }
  const index = await readAnnotations(path, { ...options, cacheFolder: cache.folder });
  await keep(cache, path, index, options.signal).catch(() => undefined);
  options.signal?.throwIfAborted();
  return index;
}

/** What tells, without reading all of a file, that it is the one that was read before. */
interface Identity {
  readonly bytes: number;
  /** Place, times and samples, as one digest. */
  readonly stamp: string;
  /** Whether the last change is so long ago that another one would show in the times. */
  readonly settled: boolean;
}

interface Cache {
  readonly folder: string;
  readonly identity: Identity;
}

const SAMPLES = 64;
const SAMPLE_BYTES = 4096;

async function identityOf(path: string, handle: FileHandle): Promise<Identity> {
  const stats = await handle.stat({ bigint: true });
  const bytes = Number(stats.size);
  const hash = createHash('sha256').update(JSON.stringify([resolve(path), ...placeAndTimes(stats)]));
  const sample = Buffer.alloc(SAMPLE_BYTES);
  for (let k = 0; bytes >= CACHED_FROM && k < SAMPLES; k++) {
    const at = Math.floor((k / (SAMPLES - 1)) * (bytes - SAMPLE_BYTES));
    // A disk that fails is told of by whoever reads the text.
    const { bytesRead } = await handle.read(sample, 0, SAMPLE_BYTES, at).catch(() => ({ bytesRead: 0 }));
    hash.update(sample.subarray(0, bytesRead));
  }
  return { bytes, stamp: hash.digest('hex'), settled: isSettled(stats) };
}

/** Names in the cache: an index by its content and the size of the file, and a note that says which content a file has. */
const indexName = (bytes: number, fingerprint: string) => `${bytes}-${fingerprint}.index`;
const noteName = (path: string) => `${createHash('sha256').update(resolve(path)).digest('hex').slice(0, 32)}.note`;

type Known = Omit<CocoIndex, 'path'>;

async function findIndex(cache: Cache, path: string, options: ReaderOptions): Promise<Known | undefined> {
  const { folder, identity } = cache;
  const names = await readdir(folder).catch(() => []);
  if (!names.some((name) => name.startsWith(`${identity.bytes}-`) && name.endsWith('.index'))) return undefined;
  const note = await readFile(join(folder, noteName(path)), 'utf8').catch(() => '');
  const noted = note.startsWith(`${identity.stamp} `) ? note.slice(identity.stamp.length + 1) : undefined;
  // The same content under another name, or touched since: hashing is several times faster than parsing.
  const fingerprint = noted ?? (await withFile(path, (handle, size) => fingerprintOf(readChunks(path, handle, size, options))));
  const index = await loadIndex(join(folder, indexName(identity.bytes, fingerprint)), options.mostInMemory);
  if (index?.fingerprint !== fingerprint || index.bytes !== identity.bytes) return undefined;
  if (noted === undefined) await writeNote(cache, path, fingerprint).catch(() => undefined);
  return index;
}

async function loadIndex(path: string, mostInMemory: number | undefined): Promise<Known | undefined> {
  const file = await openForReading(path).catch(() => undefined);
  if (!file) return undefined;
  const index = await decodeIndex(file, mostInMemory);
  if (!index?.annotations.details.stored) closeFile(file);
  const now = new Date();
  if (index) await utimes(path, now, now).catch(() => undefined);
  return index;
}

async function keep(cache: Cache, path: string, index: CocoIndex, signal: AbortSignal | undefined): Promise<void> {
  // The text was read twice, to parse and to hash it: it must have been the same text.
  if (!(await isUnchanged(cache, path))) return;
  await makeFolders(cache.folder, 0o700);
  await replaceFile(join(cache.folder, indexName(index.bytes, index.fingerprint)), encodeIndex(index), signal);
  await writeNote(cache, path, index.fingerprint);
  await prune(cache.folder, LIMITS);
}

async function isUnchanged({ identity }: Cache, path: string): Promise<boolean> {
  const now = await withFile(path, (handle) => identityOf(path, handle));
  return identity.settled && now.stamp === identity.stamp;
}

async function writeNote(cache: Cache, path: string, fingerprint: string): Promise<void> {
  if (!(await isUnchanged(cache, path))) return;
  await replaceFile(join(cache.folder, noteName(path)), [Buffer.from(`${cache.identity.stamp} ${fingerprint}`)]);
}

/** Two writes of one process must not share a temporary file. */
let counter = 0;

async function replaceFile(
  path: string,
  parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<void> {
  const temporary = `${path}.${process.pid}.${++counter}${TEMPORARY_SUFFIX}`;
  try {
    const file = await open(temporary, 'wx');
    try {
      for await (const part of parts) await file.writeFile(part, { signal });
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

const LIMITS = {
  ours: /^((\d+-[0-9a-f]{64}\.index|[0-9a-f]{32}\.note)(\.\d+\.\d+\.tmp)?|[0-9a-f]{32}\.rows\.tmp)$/,
  mostFiles: 64,
  mostBytes: 2 ** 31,
};
