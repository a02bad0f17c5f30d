// How far work is, as the engine tells it: from none to all, in the parts that the work has.
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EngineClient } from '../../src/engine/client/engine';
import type { DoctorProgress } from '../../src/protocol/doctor';
import type { Method, Params, Progress } from '../../src/protocol/messages';
import type { TinyData } from '../support/data';
import { trainTiny, UNBUILT } from '../support/engine';

let folder: string;
let data: TinyData;
let run: string;
let engine: EngineClient;

beforeAll(async () => {
  if (UNBUILT) return;
  ({ folder, data, run, engine } = await trainTiny('told', { epochs: '1', batchSize: '8' }));
});
afterAll(async () => {
  if (UNBUILT) return;
  await engine.stop();
  await rm(folder, { recursive: true, force: true });
});

async function told<M extends Method>(method: M, params: Params<M>): Promise<Progress<M>[]> {
  const all: Progress<M>[] = [];
  await engine.request(method, params, { onProgress: (progress) => all.push(progress) });
  return all;
}

const bytesOf = async (path: string) => (await stat(path)).size;

describe.skipIf(UNBUILT)(`what is told of work${UNBUILT}`, () => {
  it('images that are scored, from none on: the time left is known after the first of them', async () => {
    const counts = await told('predict', { model: run, files: [data.validationImages], device: 'cpu' });
    const { total } = counts[0]!;
    expect(total).toBeGreaterThan(8);
    expect(counts.slice(0, 2)).toEqual([0, 8].map((done) => ({ done, total })));
    expect(counts.at(-1)).toEqual({ done: total, total });
  });

  it('the bytes of a model file that is written, behind the images that its smaller weights were measured on', async () => {
    const exact = join(folder, 'exact.onnx');
    const writing = await told('export', { run, out: exact });
    const total = await bytesOf(exact);
    expect(writing[0]).toEqual({ stage: 'writing', done: 0, total });
    expect(writing.at(-1)).toEqual({ stage: 'writing', done: total, total });
    const small = join(folder, 'small.onnx');
    const stages = await told('export', { run, out: small, weights: 'float16', device: 'cpu' });
    expect([...new Set(stages.map(({ stage }) => stage))]).toEqual(['measuring', 'writing']);
    expect(stages.at(-1)).toMatchObject({ done: await bytesOf(small) });
  });

  it('the bytes of a model that is taken over, read and written', async () => {
    const model = join(run, 'model.onnx');
    const counts = await told('import', { model, folder: join(folder, 'imported'), name: 'x' });
    const read = await bytesOf(model);
    const written = await bytesOf(join(folder, 'imported', 'model.onnx'));
    expect(counts[0]).toEqual({ stage: 'reading', done: read, total: read });
    expect(counts.at(-1)).toEqual({ stage: 'writing', done: written, total: written });
  });

  it('which devices are tried yet', async () => {
    const counts: readonly DoctorProgress[] = await told('doctor', { device: 'cpu' });
    expect(counts.map(({ done, total }) => [done, total])).toEqual([0, 1, 2, 3, 4].map((done) => [done, 4]));
    expect(counts[0]!.trying).toEqual(['TensorFlow.js']);
    expect([...counts[1]!.trying].sort()).toEqual(['CPU', 'CUDA', 'WebGPU']);
    expect(counts.at(-1)!.trying).toEqual([]);
  });
});
