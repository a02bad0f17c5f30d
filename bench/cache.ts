// A cache folder without anything computed, but with what a person has added to Labelscope: an ONNX Runtime with CUDA, TensorFlow.js.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { userCacheFolder } from '../src/dataset/cache-folder';

/** Makes it. What was added is linked, so that removing the folder leaves it alone. */
export async function makeEmptyCache(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const name of ['runtime', 'tensorflow'] as const) {
    const added = userCacheFolder(name);
    if (existsSync(added)) await symlink(added, join(folder, name), 'junction');
  }
  return folder;
}

/** Works with such a cache; engines that are started meanwhile use it, because they take this process's environment. */
export async function withEmptyCache<T>(work: () => Promise<T>): Promise<T> {
  const before = process.env.LABELSCOPE_CACHE;
  const cache = await makeEmptyCache(await mkdtemp(join(tmpdir(), 'labelscope-bench-')));
  process.env.LABELSCOPE_CACHE = cache;
  try {
    return await work();
  } finally {
    // Assigned, undefined would be the text 'undefined'.
    if (before === undefined) delete process.env.LABELSCOPE_CACHE;
    else process.env.LABELSCOPE_CACHE = before;
    await rm(cache, { recursive: true, force: true });
  }
}
