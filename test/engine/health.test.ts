// A look into image files: sizes and camera notes, damage, and pictures found again after what people do to them.
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sameImages } from '../../src/dataset/same';
import { finished } from '../../src/metrics/steps';
import { checkImages, depthFor, type ImageCheck } from '../../src/engine/health';
import { randomStream } from '../../src/metrics/random';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'health-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const options = { signal: new AbortController().signal, onProgress: () => undefined };
const check = async (path: string, depth: 'headers' | 'pixels' = 'pixels') => (await checkImages([path], depth, options))[0]!;

/** Blots of random colours, as detailed as a photo. */
function scene(seed: number, width = 320, height = 240): Sharp {
  const random = randomStream('scene', seed);
  const data = Uint8Array.from({ length: 12 * 9 * 3 }, () => random.integer(256));
  return sharp(data, { raw: { width: 12, height: 9, channels: 3 } }).resize(width, height, { fit: 'fill' });
}

async function keep(name: string, image: Sharp | Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, Buffer.isBuffer(image) ? image : await image.toBuffer());
  return path;
}

describe('checkImages', () => {
  it.each(['headers', 'pixels'] as const)('tells size and camera note (%s)', async (depth) => {
    const plain = await keep(`${depth}-plain.png`, scene(1).png());
    const turned = await keep(`${depth}-turned.jpg`, scene(1).withMetadata({ orientation: 6 }).jpeg());
    const flipped = await keep(`${depth}-flipped.jpg`, scene(1).withMetadata({ orientation: 3 }).jpeg());
    expect(await check(plain, depth)).toMatchObject({ width: 320, height: 240, turned: false });
    expect(await check(turned, depth)).toMatchObject({ width: 320, height: 240, turned: true });
    expect(await check(flipped, depth)).toMatchObject({ width: 320, height: 240, turned: false });
  });

  it.each([
    ['jpg', () => scene(2, 640, 480).jpeg()],
    ['png', () => scene(2, 640, 480).png()],
    ['webp', () => scene(2, 640, 480).webp()],
  ] as const)('finds a %s that is cut off', async (kind, make) => {
    const whole = await make().toBuffer();
    const cut = await keep(`cut.${kind}`, whole.subarray(0, Math.floor(whole.length * 0.6)));
    expect((await check(await keep(`whole.${kind}`, whole))).problem).toBeUndefined();
    const found = await check(cut);
    expect(found.problem?.code).toBe('image-truncated');
    // The head of a WebP file that is cut off tells no size.
    expect(found.width).toBe(kind === 'webp' ? 0 : 640);
  });

  it.each([
    ['empty', Buffer.alloc(0)],
    ['text', Buffer.from('{"no": "image"}')],
  ])('names a file that is none: %s', async (name, bytes) => {
    const found = await check(await keep(`${name}.jpg`, bytes));
    expect(found).toMatchObject({ width: 0, height: 0, problem: { code: 'image-unreadable' } });
    expect(found.problem!.message).toMatch(/^[^\n]+$/);
  });

  it('looks again at a file that was changed', async () => {
    const path = await keep('again.png', scene(3).png());
    const first = await check(path);
    expect(await check(path)).toBe(first);
    await keep('again.png', scene(4, 200, 100).png());
    expect(await check(path)).toMatchObject({ width: 200, height: 100 });
  });

  it('counts up to all files, passes over those without a path, and stops when told to', async () => {
    const paths = await Promise.all(Array.from({ length: 9 }, (_, k) => keep(`count-${k}.png`, scene(k).png())));
    const told: number[] = [];
    const found = await checkImages([undefined, ...paths], 'pixels', { ...options, onProgress: ({ done }) => told.push(done) });
    expect([found[0], told]).toEqual([undefined, [1, 2, 3, 4, 5, 6, 7, 8, 9]]);
    const stop = new AbortController();
    const work = checkImages(paths, 'headers', { signal: stop.signal, onProgress: () => stop.abort(new Error('enough')) });
    await expect(work).rejects.toThrow('enough');
  });

  it('knows nothing to recognise in one colour', async () => {
    const grey = sharp({ create: { width: 50, height: 50, channels: 3, background: '#808080' } });
    expect(await check(await keep('grey.png', grey.png()))).not.toHaveProperty('picture');
  });

  it('looks at all pixels of small sets only, unless told otherwise', () => {
    expect([depthFor(undefined, 500), depthFor(undefined, 120_000), depthFor('headers', 120_000)]).toEqual([
      'pixels',
      'none',
      'headers',
    ]);
  });
});

const COCO = process.env.LABELSCOPE_COCO ?? '../shared/data/coco-mini';
const hasCoco = existsSync(COCO);

type Change = (image: Sharp, size: { width: number; height: number }) => Sharp;
const cropped =
  (share: number): Change =>
  (image, { width, height }) =>
    image
      .extract({
        left: Math.round((width * share) / 2),
        top: Math.round((height * share) / 2),
        width: Math.round(width * (1 - share)),
        height: Math.round(height * (1 - share)),
      })
      .jpeg({ quality: 90 });

describe.skipIf(!hasCoco)(
  `real COCO images${hasCoco ? '' : ` (skipped: there is no folder ${COCO}; set LABELSCOPE_COCO)`}`,
  () => {
    let paths: string[];
    let checks: ImageCheck[];
    beforeAll(async () => {
      const named = async (split: string) => (await readdir(join(COCO, split))).map((name) => join(COCO, split, name));
      paths = [...(await named('train2017')), ...(await named('val2017'))];
      checks = (await checkImages(paths, 'pixels', options)) as ImageCheck[];
    });

    it('are whole, and no two are taken for the same', () => {
      expect(checks.filter(({ problem }) => problem)).toEqual([]);
      expect([checks.length, finished(sameImages(checks))]).toEqual([474, { repeated: [], leaked: [] }]);
    });

    // The share of every fourth image that is found again.
    it.each<[string, number, Change]>([
      ['saved again at quality 30', 1, (image) => image.jpeg({ quality: 30 })],
      ['as WebP', 1, (image) => image.webp({ quality: 50 })],
      ['at half the size', 1, (image, { width }) => image.resize(Math.round(width / 2)).jpeg({ quality: 85 })],
      ['200 pixels wide', 0.98, (image) => image.resize(200).jpeg({ quality: 75 })],
      ['brighter', 0.98, (image) => image.linear(1.2, 10).jpeg({ quality: 90 })],
      ['darker', 1, (image) => image.linear(0.7, 0).jpeg({ quality: 90 })],
      ['without colour', 1, (image) => image.greyscale().jpeg({ quality: 90 })],
      ['cropped by 2 %', 0.98, cropped(0.02)],
      ['cropped by 5 %', 0.9, cropped(0.05)],
    ])('are found again %s', async (name, least, change) => {
      const some = paths.filter((_, k) => k % 4 === 0);
      const copies = some.map(async (path, k) => {
        const bytes = await readFile(path);
        const { width, height } = await sharp(bytes).metadata();
        return keep(`${name.replaceAll(/[ %]/g, '-')}-${k}.img`, change(sharp(bytes, { ignoreIcc: true }), { width, height }));
      });
      const changed = (await checkImages(await Promise.all(copies), 'pixels', options)) as ImageCheck[];
      const { leaked } = finished(sameImages(checks, changed));
      // Each copy with its own original, and none with another.
      expect(leaked.filter(({ a, b }) => a !== 4 * b)).toEqual([]);
      expect(leaked.length / some.length).toBeGreaterThanOrEqual(least);
    });
  },
);
