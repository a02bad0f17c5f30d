// The options of training in the real engine: each learns, goes on exactly after a stop, and is off where a run is older than it.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labelSet } from '../../src/dataset/labels';
import { readAnnotations } from '../../src/dataset/reader';
import type { EngineClient } from '../../src/engine/client/engine';
import { completeRecipe, recipeWith } from '../../src/engine/recipes';
import { writeModel } from '../../src/engine/run/model-file';
import { readTensors } from '../../src/engine/run/safetensors';
import { objectiveOf } from '../../src/engine/train/objective';
import { readModel } from '../../src/onnx/files';
import type { TrainEvent } from '../../src/protocol/messages';
import type { RecipeName } from '../../src/protocol/recipe';
import type { RunRecord } from '../../src/protocol/run';
import { type TinyData, writeTinyData } from '../support/data';
import {
  expectSameModel,
  historyOf,
  jsonOf,
  pointsOf,
  startEngine,
  trainParams,
  UNBUILT,
  writeTinyBackbone,
} from '../support/engine';
import { mobileNetwork } from '../support/networks';

let folder: string;
let data: TinyData;
let tiny: string;
let engine: EngineClient;
let runs = 0;

beforeAll(async () => {
  if (UNBUILT) return;
  folder = await mkdtemp(join(tmpdir(), 'options-'));
  data = await writeTinyData(join(folder, 'data'));
  tiny = join(folder, 'tiny.onnx');
  await writeTinyBackbone(tiny);
  engine = startEngine();
});
afterAll(async () => {
  if (UNBUILT) return;
  await engine.stop();
  await rm(folder, { recursive: true, force: true });
});

const newRun = (): string => join(folder, `run ${++runs}`);

/** Of square images: of ours [N, H, W, 3], of the other network [N, 3, H, W]. */
const widthOf = async (model: string) => (await readModel(model)).graph.inputs[0]!.dims![2];

type Changes = Parameters<typeof trainParams>[3];

/** Answers what was said on the way. */
async function train(run: string, changes: Changes, stopAfter = Infinity): Promise<string[]> {
  const stop = new AbortController();
  const said: string[] = [];
  let seen = 0;
  const onProgress = (event: TrainEvent) => {
    if (event.kind === 'stage') said.push(event.message);
    if (event.kind === 'points') seen += event.points.length;
    if (seen >= stopAfter) stop.abort();
  };
  await engine.request('train', trainParams(data.train, tiny, run, changes), { onProgress, signal: stop.signal });
  return said;
}

const HEAD = { learnRate: '0.02', l2: '0', epochs: '1500', validationPatience: '0', validationFrequency: '100' };
const WHOLE = { learnRate: '0.01', batchSize: '8', epochs: '40', validationPatience: '0', validationFrequency: '6' };

const OPTIONS: readonly (readonly [string, RecipeName, Record<string, string>])[] = [
  ['asymmetric loss', 'quick', { loss: 'asl' }],
  ['asymmetric loss on images', 'matlab-example', { loss: 'asl', aslGammaPositive: '1' }],
  ['positive weights', 'quick', { positiveWeight: 'balanced' }],
  ['label smoothing', 'quick', { labelSmoothing: '0.1' }],
  ['mixed features', 'quick', { mixup: '0.4' }],
  ['mixed images', 'matlab-example', { mixup: '0.4' }],
  ['averaged weights', 'quick', { ema: '0.9' }],
  ['averaged weights of all layers', 'matlab-example', { ema: '0.9', learnRateSchedule: 'cosine', warmup: '5' }],
  ['standardized features', 'quick', { standardize: 'true' }],
  ['generalised means', 'quick', { pooling: 'gem' }],
  ['standardized generalised means', 'quick', { pooling: 'gem', standardize: 'true' }],
  ['generalised means of the last stages', 'matlab-example', { pooling: 'gem', layers: 'last-stages' }],
  ['generalised means of all layers', 'matlab-example', { pooling: 'gem' }],
  ['the recipe best', 'best', {}],
  ['all of it', 'quick', { loss: 'asl', positiveWeight: 'sqrt', mixup: '0.2', ema: '0.8', standardize: 'true', warmup: '9' }],
];

describe.skipIf(UNBUILT).each(OPTIONS)(`%s${UNBUILT}`, (_, recipe, option) => {
  const set = { ...(recipe === 'matlab-example' ? WHOLE : HEAD), ...option };

  it('learns, and goes on exactly where it was stopped', async () => {
    const [whole, run] = [newRun(), newRun()];
    await train(whole, { recipe, set });
    const losses = (await pointsOf(whole)).map(({ loss }) => loss);
    const last = losses.slice(-20).reduce((sum, loss) => sum + loss, 0) / 20;
    expect(last).toBeLessThan(0.9 * losses[0]!);
    await train(run, { recipe, set }, 20);
    expect((await historyOf(run)).length).toBeLessThan((await historyOf(whole)).length);
    await train(run, { recipe, resume: true });
    expect(await historyOf(run)).toEqual(await historyOf(whole));
    await expectSameModel(join(run, 'model.onnx'), join(whole, 'model.onnx'));
  });
});

describe.skipIf(UNBUILT)(`what a run keeps${UNBUILT}`, () => {
  it('are averaged weights in the model and both in the checkpoint', async () => {
    const run = newRun();
    const often = { checkpointSeconds: '0', checkpointFrequency: '1' };
    await train(run, { recipe: 'quick', set: { ...HEAD, ...often, epochs: '40', validationFrequency: '40', ema: '0.9' } });
    const { tensors } = await readTensors(join(run, 'checkpoint', 'state.safetensors'));
    const { graph } = await readModel(join(run, 'model.onnx'));
    for (const name of ['head/weight', 'head/bias']) {
      expect(graph.initializers.get(name)!.data).toEqual(tensors[`average/${name}`]!.data);
      expect(tensors[name]!.data).not.toEqual(tensors[`average/${name}`]!.data);
    }
  });

  it('is a head that begins with how often each category is shown, weighed', async () => {
    const run = newRun();
    const set = { headInit: 'prior', learnRate: '0', epochs: '1', validationFrequency: '1', positiveWeight: 'sqrt' };
    await train(run, { recipe: 'quick', validation: data.validation, set });
    const { images, categories, labels } = labelSet(await readAnnotations(data.train));
    const { graph } = await readModel(join(run, 'model.onnx'));
    categories.forEach((_, c) => {
      const positives = images.filter((_image, row) => labels[row * categories.length + c] === 1).length;
      const negatives = images.length - positives;
      const bias = Math.log((Math.sqrt(negatives / positives) * (positives + 0.5)) / (negatives + 0.5));
      expect(graph.initializers.get('head/bias')!.data[c]).toBeCloseTo(bias, 5);
    });
    const weights = graph.initializers.get('head/weight')!.data as Float32Array;
    expect(weights.every((weight) => weight === 0)).toBe(true);
  });

  it('is the size of images of a network that is not the one with which the recipes were measured, unless asked for', async () => {
    const epochs = { epochs: '1' };
    const sizes: [number, unknown][] = [];
    for (const set of [epochs, { ...epochs, imageSize: '40' }]) {
      const run = newRun();
      await train(run, { recipe: 'best', set });
      const { recipe } = await jsonOf<RunRecord>(join(run, 'run.json'));
      sizes.push([recipe.imageSize, await widthOf(join(run, 'model.onnx'))]);
    }
    const own = await widthOf(tiny);
    expect(sizes).toEqual([
      [0, own],
      [40, 40],
    ]);
  });

  it('is the pooling that a network has', async () => {
    const backbone = join(folder, 'mobile.onnx');
    await writeModel(backbone, mobileNetwork());
    const kept = async (changes: Changes) => {
      const run = newRun();
      const said = await train(run, { recipe: 'best', ...changes, set: { epochs: '1', ...changes?.set } });
      const { pooling, l2, learnRate } = (await jsonOf<RunRecord>(join(run, 'run.json'))).recipe;
      return { pooling, l2, learnRate, said: said.filter((message) => message.includes('pooling=')) };
    };
    expect(await kept({})).toEqual({ pooling: 'gem', l2: 1, learnRate: 0.00008, said: [] });
    const told = (l2: number) =>
      `${backbone} has no mean over all places in front of its head, so best pools it as it is: pooling=average, l2=${l2}, learnRate=0.0004.`;
    expect(await kept({ backbone })).toEqual({ pooling: 'average', l2: 0.2, learnRate: 0.0004, said: [told(0.2)] });
    const set = { l2: '0.7' };
    expect(await kept({ backbone, set })).toEqual({ pooling: 'average', l2: 0.7, learnRate: 0.0004, said: [told(0.7)] });
    // A network that was trained by `best` has generalised means, whose L2 and rate these are.
    const trained = newRun();
    await train(trained, { recipe: 'best', set: { epochs: '1' } });
    expect(await kept({ backbone: join(trained, 'model.onnx') })).toEqual({
      pooling: 'gem',
      l2: 1,
      learnRate: 0.00008,
      said: [],
    });
    // What is set is not touched: these two belong to generalised means, and whoever asks for means sets them too.
    const means = { pooling: 'average' };
    expect(await kept({ backbone, set: means })).toEqual({ pooling: 'average', l2: 1, learnRate: 0.00008, said: [] });
    const run = newRun();
    await expect(train(run, { recipe: 'best', backbone, set: { pooling: 'gem' } })).rejects.toMatchObject({
      code: 'onnx-unsupported',
      message: expect.stringMatching(/mobile\.onnx cannot be pooled .*: HardSwish stands .* Set pooling=average\.$/) as string,
    });
    await expect(readFile(join(run, 'run.json'))).rejects.toThrow(/ENOENT/);
  });

  it('is what a run without the newer settings would be', async () => {
    const [whole, run] = [newRun(), newRun()];
    await train(whole, { recipe: 'quick', set: HEAD });
    await train(run, { recipe: 'quick', set: HEAD }, 20);
    const path = join(run, 'run.json');
    const record = await jsonOf<RunRecord>(path);
    const newer = ['pooling', 'loss', 'ema', 'mixup', 'warmup', 'labelSmoothing', 'positiveWeight', 'standardize', 'aslClip'];
    const recipe = Object.fromEntries(Object.entries(record.recipe).filter(([key]) => !newer.includes(key)));
    expect(Object.keys(recipe)).not.toContain('ema');
    await writeFile(path, JSON.stringify({ ...record, recipe }));
    await train(run, { recipe: 'quick', resume: true });
    expect(await historyOf(run)).toEqual(await historyOf(whole));
    const text = await readFile(path, 'utf8');
    expect(text).toMatch(/"ema": 0,/);
    expect(text).toMatch(/"pooling": "average",/);
  });
});

describe('objectiveOf', () => {
  const set = {
    images: Array(40).fill({ id: '', fileName: '', width: 1, height: 1 }),
    categories: ['half', 'one', 'none', 'all'],
  };
  const labels = Uint8Array.from({ length: 160 }, (_, at) => Number(at % 4 === 0 ? at < 80 : at === 1 || at % 4 === 3));

  it('weighs positives by negatives over positives, at most 20', () => {
    const weights = (positiveWeight: string) =>
      objectiveOf(recipeWith('quick', { positiveWeight }), { ...set, labels }).positiveWeights;
    expect(weights('balanced')).toEqual([1, 20, 1, 1]);
    expect(weights('sqrt')).toEqual([1, Math.sqrt(20), 1, 1]);
    expect(weights('none')).toBeUndefined();
  });

  it('is binary cross-entropy for every recipe of an older version', () => {
    for (const name of ['matlab-example', 'balanced', 'quick'] as const) {
      const { asymmetry, labelSmoothing } = objectiveOf(completeRecipe(recipeWith(name, {})), { ...set, labels });
      expect([asymmetry, labelSmoothing]).toEqual([undefined, 0]);
    }
  });
});
