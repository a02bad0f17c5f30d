// Files that the command line writes by itself.
import { rename, rm, writeFile } from 'node:fs/promises';
import { LabelscopeError } from '../protocol/errors';

/** Whole or not at all. @throws LabelscopeError 'write-failed' */
export async function writeWhole(path: string, content: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  const written = writeFile(temporary, content).then(() => rename(temporary, path));
  await written.catch(async (error: unknown) => {
    await rm(temporary, { force: true }).catch(() => undefined);
    const detail = error instanceof Error ? error.message : String(error);
    throw new LabelscopeError(
      'write-failed',
      `${path} could not be written (${detail}). Check free space and permissions of the folder.`,
    );
  });
}
