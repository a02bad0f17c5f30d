// What is added on request: how much of it has arrived.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addFolder, whileArriving } from '../../src/engine/added';
import type { InstallProgress } from '../../src/protocol/install';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'added-'));
  await mkdir(join(folder, 'inner'));
  for (const file of ['a', join('inner', 'b')]) await writeFile(join(folder, file), 'four');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The first that is told, which ends the work. */
async function arriving(total?: number): Promise<InstallProgress | undefined> {
  const stop = new AbortController();
  const work = new Promise((resolve) => stop.signal.addEventListener('abort', resolve));
  let told: InstallProgress | undefined;
  const emit = (progress: InstallProgress) => {
    told ??= progress;
    stop.abort();
  };
  await whileArriving({ folder, ...(total !== undefined && { total }) }, emit, work);
  return told;
}

describe('addFolder', () => {
  const { signal } = new AbortController();

  it('takes away what an earlier process of the same id left, and nothing of what is in the making', async () => {
    const added = join(folder, 'added');
    for (const k of [0, 1, 2]) await mkdir(`${added}.${process.pid}.${k}.tmp`);
    const make = (text: string) => async (staging: string) => {
      await writeFile(join(staging, 'it'), text);
      if (text === 'outer') await addFolder({ ...addition, make: make('inner') }, signal, () => undefined);
    };
    const addition = { folder: added, place: (path: string) => path, files: ['it'] };
    await addFolder({ ...addition, make: make('outer') }, signal, () => undefined);
    expect(await readFile(join(added, 'it'), 'utf8')).toBe('outer');
    expect((await readdir(folder)).sort()).toEqual(['a', 'added', 'inner']);
  });
});

describe('whileArriving', () => {
  it('says how many bytes there are, of how many where that is known', async () => {
    expect(await arriving()).toEqual({ stage: 'fetching', bytes: 8 });
    expect(await arriving(20)).toEqual({ stage: 'fetching', bytes: 8, total: 20 });
  });

  it('never says that more is there than there will be', async () => {
    expect(await arriving(5)).toEqual({ stage: 'fetching', bytes: 8, total: 8 });
  });
});
