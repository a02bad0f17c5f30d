// Puts a finished sample where it belongs without ever losing a file that is not a sample's.
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolders } from '../../dataset/make-folder';
import { LabelscopeError } from '../../protocol/errors';
import { systemWords } from '../../system-errors';

/** The first line of a sample's LICENSES.md. */
export const SAMPLE_HEADING = '# Licences of the Labelscope sample data set';

/** A sample's parts, and which names may be in those that are folders. */
const PARTS: Record<string, RegExp | null> = {
  'LICENSES.md': null,
  train: /^scene-\d{6}\.jpg$/,
  val: /^scene-\d{6}\.jpg$/,
  annotations: /^instances_(train|val)\.json$/,
};

/** Where the new sample is made, on the same disk so that it can be renamed into place. */
const UNFINISHED = '.labelscope-sample-unfinished';

/**
 * Makes a sample with `write`, which is given an empty folder, and puts it into `directory` when it is complete. Whatever else is
 * in `directory` stays; where `write` fails, all of it does.
 * @throws LabelscopeError `sample-directory` where `directory` has something that is not a sample, `sample-write` where the
 * disk refuses; and what `write` throws.
 */
export async function replaceSample(directory: string, write: (target: string) => Promise<void>): Promise<void> {
  try {
    await checkDirectory(directory);
    const unfinished = join(directory, UNFINISHED);
    await rm(unfinished, { recursive: true, force: true });
    try {
      await makeFolders(join(unfinished, 'old'));
      await mkdir(join(unfinished, 'new'));
      await write(join(unfinished, 'new'));
      // LICENSES.md comes first: whatever happens between the renames, the folder is still known as a sample.
      for (const part of Object.keys(PARTS)) {
        await rename(join(directory, part), join(unfinished, 'old', part)).catch(ignoreMissing);
        await rename(join(unfinished, 'new', part), join(directory, part));
      }
    } finally {
      await rm(unfinished, { recursive: true, force: true });
    }
  } catch (error) {
    throw readable(error, directory);
  }
}

/** Lets an absent or empty folder and an earlier sample pass. */
async function checkDirectory(directory: string): Promise<void> {
  const entries = (await list(directory)).filter((name) => name !== UNFINISHED);
  if (entries.length === 0) return;
  if ((await firstLine(join(directory, 'LICENSES.md'))) !== SAMPLE_HEADING) {
    throw refusal(`${directory} is not empty and holds no sample (${entries[0]!} is in it). Name a new or empty folder.`);
  }
  for (const [part, allowed] of Object.entries(PARTS)) {
    if (allowed === null) continue;
    const stranger = (await list(join(directory, part))).find((name) => !allowed.test(name));
    if (stranger === undefined) continue;
    throw refusal(
      `${join(directory, part, stranger)} is not of the sample and would be lost. Move it away or name another folder.`,
    );
  }
}

function refusal(message: string): LabelscopeError {
  return new LabelscopeError('sample-directory', message);
}

async function list(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: unknown) => {
    ignoreMissing(error);
    return [];
  });
}

async function firstLine(file: string): Promise<string | undefined> {
  try {
    const handle = await open(file);
    for await (const line of handle.readLines({ encoding: 'utf8' })) return line;
  } catch (error) {
    ignoreMissing(error);
  }
  return undefined;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function ignoreMissing(error: unknown): void {
  if (codeOf(error) !== 'ENOENT') throw error;
}

/** An error of the file system in words; any other as it is. */
function readable(error: unknown, directory: string): unknown {
  const code = codeOf(error);
  if (error instanceof LabelscopeError || typeof code !== 'string') return error;
  if (code === 'ENOTDIR' || code === 'EEXIST')
    return refusal(`${directory} is, or lies in, a file and not a folder. Name a new or empty folder.`);
  const { reason, remedy } = systemWords(error, 'make');
  return new LabelscopeError('sample-write', `The sample could not be written to ${directory}: ${reason}. ${remedy}.`);
}
