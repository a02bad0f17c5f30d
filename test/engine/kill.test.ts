// kill -9 at any moment: the run goes on from its checkpoint, and ends line by line and bit by bit like one that was left alone.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EngineClient } from '../../src/engine/client/engine';
import type { TrainEvent, TrainParams, TrainResult } from '../../src/protocol/messages';
import type { RecipeName } from '../../src/protocol/recipe';
import { type TinyData, writeTinyData } from '../support/data';
import { expectSameModel, historyOf, startEngine, trainParams, UNBUILT, writeTinyBackbone } from '../support/engine';

let folder: string;
let data: TinyData;
let tiny: string;
let engine: EngineClient;

beforeAll(async () => {
  if (UNBUILT) return;
  folder = await mkdtemp(join(tmpdir(), 'kill-'));
  data = await writeTinyData(join(folder, 'data'));
  tiny = join(folder, 'tiny.onnx');
  await writeTinyBackbone(tiny);
  // Features that another test has left in the common cache would not be computed again, and nothing would be killed at it.
  process.env.LABELSCOPE_CACHE = join(folder, 'cache');
  engine = startEngine();
});
afterAll(async () => {
  if (UNBUILT) return;
  await engine.stop();
  await rm(folder, { recursive: true, force: true });
});

type Moment = (event: TrainEvent) => boolean;

const iteration =
  (least: number): Moment =>
  (event) =>
    event.kind === 'points' && event.points.at(-1)!.iteration >= least;

/** Trains, and kills the engine once the moment has come. Answers the result where the training was quicker. */
async function trainAndKill(params: TrainParams, moment: Moment): Promise<TrainResult | 'killed'> {
  const onProgress = (event: TrainEvent) => {
    if (moment(event) && engine.pid !== undefined) process.kill(engine.pid, 'SIGKILL');
  };
  try {
    return await engine.request('train', params, { onProgress });
  } catch (error) {
    expect(error).toMatchObject({
      code: 'engine-died',
      message: expect.stringMatching(/^The engine process ended unexpectedly \(SIGKILL\)\. .*--resume\.$/) as string,
    });
    return 'killed';
  }
}

describe.skipIf(UNBUILT)(`a run whose engine is killed${UNBUILT}`, () => {
  const images = { epochs: '40', batchSize: '8', validationFrequency: '5', validationPatience: '0' };
  const early: Moment = (event) => event.kind === 'stage' && event.message.startsWith('Device');
  const features: Moment = (event) => event.kind === 'features' && event.done > 8;
  const cases: readonly [RecipeName, Record<string, string>, Moment[]][] = [
    ['matlab-example', images, [early, iteration(1), iteration(30), iteration(60)]],
    ['balanced', images, [iteration(10), iteration(45)]],
    ['quick', { epochs: '800', validationPatience: '0' }, [features, iteration(1), iteration(200), iteration(400)]],
  ];

  it.each(cases)('ends as one left alone: %s', async (recipe, set, moments) => {
    const often = { ...set, checkpointFrequency: '13', checkpointSeconds: '0' };
    const [whole, run] = [join(folder, `${recipe}-whole`), join(folder, recipe)];
    let kills = 0;
    let result: TrainResult | 'killed' = 'killed';
    for (const [k, moment] of [...moments, () => false].entries()) {
      if (result !== 'killed') break;
      result = await trainAndKill(
        trainParams(data.train, tiny, run, k === 0 ? { recipe, set: often } : { resume: true }),
        moment,
      );
      if (result === 'killed') kills++;
    }
    expect(kills).toBeGreaterThan(0);
    const expected = await engine.request('train', trainParams(data.train, tiny, whole, { recipe, set }));
    expect(result).toMatchObject({ iterations: expected.iterations, stopped: 'epochs', best: expected.best });
    expect(await historyOf(run)).toEqual(await historyOf(whole));
    await expectSameModel(join(run, 'model.onnx'), join(whole, 'model.onnx'));
  });

  it('still has the best model where that was long before', async () => {
    const text = await readFile(data.validation, 'utf8');
    const validation = join(folder, 'contrary.json');
    // Every label means the next category: the better the network learns, the worse it is judged.
    await writeFile(
      validation,
      text.replace(/"category_id":(\d)/g, (_, id: string) => `"category_id":${1 + (Number(id) % 3)}`),
    );
    const contrary = { recipe: 'balanced', validation, validationImages: data.validationImages } as const;
    const set = { ...images, learnRate: '0.01', checkpointFrequency: '10', checkpointSeconds: '0' };
    const [whole, run] = [join(folder, 'best-whole'), join(folder, 'best')];
    const expected = await engine.request('train', trainParams(data.train, tiny, whole, { ...contrary, set }));
    expect(expected.best!.iteration).toBeLessThan(40);
    expect(await trainAndKill(trainParams(data.train, tiny, run, { ...contrary, set }), iteration(60))).toBe('killed');
    const resumed = await engine.request('train', trainParams(data.train, tiny, run, { resume: true }));
    expect(resumed.best).toEqual(expected.best);
    await expectSameModel(join(run, 'model.onnx'), join(whole, 'model.onnx'));
  });

  it('begins anew where it had no checkpoint yet', async () => {
    const set = { ...images, epochs: '20', checkpointSeconds: '1000' };
    const [whole, run] = [join(folder, 'none-whole'), join(folder, 'none')];
    await engine.request('train', trainParams(data.train, tiny, whole, { set }));
    expect(await trainAndKill(trainParams(data.train, tiny, run, { set }), iteration(1))).toBe('killed');
    await engine.request('train', trainParams(data.train, tiny, run, { resume: true }));
    expect(await historyOf(run)).toEqual(await historyOf(whole));
    await expectSameModel(join(run, 'model.onnx'), join(whole, 'model.onnx'));
  });
});
