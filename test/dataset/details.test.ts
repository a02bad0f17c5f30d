// The details of annotations: the same in memory and on disk, and no file left behind however the reading ends.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { annotationsOfImages, BLOCK_ROWS, detailsOf, eachDetail } from '../../src/dataset/details';
import { faultsOf } from '../../src/dataset/faults';
import { openAnnotations } from '../../src/dataset/index-cache';
import { inspect } from '../../src/dataset/inspect';
import { openTemporary, readAt, writeAt } from '../../src/dataset/open-files';
import { readAnnotations } from '../../src/dataset/reader';
import { repeatedIds } from '../../src/dataset/repeated-ids';
import type { CocoIndex, Detail } from '../../src/dataset/types';
import { anyCoco, shown } from './any-coco';
import { datasetError, SMALL, temporaryFolder, writeTemporary } from './coco';
import { jsonText } from './json-text';

const folder = temporaryFolder();
const cacheFolder = join(folder, 'cache');
/** Three rows take more. */
const TINY = { cacheFolder, mostInMemory: 64 };

/** More than two blocks of rows, in images by turns, with ids of both signs, text among them. */
const MANY = 2 * BLOCK_ROWS + 1000;
const many = {
  ...SMALL,
  annotations: Array.from({ length: MANY }, (_, k) => ({
    id: k % 1000 === 7 ? `a${k}` : k % 2 === 0 ? k : -k,
    image_id: 1 + (k % 4),
    category_id: 18,
    bbox: [k / 8, 1, 2, 3],
    area: k,
    iscrowd: k % 3 === 0 ? 1 : 0,
  })),
};
const manyPath = writeTemporary(folder, JSON.stringify(many));

async function allOf({ annotations }: CocoIndex): Promise<Detail[]> {
  const all: Detail[] = [];
  await eachDetail(annotations, (row, detail) => {
    all[row] = { ...detail };
  });
  expect(all.length).toBe(annotations.count);
  return all;
}

const isOnDisk = ({ annotations }: CocoIndex) => (annotations.details.stored?.rows ?? 0) > 0;

describe('details on disk', () => {
  it('are those in memory, and so are the findings and faults', async () => {
    let onDisk = 0;
    await fc.assert(
      fc.asyncProperty(anyCoco, fc.nat(), fc.integer({ min: 1, max: 200 }), async (coco, seed, chunkSize) => {
        const path = writeTemporary(folder, jsonText(coco, seed));
        const [spilled, held] = [await readAnnotations(path, { ...TINY, chunkSize }), await readAnnotations(path)];
        expect(isOnDisk(held)).toBe(false);
        if (isOnDisk(spilled)) onDisk++;
        expect(await allOf(spilled)).toEqual(await allOf(held));
        expect({ ...spilled.annotations, details: 0 }).toEqual({ ...held.annotations, details: 0 });
        expect(await inspect(spilled)).toEqual(await inspect(held));
        expect(await faultsOf(spilled, [])).toEqual(await faultsOf(held, []));
      }),
      { numRuns: 150 },
    );
    expect(onDisk).toBeGreaterThan(50);
    expect(readdirSync(cacheFolder)).toEqual([]);
  });

  it.each([
    ['all but a rest on disk', { cacheFolder, mostInMemory: 1 << 20, chunkSize: 1 << 16 }, true],
    ['few in memory, read at once', { cacheFolder, mostInMemory: 64 }, true],
    ['all in memory', {}, false],
  ])('have every row of several blocks: %s', async (_, options, onDisk) => {
    const index = await readAnnotations(manyPath, options);
    expect(isOnDisk(index)).toBe(onDisk);
    const { annotations } = await shown(index);
    expect(annotations.map(({ id }) => id)).toEqual(many.annotations.map(({ id }) => String(id)));
    expect(annotations.map(({ bbox, area, crowd }) => [bbox[0], area, crowd])).toEqual(
      many.annotations.map(({ bbox, area, iscrowd }) => [Math.fround(bbox[0]!), area, iscrowd]),
    );
  });

  it('are read for some rows only, in any order', async () => {
    const [spilled, held] = [await readAnnotations(manyPath, TINY), await readAnnotations(manyPath)];
    const all = await allOf(held);
    const anyRows = fc.array(fc.nat(MANY - 1), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(anyRows, async (rows) => {
        for (const index of [spilled, held]) {
          const found = await detailsOf(index.annotations, rows);
          expect(found.size).toBe(new Set(rows).size);
          for (const row of rows) expect(found.get(row)).toEqual(all[row]);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('start anew where the list of annotations comes again', async () => {
    const { annotations, ...rest } = SMALL;
    const lists = [[...annotations, ...annotations], annotations.slice(1)].map((list) =>
      JSON.stringify({ annotations: list }).slice(1, -1),
    );
    const path = writeTemporary(folder, `{${lists.join()},${JSON.stringify(rest).slice(1)}`);
    const index = await readAnnotations(path, { ...TINY, chunkSize: 20 });
    expect(isOnDisk(index)).toBe(true);
    expect((await shown(index)).annotations.map(({ id }) => id)).toEqual(['2', '3', '4']);
  });
});

describe('annotationsOfImages', () => {
  it('tells of each image what its annotations are', async () => {
    for (const options of [{}, TINY]) {
      const found = await annotationsOfImages(
        await readAnnotations(writeTemporary(folder, JSON.stringify(SMALL)), options),
        [1, 2, 3],
      );
      const box = { area: 12, width: 3, height: 4, category: 1 };
      expect([...found]).toEqual([
        [
          1,
          [
            { row: 1, id: '2', category: 0, x: 0, y: 0, width: 100, height: 80, area: 8000, crowd: 0 },
            { row: 2, id: '3', x: 1.5, y: 2.25, crowd: 0, ...box },
          ],
        ],
        [3, [{ row: 3, id: '4', x: 1, y: 2, crowd: 1, ...box }]],
      ]);
    }
  });
});

describe('repeatedIds', () => {
  it('has each id once less than it occurs', async () => {
    const anyIds = fc.array(fc.oneof(fc.integer({ min: -20, max: 20 }), fc.maxSafeInteger(), fc.constantFrom('x', 'y', null)));
    await fc.assert(
      fc.asyncProperty(anyIds, async (ids) => {
        const annotations = ids.map((id) => ({ id, image_id: 1, category_id: 18 }));
        const { annotations: table } = await readAnnotations(writeTemporary(folder, JSON.stringify({ ...SMALL, annotations })));
        const keys = (await allOf({ annotations: table } as CocoIndex)).map(({ id }) => id).filter((id) => !Number.isNaN(id));
        const expected = keys.filter((id, k) => keys.indexOf(id) !== k).sort((a, b) => a - b);
        expect([...(await repeatedIds(table))]).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  });

  it('finds the few among many', async () => {
    const twice = {
      ...many,
      annotations: [...many.annotations, many.annotations[5]!, many.annotations[7]!, many.annotations[7]!],
    };
    const { annotations } = await readAnnotations(writeTemporary(folder, JSON.stringify(twice)), TINY);
    expect([...(await repeatedIds(annotations))]).toEqual([-5, -0.5, -0.5]);
  });
});

describe('a temporary file', () => {
  it('has no name, so that nothing is left of it', async () => {
    const home = join(folder, 'nameless');
    const file = await openTemporary(home);
    expect(readdirSync(home)).toEqual([]);
    await writeAt(file, Buffer.from('still there'), 3);
    const bytes = Buffer.alloc(20);
    expect([await readAt(file, bytes, 3), bytes.toString('latin1', 0, 11)]).toEqual([11, 'still there']);
  });

  it('removes what others could not remove, and nothing else', async () => {
    const home = join(folder, 'leftovers');
    mkdirSync(join(home, `${'c'.repeat(32)}.rows.tmp`), { recursive: true });
    const precious = writeTemporary(folder, 'precious');
    const link = join(home, `${'a'.repeat(32)}.rows.tmp`);
    symlinkSync(precious, link);
    for (const name of [`${'b'.repeat(32)}.rows.tmp`, 'draft.rows.tmp', 'rows.tmp']) writeFileSync(join(home, name), '');
    await openTemporary(home);
    expect(readdirSync(home).sort()).toEqual([
      `${'a'.repeat(32)}.rows.tmp`,
      `${'c'.repeat(32)}.rows.tmp`,
      'draft.rows.tmp',
      'rows.tmp',
    ]);
    expect([readlinkSync(link), existsSync(precious)]).toEqual([precious, true]);
  });

  it('is not needed: where none can be made, all stays in memory', async () => {
    const index = await readAnnotations(manyPath, { ...TINY, cacheFolder: join(manyPath, 'in a file') });
    expect(isOnDisk(index)).toBe(false);
    expect(await allOf(index)).toEqual(await allOf(await readAnnotations(manyPath)));
  });

  it('is gone when the reading is stopped, and when the file is faulty', async () => {
    const home = join(folder, 'stopped');
    const stop = new AbortController();
    const options = { cacheFolder: home, mostInMemory: 64, chunkSize: 1 << 16 };
    const onProgress = (bytes: number) => {
      if (bytes > 1 << 20) stop.abort(new Error('enough'));
    };
    await expect(readAnnotations(manyPath, { ...options, signal: stop.signal, onProgress })).rejects.toThrow('enough');
    const broken = writeTemporary(folder, `${JSON.stringify(many)} x`);
    expect((await datasetError(() => readAnnotations(broken, options))).code).toBe('json-syntax');
    expect(readdirSync(home)).toEqual([]);
  });
});

describe('the cache', () => {
  const text = JSON.stringify({ ...many, info: 'x'.repeat(5 << 20) });

  it('keeps details that are on disk, and reads them from there', async () => {
    const path = writeTemporary(folder, text);
    // A file that was only just written is not kept.
    await sleep(2100);
    const options = { cacheFolder: join(folder, 'kept'), mostInMemory: 1 << 20 };
    const first = await openAnnotations(path, options);
    let steps = 0;
    const second = await openAnnotations(path, { ...options, onProgress: () => steps++ });
    expect([isOnDisk(first), isOnDisk(second), steps]).toEqual([true, true, 1]);
    expect(second.annotations.details.stored!.rows).toBe(MANY);
    const held = await openAnnotations(path, { cacheFolder: options.cacheFolder });
    expect(isOnDisk(held)).toBe(false);
    const all = await allOf(held);
    expect(await allOf(first)).toEqual(all);
    expect(await allOf(second)).toEqual(all);
    // Deleting the cache takes nothing from those who have it open; shortening it is told.
    const kept = second.annotations.details.stored!.file.path;
    truncateSync(kept, statSync(kept).size - 1000);
    expect((await datasetError(() => allOf(second))).code).toBe('index-unreadable');
    rmSync(options.cacheFolder, { recursive: true });
    expect(await allOf(first)).toEqual(all);
  });
});
