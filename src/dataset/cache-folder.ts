// Where results that took long are kept between two runs: parsed annotation files, features of images.
import { lstat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cachesFolder } from '../platform';

const RUNS = 'labelscope-runs';

/** Parsed annotation files, pooled features of images, models that were made ready for this processor, what self-checks of training steps found, and what was added: an ONNX Runtime with CUDA, TensorFlow.js. */
type CacheName = 'annotations' | 'features' | 'models' | 'forms' | 'runtime' | 'tensorflow';

interface Place {
  readonly name?: CacheName;
  /** Where runs lie, where that is not in a folder labelscope-runs. Null: nothing is kept beside runs. */
  readonly runsFolder?: string | null | undefined;
}

/**
 * Beside the runs: `.annotations` or `.features` in `runsFolder`, or in the nearest folder `labelscope-runs` at or above the annotation file.
 * Where there is none yet, the user's own cache folder: nothing is ever written beside the annotations of somebody who has trained nothing
 * there. So too where one of the two is a link: a folder of strangers must not lead elsewhere what is written and tidied up.
 */
export async function cacheFolderFor(annotations: string, { name = 'annotations', runsFolder }: Place = {}): Promise<string> {
  const own = userCacheFolder(name);
  if (runsFolder === null) return own;
  if (runsFolder !== undefined && (await isThere(runsFolder))) return (await cacheIn(runsFolder, name)) ?? own;
  for (let folder = dirname(annotations); ; folder = dirname(folder)) {
    const runs = join(folder, RUNS);
    if (await isThere(runs)) return (await cacheIn(runs, name)) ?? own;
    if (folder === dirname(folder)) return own;
  }
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

async function cacheIn(runs: string, name: CacheName): Promise<string | undefined> {
  const isFolder = (await lstat(runs)).isDirectory();
  return isFolder && !(await isLink(join(runs, `.${name}`))) ? join(runs, `.${name}`) : undefined;
}

async function isLink(path: string): Promise<boolean> {
  return lstat(path).then(
    (entry) => entry.isSymbolicLink(),
    () => false,
  );
}

/** The user's own, wherever the data lie. */
export const userCacheFolder = (name: CacheName): string => join(userCache(), name);

/** LABELSCOPE_CACHE names another folder. */
function userCache(): string {
  const { LABELSCOPE_CACHE } = process.env;
  return LABELSCOPE_CACHE ? LABELSCOPE_CACHE : join(cachesFolder(), 'labelscope');
}
