// Hashes of image files, by row: of those that were asked for and can be read, whether they were hashed before or not.
import { createHash } from 'node:crypto';
import { readdir, readFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { hashImages, type ImageHashes } from '../../src/engine/image-hashes';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hashes-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

async function write(contents: readonly string[]): Promise<string[]> {
  const paths = contents.map((_, k) => join(folder, `ä ${k}.jpg`));
  await Promise.all(paths.map((path, k) => writeFile(path, contents[k]!)));
  return paths;
}

function hash(paths: readonly string[], rows: readonly number[]): Promise<ImageHashes> {
  const { signal } = new AbortController();
  return hashImages(paths, rows, { cache: join(folder, 'cache'), images: folder, signal });
}

const hashesOf = (hashes: ImageHashes, rows: number) => Array.from({ length: rows }, (_, row) => hashes.sha256(row));

it('knows the content of the rows that were asked for, and the rows of a content', async () => {
  const paths = await write(['one', 'two', 'one', 'three', 'one']);
  await rm(paths[3]!);
  const hashes = await hash(paths, [0, 1, 2, 3]);
  expect(hashesOf(hashes, 5)).toEqual([sha256('one'), sha256('two'), sha256('one'), undefined, undefined]);
  expect(hashes.known).toBe(3);
  expect(hashes.rowsOf(sha256('one')).sort()).toEqual([0, 2]);
  expect(hashes.rowsOf(sha256('three'))).toEqual([]);
});

it('tells a file that has changed since', async () => {
  const paths = await write(['one', 'two', 'three']);
  const hashes = await hash(paths, [0, 1]);
  await writeFile(paths[1]!, 'other');
  const states = [0, 1, 2].map((row) => hashes.isStill(row));
  expect(await Promise.all(states)).toEqual([true, false, false]);
});

it('takes what it noted before, each file once, and adds to it', async () => {
  const paths = await write(['one', 'two', 'three']);
  // Only of files that have not changed for two seconds is anything noted.
  await pause(2100);
  const twice = [paths[0]!, ...paths.slice(0, 2)];
  await hash(twice, [0, 1, 2]);
  const [noted] = await readdir(join(folder, 'cache'));
  const records = async () => (await readFile(join(folder, 'cache', noted!))).subarray(32);
  const before = await records();
  expect(before.length).toBe(2 * 48);
  // The content that is noted of the first file is another one now: it is taken from there, and not from the file.
  const [wrong, place] = [Buffer.from(sha256('wrong'), 'hex'), before.indexOf(Buffer.from(sha256('one'), 'hex'))];
  wrong.copy(before, place);
  await writeFile(join(folder, 'cache', noted!), Buffer.concat([createHash('sha256').update(before).digest(), before]));
  expect(hashesOf(await hash(paths, [0, 1, 2]), 3)).toEqual([sha256('wrong'), sha256('two'), sha256('three')]);
  expect((await records()).subarray(0, before.length)).toEqual(before);
  expect((await records()).length).toBe(3 * 48);
});
