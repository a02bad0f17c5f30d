// Browsing a data set whose boxes are on disk: the same answers as from memory.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAnnotations } from '../../src/dataset/reader';
import { browse } from '../../src/engine/browse';
import { forget, keepIndex } from '../../src/engine/browse-index';
import type { BrowseParams } from '../../src/protocol/browse';

let folder: string;
let path: string;

const IMAGES = 50;
/** Image 1 has 150 boxes, of which 100 are shown; in image 2 every second annotation has none, in image 3 none has. */
const imageOf = (k: number) => (k < 150 ? 1 : k < 450 ? 2 : 3 + (k % (IMAGES - 2)));
const hasBox = (k: number) => imageOf(k) !== 3 && (imageOf(k) !== 2 || k % 2 === 0);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'browse-stored-'));
  path = join(folder, 'many.json');
  const images = Array.from({ length: IMAGES }, (_, k) => ({ id: k + 1, file_name: `${k}.jpg`, width: 9999, height: 9999 }));
  const annotations = Array.from({ length: 20_000 }, (_, k) => ({
    ...{ id: k, image_id: imageOf(k), category_id: 1 + (k % 3), iscrowd: k % 5 === 0 ? 1 : 0 },
    ...(hasBox(k) && { bbox: [k / 4, 1, 2, 3] }),
  }));
  const categories = [1, 2, 3].map((id) => ({ id, name: `category ${id}` }));
  await writeFile(path, JSON.stringify({ images, annotations, categories }));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** @param mostInMemory bytes from which boxes go to disk */
async function browsed(mostInMemory: number, changes: Partial<BrowseParams>) {
  const index = await readAnnotations(path, { mostInMemory, cacheFolder: folder });
  expect(index.annotations.details.stored !== undefined).toBe(mostInMemory < 20_000 * 32);
  await keepIndex(index);
  const key = { annotations: path, fingerprint: index.fingerprint, imageFolder: null };
  const params = { ...key, filter: {}, order: 'file', descending: false, offset: 0, limit: 100, ...changes } as const;
  const result = await browse(params, { signal: new AbortController().signal }, () => undefined);
  forget(path);
  return result;
}

describe('boxes on disk', () => {
  it('are shown as those in memory', async () => {
    for (const changes of [{}, { order: 'boxes', descending: true }, { images: [40, 2, 0, 1] }, { offset: 7, limit: 3 }] as const)
      expect(await browsed(1000, changes)).toEqual(await browsed(1 << 25, changes));
  });

  it('are the first hundred of an image, with the number of all', async () => {
    const { images } = await browsed(1000, {});
    const lefts = (image: number) => images[image]!.boxes.filter((_, at) => at % 6 === 0);
    expect(images.slice(0, 3).map(({ boxCount }) => boxCount)).toEqual([150, 150, 0]);
    expect(lefts(0)).toEqual(Array.from({ length: 100 }, (_, k) => k / 4));
    expect(lefts(1)).toEqual(Array.from({ length: 100 }, (_, k) => (150 + 2 * k) / 4));
    expect(images[0]!.boxes.slice(30, 36)).toEqual([5 / 4, 1, 2, 3, 2, 1]);
    expect(images[2]).toMatchObject({ boxes: [], labels: [0] });
  });
});
