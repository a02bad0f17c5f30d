// Finds the files of a data set's images in their folder. File names come from the annotation file and are not trusted:
// none may lead out of the folder, by its spelling or through a link.
import { readdir, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, posix, relative, sep, win32 } from 'node:path';
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
    else groupOf(byFolder, posix.dirname(toPosix(fileName))).push(fileName);
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

/** A backslash separates folders on Windows and is an ordinary character elsewhere. */
const toPosix = (fileName: string) => (sep === '\\' ? fileName.replaceAll('\\', '/') : fileName);

/** Refuses names that mean another place on any system, so that a data set does not change its meaning between them. */
function isSafeName(fileName: string): boolean {
  if (fileName === '' || fileName.includes('\0')) return false;
  if (posix.isAbsolute(fileName) || win32.isAbsolute(fileName) || /^[a-z]:/i.test(fileName)) return false;
  return !fileName.split(/[/\\]/).includes('..');
}

type Entries = Map<string, 'file' | 'link'> | 'outside';

// Windows and macOS find Image.JPG under the name image.jpg, and macOS stores accents decomposed.
const foldsCase = process.platform === 'win32' || process.platform === 'darwin';
const fold = (name: string) => (foldsCase ? name.normalize('NFC').toLowerCase() : name);

/** The files of a folder by folded name; empty where there is no such folder. */
async function listFolder(root: string, folder: string): Promise<Entries> {
  try {
    if (!isInside(root, await realpath(folder))) return 'outside';
    const entries = await readdir(folder, { withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile() || entry.isSymbolicLink());
    return new Map(files.map((entry) => [fold(entry.name), entry.isFile() ? 'file' : 'link']));
  } catch {
    return new Map();
  }
}

async function findIn(entries: Entries, root: string, folder: string, fileName: string): Promise<{ path: string } | FileProblem> {
  if (entries === 'outside') return outside(fileName, folder);
  const path = join(folder, toPosix(fileName));
  const kind = entries.get(fold(posix.basename(toPosix(fileName))));
  if (kind === 'file') return { path };
  const target = kind === 'link' ? await linkTarget(path) : undefined;
  if (target === undefined) return { code: 'image-missing', fileName, message: `${fileName} is not in ${folder}.` };
  return isInside(root, target) ? { path } : outside(fileName, folder);
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

function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function outside(fileName: string, folder: string): FileProblem {
  return { code: 'image-path-outside-folder', fileName, message: `${JSON.stringify(fileName)} leads out of ${folder}.` };
}
