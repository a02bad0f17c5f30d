// Files that are either the old ones or the new ones, whatever happens in between: temporary name, sync, rename.
import { open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { makeFolders } from '../../dataset/make-folder';
import { syncsFolders } from '../../platform';
import { unwritten } from '../../protocol/errors';

/**
 * Writes `chunks` to `path` in one visible step.
 *
 * @throws LabelscopeError 'write-failed' naming the file, or the signal's reason; nothing is left behind then, and an older file stays
 */
export async function writeAtomically(path: string, chunks: Iterable<Uint8Array | string>, signal?: AbortSignal): Promise<void> {
  const temporary = `${path}.${process.pid}.${++counter}.tmp`;
  try {
    await removeAbandoned(path);
    // What a killed process of the same id left; never through a link that somebody else put there.
    await rm(temporary, { force: true });
    const file = await open(temporary, 'wx');
    try {
      for (const chunk of chunks) {
        signal?.throwIfAborted();
        await file.writeFile(chunk);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    signal?.throwIfAborted();
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw signal?.aborted && error === signal.reason ? error : unwritten(path, error);
  }
}

/** Makes a folder with all that is missing above it. @throws LabelscopeError 'write-failed' naming the folder */
export async function makeFolder(path: string): Promise<void> {
  await makeFolders(resolve(path)).catch((error: unknown) => {
    throw unwritten(path, error, 'made');
  });
}

/** Two writes of one process to one path must not share a temporary file. */
let counter = 0;

/** What a process that was killed left half-written; first its id. */
export const TEMPORARY = /\.(\d+)\.\d+\.tmp$/;

/** What processes that are no more left of the same file: nobody else would ever take it away. */
async function removeAbandoned(path: string): Promise<void> {
  const [folder, name] = [dirname(path), basename(path)];
  for (const other of await readdir(folder).catch(() => [])) {
    const end = other.startsWith(name) ? TEMPORARY.exec(other) : null;
    if (end?.index !== name.length || isAlive(Number(end[1]))) continue;
    await rm(join(folder, other), { force: true }).catch(() => undefined);
  }
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Somebody else's process.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Without it the rename itself may be lost with the power. */
async function syncFolder(folder: string): Promise<void> {
  if (!syncsFolders()) return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
