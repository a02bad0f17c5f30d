// The images that are likely to be opened next: of a real folder, in the order in which VS Code's Explorer lists them.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { imagesBeside } from '../../src/host/beside';

describe('imagesBeside', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'labelscope-beside-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const lay = (names: readonly string[]) => Promise.all(names.map((name) => writeFile(join(folder, name), '')));
  const beside = async (name: string, reach = 1) => (await imagesBeside(join(folder, name), reach)).map((path) => basename(path));

  it('names the next one, then the one before, by numbers within names', async () => {
    await lay(['img1.jpg', 'img2.jpg', 'img9.jpg', 'img10.JPG', 'img100.jpg']);
    expect(await beside('img9.jpg')).toEqual(['img10.JPG', 'img2.jpg']);
    expect(await beside('img10.JPG')).toEqual(['img100.jpg', 'img9.jpg']);
  });

  it('names as many on either side as it is told, the nearest first, whatever order the folder has', async () => {
    await lay(['7.png', '30.png', '1.png', '12.png', '5.png', '100.png', '9.png']);
    expect(await beside('9.png', 2)).toEqual(['12.png', '7.png', '30.png', '5.png']);
    expect(await beside('9.png', 8)).toEqual(['12.png', '7.png', '30.png', '5.png', '100.png', '1.png']);
    expect(await beside('100.png', 2)).toEqual(['30.png', '12.png']);
  });

  it('names one at an end, and none where it is alone', async () => {
    await lay(['a.png', 'b.png']);
    expect(await beside('a.png')).toEqual(['b.png']);
    expect(await beside('b.png')).toEqual(['a.png']);
    await rm(join(folder, 'b.png'));
    expect(await beside('a.png')).toEqual([]);
  });

  it('passes over none of two names that differ by zeros alone', async () => {
    await lay(['img1.jpg', 'img01.jpg', 'img2.jpg']);
    expect(await beside('img01.jpg')).toEqual(['img1.jpg']);
    expect(await beside('img1.jpg')).toEqual(['img2.jpg', 'img01.jpg']);
  });

  it('passes over what is no image', async () => {
    await lay(['a.png', 'b.json', 'c.txt', 'd.webp', 'é.avif']);
    await mkdir(join(folder, 'more'));
    expect(await beside('d.webp')).toEqual(['é.avif', 'a.png']);
  });

  it('finds them among thousands whose names have as many digits', async () => {
    const name = (k: number) => `${String(k).padStart(12, '0')}.jpg`;
    await lay(Array.from({ length: 5001 }, (_, k) => name(3 * k)));
    expect(await beside(name(300))).toEqual([name(303), name(297)]);
    expect(await beside(name(0))).toEqual([name(3)]);
    expect(await beside(name(9000), 2)).toEqual([name(9003), name(8997), name(9006), name(8994)]);
  });

  it('names none in a folder that is gone', async () => {
    expect(await imagesBeside(join(folder, 'gone', 'a.png'), 2)).toEqual([]);
  });
});
