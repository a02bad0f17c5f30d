// Files that are written whole or not at all, and never over others.
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { systemWords } from '../system-errors';
import { DatasetError } from './errors';

/** Where the text of a new file goes. */
export interface NewFile {
  /** Throws DatasetError (file-unwritable). */
  append(text: Uint8Array | string): Promise<void>;
}

/**
 * Lets `write` fill one new file a path; they take their names when it is done.
 * Throws what `write` throws, and DatasetError (file-exists, file-unwritable) that names the path.
 */
export async function writeNewFiles(
  paths: readonly string[],
  write: (files: readonly NewFile[]) => Promise<void>,
): Promise<void> {
  for (const path of paths) await refuseExisting(path);
  const temporary = paths.map((path) => `${path}.${process.pid}.tmp`);
  const handles: FileHandle[] = [];
  try {
    for (const [k, path] of paths.entries()) handles.push(await of(path, open(temporary[k]!, 'wx')));
    await write(paths.map((path, k) => ({ append: (text) => of(path, handles[k]!.appendFile(text)) })));
    for (const [k, path] of paths.entries()) await of(path, handles[k]!.sync());
  } catch (error) {
    await close(handles);
    for (const path of temporary) await rm(path, { force: true });
    throw error;
  }
  await close(handles);
  for (const [k, path] of paths.entries()) await of(path, rename(temporary[k]!, path));
}

async function refuseExisting(path: string): Promise<void> {
  const handle = await open(path, 'r').catch(() => undefined);
  if (!handle) return;
  await handle.close();
  throw new DatasetError('file-exists', `${path} is there already, and nothing is written over. Choose another place.`, path);
}

async function close(handles: readonly FileHandle[]): Promise<void> {
  for (const handle of handles) await handle.close();
}

/** What is done for `path`: the temporary name is nobody's business. */
function of<T>(path: string, doing: Promise<T>): Promise<T> {
  return doing.catch((cause: unknown) => {
    const { reason, remedy } = systemWords(cause, 'write');
    throw new DatasetError('file-unwritable', `${path} cannot be written: ${reason}. ${remedy}.`, path, { cause });
  });
}
