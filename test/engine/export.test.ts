// The exported file: what is in it, and what smaller weights in it cost.
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EngineClient } from '../../src/engine/client/engine';
import { readModel } from '../../src/onnx/files';
import { CATEGORIES, type TinyData, writeTinyData } from '../support/data';
import { startEngine, trainParams, UNBUILT, writeTinyBackbone } from '../support/engine';

const SET = { epochs: '4', batchSize: '8', validationFrequency: '6', learnRate: '0.02' };

let folder: string;
let data: TinyData;
let run: string;
let exported: string;
let engine: EngineClient;
let images: string[];

beforeAll(async () => {
  if (UNBUILT) return;
  folder = await mkdtemp(join(tmpdir(), 'export-'));
  data = await writeTinyData(join(folder, 'data'));
  const tiny = join(folder, 'tiny.onnx');
  [run, exported] = [join(folder, 'run'), join(folder, 'exported.onnx')];
  await writeTinyBackbone(tiny);
  engine = startEngine();
  await engine.request('train', trainParams(data.train, tiny, run, { set: SET }));
  await engine.request('export', { run, out: exported });
  images = (await readdir(data.validationImages)).sort().map((name) => join(data.validationImages, name));
});
afterAll(async () => {
  if (UNBUILT) return;
  await engine.stop();
  await rm(folder, { recursive: true, force: true });
});

describe.skipIf(UNBUILT)(`export${UNBUILT}`, () => {
  it('writes categories, thresholds and provenance into the file, and the tensors of the run’s model', async () => {
    const model = await readModel(exported);
    expect(JSON.parse(model.metadata['labelscope.categories']!)).toEqual(CATEGORIES);
    expect(JSON.parse(model.metadata['labelscope.thresholds']!)).toEqual([0.5, 0.5, 0.5]);
    expect(JSON.parse(model.metadata['labelscope.provenance']!)).toMatchObject({
      seed: 3,
      recipe: { epochs: 4 },
      train: { images: 24 },
    });
    const session = await InferenceSession.create(exported);
    expect([session.inputNames, session.outputNames]).toEqual([['image'], ['probabilities']]);
    await session.release();
  });

  describe('with smaller weights', () => {
    const predict = (model: string) => engine.request('predict', { model, files: images, device: 'cpu' });

    it.each(['float16', 'int8'] as const)('says what %s costs, and the file is what it was measured on', async (weights) => {
      // One kernel of the network is large enough to be stored smaller, one of 1728 values.
      const [out, exact] = [join(folder, `${weights}.onnx`), join(folder, 'exact.onnx')];
      const { loss, ...result } = await engine.request('export', { run, out, weights, device: 'cpu' });
      const { bytes } = await engine.request('export', { run, out: exact });
      expect(result).toMatchObject({ path: out, weights });
      expect(result.bytes).toBeLessThan(bytes - 1728 * (weights === 'int8' ? 2.5 : 1.5));
      const scoresOf = async (model: string) => (await predict(model)).images.flatMap(({ scores }) => Object.values(scores));
      const [before, after] = [await scoresOf(exact), await scoresOf(out)];
      const differences = before.map((score, k) => Math.abs(score - after[k]!));
      expect(loss).toMatchObject({ annotations: data.validation, images: 9, decisions: 9 * CATEGORIES.length });
      expect(loss!.largestDifference).toBeCloseTo(Math.max(...differences), 6);
      expect(loss!.largestDifference).toBeGreaterThan(0);
      expect(loss!.changedLabels).toBe(before.filter((score, k) => score >= 0.5 !== after[k]! >= 0.5).length);
      const evaluated = async (model: string) =>
        (
          await engine.request('evaluate', {
            model,
            annotations: data.validation,
            device: 'cpu',
            bootstrap: { replicates: 0, seed: 0 },
          })
        ).evaluation;
      expect(loss!.mAP.before).toBeCloseTo((await evaluated(exact)).mAP!, 6);
      expect(loss!.mAP.after).toBeCloseTo((await evaluated(out)).mAP!, 6);
      expect(loss!.microF1.after).toBeCloseTo((await evaluated(out)).micro.f1, 6);
    });

    it('is exported unmeasured where there is nothing to measure it on, and says why; not where a file is named', async () => {
      const out = join(folder, 'unmeasured.onnx');
      const ask = { run: exported, out, weights: 'int8', device: 'cpu' } as const;
      const result = await engine.request('export', ask);
      expect(result.loss).toBeUndefined();
      expect(result.unmeasured).toMatch(/is no run and knows no data set/);
      expect((await predict(out)).images).toHaveLength(images.length);
      await rm(out);
      const annotations = join(folder, 'nothing.json');
      await expect(engine.request('export', { ...ask, annotations })).rejects.toThrow(annotations);
      await expect(stat(out)).rejects.toThrow();
    });

    it('takes an annotation file to measure it on', async () => {
      const ask = { run: exported, out: join(folder, 'measured.onnx'), weights: 'float16', device: 'cpu' } as const;
      const { loss } = await engine.request('export', { ...ask, annotations: data.train });
      expect(loss).toMatchObject({ annotations: data.train, images: 24 });
    });

    it('knows three forms of weights', async () => {
      const weights = 'int4' as 'int8';
      await expect(engine.request('export', { run, out: join(folder, 'x.onnx'), weights })).rejects.toMatchObject({
        code: 'weights-invalid',
        message: expect.stringContaining('float32, float16, int8') as string,
      });
    });
  });

  it('says so where it cannot write', async () => {
    const out = join(folder, 'nowhere', 'x.onnx');
    await expect(engine.request('export', { run, out })).rejects.toMatchObject({
      code: 'write-failed',
      message: expect.stringContaining(out) as string,
    });
  });
});
