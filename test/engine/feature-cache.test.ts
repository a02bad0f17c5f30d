// The cache of features: a second training computes none, nothing old or damaged is ever taken, and the numbers are the same without it.
import { appendFile, chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EngineClient } from '../../src/engine/client/engine';
import { featureCache } from '../../src/engine/feature-cache';
import { readTensors, writeTensors } from '../../src/engine/run/safetensors';
import { onnxRuntimeVersion } from '../../src/engine/runtime/installed';
import type { TrainEvent } from '../../src/protocol/messages';
import { type TinyData, writeTinyData } from '../support/data';
import { expectSameModel, historyOf, startEngine, trainParams, UNBUILT, writeTinyBackbone } from '../support/engine';

let folder: string;
let data: TinyData;
let cache: string;
let tiny: string;
let engine: EngineClient;
let runs = 0;

beforeAll(async () => {
  if (UNBUILT) return;
  folder = await mkdtemp(join(tmpdir(), 'features-'));
  tiny = join(folder, 'tiny.onnx');
  await writeTinyBackbone(tiny);
  engine = startEngine();
});
afterAll(async () => {
  if (UNBUILT) return;
  await engine.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  data = await writeTinyData(join(folder, `data ${++runs}`), { train: 20, validation: 9 });
  await mkdir(join(data.folder, 'labelscope-runs'));
  cache = join(data.folder, 'labelscope-runs', '.features');
});

interface Trained {
  readonly run: string;
  /** How often features were told of: once a batch of eight images. */
  readonly batches: number;
}

async function train(changes: Parameters<typeof trainParams>[3] = {}): Promise<Trained> {
  const run = join(folder, `run ${++runs}`);
  let batches = 0;
  const onProgress = ({ kind }: TrainEvent) => kind === 'features' && batches++;
  const params = trainParams(data.train, tiny, run, { recipe: 'quick', ...changes, set: { epochs: '4', ...changes.set } });
  await engine.request('train', params, { onProgress });
  return { run, batches };
}

async function expectSameRun(found: Trained, wanted: Trained): Promise<void> {
  expect(await historyOf(found.run)).toEqual(await historyOf(wanted.run));
  await expectSameModel(join(found.run, 'model.onnx'), join(wanted.run, 'model.onnx'));
}

const shards = async () => (await readdir(cache)).filter((name) => name.endsWith('.features')).map((name) => join(cache, name));

/** 20 images for training and 9 for validation, in batches of 8. */
const ALL = 3 + 2;

describe.skipIf(UNBUILT)(`features that were computed before${UNBUILT}`, () => {
  it('are not computed again, and the run is the same to the bit', async () => {
    const [first, second] = [await train(), await train()];
    expect([first.batches, second.batches]).toEqual([ALL, 0]);
    await expectSameRun(second, first);
    await rm(cache, { recursive: true });
    const third = await train();
    expect(third.batches).toBe(ALL);
    await expectSameRun(third, first);
  });

  it('are found under another name, and for another split', async () => {
    await train();
    const text = await readFile(data.train, 'utf8');
    for (const name of await readdir(data.trainImages)) {
      const image = await readFile(join(data.trainImages, name));
      await rm(join(data.trainImages, name));
      await writeFile(join(data.trainImages, `as-${name}`), image);
    }
    await writeFile(data.train, text.replaceAll('train-', 'as-train-'));
    expect((await train()).batches).toBe(0);
    // The images for validation were never mirrored.
    expect((await train({ validation: data.train, validationImages: data.trainImages })).batches).toBe(0);
    await rm(data.validation);
    expect((await train({ set: { validationFraction: '0.5' } })).batches).toBe(0);
  });

  it('are computed for a changed image alone, also with the old size and date', async () => {
    await train();
    const [one, other] = (await readdir(data.trainImages)).sort().map((name) => join(data.trainImages, name));
    const bytes = await readFile(other!);
    await writeFile(one!, Buffer.concat([bytes, Buffer.alloc(1)]));
    // The same picture in another file.
    expect((await train()).batches).toBe(1);
    const again = await readFile(one!);
    again[again.length - 1] = 1;
    await writeFile(one!, again);
    await utimes(one!, new Date(0), new Date(0));
    expect((await train()).batches).toBe(1);
    expect((await train()).batches).toBe(0);
  });

  it('are not taken for another network, image size, pooling or variant', async () => {
    await train({ set: { reflection: 'false' } });
    expect((await train({ set: { reflection: 'true' } })).batches).toBe(3);
    expect((await train({ set: { imageSize: '24' } })).batches).toBe(ALL);
    expect((await train({ set: { pooling: 'gem' } })).batches).toBe(ALL);
    expect((await train({ set: { pooling: 'gem' } })).batches).toBe(0);
    const bytes = join(folder, `bytes ${runs}.onnx`);
    await writeTinyBackbone(bytes, { input: 'uint8' });
    expect((await train({ backbone: bytes })).batches).toBe(ALL);
    expect((await train()).batches).toBe(0);
  });
});

describe('the name of a space', () => {
  const source = { backbone: 'a'.repeat(64), width: 32, height: 24, device: 'cpu' } as const;
  const spaceOf = async (more: { pooling: 'average' | 'gem'; engine?: string[] }) =>
    (await featureCache(data.train, { ...source, ...more })).space;
  const programs = [onnxRuntimeVersion(), sharp.versions.sharp, sharp.versions.vips, process.platform, process.arch];

  it.each([[[]], [['tensorflow', 'tfjs-node', 'tensorflow', '2.9']]])(
    'of means is what it was when nothing else was pooled, engine %j',
    async (engine) => {
      const before = JSON.stringify([1, 'a'.repeat(64), 32, 24, 'cpu', ...engine, ...programs]);
      const wanted = createHash('sha256').update(before).digest('hex').slice(0, 32);
      expect(await spaceOf({ pooling: 'average', engine })).toBe(wanted);
      expect(await spaceOf({ pooling: 'gem', engine })).not.toBe(wanted);
    },
  );
});

describe.skipIf(UNBUILT)(`a run that goes on${UNBUILT}`, () => {
  /** Goes on until the first point. Answers the numbers of images that features were told of. */
  async function computes(run: string, changes: Parameters<typeof trainParams>[3]): Promise<number[]> {
    const told: number[] = [];
    const stop = new AbortController();
    const onProgress = (event: TrainEvent) => {
      if (event.kind === 'features') told.push(event.done);
      if (event.kind === 'points') stop.abort();
    };
    await engine.request('train', trainParams(data.train, tiny, run, changes), { onProgress, signal: stop.signal });
    return told;
  }

  it.each([
    ['another engine, device or version has computed', { space: '0'.repeat(32) }],
    ['nobody knows what has computed, as those of the first versions', {}],
  ])('takes no features of its own that %s', async (_, space) => {
    const run = join(folder, `run ${++runs}`);
    const set = { epochs: '3000', validationPatience: '0' };
    expect(await computes(run, { recipe: 'quick', set })).toHaveLength(ALL);
    const block = join(run, 'checkpoint', 'features.train.0.safetensors');
    const before = await readTensors(block);
    await writeTensors(block, { ...before, metadata: { ids: before.metadata.ids!, ...space } });
    await rm(cache, { recursive: true });
    expect(await computes(run, { resume: true })).toEqual([8, 16, 20]);
    expect(await readTensors(block)).toEqual(before);
  });
});

describe.skipIf(UNBUILT)(`a cache that is not as it was left${UNBUILT}`, () => {
  const damages: readonly [string, (path: string) => Promise<void>][] = [
    ['cut', (path) => truncate(path, 500)],
    ['empty', (path) => truncate(path, 0)],
    ['longer', (path) => appendFile(path, 'x')],
    [
      'changed',
      async (path) => {
        const bytes = await readFile(path);
        bytes[bytes.length - 9]! ^= 4;
        await writeFile(path, bytes);
      },
    ],
    [
      'named by what are no keys',
      async (path) => {
        const { tensors } = await readTensors(path);
        await writeTensors(path, {
          tensors,
          metadata: { keys: JSON.stringify(Array.from({ length: 100 }, (_, k) => (k ? k : null))) },
        });
      },
    ],
    ['of another kind', (path) => writeFile(path, JSON.stringify({ keys: 5 }))],
  ];

  it.each(damages)('is passed over where its files are %s', async (_, damage) => {
    const first = await train();
    for (const path of await shards()) await damage(path);
    const second = await train();
    expect(second.batches).toBe(ALL);
    await expectSameRun(second, first);
    expect((await train()).batches).toBe(0);
  });

  it('is no failure where its notes of files are damaged', async () => {
    await train();
    await writeFile(join(cache, '0'.repeat(32) + '.stamps'), 'x');
    for (const name of await readdir(cache)) if (name.endsWith('.stamps')) await truncate(join(cache, name), 40);
    expect((await train()).batches).toBe(0);
  });

  it.skipIf(process.platform === 'win32')('follows no link', async () => {
    const elsewhere = join(folder, `elsewhere ${runs}`);
    await mkdir(elsewhere);
    await symlink(elsewhere, cache);
    await train();
    expect(await readdir(elsewhere)).toEqual([]);
    await rm(cache);
    await train();
    const before = (await shards()).length;
    expect(before).toBeGreaterThan(0);
    for (const path of await shards()) {
      const bytes = await readFile(path);
      await rm(path);
      await writeFile(join(elsewhere, 'shard'), bytes);
      await symlink(join(elsewhere, 'shard'), path);
    }
    expect((await train()).batches).toBeGreaterThan(0);
  });

  it.skipIf(process.platform === 'win32' || process.getuid?.() === 0)('is no failure where nothing can be written', async () => {
    await mkdir(cache);
    await chmod(cache, 0o500);
    expect((await train()).batches).toBe(ALL);
    expect((await train()).batches).toBe(ALL);
  });

  it('is no failure where a file has its name', async () => {
    await writeFile(cache, 'a file');
    expect((await train()).batches).toBe(ALL);
    expect((await train()).batches).toBe(ALL);
  });
});
