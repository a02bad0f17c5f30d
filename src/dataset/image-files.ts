// Finds the files of a data set's images in their folder. File names come from the annotation file and are not trusted:
// none may lead out of the folder, by its spelling or through a link.
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, posix, sep } from 'node:path';
import { foldedName, isWithin, leadsOut, withSlashes } from '../platform';
import { DatasetError } from './errors';

export interface FileProblem {
  readonly code: 'image-missing' | 'image-path-outside-folder';
  readonly fileName: string;
  readonly message: string;
}

/** Where a file lies, or why it cannot be used. */
type FoundFile = { readonly path: string } | FileProblem;

/** As `eachFile`, by file name. */
export async function findFiles(fileNames: Iterable<string>, folder: string): Promise<ReadonlyMap<string, FoundFile>> {
  const names = [...new Set(fileNames)];
  const found = new Map<string, FoundFile>();
  await eachFile(names, folder, (place, file) => found.set(names[place]!, file));
  return found;
}

/**
 * Tells of each name what was found, by its place among them, in any order. Reads each folder once: asking for 118,000 files one by one would
 * take ten times as long. Throws DatasetError (image-folder-missing).
 */
export async function eachFile(
  fileNames: readonly string[],
  folder: string,
  take: (place: number, file: FoundFile) => void,
): Promise<void> {
  const root = await realFolder(folder);
  const byFolder = new Map<string, number[]>();
  for (const [place, fileName] of fileNames.entries()) {
    if (!isSafeName(fileName)) take(place, outside(fileName, folder));
    else groupOf(byFolder, posix.dirname(withSlashes(fileName))).push(place);
  }
  for (const [subfolder, places] of byFolder) {
    const entries: Entries = new Map(places.map((place) => [entryOf(fileNames[place]!), 'missing']));
    const isWayOut = !(await listFolder(root, join(folder, subfolder), entries));
    // Joined once: each path that `join` makes is a tree of strings of half a kilobyte.
    const start = join(folder, subfolder, 'x').slice(0, -1);
    for (const place of places) {
      const fileName = fileNames[place]!;
      const path = start + endOf(fileName);
      const kind = entries.get(entryOf(fileName));
      if (isWayOut) take(place, outside(fileName, folder));
      else if (kind === 'file') take(place, { path });
      else take(place, kind === 'link' ? await follow(path, root, folder, fileName) : missing(fileName, folder));
    }
  }
}

/** What `join` ends a path with. */
function endOf(fileName: string): string {
  const name = withSlashes(fileName);
  return name.endsWith('/') ? posix.basename(name) + sep : posix.basename(name);
}

/** What the entry of a file in its folder is found by. */
const entryOf = (fileName: string) => foldedName(posix.basename(withSlashes(fileName)));

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

function groupOf(groups: Map<string, number[]>, key: string): number[] {
  let group = groups.get(key);
  if (group === undefined) groups.set(key, (group = []));
  return group;
}

function isSafeName(fileName: string): boolean {
  return fileName !== '' && !fileName.includes('\0') && !leadsOut(fileName);
}

/** Of a folder's entries those that are looked for, by folded name. */
type Entries = Map<string, 'file' | 'link' | 'missing'>;

/** Says in `entries` which of them are there; none where there is no such folder. False where the folder is a way out. */
async function listFolder(root: string, folder: string, entries: Entries): Promise<boolean> {
  try {
    if (!isWithin(root, await realpath(folder))) return false;
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const name = foldedName(entry.name);
      if (!entries.has(name)) continue;
      if (entry.isFile()) entries.set(name, 'file');
      else if (entry.isSymbolicLink()) entries.set(name, 'link');
    }
  } catch {
    // Its files are missing.
  }
  return true;
}

async function follow(path: string, root: string, folder: string, fileName: string): Promise<FoundFile> {
  const target = await linkTarget(path);
  if (target === undefined) return missing(fileName, folder);
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

function missing(fileName: string, folder: string): FileProblem {
  return { code: 'image-missing', fileName, message: `${fileName} is not in ${folder}.` };
}

function outside(fileName: string, folder: string): FileProblem {
  return { code: 'image-path-outside-folder', fileName, message: `${JSON.stringify(fileName)} leads out of ${folder}.` };
}
