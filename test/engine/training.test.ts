// Training end to end in the real engine process: every recipe, what it leaves in its folder, and what it refuses.
import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EngineClient } from '../../src/engine/client/engine';
import type { RunRecord, ScoresFile } from '../../src/protocol/run';
import { readTensors } from '../../src/engine/run/safetensors';
import { readModel } from '../../src/onnx/files';
import type { TrainEvent, TrainResult } from '../../src/protocol/messages';
import type { RecipeName } from '../../src/protocol/recipe';
import { CATEGORIES, type TinyData, writeTinyData } from '../support/data';
import { historyOf, jsonOf, pointsOf, startEngine, trainParams, UNBUILT, writeTinyBackbone } from '../support/engine';

let folder: string;
let data: TinyData;
let tiny: string;
let tinyBytes: string;
let engine: EngineClient;

beforeAll(async () => {
  if (UNBUILT) return;
  folder = await mkdtemp(join(tmpdir(), 'training-'));
  data = await writeTinyData(join(folder, 'data'));
  tiny = join(folder, 'tiny.onnx');
  tinyBytes = join(folder, 'tiny-bytes.onnx');
  await writeTinyBackbone(tiny);
  await writeTinyBackbone(tinyBytes, { input: 'uint8' });
  engine = startEngine();
});
afterAll(async () => {
  if (UNBUILT) return;
  await engine.stop();
  await rm(folder, { recursive: true, force: true });
});

let runs = 0;
const newRun = (): string => join(folder, `run-${++runs}`);

type Changes = Parameters<typeof trainParams>[3];

async function train(run: string, changes: Changes = {}): Promise<{ result: TrainResult; events: TrainEvent[] }> {
  const events: TrainEvent[] = [];
  const params = trainParams(data.train, tiny, run, changes);
  const result = await engine.request('train', params, { onProgress: (event) => events.push(event) });
  return { result, events };
}

/** Makes the folder beside which the features of a data set are kept. */
async function ownCache({ folder: place }: TinyData): Promise<string> {
  await mkdir(join(place, 'labelscope-runs'));
  return join(place, 'labelscope-runs', '.features');
}

/** Stops once the history has so many points. */
async function trainAWhile(run: string, points: number, changes: Changes = {}): Promise<TrainResult> {
  const stop = new AbortController();
  let seen = 0;
  const onProgress = (event: TrainEvent) => {
    if (event.kind === 'points') seen += event.points.length;
    if (seen >= points) stop.abort();
  };
  return engine.request('train', trainParams(data.train, tiny, run, changes), { onProgress, signal: stop.signal });
}

const SHORT = { epochs: '12', batchSize: '8', validationFrequency: '6', learnRate: '0.01' };

describe.skipIf(UNBUILT)(`train${UNBUILT}`, () => {
  const recipes: readonly [RecipeName, 'float32' | 'uint8', Record<string, string>][] = [
    ['matlab-example', 'float32', SHORT],
    ['balanced', 'uint8', SHORT],
    ['quick', 'float32', { epochs: '60', learnRate: '0.02', validationFrequency: '10', validationPatience: '0', l2: '0' }],
  ];

  it.each(recipes)('learns with %s on a backbone that takes %s', async (recipe, input, set) => {
    const run = newRun();
    const { result, events } = await train(run, { recipe, set, backbone: input === 'uint8' ? tinyBytes : tiny });
    const points = await pointsOf(run);
    const iterations = Number(set.epochs) * (recipe === 'quick' ? 1 : 3);
    expect(result).toMatchObject({ run, iterations, epochs: Number(set.epochs), stopped: 'epochs', device: { device: 'cpu' } });
    expect(points.map(({ iteration }) => iteration)).toEqual(Array.from({ length: iterations }, (_, k) => k + 1));
    const validated = points.filter(({ validationLoss }) => validationLoss !== undefined);
    expect(validated.map(({ iteration }) => iteration)).toEqual(
      points.map(({ iteration }) => iteration).filter((k) => k % Number(set.validationFrequency) === 0 || k === iterations),
    );
    const best = validated.reduce((a, b) => (b.validationLoss! < a.validationLoss! ? b : a));
    expect(result.best).toEqual({ iteration: best.iteration, validationLoss: best.validationLoss });
    expect(best.validationLoss!).toBeLessThan(0.9 * validated[0]!.validationLoss!);
    const told = events.flatMap((event) => (event.kind === 'points' ? event.points : []));
    expect(told).toEqual(points);
    expect(events.flatMap((event) => (event.kind === 'warning' ? [event.message] : []))).toEqual([]);
  });

  it('leaves a run folder that says what was done, with paths that hold from anywhere', async () => {
    const run = newRun();
    const here = (path: string) => relative(process.cwd(), path);
    const changes = { images: here(data.trainImages), validation: here(data.validation), set: { ...SHORT, epochs: '4' } };
    const { result } = await train(here(run), {
      ...changes,
      validationImages: here(data.validationImages),
      backbone: here(tiny),
    });
    expect((await readdir(run)).sort()).toEqual(['checkpoint', 'history.jsonl', 'model.onnx', 'run.json']);
    const record = await jsonOf<RunRecord>(join(run, 'run.json'));
    expect(record).toMatchObject({
      format: 2,
      state: 'finished',
      seed: 3,
      categories: CATEGORIES,
      recipe: { recipe: 'matlab-example', epochs: 4, batchSize: 8, threads: 1 },
      train: { annotations: data.train, images: data.trainImages, count: 24 },
      validation: { annotations: data.validation, images: data.validationImages, count: 9 },
      backbone: { path: tiny },
      result,
    });
    expect(isAbsolute(result.run)).toBe(true);
    expect((await readModel(join(run, 'model.onnx'))).metadata['labelscope.categories']).toBe(JSON.stringify(CATEGORIES));
  });

  it('keeps images that are the same on one side, and notes them', async () => {
    const alone = await writeTinyData(join(folder, 'twice'), { train: 30, validation: 0 });
    const image = (name: string) => join(alone.trainImages, `train-${name}.png`);
    for (const name of ['007', '014', '021']) await copyFile(image('000'), image(name));
    const run = newRun();
    await engine.request('train', trainParams(alone.train, tiny, run, { set: { ...SHORT, epochs: '2' } }));
    const { train, validation } = await jsonOf<RunRecord>(join(run, 'run.json'));
    const together = [['000', '007', '014', '021'].map((name) => `train-${name}.png`)];
    expect([train.part?.together, validation.part?.together]).toEqual([together, together]);
    const { evaluation } = await engine.request('evaluate', { model: run, device: 'cpu' });
    expect(evaluation.images).toBe(validation.count);
    const kept = (await jsonOf<ScoresFile>(join(run, 'scores.validation.json'))).images.map((one) => one.file_name);
    expect([0, 4]).toContain(together[0]!.filter((name) => kept.includes(name)).length);
  });

  it('keeps a share of the images for validation where there is no validation file', async () => {
    const alone = await writeTinyData(join(folder, 'alone'), { train: 30, validation: 0 });
    const run = newRun();
    await engine.request(
      'train',
      trainParams(alone.train, tiny, run, { set: { ...SHORT, epochs: '2', validationFraction: '0.3' } }),
    );
    const record = await jsonOf<RunRecord>(join(run, 'run.json'));
    expect(record.train.part).toEqual({ which: 'train', fraction: 0.3, seed: 3, method: 'stratified' });
    expect(record.train.count + record.validation.count).toBe(30);
    expect(record.validation.count).toBeGreaterThan(3);
    // What is for validation stays so when a file is lost.
    const evaluated = async () => {
      await engine.request('evaluate', { model: run, device: 'cpu' });
      const { images } = await jsonOf<ScoresFile>(join(run, 'scores.validation.json'));
      return images.map((one) => one.file_name);
    };
    const kept = await evaluated();
    for (const name of (await readdir(alone.trainImages)).filter((file) => !kept.includes(file)).slice(0, 3)) {
      await rm(join(alone.trainImages, name));
      expect(await evaluated()).toEqual(kept);
    }
  });

  it('keeps a share of the images also where a validation file lies beside them, when a share was asked for', async () => {
    const run = newRun();
    const { events } = await train(run, { validation: null, set: { ...SHORT, epochs: '2' } });
    const { train: trained, validation } = await jsonOf<RunRecord>(join(run, 'run.json'));
    expect([trained.part?.which, validation.part?.which]).toEqual(['train', 'validation']);
    expect(validation.annotations).toBe(data.train);
    expect(trained.count + validation.count).toBe(24);
    const told = events.flatMap((event) => (event.kind === 'stage' ? [event.message] : []));
    expect(told.join('\n')).toMatch(/As was asked for: 20 % of its images are kept for validation/);
  });

  it('trains two runs at a time in one process, each as it would alone', async () => {
    const set = { ...SHORT, epochs: '6' };
    const [alone, first, second] = [newRun(), newRun(), newRun()];
    await train(alone, { set });
    await Promise.all([train(first, { set }), train(second, { set })]);
    expect(await historyOf(first)).toEqual(await historyOf(alone));
    expect(await historyOf(second)).toEqual(await historyOf(alone));
  });

  it('tells points a few times a second, not thousands of times', async () => {
    const run = newRun();
    const { result, events } = await train(run, {
      recipe: 'quick',
      set: { epochs: '400', validationPatience: '0', checkpointSeconds: '1000' },
    });
    expect(result.iterations).toBe(400);
    expect(events.filter(({ kind }) => kind === 'points').length).toBeLessThan(100);
  });

  it('takes the categories asked for in the order asked for', async () => {
    const run = newRun();
    await train(run, { categories: ['blue stripe', 'red square'], set: { ...SHORT, epochs: '2' } });
    const record = await jsonOf<RunRecord>(join(run, 'run.json'));
    expect(record.categories).toEqual(['blue stripe', 'red square']);
    // One image in seven shows the green disc alone.
    expect(record.train.count).toBe(24 - 4);
  });
});

describe.skipIf(UNBUILT)(`images that are missing or damaged${UNBUILT}`, () => {
  async function damaged(name: string, missing: number, corrupt: number): Promise<TinyData> {
    const bad = await writeTinyData(join(folder, name));
    const files = (await readdir(bad.trainImages)).sort();
    for (const file of files.slice(0, missing)) await rm(join(bad.trainImages, file));
    for (const file of files.slice(missing, missing + corrupt)) await writeFile(join(bad.trainImages, file), 'no image');
    return bad;
  }
  const warningsOf = (events: readonly TrainEvent[]) =>
    events.flatMap((event) => (event.kind === 'warning' ? [event.message] : []));

  it.each(['matlab-example', 'quick'] as const)('are named and left out by %s', async (recipe) => {
    const bad = await damaged(`few-${recipe}`, 2, 1);
    const events: TrainEvent[] = [];
    const set = { ...SHORT, epochs: '2' };
    const params = trainParams(bad.train, tiny, newRun(), { recipe, set });
    const result = await engine.request('train', params, { onProgress: (event) => events.push(event) });
    expect(result.stopped).toBe('epochs');
    expect(result.iterations).toBe(recipe === 'quick' ? 2 * Math.floor(21 / 8) : 2 * Math.floor(22 / 8));
    const [first, second, third, ...more] = warningsOf(events);
    expect(first).toMatch(/train-000\.png is not in /);
    expect(second).toMatch(/train-001\.png is not in /);
    expect(third).toMatch(/train-002\.png cannot be read as an image/);
    expect(more).toEqual([]);
  });

  it.each([
    ['matlab-example', 6, 0, 'images-missing'],
    ['matlab-example', 0, 6, 'images-unreadable'],
    ['quick', 0, 6, 'images-unreadable'],
    ['quick', 0, 24, 'images-unreadable'],
  ] as const)('end %s where %i are missing and %i damaged of 24', async (recipe, missing, corrupt, code) => {
    const bad = await damaged(`many-${recipe}-${missing}-${corrupt}`, missing, corrupt);
    const run = newRun();
    const training = engine.request('train', trainParams(bad.train, tiny, run, { recipe, set: SHORT }));
    await expect(training).rejects.toMatchObject({
      code,
      message: expect.stringMatching(/^[^\n]*train-\d+\.png[^\n]*$/) as string,
    });
    if (code === 'images-unreadable')
      expect(await jsonOf<RunRecord>(join(run, 'run.json'))).toMatchObject({
        ...{ state: 'failed', errorCode: code },
        error: expect.any(String) as string,
      });
  });

  it('are an error where one is left', async () => {
    const one = await writeTinyData(join(folder, 'one'), { train: 1, validation: 0 });
    const training = engine.request('train', trainParams(one.train, tiny, newRun(), { set: SHORT }));
    await expect(training).rejects.toMatchObject({
      code: 'too-few-images',
      message: expect.stringContaining(one.train) as string,
    });
  });
});

describe.skipIf(UNBUILT)(`stopping and going on${UNBUILT}`, () => {
  const LONG = { ...SHORT, epochs: '60', validationPatience: '0' };

  it('keeps everything when a person stops, and the rest is what it would have been', async () => {
    const [whole, run] = [newRun(), newRun()];
    await train(whole, { set: LONG });
    const stopped = await trainAWhile(run, 20, { set: LONG });
    expect(stopped).toMatchObject({ stopped: 'person', epochs: Math.ceil(stopped.iterations / 3) });
    expect(await jsonOf<RunRecord>(join(run, 'run.json'))).toMatchObject({ state: 'stopped', result: stopped });
    // A step whose validation was interrupted is told when the run goes on.
    expect([stopped.iterations, stopped.iterations - 1]).toContain((await pointsOf(run)).length);
    const { result, events } = await train(run, { resume: true });
    expect(result).toMatchObject({ stopped: 'epochs', iterations: 180 });
    expect(await historyOf(run)).toEqual(await historyOf(whole));
    const told = events.flatMap((event) => (event.kind === 'points' ? event.points : []));
    expect(told).toEqual(await pointsOf(run));
    expect(await jsonOf<RunRecord>(join(run, 'run.json'))).toMatchObject({ state: 'finished', result });
  });

  it('goes on in a validation that was interrupted, without telling a step twice', async () => {
    const big = await writeTinyData(join(folder, 'big-validation'), { train: 24, validation: 120 });
    const set = { batchSize: '8', validationFrequency: '1', maxIterations: '8', imageCache: '0', checkpointSeconds: '1000000' };
    const params = (run: string, resume = false) => trainParams(big.train, tiny, run, resume ? { resume } : { set });
    const whole = newRun();
    await engine.request('train', params(whole));
    let run = newRun();
    let pending = false;
    for (let tries = 0; tries < 8 && !pending; tries++) {
      run = newRun();
      const stop = new AbortController();
      const onProgress = (event: TrainEvent) => event.kind === 'points' && setTimeout(() => stop.abort(), 2 * tries);
      await engine.request('train', params(run), { onProgress, signal: stop.signal });
      const { metadata } = await readTensors(join(run, 'checkpoint', 'state.safetensors')).catch(() => ({
        metadata: { progress: '{}' },
      }));
      pending = 'pending' in (JSON.parse(metadata.progress ?? '{}') as object);
    }
    expect(pending).toBe(true);
    // Once more from the same checkpoint after its point was told, as after a crash.
    const checkpoint = await readFile(join(run, 'checkpoint', 'state.safetensors'));
    const stop = new AbortController();
    const told = (await historyOf(run)).length;
    const onProgress = (event: TrainEvent) => event.kind === 'points' && event.points.at(-1)!.iteration > told && stop.abort();
    await engine.request('train', params(run, true), { onProgress, signal: stop.signal });
    expect((await historyOf(run)).length).toBeGreaterThan(told);
    await writeFile(join(run, 'checkpoint', 'state.safetensors'), checkpoint);
    const record = await jsonOf<RunRecord>(join(run, 'run.json'));
    await writeFile(join(run, 'run.json'), JSON.stringify({ ...record, state: 'running' }));
    await engine.request('train', params(run, true));
    expect(await historyOf(run)).toEqual(await historyOf(whole));
  });

  it('computes features once', async () => {
    const once = await writeTinyData(join(folder, 'once'));
    const cache = await ownCache(once);
    const run = newRun();
    const set = { epochs: '3000', validationPatience: '0', learnRateSchedule: 'constant' };
    /** Goes on for a moment, and says whether features were computed. */
    const computes = async (changes: Changes): Promise<boolean> => {
      const events: TrainEvent[] = [];
      const stop = new AbortController();
      const onProgress = (event: TrainEvent) => {
        events.push(event);
        if (event.kind === 'points') stop.abort();
      };
      const params = trainParams(once.train, tiny, run, { recipe: 'quick', ...changes });
      await engine.request('train', params, { onProgress, signal: stop.signal });
      return events.some(({ kind }) => kind === 'features');
    };
    expect(await computes({ set })).toBe(true);
    const block = join(run, 'checkpoint', 'features.train.0.safetensors');
    const bytes = await readFile(block);
    await rm(cache, { recursive: true });
    expect(await computes({ resume: true })).toBe(false);
    await writeFile(block, 'damaged');
    expect(await computes({ resume: true })).toBe(true);
    expect((await readFile(block)).equals(bytes)).toBe(true);
  });

  it('keeps the features that it has when it is stopped or killed among them', async () => {
    const many = async (name: string): Promise<TinyData> => {
      const made = await writeTinyData(join(folder, name), { train: 600, validation: 9 });
      await ownCache(made);
      return made;
    };
    const [first, second] = [await many('many'), await many('as many')];
    const set = { epochs: '2', validationPatience: '0' };
    const begin = (of: TinyData, run: string, onProgress: (event: TrainEvent) => void, signal?: AbortSignal) =>
      engine.request('train', trainParams(of.train, tiny, run, { recipe: 'quick', set }), {
        onProgress,
        ...(signal && { signal }),
      });
    const afterOneBlock = (act: () => void) => (event: TrainEvent) => event.kind === 'features' && event.done > 256 && act();
    const [stopped, killed] = [newRun(), newRun()];
    const stop = new AbortController();
    await expect(
      begin(
        first,
        stopped,
        afterOneBlock(() => stop.abort()),
        stop.signal,
      ),
    ).rejects.toMatchObject({ code: 'cancelled' });
    expect((await jsonOf<RunRecord>(join(stopped, 'run.json'))).state).toBe('stopped');
    const kill = () => engine.pid !== undefined && process.kill(engine.pid, 'SIGKILL');
    await expect(begin(second, killed, afterOneBlock(kill))).rejects.toMatchObject({ code: 'engine-died' });
    for (const [of, run] of [
      [first, stopped],
      [second, killed],
    ] as const) {
      const events: TrainEvent[] = [];
      const params = trainParams(of.train, tiny, run, { resume: true });
      const resumed = await engine.request('train', params, { onProgress: (event) => events.push(event) });
      expect(resumed.stopped).toBe('epochs');
      expect(events.find(({ kind }) => kind === 'features')).toEqual({ kind: 'features', done: 264, total: 609 });
    }
  });

  it('answers the result of a finished run again, and changes nothing', async () => {
    const run = newRun();
    const { result } = await train(run, { set: { ...SHORT, epochs: '2' } });
    const before = await historyOf(run);
    expect((await train(run, { resume: true })).result).toEqual(result);
    expect(await historyOf(run)).toEqual(before);
  });

  it('goes on where data set and backbone have moved', async () => {
    const [place, moved] = [join(folder, 'place'), join(folder, 'moved')];
    const first = await writeTinyData(place);
    const backbone = join(place, 'tiny.onnx');
    await copyFile(tiny, backbone);
    const run = newRun();
    const stop = new AbortController();
    const onProgress = (event: TrainEvent) => event.kind === 'points' && stop.abort();
    const options = { onProgress, signal: stop.signal };
    await engine.request('train', trainParams(first.train, backbone, run, { set: LONG }), options);
    const second = await writeTinyData(moved);
    await rm(place, { recursive: true });
    const changes = { images: second.trainImages, validation: second.validation, validationImages: second.validationImages };
    const params = trainParams(second.train, tiny, run, { resume: true, ...changes });
    expect(await engine.request('train', params)).toMatchObject({ stopped: 'epochs', iterations: 180 });
    const record = await jsonOf<RunRecord>(join(run, 'run.json'));
    expect([record.train.annotations, record.validation.images]).toEqual([second.train, second.validationImages]);
    await rm(moved, { recursive: true });
  });
});
