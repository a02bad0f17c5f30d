// What the caches on disk share: which file is the one that was seen before, and which files have to go.
import type { BigIntStats } from 'node:fs';
import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** The clocks of file systems tick in up to two seconds. */
const TICK = 2000;

/** What tells a file from one that was put in its place. */
export function placeAndTimes({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string[] {
  return [dev, ino, size, mtimeNs, ctimeNs].map(String);
}

/** Whether the last change is so long ago that another one would show in the times. */
export function isSettled({ ctimeMs }: BigIntStats): boolean {
  return Date.now() - Number(ctimeMs) >= TICK;
}

interface CacheLimits {
  /** Names of the cache's own files, with their temporary forms, which end in `.tmp`; nothing else in the folder is touched. */
  readonly ours: RegExp;
  readonly mostFiles: number;
  readonly mostBytes: number;
}

export const TEMPORARY_SUFFIX = '.tmp';
const HOUR = 3_600_000;

/** Removes what was not used for longest, beyond the cache's limits, and what a process that was killed left half-written. */
export async function prune(folder: string, { ours, mostFiles, mostBytes }: CacheLimits): Promise<void> {
  const files = await Promise.all(
    (await readdir(folder)).map(async (name) => ({ name, stats: await lstat(join(folder, name)).catch(() => undefined) })),
  );
  const known = files.flatMap(({ name, stats }) => (stats?.isFile() ? [{ name, size: stats.size, used: stats.mtimeMs }] : []));
  let [count, bytes] = [0, 0];
  for (const { name, size, used } of known.sort((a, b) => b.used - a.used)) {
    const temporary = name.endsWith(TEMPORARY_SUFFIX);
    if (!ours.test(name)) continue;
    if (!temporary) bytes += size;
    const tooMany = temporary ? Date.now() - used > HOUR : ++count > mostFiles || bytes > mostBytes;
    if (tooMany) await rm(join(folder, name), { force: true });
  }
}
