// Gives every run of the tests a cache of its own, away from the person's.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export async function setup(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'labelscope-cache-'));
  process.env.LABELSCOPE_CACHE = folder;
  return () => rm(folder, { recursive: true, force: true });
}
