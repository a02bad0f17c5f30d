// The images behind a data set's numbers: filters and orders, thumbnails of real files, and what is kept.
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EngineClient } from '../../src/engine/client/engine';
import type { BrowseParams, DatasetKey, ImageFilter, Thumbnail } from '../../src/protocol/browse';
import { startEngine, UNBUILT } from '../support/engine';

let folder: string;
let engine: EngineClient;
let key: DatasetKey;

const IMAGES = [
  { id: 1, file_name: 'b10.jpg', width: 60, height: 40 },
  { id: 2, file_name: 'b9.jpg', width: 30, height: 50 },
  { id: 3, file_name: 'A1.png', width: 20, height: 20 },
  { id: 4, file_name: '../secret.jpg', width: 0, height: 0 },
  // Repeats a file and an id: one image with the labels of both, and one that is left out.
  { id: 5, file_name: 'b9.jpg', width: 30, height: 50 },
  { id: 1, file_name: 'twice.jpg', width: 60, height: 40 },
];
const ANNOTATIONS = [
  { image_id: 1, category_id: 7, bbox: [1, 2, 3, 4] },
  { image_id: 1, category_id: 7, bbox: [5, 6, 7, 8], iscrowd: 1 },
  { image_id: 2, category_id: 8, bbox: [0, 0, 10, 10] },
  { image_id: 5, category_id: 7 },
  { image_id: 3, category_id: 9, bbox: [0, 0, 5, 5] },
];
const CATEGORIES = [7, 8, 9].map((id) => ({ id, name: `category ${id}` }));

beforeAll(async () => {
  if (UNBUILT) return;
  folder = await mkdtemp(join(tmpdir(), 'browse-'));
  const annotations = join(folder, 'images.json');
  const records = ANNOTATIONS.map((annotation, k) => ({ id: k + 1, ...annotation }));
  await writeFile(annotations, JSON.stringify({ images: IMAGES, annotations: records, categories: CATEGORIES }));
  // Stored lying; the camera noted that it stands.
  await sharp({ create: { width: 60, height: 40, channels: 3, background: '#f00' } })
    .jpeg()
    .withMetadata({ orientation: 6 })
    .toFile(join(folder, 'b10.jpg'));
  await writeFile(join(folder, 'b9.jpg'), (await readFile(join(folder, 'b10.jpg'))).subarray(0, 200));
  await sharp({ create: { width: 900, height: 450, channels: 4, background: '#0000' } })
    .png()
    .toFile(join(folder, 'A1.png'));
  engine = startEngine();
  const { fingerprint, imageFolder } = await engine.request('inspect', { annotations, keep: true });
  key = { annotations, fingerprint, imageFolder };
});
afterAll(async () => {
  if (UNBUILT) return;
  await engine.stop();
  await rm(folder, { recursive: true, force: true });
});

async function browse(changes: Partial<BrowseParams> = {}) {
  return engine.request('browse', { ...key, filter: {}, order: 'file', descending: false, offset: 0, limit: 100, ...changes });
}

const rowsOf = async (changes: Partial<BrowseParams>) => (await browse(changes)).images.map(({ row }) => row);

describe.skipIf(UNBUILT)(`browsing a data set${UNBUILT}`, () => {
  it('tells each distinct image with the labels and boxes of all its records', async () => {
    const { total, images } = await browse();
    expect(total).toBe(4);
    expect(images[0]).toEqual({
      row: 0,
      fileName: 'b10.jpg',
      file: join(folder, 'b10.jpg'),
      width: 60,
      height: 40,
      labels: [0],
      boxes: [1, 2, 3, 4, 0, 0, 5, 6, 7, 8, 0, 1],
      boxCount: 2,
    });
    expect(images[1]).toMatchObject({ row: 1, labels: [0, 1], boxes: [0, 0, 10, 10, 1, 0], boxCount: 1 });
    expect(images[3]).toMatchObject({ row: 3, file: null, labels: [], boxes: [] });
  });

  it.each<[string, ImageFilter, number[]]>([
    ['a part of the name, in either case', { text: 'a1' }, [2]],
    ['all of some categories', { has: [0, 1] }, [1]],
    ['none of others', { hasNot: [0] }, [2, 3]],
    ['one and not the other', { has: [0], hasNot: [1] }, [0]],
    ['a number of labels', { labels: [1, 1] }, [0, 2]],
    ['the longer side', { longSide: [50, 60] }, [0, 1]],
    ['the ratio, without images that declare no size', { aspect: [0, 1.5] }, [1, 2]],
    ['a size', { size: [60, 40] }, [0]],
  ])('filters by %s', async (_, filter, rows) => {
    expect(await rowsOf({ filter })).toEqual(rows);
    expect((await browse({ filter, limit: 1, offset: 1 })).total).toBe(rows.length);
  });

  it('shows the records that a finding names, repeated ones too, and each once', async () => {
    expect(await rowsOf({ images: [5, 4, 4, 99, -1] })).toEqual([4, 5]);
    const [repeated, leftOut] = (await browse({ images: [5, 4] })).images;
    expect([repeated!.labels, leftOut!.labels]).toEqual([[0, 1], []]);
  });

  it.each<[BrowseParams['order'], boolean, number[]]>([
    ['file', true, [3, 2, 1, 0]],
    ['name', false, [3, 2, 1, 0]],
    ['labels', true, [1, 0, 2, 3]],
    ['boxes', true, [0, 1, 2, 3]],
    ['size', false, [3, 2, 1, 0]],
  ])('sorts by %s, descending: %s', async (order, descending, rows) => {
    expect(await rowsOf({ order, descending })).toEqual(rows);
    expect(await rowsOf({ order, descending, offset: 1, limit: 2 })).toEqual(rows.slice(1, 3));
  });

  it('counts sizes and ratios of distinct images', async () => {
    const { sizes } = await engine.request('inspect', { annotations: key.annotations });
    expect(sizes).toMatchObject({ unknown: 1, distinct: 3 });
    expect(sizes.common[0]).toEqual({ width: 60, height: 40, images: 1 });
    expect(sizes.aspects.filter(({ images }) => images > 0).map(({ from, to }) => [from, to])).toEqual([
      [0.53, 0.62],
      [0.95, 1.05],
      [1.42, 1.6],
    ]);
  });

  it('makes small pictures of stored pixels, and says why there is none', async () => {
    await writeFile(join(folder, '..', 'secret.jpg'), await readFile(join(folder, 'b10.jpg'))).catch(() => undefined);
    const [lying, broken, large, outside, , missing] = await engine.request('thumbnails', { ...key, rows: [0, 1, 2, 3, 4, 5] });
    await rm(join(folder, '..', 'secret.jpg'), { force: true });
    const sizeOf = async (thumbnail: Thumbnail | undefined) => {
      const { width, height, format } = await sharp((thumbnail as { jpeg: Uint8Array }).jpeg).metadata();
      return { width, height, format };
    };
    expect(lying).toMatchObject({ row: 0, width: 60, height: 40 });
    expect(await sizeOf(lying)).toEqual({ width: 60, height: 40, format: 'jpeg' });
    expect(large).toMatchObject({ row: 2, width: 900, height: 450 });
    expect(await sizeOf(large)).toEqual({ width: 224, height: 112, format: 'jpeg' });
    // Transparency is laid over white.
    expect([
      ...(
        await sharp((large as { jpeg: Uint8Array }).jpeg)
          .raw()
          .toBuffer()
      ).subarray(0, 3),
    ]).toEqual([255, 255, 255]);
    expect(broken).toEqual({ row: 1, error: expect.stringContaining('b9.jpg') as string });
    expect(outside).toEqual({ row: 3, error: expect.stringContaining('leads out of') as string });
    expect(missing).toEqual({ row: 5, error: expect.stringContaining('twice.jpg is not in') as string });
  });

  it('shows a picture that the camera turned as it was annotated: by the size that is declared', async () => {
    const own = await mkdtemp(join(tmpdir(), 'turned-'));
    const annotations = join(own, 'instances.json');
    const halves = sharp({ create: { width: 60, height: 40, channels: 3, background: '#f00' } }).composite([
      { input: { create: { width: 60, height: 20, channels: 3, background: '#00f' } }, left: 0, top: 20 },
    ]);
    await halves.jpeg().withMetadata({ orientation: 6 }).toFile(join(own, 'a.jpg'));
    await Promise.all(['b.jpg', 'c.jpg'].map(async (name) => writeFile(join(own, name), await readFile(join(own, 'a.jpg')))));
    const images = [
      { id: 1, file_name: 'a.jpg', width: 60, height: 40 },
      { id: 2, file_name: 'b.jpg', width: 40, height: 60 },
      { id: 3, file_name: 'c.jpg' },
    ];
    await writeFile(
      annotations,
      JSON.stringify({ images, annotations: [{ image_id: 1, category_id: 7 }], categories: CATEGORIES }),
    );
    const { fingerprint, imageFolder } = await engine.request('inspect', { annotations, keep: true });
    const shown = await engine.request('thumbnails', { annotations, fingerprint, imageFolder, rows: [0, 1, 2] });
    expect(shown).toMatchObject([
      { width: 60, height: 40, isTurned: true },
      { width: 40, height: 60 },
      { width: 60, height: 40, isTurned: true },
    ]);
    expect(shown[1]).not.toHaveProperty('isTurned');
    // Orientation 6: what is stored below is on the left when it stands.
    const left = await sharp((shown[1] as { jpeg: Uint8Array }).jpeg)
      .extract({ left: 2, top: 30, width: 1, height: 1 })
      .raw()
      .toBuffer();
    expect(left[2]! - left[0]!).toBeGreaterThan(100);
    await rm(own, { recursive: true });
  });

  it('reads no file outside the folder that a link leads to', async () => {
    const elsewhere = await mkdtemp(join(tmpdir(), 'elsewhere-'));
    await sharp({ create: { width: 9, height: 9, channels: 3, background: '#123' } })
      .jpeg()
      .toFile(join(elsewhere, 'x.jpg'));
    await symlink(join(elsewhere, 'x.jpg'), join(folder, 'twice.jpg'));
    await engine.request('release', { annotations: key.annotations });
    const [linked] = await engine.request('thumbnails', { ...key, rows: [5] });
    expect(linked).toEqual({ row: 5, error: expect.stringContaining('leads out of') as string });
    expect((await browse({ images: [5] })).images[0]!.file).toBeNull();
    await Promise.all([rm(join(folder, 'twice.jpg')), rm(elsewhere, { recursive: true })]);
    await engine.request('release', { annotations: key.annotations });
  });

  it('gives up pictures that nobody wants any more', async () => {
    const stop = new AbortController();
    const asked = engine.request('thumbnails', { ...key, rows: Array.from({ length: 400 }, () => 2) }, { signal: stop.signal });
    setTimeout(() => stop.abort(), 20);
    await expect(asked).rejects.toMatchObject({ code: 'cancelled' });
    // The turn of those that were waiting is over too.
    expect(await engine.request('thumbnails', { ...key, rows: [2] })).toHaveLength(1);
  });

  it('answers from what it keeps, reads anew what it has forgotten, and refuses a file that has changed', async () => {
    const text = await readFile(key.annotations, 'utf8');
    await browse();
    await writeFile(key.annotations, text.replace('category 7', 'category X'));
    expect((await browse()).total).toBe(4);
    await engine.request('release', { annotations: key.annotations });
    const told: number[] = [];
    const onProgress = ({ bytes, totalBytes }: { bytes: number; totalBytes: number }) => void told.push(bytes / totalBytes);
    const query = { filter: {}, order: 'file', descending: false, offset: 0, limit: 1 } as const;
    const again = engine.request('browse', { ...key, ...query }, { onProgress });
    await expect(again).rejects.toMatchObject({ code: 'dataset-changed' });
    expect(told.at(-1)).toBe(1);
    await writeFile(key.annotations, text);
    expect((await browse()).total).toBe(4);
  });
});
