// What is added to Labelscope on request lies in a folder of its own: made beside it, whole before it counts, with the checksums of its files.
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makeFolders } from '../dataset/make-folder';
import { LabelscopeError, unwritten } from '../protocol/errors';
import type { InstalledFile, InstalledReport, InstallProgress, InstallResult, RemoveResult } from '../protocol/install';
import { systemWords } from '../system-errors';
import { isAlive, TEMPORARY } from './client/atomic';
import { RECORD, recordOf } from './runtime/installed';

/** What is made, and the files that checksums are kept of. */
interface Addition {
  readonly folder: string;
  readonly make: (staging: string) => Promise<void>;
  /** Where within a folder the files lie. */
  readonly place: (folder: string) => string;
  readonly files: readonly string[];
}

/**
 * Makes the folder anew. What was there stays until the new one is whole.
 *
 * @throws LabelscopeError 'write-failed', and what `make` throws
 */
export async function addFolder(
  { folder, make, place, files }: Addition,
  signal: AbortSignal,
  emit: (progress: InstallProgress) => void,
): Promise<InstallResult> {
  const staging = `${folder}.${process.pid}.${++counter}.tmp`;
  try {
    await removeAbandoned(folder);
    inTheMaking.add(staging);
    await mkdir(staging, 0o700);
    await make(staging);
    signal.throwIfAborted();
    const installed = await sums(place(staging), files, signal, emit);
    await writeFile(join(staging, RECORD), JSON.stringify({ files: installed }, null, 2) + '\n');
    await rm(folder, { recursive: true, force: true });
    await rename(staging, folder);
    return { folder, files: installed };
  } catch (error) {
    if (error instanceof LabelscopeError || signal.aborted) throw error;
    throw unwritten(folder, error);
  } finally {
    await rm(staging, { recursive: true, force: true }).catch(() => undefined);
    inTheMaking.delete(staging);
  }
}

/** Two at a time must not share a folder. */
let counter = 0;
const inTheMaking = new Set<string>();

/** @throws LabelscopeError 'write-failed' */
export async function removeFolder(folder: string): Promise<RemoveResult> {
  const removed = existsSync(folder);
  try {
    await rm(folder, { recursive: true, force: true });
  } catch (error) {
    const { reason } = systemWords(error, 'write');
    throw new LabelscopeError('write-failed', `${folder} could not be removed: ${reason}. End what uses it, and try again.`);
  }
  return { folder, removed };
}

/** Undefined where nothing was added. Reads its files whole. @throws the signal's reason */
export async function reportFolder(
  { folder, place }: Pick<Addition, 'folder' | 'place'>,
  signal: AbortSignal,
): Promise<InstalledReport | undefined> {
  if (!existsSync(join(folder, RECORD))) return undefined;
  const unchanged = await isUnchanged(folder, place, signal).catch(() => false);
  signal.throwIfAborted();
  return { folder, unchanged };
}

async function isUnchanged(folder: string, place: Addition['place'], signal: AbortSignal): Promise<boolean> {
  const { files } = recordOf(folder);
  const found = await sums(
    place(folder),
    files.map(({ name }) => name),
    signal,
  );
  return files.every(({ sha256 }, k) => found[k]?.sha256 === sha256);
}

/** What processes that are no more left of earlier tries. In a container each may have had the id of this one. */
async function removeAbandoned(folder: string): Promise<void> {
  const place = dirname(folder);
  await makeFolders(place, 0o700);
  for (const name of await readdir(place)) {
    const [path, pid] = [join(place, name), Number(TEMPORARY.exec(name)?.[1])];
    const isAtWork = pid === process.pid ? inTheMaking.has(path) : isAlive(pid);
    if (name.startsWith(basename(folder)) && pid > 0 && !isAtWork) await rm(path, { recursive: true, force: true });
  }
}

interface Arriving {
  /** What arrives lies there. */
  readonly folder: string;
  /** About how many bytes it will have, where that is known. */
  readonly total?: number;
}

/** Tells, while the work goes on, how many bytes the folder has. */
export async function whileArriving<T>(
  { folder, total }: Arriving,
  emit: (progress: InstallProgress) => void,
  work: Promise<T>,
): Promise<T> {
  const tell = (bytes: number) =>
    emit({ stage: 'fetching', bytes, ...(total !== undefined && { total: Math.max(bytes, total) }) });
  const watching = setInterval(() => void arrived(folder).then(tell), 500);
  return work.finally(() => clearInterval(watching));
}

async function arrived(folder: string): Promise<number> {
  const files = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = files.map((file) =>
    stat(join(folder, file)).then(
      (found) => (found.isFile() ? found.size : 0),
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((a, b) => a + b, 0);
}

async function sums(
  folder: string,
  names: readonly string[],
  signal: AbortSignal,
  emit?: (progress: InstallProgress) => void,
): Promise<InstalledFile[]> {
  const files: InstalledFile[] = [];
  for (const name of names) {
    const found = await summed(join(folder, name), signal);
    emit?.({ stage: 'checking', bytes: found.bytes });
    files.push({ name, ...found });
  }
  return files;
}

/** Of a file's content. @throws an AbortError once the signal is aborted */
export async function summed(path: string, signal: AbortSignal): Promise<Pick<InstalledFile, 'bytes' | 'sha256'>> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path, { signal }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}
