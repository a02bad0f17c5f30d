// Batches: the same for a seed and an epoch, whoever asks, whenever; unreadable files named, replaced, and too many of them refused.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { labelSet } from '../../src/dataset/labels';
import { readAnnotations } from '../../src/dataset/reader';
import type { LabelledSet } from '../../src/dataset/types';
import { inMemory } from '../../src/engine/feature-matrix';
import { type Examples, featureExamples, imageExamples, pixelCache } from '../../src/engine/examples';
import { writeTinyData } from '../support/data';

let folder: string;
let set: LabelledSet;
let paths: string[];
let told: string[];
const SIDE = 12;
const COUNT = 20;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'examples-'));
  const data = await writeTinyData(folder, { train: COUNT, validation: 0 });
  set = labelSet(await readAnnotations(data.train));
  paths = set.images.map(({ fileName }) => join(data.trainImages, fileName));
  told = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function open({ seed = 1, rotation = 30, reflection = true, cache = 1e6 } = {}): Examples {
  return imageExamples({
    set,
    paths,
    height: SIDE,
    width: SIDE,
    seed,
    augmentation: { rotation, reflection },
    cache: pixelCache(cache),
    onUnreadable: (message) => told.push(message),
  });
}

const rows = (count: number, from = 0): number[] => Array.from({ length: count }, (_, k) => from + k);

describe('imageExamples', () => {
  it('draws the same batch for a seed and an epoch, whatever was drawn before, cached or not', async () => {
    const first = await open().batch({ rows: rows(6), epoch: 3 });
    const other = open({ cache: 0 });
    await other.batch({ rows: rows(20), epoch: 1 });
    await other.batch({ rows: rows(6), epoch: 3 });
    expect(await other.batch({ rows: rows(6), epoch: 3 })).toEqual(first);
  });

  it('augments an image by its row, not by its place in the batch', async () => {
    const examples = open();
    const size = SIDE * SIDE * 3;
    const { input: one } = await examples.batch({ rows: [2, 5], epoch: 1 });
    const { input: two } = await examples.batch({ rows: [5], epoch: 1 });
    expect(one.data.slice(size)).toEqual(two.data);
  });

  it('draws differently for another epoch and another seed', async () => {
    const draw = async (seed: number, epoch: number) => (await open({ seed }).batch({ rows: rows(6), epoch })).input.data;
    const batches = [await draw(1, 1), await draw(1, 2), await draw(2, 1)];
    for (const [a, b] of [
      [0, 1],
      [0, 2],
      [1, 2],
    ] as const)
      expect(batches[a]).not.toEqual(batches[b]);
  });

  it('mirrors about half of the images and turns none where only reflection is asked for', async () => {
    const examples = open({ rotation: 0 });
    const plain = await examples.batch({ rows: rows(COUNT) });
    const size = SIDE * SIDE * 3;
    let mirrored = 0;
    for (let epoch = 1; epoch <= 10; epoch++) {
      const { input } = await examples.batch({ rows: rows(COUNT), epoch });
      for (const row of rows(COUNT)) {
        const [is, was] = [input, plain.input].map(({ data }) =>
          Buffer.from((data as Uint8Array).slice(row * size, (row + 1) * size)),
        );
        if (is!.equals(was!)) continue;
        expect(is!.equals(flipped(was!))).toBe(true);
        mirrored++;
      }
    }
    expect(mirrored / (10 * COUNT)).toBeGreaterThan(0.4);
    expect(mirrored / (10 * COUNT)).toBeLessThan(0.6);
  });

  it('gives images as they are, with their labels, for evaluation', async () => {
    const { input, labels } = await open().batch({ rows: [4, 9] });
    expect(input.dims).toEqual([2, SIDE, SIDE, 3]);
    expect([...labels.data]).toEqual([...set.labels.slice(12, 15), ...set.labels.slice(27, 30)]);
    expect(await open({ seed: 9, rotation: 0, reflection: false }).batch({ rows: [4, 9] })).toEqual({ input, labels });
  });

  it('names an unreadable file once; the next row takes its place in training, an evaluation goes without it', async () => {
    await writeFile(paths[3]!, 'no image');
    await rm(paths[4]!);
    const examples = open({ rotation: 0, reflection: false });
    const trained = await examples.batch({ rows: [2, 3, 5], epoch: 1 });
    const plain = await open().batch({ rows: [2, 5, 5] });
    expect(trained).toEqual(plain);
    expect((await examples.batch({ rows: [2, 3, 4, 5] })).labels).toEqual((await open().batch({ rows: [2, 5] })).labels);
    expect((await examples.batch({ rows: [3, 4] })).input.dims).toEqual([0, SIDE, SIDE, 3]);
    expect(told.map((message) => [message.includes(paths[3]!), message.includes(paths[4]!)])).toEqual([
      [true, false],
      [false, true],
    ]);
  });

  it('goes on with a fifth unreadable and ends with more, naming one', async () => {
    for (const row of rows(4)) await writeFile(paths[row]!, 'no image');
    await expect(open().batch({ rows: rows(COUNT), epoch: 1 })).resolves.toBeDefined();
    await writeFile(paths[4]!, 'no image');
    const message = expect.stringMatching(/^5 of 20 images cannot be read.*train-\d+\.png/) as string;
    await expect(open().batch({ rows: rows(COUNT) })).rejects.toMatchObject({ code: 'images-unreadable', message });
  });
});

describe('featureExamples', () => {
  const variants = () =>
    [0, 100].map((base) =>
      inMemory(
        Float32Array.from({ length: 2 * COUNT }, (_, k) => base + k),
        2,
      ),
    );

  it('evaluates the first variant and trains on one of both by seed, epoch and row', async () => {
    const examples = featureExamples(set, variants(), 7);
    const plain = await examples.batch({ rows: [3, 1] });
    expect([...plain.input.data]).toEqual([6, 7, 2, 3]);
    const drawn = await examples.batch({ rows: rows(COUNT), epoch: 1 });
    expect(await featureExamples(set, variants(), 7).batch({ rows: rows(COUNT), epoch: 1 })).toEqual(drawn);
    const mirrored = rows(COUNT).filter((row) => Number(drawn.input.data[2 * row]) >= 100).length;
    expect(mirrored).toBeGreaterThan(0);
    expect(mirrored).toBeLessThan(COUNT);
  });
});

function flipped(pixels: Buffer): Buffer {
  const result = Buffer.alloc(pixels.length);
  for (let y = 0; y < SIDE; y++)
    for (let x = 0; x < SIDE; x++)
      pixels.copy(result, 3 * (y * SIDE + x), 3 * (y * SIDE + SIDE - 1 - x), 3 * (y * SIDE + SIDE - x));
  return result;
}
