// Questions that are stopped once they have begun: each ends as 'cancelled', and no file is there that was not there before.
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EngineClient } from '../../src/engine/client/engine';
import type { Context } from '../../src/engine/context';
import { exportModel } from '../../src/engine/export';
import { importModel } from '../../src/engine/import';
import type { Method, Params } from '../../src/protocol/messages';
import type { TinyData } from '../support/data';
import { trainTiny, UNBUILT } from '../support/engine';

let folder: string;
let data: TinyData;
let run: string;
let engine: EngineClient;

beforeAll(async () => {
  if (UNBUILT) return;
  ({ folder, data, run, engine } = await trainTiny('stopped', { epochs: '1', batchSize: '8' }));
});
afterAll(async () => {
  if (UNBUILT) return;
  await engine.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The engine is told to stop right behind the question. */
async function askAndStop<M extends Method>(method: M, params: Params<M>): Promise<unknown> {
  const stop = new AbortController();
  const answer = engine.request(method, params, { signal: stop.signal });
  stop.abort();
  return answer;
}

/** The engine is told to stop while it is at work: once it says how far it is. */
async function stopAtWork<M extends Method>(method: M, params: Params<M>): Promise<unknown> {
  const stop = new AbortController();
  return engine.request(method, params, { signal: stop.signal, onProgress: () => stop.abort() });
}

const CASES: readonly (readonly [string, () => Promise<unknown>])[] = [
  ['export', () => askAndStop('export', { run, out: join(folder, 'exported.onnx') })],
  ['export, weights in int8', () => askAndStop('export', { run, out: join(folder, 'small.onnx'), weights: 'int8' })],
  [
    'export, while what smaller weights cost is measured',
    () => stopAtWork('export', { run, out: join(folder, 'half.onnx'), weights: 'float16', device: 'cpu' }),
  ],
  ['import', () => askAndStop('import', { model: join(run, 'model.onnx'), folder: join(folder, 'imported'), name: 'x' })],
  ['doctor', () => askAndStop('doctor', { device: 'cpu' })],
  ['doctor, while devices are tried', () => stopAtWork('doctor', { device: 'cpu' })],
  ['inspect', () => askAndStop('inspect', { annotations: data.train })],
  ['predict', () => askAndStop('predict', { model: run, files: [data.validationImages], device: 'cpu' })],
];

describe.skipIf(UNBUILT)(`stopping${UNBUILT}`, () => {
  it.each(CASES)('%s: cancelled', async (_, ask) => {
    const before = await readdir(folder);
    await expect(ask()).rejects.toMatchObject({ code: 'cancelled' });
    expect(await readdir(folder)).toEqual(before);
  });

  // In this process: a model as small as this one is written before another process hears of the stop.
  it.each<readonly [string, (stop: AbortController) => Promise<unknown>]>([
    [
      'export, while the file is written',
      (stop) => exportModel({ run, out: join(folder, 'exact.onnx') }, contextOf(stop), stopAt('writing', stop)),
    ],
    ['import, while the file is read', (stop) => importModel(importedModel(), contextOf(stop), stopAt('reading', stop))],
    ['import, while its own file is written', (stop) => importModel(importedModel(), contextOf(stop), stopAt('writing', stop))],
  ])('%s: the reason of the stop, and nothing of a file', async (_, work) => {
    const [before, stop] = [await readdir(folder), new AbortController()];
    await expect(work(stop)).rejects.toMatchObject({ name: 'AbortError' });
    expect(await readdir(folder)).toEqual(before);
  });
});

const importedModel = () => ({ model: join(run, 'model.onnx'), folder: join(folder, 'imported'), name: 'x' });

const stopAt = (at: string, stop: AbortController) => (progress: { readonly stage: string }) => {
  if (progress.stage === at) stop.abort();
};

/** Neither takes more of it: no image is looked at. */
const contextOf = ({ signal }: AbortController) => ({ signal, version: 'test' }) as Context;
