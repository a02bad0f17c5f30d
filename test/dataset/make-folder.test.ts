// Folders with what is missing above them.
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeFolders } from '../../src/dataset/make-folder';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'make-folder-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('makeFolders', () => {
  it('makes all that is missing, once and again, and by many at the same time', async () => {
    const path = join(folder, 'a', 'b', 'c');
    await Promise.all(Array.from({ length: 8 }, () => makeFolders(path)));
    await makeFolders(path);
    expect(await readdir(folder, { recursive: true })).toEqual(['a', join('a', 'b'), join('a', 'b', 'c')]);
  });

  it.skipIf(process.platform === 'win32')('gives each folder that it makes the mode', async () => {
    await makeFolders(join(folder, 'a', 'b'), 0o700);
    for (const made of [join(folder, 'a'), join(folder, 'a', 'b')]) expect((await stat(made)).mode & 0o777).toBe(0o700);
  });

  it('throws what the system says where a file is in the way', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(makeFolders(join(folder, 'file'))).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(makeFolders(join(folder, 'file', 'a'))).rejects.toMatchObject({ code: 'EEXIST' });
  });

  it.runIf(process.platform === 'linux')('ends where the system says of an existing folder that it is not there', async () => {
    await expect(makeFolders('/proc/labelscope/a')).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
