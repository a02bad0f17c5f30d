// Folders with all that is missing above them.
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * One level at a time: Node's own `recursive` never ends where the system says of an existing folder that it is not there (/proc).
 * Throws what the system says.
 *
 * @param mode of each folder that is made
 */
export async function makeFolders(path: string, mode?: number): Promise<void> {
  if (await isFolder(path)) return;
  if (dirname(path) !== path) await makeFolders(dirname(path), mode);
  await mkdir(path, mode).catch(async (error: unknown) => {
    // Another process was faster.
    if (!(await isFolder(path))) throw error;
  });
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
