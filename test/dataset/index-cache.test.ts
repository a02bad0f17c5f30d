// The cache of parsed annotation files: the same index as from the text, never an old one, and no failure of its own.
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { cacheFolderFor } from '../../src/dataset/cache-folder';
import { openAnnotations } from '../../src/dataset/index-cache';
import { decodeIndex, encodeIndex } from '../../src/dataset/index-file';
import { closeFile, openForReading } from '../../src/dataset/open-files';
import { readAnnotations } from '../../src/dataset/reader';
import type { CocoIndex } from '../../src/dataset/types';
import { anyCoco } from './any-coco';
import { datasetError, SMALL, temporaryFolder, writeTemporary } from './coco';
import { jsonText } from './json-text';

const folder = temporaryFolder();
const MEBIBYTE = 1 << 20;
/** Files are cached from 4 MiB on. */
const text = JSON.stringify({ ...SMALL, info: 'x'.repeat(5 * MEBIBYTE) });
const path = join(folder, 'instances.json');
const packed = join(folder, 'instances.json.gz');
let caches = 0;
const newCache = () => join(folder, `cache ${++caches}`);

beforeAll(async () => {
  writeFileSync(path, text);
  writeFileSync(packed, gzipSync(JSON.stringify({ ...SMALL, info: randomBytes(4 * MEBIBYTE).toString('base64') })));
  await settle();
});

/** A file that was changed within the last two seconds is not cached: it could change again unseen. */
const settle = () => sleep(2100);

/** Opens the file and says whether its text was parsed: then progress is told piece by piece. */
async function opened(file: string, cacheFolder: string): Promise<{ index: CocoIndex; steps: number }> {
  let steps = 0;
  const index = await openAnnotations(file, { cacheFolder, onProgress: () => steps++ });
  return { index, steps };
}

/** The bytes of an index file. */
async function whole(index: CocoIndex): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of encodeIndex(index)) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

/** What is read from a file of these bytes. */
async function decoded(bytes: Uint8Array) {
  const file = await openForReading(writeTemporary(folder, bytes, '.index'));
  const index = await decodeIndex(file);
  closeFile(file);
  return index;
}

const indexFile = (cache: string) =>
  join(
    cache,
    readdirSync(cache).find((name) => name.endsWith('.index'))!,
  );

describe('an index file', () => {
  it('gives back any index', async () => {
    await fc.assert(
      fc.asyncProperty(anyCoco, fc.nat(), async (coco, seed) => {
        const index = await readAnnotations(writeTemporary(folder, jsonText(coco, seed)));
        expect({ path: index.path, ...(await decoded(await whole(index))) }).toEqual(index);
      }),
      { numRuns: 100 },
    );
  });

  it('has more categories than 16 bits can count', async () => {
    const categories = Array.from({ length: 40_000 }, (_, id) => ({ id, name: `category ${id}` }));
    const annotations = [39_999, 77, -5].map((category_id) => ({ image_id: 1, category_id }));
    const index = await readAnnotations(writeTemporary(folder, JSON.stringify({ ...SMALL, annotations, categories })));
    expect(Array.from(index.annotations.category)).toEqual([39_999, 77, -1]);
    expect({ path: index.path, ...(await decoded(await whole(index))) }).toEqual(index);
  });

  it('is refused whole with any byte damaged or missing', async () => {
    const bytes = await whole(await readAnnotations(writeTemporary(folder, JSON.stringify(SMALL))));
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 1 << (at % 8);
      expect(await decoded(damaged)).toBeUndefined();
      expect(await decoded(bytes.subarray(0, at))).toBeUndefined();
    }
  });

  it('is refused where its rows name no records', async () => {
    const index = await readAnnotations(writeTemporary(folder, JSON.stringify(SMALL)));
    index.annotations.image[2] = 4;
    expect(await decoded(await whole(index))).toBeUndefined();
  });
});

describe('openAnnotations', () => {
  it.each([
    ['a plain file', path],
    ['a packed file', packed],
  ])('parses %s once, and then answers the same', async (_, file) => {
    const cache = newCache();
    const [first, second] = [await opened(file, cache), await opened(file, cache)];
    expect(first.steps).toBeGreaterThan(1);
    expect(second.steps).toBe(1);
    expect(second.index).toEqual(first.index);
    expect(first.index).toEqual(await readAnnotations(file));
  });

  it('knows the same content under another name and after a touch', async () => {
    const cache = newCache();
    await opened(path, cache);
    const before = statSync(indexFile(cache));
    const copy = join(folder, 'copy.json');
    copyFileSync(path, copy);
    utimesSync(copy, new Date(), new Date());
    const { index } = await opened(copy, cache);
    expect(index).toEqual({ ...(await readAnnotations(path)), path: copy });
    expect(statSync(indexFile(cache)).ino).toBe(before.ino);
  });

  it('is not deceived by another content of the same size with the old date', async () => {
    const cache = newCache();
    const file = join(folder, 'changing.json');
    writeFileSync(file, text);
    await settle();
    await opened(file, cache);
    const { atime, mtime } = statSync(file);
    writeFileSync(file, text.replace('"dog"', '"cow"'));
    utimesSync(file, atime, mtime);
    expect((await opened(file, cache)).index.categories[0]!.name).toBe('cow');
  });

  it('keeps nothing of a file that was only just written', async () => {
    const cache = newCache();
    const file = writeTemporary(folder, text);
    await opened(file, cache);
    expect(existsSync(cache)).toBe(false);
  });

  it.each<[string, (index: string) => void]>([
    ['cut short', (index) => writeFileSync(index, readFileSync(index).subarray(0, -9))],
    ['longer', (index) => appendFileSync(index, 'more')],
    ['empty', (index) => writeFileSync(index, '')],
    ['of another version', (index) => writeFileSync(index, readFileSync(index).fill('9', 17, 18))],
  ])('parses again where the cached file is %s, and mends it', async (_, damage) => {
    const cache = newCache();
    const { index } = await opened(path, cache);
    damage(indexFile(cache));
    const again = await opened(path, cache);
    expect(again.steps).toBeGreaterThan(1);
    expect(again.index).toEqual(index);
    expect((await opened(path, cache)).steps).toBe(1);
  });

  it('works where nothing can be kept', async () => {
    const file = writeTemporary(folder, 'a file where the cache should be');
    expect((await opened(path, join(file, 'cache'))).index.annotations.count).toBe(4);
    const readOnly = newCache();
    mkdirSync(readOnly);
    chmodSync(readOnly, 0o500);
    expect((await opened(path, readOnly)).index.annotations.count).toBe(4);
  });

  it('keeps at most 64 files, the newest, and removes what was left half-written', async () => {
    const cache = newCache();
    mkdirSync(cache);
    const write = (name: string, daysAgo: number) => {
      writeFileSync(join(cache, name), '');
      const time = new Date(Date.now() - daysAgo * 86_400_000);
      utimesSync(join(cache, name), time, time);
    };
    const note = (k: number) => `${String(k).padStart(32, '0')}.note`;
    for (let k = 1; k <= 70; k++) write(note(k), k);
    write(`5-${'ab'.repeat(32)}.index.1.1.tmp`, 1);
    const others = ['somebody.txt', 'draft.tmp', 'book.index'];
    for (const name of others) write(name, 100);
    await opened(path, cache);
    const names = readdirSync(cache);
    expect(names).toHaveLength(64 + others.length);
    expect(names).toEqual(expect.arrayContaining([...others, note(62)]));
    expect((await opened(path, cache)).steps).toBe(1);
  });

  it('has the errors of the reader, and keeps nothing then', async () => {
    const cache = newCache();
    const broken = writeTemporary(folder, `${text} x`);
    await settle();
    const error = await datasetError(() => openAnnotations(broken, { cacheFolder: cache }));
    expect(error.message).toBe((await datasetError(() => readAnnotations(broken))).message);
    expect(existsSync(cache)).toBe(false);
    expect((await datasetError(() => openAnnotations(join(folder, 'no.json')))).code).toBe('file-missing');
    expect((await datasetError(() => openAnnotations(folder))).code).toBe('not-a-file');
  });

  it('stops when asked to, while it parses and while it only hashes', async () => {
    const cache = newCache();
    for (let round = 0; round < 2; round++) {
      const copy = writeTemporary(folder, text);
      const stop = new AbortController();
      const onProgress = () => stop.abort(new Error('enough'));
      await expect(openAnnotations(copy, { cacheFolder: cache, signal: stop.signal, onProgress })).rejects.toThrow('enough');
      await opened(path, cache);
    }
  });
});

describe('cacheFolderFor', () => {
  // The tests keep what they parse elsewhere.
  beforeEach(() => void vi.stubEnv('LABELSCOPE_CACHE', undefined));
  afterEach(() => void vi.unstubAllEnvs());

  it('is elsewhere where the person says so, in a folder for each kind', async () => {
    vi.stubEnv('LABELSCOPE_CACHE', join(folder, 'named'));
    expect(await cacheFolderFor(path)).toBe(join(folder, 'named', 'annotations'));
    expect(await cacheFolderFor(path, { name: 'features' })).toBe(join(folder, 'named', 'features'));
  });

  it('is in the nearest folder of runs, else in the cache folder of the user', async () => {
    const project = join(folder, 'project');
    mkdirSync(join(project, 'labelscope-runs'), { recursive: true });
    mkdirSync(join(project, 'data', 'annotations'), { recursive: true });
    const annotations = join(project, 'data', 'annotations', 'instances.json');
    expect(await cacheFolderFor(annotations)).toBe(join(project, 'labelscope-runs', '.annotations'));
    expect(await cacheFolderFor(path)).toMatch(/labelscope.annotations$/);
    expect(await cacheFolderFor(path)).toContain(process.env.XDG_CACHE_HOME ?? homedir());
  });

  it('is in the folder of runs that is named, and in none where that is null', async () => {
    const project = join(folder, 'named');
    const annotations = join(project, 'instances.json');
    const runs = join(project, 'kept', 'runs');
    mkdirSync(join(project, 'labelscope-runs'), { recursive: true });
    expect(await cacheFolderFor(annotations, { runsFolder: runs })).toBe(join(project, 'labelscope-runs', '.annotations'));
    mkdirSync(runs, { recursive: true });
    expect(await cacheFolderFor(annotations, { runsFolder: runs })).toBe(join(runs, '.annotations'));
    expect(await cacheFolderFor(annotations, { runsFolder: null })).toMatch(/labelscope.annotations$/);
    expect(await cacheFolderFor(annotations, { runsFolder: null })).not.toContain(project);
  });

  it('follows no link of a stranger', async () => {
    const elsewhere = join(folder, 'elsewhere');
    mkdirSync(elsewhere);
    const linked = (name: string, link: readonly string[]) => {
      mkdirSync(join(folder, name, ...link.slice(0, -1)), { recursive: true });
      symlinkSync(elsewhere, join(folder, name, ...link), 'junction');
      return cacheFolderFor(join(folder, name, 'instances.json'));
    };
    expect(await linked('one', ['labelscope-runs'])).toMatch(/labelscope.annotations$/);
    expect(await linked('two', ['labelscope-runs', '.annotations'])).toMatch(/labelscope.annotations$/);
  });
});
