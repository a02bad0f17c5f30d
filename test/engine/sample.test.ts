// The sample data set: valid COCO, boxes true to the pixel, the same for the same seed, and nothing of the person's ever lost.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { put, visibility, type Canvas, type Placed } from '../../src/engine/sample/canvas';
import { CATEGORIES } from '../../src/engine/sample/catalogue';
import { writeSample, type SampleOptions } from '../../src/engine/sample/compose';
import { collectIcons, type IconSet } from '../../src/engine/sample/icons';
import { LEAST_VISIBLE, layOutScene } from '../../src/engine/sample/scene';

const IMAGES = 12;

interface Annotations {
  licenses: { id: number; name: string; url: string }[];
  images: { id: number; file_name: string; width: number; height: number; license: number }[];
  annotations: {
    id: number;
    image_id: number;
    category_id: number;
    bbox: [number, number, number, number];
    area: number;
    iscrowd: number;
  }[];
  categories: { id: number; name: string; supercategory: string }[];
}

let folder = '';
let iconsFile = '';
let sets: IconSet[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'labelscope-sample-'));
  iconsFile = join(folder, 'icons.json');
  sets = collectIcons(process.cwd());
  await writeFile(iconsFile, JSON.stringify({ sets }));
  await write('one');
});

afterAll(() => rm(folder, { recursive: true, force: true }));

function write(name: string, options: Partial<SampleOptions> = {}) {
  return writeSample(join(folder, name), { iconsFile, images: IMAGES, ...options });
}

async function read(split: 'train' | 'val', name = 'one'): Promise<Annotations> {
  return JSON.parse(await readFile(join(folder, name, 'annotations', `instances_${split}.json`), 'utf8')) as Annotations;
}

/** A digest of every file below a folder. */
async function digests(name: string): Promise<Record<string, string>> {
  const entries = await readdir(join(folder, name), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const pairs = files.sort().map(async (file) => {
    const digest = createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
    return [file.slice(join(folder, name).length), digest] as const;
  });
  return Object.fromEntries(await Promise.all(pairs));
}

describe('the seed', () => {
  it('gives the same files, byte for byte, and another seed gives other pictures', async () => {
    const one = await digests('one');
    await write('same', { seed: 1 });
    expect(await digests('same')).toEqual(one);
    await write('other', { seed: 2 });
    const other = await digests('other');
    expect(Object.keys(other)).toEqual(Object.keys(one));
    const pictures = Object.keys(one).filter((file) => file.endsWith('.jpg'));
    expect(pictures.filter((file) => other[file] === one[file])).toEqual([]);
  });
});

describe.each(['train', 'val'] as const)('the annotations of %s', (split) => {
  it('list the files that exist, with their sizes', async () => {
    const { images } = await read(split);
    expect(images.map((image) => image.file_name).sort()).toEqual((await readdir(join(folder, 'one', split))).sort());
    for (const { file_name, width, height } of images) {
      expect(await sharp(join(folder, 'one', split, file_name)).metadata()).toMatchObject({ format: 'jpeg', width, height });
    }
  });

  it('have boxes within their images and areas within their boxes', async () => {
    const { images, annotations } = await read(split);
    for (const { image_id, bbox, area, iscrowd } of annotations) {
      const [x, y, width, height] = bbox;
      const image = images.find(({ id }) => id === image_id)!;
      expect([x >= 0, y >= 0, width > 0, height > 0]).toEqual([true, true, true, true]);
      expect(x + width).toBeLessThanOrEqual(image.width);
      expect(y + height).toBeLessThanOrEqual(image.height);
      expect(area).toBeGreaterThan(0);
      expect(area).toBeLessThanOrEqual(width * height);
      expect(iscrowd).toBe(0);
    }
  });

  it('have every category, and one of them in every image', async () => {
    const { images, annotations, categories } = await read(split);
    expect(categories.map(({ name }) => name).join()).toBe(
      'dog,cat,bird,horse,sheep,cow,bear,giraffe,zebra,elephant,potted plant,couch',
    );
    expect(categories.map(({ id }) => id)).toEqual([18, 17, 16, 19, 20, 21, 23, 25, 24, 22, 64, 63]);
    const ascending = (ids: Iterable<number>) => [...new Set(ids)].sort((a, b) => a - b);
    expect(ascending(annotations.map((annotation) => annotation.category_id))).toEqual(ascending(categories.map(({ id }) => id)));
    expect(ascending(annotations.map((annotation) => annotation.image_id))).toEqual(ascending(images.map(({ id }) => id)));
  });

  it('name a licence for every image, and LICENSES.md names it too', async () => {
    const { images, licenses } = await read(split);
    const text = await readFile(join(folder, 'one', 'LICENSES.md'), 'utf8');
    for (const { license } of images) expect(licenses.map(({ id }) => id)).toContain(license);
    for (const { url, name } of licenses) {
      expect(name).not.toContain('undefined');
      expect(text).toContain(url);
    }
  });
});

describe('the two splits', () => {
  it('have no emoji set and no id in common', async () => {
    const [train, val] = [await read('train'), await read('val')];
    const names = (split: Annotations) => split.licenses.map(({ name }) => name);
    expect(names(train).filter((name) => names(val).includes(name))).toEqual([]);
    for (const what of ['images', 'annotations'] as const) {
      const ids = [...train[what], ...val[what]].map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
    }
  });

  it('each have every category in one of their sets', () => {
    for (const split of ['train', 'val']) {
      const shown = new Set(sets.filter((set) => set.split === split).flatMap(({ icons }) => icons.map(({ shows }) => shows)));
      expect(CATEGORIES.filter(({ name }) => !shown.has(name))).toEqual([]);
    }
  });
});

/** The smallest box around the pixels that painting changes on black or on white; whatever is drawn changes one of the two. */
function painted({ width, height }: Canvas, sprites: readonly Placed[]) {
  const changed = new Set<number>();
  for (const shade of [0, 255]) {
    const data = new Uint8Array(width * height * 3).fill(shade);
    for (const placed of sprites) put({ width, height, data }, placed);
    data.forEach((value, at) => {
      if (value !== shade) changed.add(Math.floor(at / 3));
    });
  }
  const columns = [...changed].map((pixel) => pixel % width);
  const rows = [...changed].map((pixel) => Math.floor(pixel / width));
  const ends = (values: number[]) => values.reduce(([low, high], v) => [Math.min(low!, v), Math.max(high!, v)], [Infinity, -1]);
  const [[left, right], [top, bottom]] = [ends(columns) as [number, number], ends(rows) as [number, number]];
  return { box: [left, top, right - left + 1, bottom - top + 1], pixels: changed };
}

describe('boxes', () => {
  it('are the extent of what is painted, in scenes of every set', async () => {
    let crowded = 0;
    for (const set of sets) {
      for (let i = 0; i < 3; i++) {
        const { canvas, objects } = await layOutScene(set, CATEGORIES[i]!, 'boxes', i);
        expect(objects.map(({ category }) => category)).toContain(CATEGORIES[i]);
        for (const { placed, box } of objects) expect(painted(canvas, [placed]).box).toEqual(box);
        const union = painted(
          canvas,
          objects.map(({ placed }) => placed),
        ).pixels;
        expect(objects.reduce((sum, { area }) => sum + area, 0)).toBe(union.size);
        const seen = visibility(
          canvas,
          objects.map(({ placed }) => placed),
        );
        for (const { share } of seen) expect(share).toBeGreaterThanOrEqual(LEAST_VISIBLE);
        if (objects.length > 1) crowded++;
      }
    }
    expect(crowded).toBeGreaterThan(0);
  });

  /** A 4 × 4 sprite with everything but its corners visible. */
  const data = new Uint8Array(64).map((_, at) => (at % 4 < 3 || ![3, 15, 51, 63].includes(at) ? 200 : 0));
  const at = (x: number, y: number): Placed => ({ sprite: { width: 4, height: 4, data }, x, y, gains: [1, 1, 1] });
  const canvas = { width: 10, height: 10 };

  it('end at the edges of the image', () => {
    expect(visibility(canvas, [at(-2, 7)])).toEqual([{ box: [0, 7, 2, 3], area: 5, share: 5 / 12 }]);
    expect(visibility(canvas, [at(10, 0)])).toEqual([{ box: null, area: 0, share: 0 }]);
  });

  it('reach under what covers them, areas do not', () => {
    const [lower, upper] = visibility(canvas, [at(2, 2), at(4, 2)]);
    expect(lower).toEqual({ box: [2, 2, 4, 4], area: 8, share: 8 / 12 });
    expect(upper).toEqual({ box: [4, 2, 4, 4], area: 12, share: 1 });
  });
});

describe('the folder', () => {
  it('keeps other files when a sample is made again, with more or fewer images', async () => {
    await write('again', { images: 15 });
    await writeFile(join(folder, 'again', 'notes.txt'), 'mine');
    await mkdir(join(folder, 'again', 'runs'));
    expect(await write('again')).toMatchObject({ trainImages: 12, validationImages: 12 });
    const { ['/notes.txt']: notes, ...sample } = await digests('again');
    expect(notes).toBeDefined();
    expect(sample).toEqual(await digests('one'));
    expect((await readdir(join(folder, 'again'))).sort()).toEqual([
      'LICENSES.md',
      'annotations',
      'notes.txt',
      'runs',
      'train',
      'val',
    ]);
  });

  it('is refused where it holds something else', async () => {
    await mkdir(join(folder, 'holiday'));
    await writeFile(join(folder, 'holiday', 'beach.jpg'), '');
    await expect(write('holiday')).rejects.toMatchObject({
      code: 'sample-directory',
      message: /holiday is not empty.*beach\.jpg/,
    });
    expect(await readdir(join(folder, 'holiday'))).toEqual(['beach.jpg']);
  });

  it('is refused where a file of the person would be lost', async () => {
    await write('mixed');
    const mine = join(folder, 'mixed', 'train', 'mine.jpg');
    await writeFile(mine, '');
    const refused = write('mixed');
    await expect(refused).rejects.toMatchObject({ code: 'sample-directory' });
    await expect(refused).rejects.toThrow(mine);
    expect(existsSync(mine)).toBe(true);
  });

  it('is refused where it is a file', async () => {
    await expect(writeSample(iconsFile, { iconsFile })).rejects.toMatchObject({ code: 'sample-directory', message: /a file/ });
  });

  it('is as it was after a stop', async () => {
    await write('stopped');
    const before = await digests('stopped');
    const stop = new AbortController();
    const onProgress = ({ done }: { done: number }) => done === 14 && stop.abort();
    await expect(write('stopped', { seed: 5, signal: stop.signal, onProgress })).rejects.toThrow(/abort/);
    expect(await digests('stopped')).toEqual(before);
    expect(await readdir(join(folder, 'stopped'))).toHaveLength(4);
  });
});

it('reports each image once', async () => {
  const seen: unknown[] = [];
  await write('counted', { onProgress: (progress) => seen.push(progress) });
  expect(seen).toEqual(Array.from({ length: 24 }, (_, i) => ({ done: i + 1, total: 24 })));
});

it.each([
  [{ images: 11 }, 'sample-images', /11 images.*from 12/],
  [{ images: 20.5 }, 'sample-images', /20\.5 images/],
  [{ seed: 0.5 }, 'sample-seed', /0\.5/],
  [{ iconsFile: 'nowhere.json' }, 'sample-icons', /nowhere\.json/],
])('refuses %j', async (options, code, message) => {
  await expect(write('refused', options)).rejects.toMatchObject({ code, message });
  expect(existsSync(join(folder, 'refused'))).toBe(false);
});
