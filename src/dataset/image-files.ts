// Finds the files of a data set's images in their folder. File names come from the annotation file and are not trusted:
// none may lead out of the folder, by its spelling or through a link.
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { foldedName, isWithin, leadsOut, withSlashes } from '../platform';
import { DatasetError } from './errors';

export interface FileProblem {
  readonly code: 'image-missing' | 'image-path-outside-folder';
  readonly fileName: string;
  readonly message: string;
}

/** By file name: where it lies, or why it cannot be used. */
type FoundFiles = ReadonlyMap<string, { readonly path: string } | FileProblem>;

/**
 * Reads each folder once: asking for 118,000 files one by one would take ten times as long.
 * Throws DatasetError (image-folder-missing).
 */
export async function findFiles(fileNames: Iterable<string>, folder: string): Promise<FoundFiles> {
  const found = new Map<string, { path: string } | FileProblem>();
  const root = await realFolder(folder);
  const byFolder = new Map<string, string[]>();
  for (const fileName of new Set(fileNames)) {
    if (!isSafeName(fileName)) found.set(fileName, outside(fileName, folder));
    else groupOf(byFolder, posix.dirname(withSlashes(fileName))).push(fileName);
  }
  for (const [subfolder, names] of byFolder) {
    const entries = await listFolder(root, join(folder, subfolder));
    for (const fileName of names) found.set(fileName, await findIn(entries, root, folder, fileName));
  }
  return found;
}

async function realFolder(folder: string): Promise<string> {
  if (await isFolder(folder)) return realpath(folder);
  throw new DatasetError(
    'image-folder-missing',
    `There is no image folder ${folder}. Name the right one with --images DIR.`,
    folder,
  );
}

export async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
}

function groupOf(groups: Map<string, string[]>, key: string): string[] {
  let group = groups.get(key);
  if (group === undefined) groups.set(key, (group = []));
  return group;
}

function isSafeName(fileName: string): boolean {
  return fileName !== '' && !fileName.includes('\0') && !leadsOut(fileName);
}

type Entries = Map<string, 'file' | 'link'> | 'outside';

/** The files of a folder by folded name; empty where there is no such folder. */
async function listFolder(root: string, folder: string): Promise<Entries> {
  try {
    if (!isWithin(root, await realpath(folder))) return 'outside';
    const entries = await readdir(folder, { withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile() || entry.isSymbolicLink());
    return new Map(files.map((entry) => [foldedName(entry.name), entry.isFile() ? 'file' : 'link']));
  } catch {
    return new Map();
  }
}

async function findIn(entries: Entries, root: string, folder: string, fileName: string): Promise<{ path: string } | FileProblem> {
  if (entries === 'outside') return outside(fileName, folder);
  const path = join(folder, withSlashes(fileName));
  const kind = entries.get(foldedName(posix.basename(withSlashes(fileName))));
  if (kind === 'file') return { path };
  const target = kind === 'link' ? await linkTarget(path) : undefined;
  if (target === undefined) return { code: 'image-missing', fileName, message: `${fileName} is not in ${folder}.` };
  return isWithin(root, target) ? { path } : outside(fileName, folder);
}

/** Where a link to a file leads; undefined for broken links and links to folders. */
async function linkTarget(path: string): Promise<string | undefined> {
  try {
    const target = await realpath(path);
    return (await stat(target)).isFile() ? target : undefined;
  } catch {
    return undefined;
  }
}

function outside(fileName: string, folder: string): FileProblem {
  return { code: 'image-path-outside-folder', fileName, message: `${JSON.stringify(fileName)} leads out of ${folder}.` };
}
