// Where a real, small network looks: its maps against boxes that are known, and against its own maps with random weights.
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { boxesOf } from '../../src/dataset/boxes';
import { readAnnotations } from '../../src/dataset/reader';
import type { EngineClient } from '../../src/engine/client/engine';
import { readLooking } from '../../src/engine/client/looking';
import { readFullSize, readStored } from '../../src/engine/images';
import { similarityOf, shuffledTensors } from '../../src/engine/sanity';
import { openTrained } from '../../src/engine/trained';
import { uprightBoxes } from '../../src/engine/upright';
import { pointingOf } from '../../src/metrics/pointing';
import { randomStream } from '../../src/metrics/random';
import { stagesOf } from '../../src/onnx/stages';
import type { PointingParams, PointingResult } from '../../src/protocol/looking';
import { CATEGORIES, type TinyData } from '../support/data';
import { jsonOf, trainTiny, UNBUILT } from '../support/engine';

const SET = { epochs: '25', batchSize: '8', validationFrequency: '6', learnRate: '0.02' };
/** The side of the pictures of `writeTinyData`. */
const IMAGE = { width: 40, height: 40 };
const RESNET = join('dist', 'models', 'resnet50.onnx');
const NO_RESNET = existsSync(RESNET) ? '' : ` (skipped: ${RESNET} is missing, run npm run build)`;

let folder: string;
let data: TinyData;
let run: string;
let engine: EngineClient;

beforeAll(async () => {
  if (UNBUILT) return;
  ({ folder, data, run, engine } = await trainTiny('looking', SET, { train: 42, validation: 14 }));
});
afterAll(async () => {
  if (UNBUILT) return;
  await engine.stop();
  await rm(folder, { recursive: true, force: true });
});

const pointing = (more: Partial<PointingParams> = {}): Promise<PointingResult> =>
  engine.request('pointing', { model: run, device: 'cpu', ...more });

interface Coco {
  annotations: { image_id: number; bbox?: number[] }[];
}

/** The validation annotations, changed, beside the old ones. */
async function changed(name: string, change: (coco: Coco) => void): Promise<string> {
  const coco = await jsonOf<Coco>(data.validation);
  change(coco);
  const path = join(folder, 'data', 'annotations', `instances_${name}.json`);
  await writeFile(path, JSON.stringify(coco));
  return path;
}

describe.skipIf(UNBUILT !== '')(`pointing${UNBUILT}`, () => {
  it('compares each true category of each image with its boxes, by the maps that explain gives', async () => {
    const result = await pointing();
    const index = await readAnnotations(data.validation);
    expect(result.cases).toHaveLength(index.annotations.count);
    expect(result).toMatchObject({ images: 14, available: 14, withoutBox: 0, split: 'validation', savedTo: run });
    for (const { file, category, score, ...found } of result.cases) {
      const options = { files: [file], categories: [category], colormap: 'jet', opacity: 0.5, device: 'cpu' } as const;
      const [image] = (await engine.request('explain', { model: run, ...options })).images;
      const byFile = await boxesOf(index, CATEGORIES, [basename(file)]);
      const boxes = byFile.get(basename(file))!.get(CATEGORIES.indexOf(category as never))!;
      const expected = pointingOf(
        image!.maps[0]!,
        boxes.map(([x, y, width, height]) => ({ x, y, width, height })),
        IMAGE,
      );
      expect(found).toMatchObject(expected!);
      expect(score).toBeCloseTo(image!.maps[0]!.score, 6);
      expect(found.predicted).toBe(score >= 0.5);
    }
  });

  it('sees that a network which learned the shapes looks at them', async () => {
    const { overall, macro, perCategory } = await pointing();
    expect(overall.energy!).toBeGreaterThan(1.3 * overall.area!);
    expect(overall.cases).toBe(perCategory.reduce((sum, one) => sum + one.cases, 0));
    expect(macro.categories).toBe(3);
  });

  it('keeps what it found in the run folder, where it is read back', async () => {
    const { savedTo, ...result } = await pointing({ tolerance: 4 });
    expect(savedTo).toBe(run);
    expect((await readLooking(run)).pointing).toEqual(result);
    await writeFile(join(run, 'pointing.json'), '{"cases": [{}]}');
    expect((await readLooking(run)).pointing).toBeNull();
  });

  it('draws the same images for the same seed', async () => {
    const files = async (seed: number) => [...new Set((await pointing({ sample: 4, seed })).cases.map(({ file }) => file))];
    const first = await files(1);
    expect(first).toHaveLength(4);
    expect(await files(1)).toEqual(first);
    expect(await files(2)).not.toEqual(first);
    expect(await pointing({ sample: 4 })).toMatchObject({ images: 4, available: 14 });
  });

  it('leaves labels without a box out, and counts them', async () => {
    const before = await pointing();
    const annotations = await changed('unboxed', (coco) => {
      // The third picture shows two shapes: one stays without a box, one has its box out of the picture.
      const two = coco.annotations.filter((one) => one.image_id === 7);
      delete two[0]!.bbox;
      two[1]!.bbox = [40, 3, 10, 10];
    });
    const after = await pointing({ annotations, images: data.validationImages });
    expect([after.withoutBox, after.cases.length]).toEqual([2, before.cases.length - 2]);
    expect(after.split).toBe('given');
  });

  it('takes no box that a review put in the place of an object for one', async () => {
    const before = await pointing();
    const annotations = await changed('reviewed', (coco) => {
      const two = coco.annotations.filter((one) => one.image_id === 7);
      Object.assign(two[0]!, { bbox: [0, 0, 40, 40], labelscope: 'reviewed' });
    });
    const after = await pointing({ annotations, images: data.validationImages });
    expect([after.withoutBox, after.cases.length]).toEqual([1, before.cases.length - 1]);
    expect(after.cases.filter(({ chance }) => chance === 1)).toEqual([]);
  });

  it('says so where a file has no boxes at all', async () => {
    const annotations = await changed('no-boxes', (coco) => coco.annotations.forEach((one) => delete one.bbox));
    await expect(pointing({ annotations, images: data.validationImages })).rejects.toMatchObject({
      code: 'no-boxes',
      message: expect.stringContaining(annotations) as string,
    });
  });

  it('stops when asked to, and keeps what was there', async () => {
    const kept = await pointing();
    const stop = new AbortController();
    const work = engine.request(
      'pointing',
      { model: run, device: 'cpu', sample: 9 },
      { signal: stop.signal, onProgress: () => stop.abort() },
    );
    await expect(work).rejects.toMatchObject({ code: 'cancelled' });
    expect((await readLooking(run)).pointing!.created).toBe(kept.created);
  });
});

describe('boxes over upright images', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('lie where the picture does, for orientation %i', async (orientation) => {
    const [width, height, at] = [64, 48, { left: 8, top: 16, width: 24, height: 8 }];
    const place = await mkdtemp(join(tmpdir(), 'upright-'));
    const path = join(place, 'turned.png');
    const white = await sharp({ create: { width: at.width, height: at.height, channels: 3, background: '#fff' } })
      .png()
      .toBuffer();
    await sharp({ create: { width, height, channels: 3, background: '#000' } })
      .composite([{ input: white, left: at.left, top: at.top }])
      .withMetadata({ orientation })
      .png()
      .toFile(path);
    const stored = await readStored(path);
    const { boxes, image } = uprightBoxes([[at.left, at.top, at.width, at.height]], { width, height }, stored);
    const picture = await readFullSize(path);
    expect(image).toEqual({ width: picture.width, height: picture.height });
    const bright = Array.from({ length: picture.width * picture.height }, (_, k) => k).filter((k) => picture.data[3 * k]! > 128);
    const [xs, ys] = [bright.map((k) => k % picture.width), bright.map((k) => Math.floor(k / picture.width))];
    expect(boxes).toEqual([
      {
        x: Math.min(...xs),
        y: Math.min(...ys),
        width: Math.max(...xs) - Math.min(...xs) + 1,
        height: Math.max(...ys) - Math.min(...ys) + 1,
      },
    ]);
    // A file that declares the turned size counts in it.
    if (orientation >= 5)
      expect(uprightBoxes([[1, 2, 3, 4]], image, stored).boxes).toEqual([{ x: 1, y: 2, width: 3, height: 4 }]);
    await rm(place, { recursive: true });
  });
});

describe('similarity of maps', () => {
  const random = randomStream('maps');
  const maps = Array.from({ length: 12 }, () => ({
    width: 7,
    height: 7,
    values: Array.from({ length: 49 }, () => random.normal()),
  }));
  const subjects = maps.map((map) => ({ map }));

  it('is 1 for the same maps', () => {
    const same = similarityOf(subjects, maps);
    expect(same.rankCorrelation).toBe(1);
    expect(same.ssim).toBeCloseTo(1, 12);
    expect(same.flat).toBe(0);
  });

  it('is about 0 for maps that have nothing to do with each other, and 0 for one that vanished or left the range of numbers', () => {
    const others = [...maps.slice(1), maps[0]!];
    expect(Math.abs(similarityOf(subjects, others).rankCorrelation!)).toBeLessThan(0.15);
    const gone = maps.map((map, k) => ({ ...map, values: map.values.map(() => (k % 2 === 0 ? 0 : Infinity)) }));
    expect(similarityOf(subjects, gone)).toMatchObject({ rankCorrelation: 0, flat: 12 });
  });
});

describe.skipIf(UNBUILT !== '')(`sanity${UNBUILT}`, () => {
  it('makes stages random from the head down and one by one', async () => {
    const result = await engine.request('sanity', { model: run, device: 'cpu', sample: 12 });
    expect(result.stages.map(({ name }) => name)).toEqual(['head', '8 × 8', '16 × 16']);
    expect(result).toMatchObject({ images: 12, available: 14, savedTo: run });
    expect([result.cascading.length, result.independent.length]).toEqual([3, 3]);
    expect(result.independent[0]).toEqual(result.cascading[0]);
    expect(result.independent[1]).not.toEqual(result.cascading[1]);
    const { savedTo, ...kept } = result;
    expect(savedTo).toBe(run);
    expect((await readLooking(run)).sanity).toEqual(kept);
  });

  it('gives the same for the same seed, another for another', async () => {
    const check = async (seed: number) =>
      (await engine.request('sanity', { model: run, device: 'cpu', sample: 14, seed })).cascading;
    expect(await check(5)).toEqual(await check(5));
    expect(await check(6)).not.toEqual(await check(5));
  });

  it('shuffles values: shapes and distributions stay', async () => {
    const { classifier } = await openTrained(run);
    const stages = stagesOf(classifier);
    const shuffled = shuffledTensors(classifier, stages.slice(1, 2), 0);
    expect(Object.keys(shuffled).sort()).toEqual([...stages[1]!.tensors].sort());
    for (const [name, tensor] of Object.entries(shuffled)) {
      const before = classifier.graph.initializers.get(name)!;
      expect(tensor.dims).toEqual(before.dims);
      expect(tensor.data).not.toEqual(before.data);
      expect((tensor.data as Float32Array).toSorted()).toEqual((before.data as Float32Array).toSorted());
    }
  });
});

describe.skipIf(UNBUILT !== '' || NO_RESNET !== '')(`sanity of a ResNet-50${UNBUILT || NO_RESNET}`, () => {
  it('finds that weights made random from the head down give other maps', async () => {
    const model = join(folder, 'resnet');
    const params = {
      annotations: data.train,
      recipe: 'quick',
      set: { threads: '2' },
      device: 'cpu',
      seed: 3,
      run: model,
      resume: false,
    } as const;
    await engine.request('train', params);
    const result = await engine.request('sanity', { model, device: 'cpu', sample: 10 });
    expect(result.stages.map(({ name }) => name)).toEqual(['head', '7 × 7', '14 × 14', '28 × 28', '56 × 56', '112 × 112']);
    expect(result.stages.reduce((sum, { values }) => sum + values, 0)).toBeGreaterThan(23e6);
    for (const { rankCorrelation, flat } of result.cascading) {
      expect(rankCorrelation!).toBeLessThan(0.5);
      expect(flat).toBe(0);
    }
    expect(result.verdict).toBe('depend');
  }, 240_000);
});
