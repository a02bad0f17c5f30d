// Where parsed annotation files are kept between two openings.
import { lstat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

const RUNS = 'labelscope-runs';
const NAME = '.annotations';

/**
 * Beside the runs: `.annotations` in `runsFolder`, or in the nearest folder `labelscope-runs` at or above the annotation file. Where there
 * is none yet, the user's own cache folder: nothing is ever written beside the annotations of somebody who has trained nothing there. So too where
 * one of the two is a link: a folder of strangers must not lead elsewhere what is written and tidied up.
 *
 * @param runsFolder null: in no case beside runs
 */
export async function cacheFolderFor(annotations: string, runsFolder?: string | null): Promise<string> {
  const own = join(userCache(), 'labelscope', NAME.slice(1));
  if (runsFolder === null) return own;
  if (runsFolder !== undefined && (await isThere(runsFolder))) return (await cacheIn(runsFolder)) ?? own;
  for (let folder = dirname(annotations); ; folder = dirname(folder)) {
    const runs = join(folder, RUNS);
    if (await isThere(runs)) return (await cacheIn(runs)) ?? own;
    if (folder === dirname(folder)) return own;
  }
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

async function cacheIn(runs: string): Promise<string | undefined> {
  const isFolder = (await lstat(runs)).isDirectory();
  return isFolder && !(await isLink(join(runs, NAME))) ? join(runs, NAME) : undefined;
}

async function isLink(path: string): Promise<boolean> {
  return lstat(path).then(
    (entry) => entry.isSymbolicLink(),
    () => false,
  );
}

function userCache(): string {
  if (process.platform === 'win32') return process.env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local');
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches');
  return process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
}
