// Numbers of a trained model: what predict, evaluate and explain say, against ONNX Runtime alone and against arithmetic.
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { isSettled } from '../../src/dataset/cache-files';
import { labelSet } from '../../src/dataset/labels';
import { readPredictions } from '../../src/dataset/predictions';
import { readAnnotations } from '../../src/dataset/reader';
import { splitByHash, splitStratified } from '../../src/dataset/split';
import type { EngineClient } from '../../src/engine/client/engine';
import { evaluate } from '../../src/metrics/evaluate';
import type { Evaluation, ScoredSet } from '../../src/metrics/types';
import { withNewHead } from '../../src/onnx/classifier';
import { writeModel } from '../../src/engine/run/model-file';
import { readModel } from '../../src/onnx/files';
import { buildInferenceModel } from '../../src/onnx/inference';
import { LabelscopeError } from '../../src/protocol/errors';
import type { EvaluateResult, ExplainParams, ExplainResult, PredictResult, TrainResult } from '../../src/protocol/messages';
import type { RunRecord } from '../../src/protocol/run';
import { CATEGORIES, type TinyData, writeTinyData } from '../support/data';
import { jsonOf, startEngine, trainParams, UNBUILT, writeTinyBackbone } from '../support/engine';
import { float32 } from '../support/graphs';
import { perceptron } from '../support/networks';
import { bootstrap } from '../support/bootstrap';

const SIDE = 32;
const SET = { epochs: '25', batchSize: '8', validationFrequency: '6', learnRate: '0.02' };

let folder: string;
let data: TinyData;
let tiny: string;
let run: string;
let trained: TrainResult;
let exported: string;
let engine: EngineClient;
/** Images of the network's own size, so that nothing is resized. */
let images: string[];

beforeAll(async () => {
  if (UNBUILT) return;
  folder = await mkdtemp(join(tmpdir(), 'model-'));
  data = await writeTinyData(join(folder, 'data'));
  [tiny, run, exported] = [join(folder, 'tiny.onnx'), join(folder, 'run'), join(folder, 'exported.onnx')];
  await writeTinyBackbone(tiny);
  engine = startEngine();
  trained = await engine.request('train', trainParams(data.train, tiny, run, { set: SET }));
  await engine.request('export', { run, out: exported });
  images = await cropped(join(folder, 'cropped'));
});
afterAll(async () => {
  if (UNBUILT) return;
  await engine.stop();
  await rm(folder, { recursive: true, force: true });
});

async function cropped(place: string): Promise<string[]> {
  await mkdir(place);
  const names = (await readdir(data.validationImages)).sort();
  for (const name of names) {
    const area = { left: 4, top: 4, width: SIDE, height: SIDE };
    await sharp(join(data.validationImages, name)).extract(area).toFile(join(place, name));
  }
  return names.map((name) => join(place, name));
}

/** The file's outputs for images of its own size, without anything of Labelscope. */
async function plainly(file: string, paths: readonly string[]): Promise<Record<string, Float32Array>> {
  const session = await InferenceSession.create(file);
  const bytes = Buffer.concat(await Promise.all(paths.map((path) => sharp(path).removeAlpha().raw().toBuffer())));
  const outputs = await session.run({ image: new Tensor('uint8', bytes, [paths.length, SIDE, SIDE, 3]) });
  await session.release();
  return Object.fromEntries(Object.entries(outputs).map(([name, { data: values }]) => [name, values as Float32Array]));
}

const predict = (model: string, files: readonly string[], threshold?: number): Promise<PredictResult> =>
  engine.request('predict', { model, files, device: 'cpu', ...(threshold !== undefined && { threshold }) });

describe.skipIf(UNBUILT)(`predict${UNBUILT}`, () => {
  it('scores as ONNX Runtime alone does with the exported file and raw RGB bytes', async () => {
    const { probabilities } = await plainly(exported, images);
    for (const model of [run, exported, join(run, 'model.onnx'), join(run, 'run.json')]) {
      const { images: found, failed } = await predict(model, images);
      expect(failed).toEqual([]);
      expect(found.map(({ file }) => file)).toEqual(images);
      const scores = found.flatMap((image) => CATEGORIES.map((name) => image.scores[name]!));
      const worst = Math.max(...scores.map((score, k) => Math.abs(score - probabilities![k]!)));
      expect(worst).toBeLessThanOrEqual(1e-7);
    }
  });

  it('is the mean over image and mirror image where it is asked to be, and an evaluation of that keeps nothing', async () => {
    const mirrored = await Promise.all(
      images.map(async (path, k) => {
        const place = join(folder, `mirrored ${k}.png`);
        await sharp(path).flop().toFile(place);
        return place;
      }),
    );
    const [plain, other] = [await predict(run, images), await predict(run, mirrored)];
    const both = await engine.request('predict', { model: run, files: images, device: 'cpu', flip: true });
    for (const [k, { scores }] of both.images.entries())
      for (const name of CATEGORIES)
        expect(scores[name]).toBeCloseTo((plain.images[k]!.scores[name]! + other.images[k]!.scores[name]!) / 2, 6);
    const evaluated = (flip: boolean) => engine.request('evaluate', { model: run, device: 'cpu', flip });
    const first = await evaluated(false);
    const kept = await readFile(join(run, 'scores.validation.json'), 'utf8');
    const flipped = await evaluated(true);
    expect(flipped.savedTo).toBeUndefined();
    expect(flipped.evaluation.loss).not.toBe(first.evaluation.loss);
    expect(await readFile(join(run, 'scores.validation.json'), 'utf8')).toBe(kept);
  });

  it('finds what it was taught', async () => {
    const set = labelSet(await readAnnotations(data.train));
    const { images: found } = await predict(run, [data.trainImages]);
    const wrong = found.filter(({ labels }, row) => {
      const truth = CATEGORIES.filter((_, k) => set.labels[3 * row + k] === 1);
      return labels.join() !== truth.join();
    });
    expect(found).toHaveLength(24);
    expect(wrong.length).toBeLessThan(12);
  });

  it('labels at and above the threshold', async () => {
    const { images: all, threshold } = await predict(run, images);
    expect(threshold).toBe(0.5);
    for (const { labels, scores } of all) expect(labels).toEqual(CATEGORIES.filter((name) => scores[name]! >= 0.5));
    const score = all[0]!.scores['green disc']!;
    expect((await predict(run, images.slice(0, 1), score)).images[0]!.labels).toContain('green disc');
    expect((await predict(run, images.slice(0, 1), 0)).images[0]!.labels).toEqual(CATEGORIES);
  });

  it('names what it cannot read and goes on with the rest, in order', async () => {
    const broken = join(folder, 'broken.png');
    await writeFile(broken, (await readFile(images[0]!)).subarray(0, 200));
    const { images: found, failed } = await predict(run, [broken, ...images, broken]);
    expect(found.map(({ file }) => file)).toEqual(images);
    expect(failed).toHaveLength(2);
    expect(failed[0]).toMatchObject({ file: broken, error: expect.stringContaining('cannot be read as an image') as string });
  });

  it.each([
    ['image-missing', ['/nowhere/at-all.jpg']],
    ['no-images', ['EMPTY']],
  ])('answers %s', async (code, files) => {
    await mkdir(join(folder, 'empty'), { recursive: true });
    const paths = files.map((file) => (file === 'EMPTY' ? join(folder, 'empty') : file));
    await expect(predict(run, paths)).rejects.toMatchObject({ code });
  });

  it('refuses files that are no model of ours, and says what they are', async () => {
    const text = join(folder, 'text.onnx');
    await writeFile(text, 'no model');
    const cut = join(folder, 'cut.onnx');
    const whole = await readFile(exported);
    await writeFile(cut, whole.subarray(0, whole.length >> 1));
    for (const [model, code] of [
      [tiny, 'onnx-unsupported'],
      [text, 'onnx-format'],
      [cut, 'onnx-format'],
      [folder, 'run-missing'],
      [join(folder, 'nowhere'), 'model-missing'],
    ] as const)
      await expect(predict(model, images)).rejects.toMatchObject({ code, message: expect.stringContaining(model) as string });
  });
});

describe.skipIf(UNBUILT)(`prepare${UNBUILT}`, () => {
  const prepare = (model?: string) => engine.request('prepare', { device: 'cpu', ...(model !== undefined && { model }) });

  it('opens a model before anybody asks for labels: what ONNX Runtime makes of it is kept', async () => {
    const cache = join(folder, 'cache');
    vi.stubEnv('LABELSCOPE_CACHE', cache);
    const another = startEngine();
    const model = join(run, 'model.onnx');
    await vi.waitUntil(async () => isSettled(await stat(model, { bigint: true })), { timeout: 5000, interval: 100 });
    expect(await another.request('prepare', { model: run, device: 'cpu' })).toBeNull();
    vi.unstubAllEnvs();
    expect(await readdir(join(cache, 'models'))).toHaveLength(1);
    const asked = { model: run, files: images, device: 'cpu' } as const;
    expect(await another.request('predict', asked)).toEqual(await predict(run, images));
    await another.stop();
  });

  it('starts the engine alone where there is no model yet', async () => {
    expect(await prepare()).toBeNull();
  });

  it('opens a model that has no maps for its labels', async () => {
    const head = { weight: float32([1, 12], new Array<number>(12).fill(0)), bias: float32([1], [0]) };
    const classifier = withNewHead(perceptron(12), 'flat.onnx', () => head);
    const flat = join(folder, 'flat.onnx');
    await writeModel(flat, buildInferenceModel(classifier, { categories: ['a'], thresholds: [0.5], provenance: {} }));
    expect(await prepare(flat)).toBeNull();
  });

  it('says of a model that cannot be opened what predict says', async () => {
    const place = join(folder, 'nowhere');
    const error = await predict(place, images).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LabelscopeError);
    await expect(prepare(place)).rejects.toEqual(error);
  });
});

/** What an evaluation holds of a set at a threshold where nothing else is asked for. */
function withIntervals(set: ScoredSet, threshold: number): Evaluation {
  return { ...evaluate(set, { threshold }), intervals: bootstrap(set, threshold) };
}

describe.skipIf(UNBUILT)(`evaluate${UNBUILT}`, () => {
  it('is the metrics of the scores that it keeps, on the images that training validated on', async () => {
    const found: EvaluateResult = await engine.request('evaluate', { model: run, device: 'cpu' });
    const set = labelSet(await readAnnotations(data.validation));
    const scores = await readPredictions(join(run, 'scores.validation.json'), set);
    const { categories, labels } = set;
    expect(found.evaluation).toEqual(withIntervals({ images: 9, categories, labels, scores }, 0.5));
    const { savedTo, ...kept } = found;
    expect(savedTo).toBe(run);
    expect(await jsonOf(join(run, 'evaluation.json'))).toEqual(kept);
    // Training sums the loss over the categories, evaluation takes the mean.
    expect(3 * found.evaluation.loss!).toBeCloseTo(trained.best!.validationLoss, 5);
  });

  it('takes another file, another threshold and an exported model', async () => {
    const params = { model: exported, annotations: data.train, threshold: 0.3, device: 'cpu' as const };
    const { evaluation, savedTo } = await engine.request('evaluate', params);
    expect([evaluation.images, evaluation.threshold, savedTo]).toEqual([24, 0.3, undefined]);
    const { images: scored } = await predict(run, [data.trainImages]);
    const set = labelSet(await readAnnotations(data.train));
    const scores = Float64Array.from(scored.flatMap((image) => CATEGORIES.map((name) => image.scores[name]!)));
    expect(evaluation).toEqual(withIntervals({ images: 24, categories: CATEGORIES, labels: set.labels, scores }, 0.3));
  });

  it('judges a run without a validation file by the share that training kept', async () => {
    const alone = await writeTinyData(join(folder, 'alone'), { train: 30, validation: 0 });
    const own = join(folder, 'own');
    const result = await engine.request('train', trainParams(alone.train, tiny, own, { set: { ...SET, epochs: '3' } }));
    const { evaluation } = await engine.request('evaluate', { model: own, device: 'cpu' });
    const kept = splitStratified(labelSet(await readAnnotations(alone.train)), { fraction: 0.2, seed: 3 }).validation;
    const { images: scored } = await jsonOf<{ images: { file_name: string }[] }>(join(own, 'scores.validation.json'));
    expect(scored.map((row) => row.file_name)).toEqual(kept.images.map(({ fileName }) => fileName));
    expect(3 * evaluation.loss!).toBeCloseTo(result.best!.validationLoss, 5);
  });

  it('judges a run of format 1 by the share that it kept by hash', async () => {
    const old = join(folder, 'old');
    await cp(join(folder, 'own'), old, { recursive: true });
    const place = join(old, 'run.json');
    const record = await jsonOf<RunRecord>(place);
    const set = labelSet(await readAnnotations(record.train.annotations));
    const kept = splitByHash(set, 0.2, 3);
    const part = (which: 'train' | 'validation') => ({
      ...record[which],
      count: kept[which].images.length,
      part: { which, fraction: 0.2, seed: 3 },
    });
    await writeFile(place, JSON.stringify({ ...record, format: 1, train: part('train'), validation: part('validation') }));
    await engine.request('evaluate', { model: old, device: 'cpu' });
    const { images: scored } = await jsonOf<{ images: { file_name: string }[] }>(join(old, 'scores.validation.json'));
    expect(scored.map((row) => row.file_name)).toEqual(kept.validation.images.map(({ fileName }) => fileName));
  });

  it('leaves out images that cannot be read and names them', async () => {
    const bad = await writeTinyData(join(folder, 'bad'));
    await rm(join(bad.validationImages, 'val-004.png'));
    await writeFile(join(bad.validationImages, 'val-002.png'), 'no image');
    const found = await engine.request('evaluate', { model: run, annotations: bad.validation, device: 'cpu' });
    expect(found.evaluation.images).toBe(7);
    expect(found.failed.map(({ error }) => /val-\d+/.exec(error)?.[0])).toEqual(['val-004', 'val-002']);
  });

  it('needs an annotation file for a model outside a run, and categories that the file knows', async () => {
    const params = { model: exported, device: 'cpu' as const };
    await expect(engine.request('evaluate', params)).rejects.toMatchObject({ code: 'annotations-missing' });
    const other = join(folder, 'other.json');
    await writeFile(other, (await readFile(data.validation, 'utf8')).replace('green disc', 'green disk'));
    const refused = {
      code: 'unknown-category',
      message: expect.stringContaining('"green disc" (did you mean "green disk"') as string,
    };
    await expect(engine.request('evaluate', { ...params, annotations: other })).rejects.toMatchObject(refused);
  });
});

describe.skipIf(UNBUILT)(`explain${UNBUILT}`, () => {
  const explain = (changes: Partial<ExplainParams> = {}): Promise<ExplainResult> => {
    const params = { model: run, files: images.slice(0, 3), device: 'cpu', colormap: 'jet', opacity: 0.5 } as const;
    return engine.request('explain', { ...params, categories: CATEGORIES, ...changes });
  };

  it('is Grad-CAM: behind a global pool the weights of a channel are the head’s over the number of positions', async () => {
    const whole = await readModel(exported);
    const stage = whole.metadata['labelscope.stage']!;
    const watched = join(folder, 'watched.onnx');
    const outputs = [...whole.graph.outputs, { name: stage, type: 'float32' as const, dims: undefined }];
    await writeModel(watched, { ...whole, graph: { ...whole.graph, outputs } });
    const head = whole.graph.initializers.get('head/weight')!;
    const [, channels] = head.dims as [number, number];
    const { images: explained } = await explain();
    for (const { file, maps } of explained) {
      const { [stage]: activations } = await plainly(watched, [file]);
      const positions = activations!.length / channels;
      expect(maps.map(({ category }) => category)).toEqual(CATEGORIES);
      for (const [k, { width, height, values }] of maps.entries()) {
        expect([width, height, values.length]).toEqual([8, 8, positions]);
        const expected = Array.from({ length: positions }, (_, place) => {
          const terms = Array.from(
            { length: channels },
            (_, c) => (Number(head.data[k * channels + c]) / positions) * activations![c * positions + place]!,
          );
          return Math.max(
            0,
            terms.reduce((a, b) => a + b),
          );
        });
        const scale = Math.max(...expected, 1e-3);
        for (const [place, value] of values.entries()) expect(Math.abs(value - expected[place]!)).toBeLessThan(1e-5 * scale);
      }
    }
  });

  it('says the score that predict says', async () => {
    const { images: explained } = await explain();
    const { images: predicted } = await predict(run, images.slice(0, 3));
    for (const [k, { maps }] of explained.entries())
      for (const { category, score } of maps) expect(score).toBeCloseTo(predicted[k]!.scores[category]!, 6);
  });

  it('explains what it would predict, or the likeliest category where that is nothing', async () => {
    const { images: explained } = await engine.request('explain', {
      ...{ model: run, files: images, device: 'cpu', colormap: 'jet', opacity: 0.5 },
    });
    const { images: predicted } = await predict(run, images);
    for (const [k, { maps }] of explained.entries()) {
      const { labels, scores } = predicted[k]!;
      const likeliest = [...CATEGORIES].sort((a, b) => scores[b]! - scores[a]!).slice(0, 1);
      expect(maps.map(({ category }) => category)).toEqual(labels.length > 0 ? labels : likeliest);
    }
  });

  it('draws overlays of the images’ size, one for each image and category', async () => {
    const out = join(folder, 'overlays');
    const [one, two] = [join(folder, 'one'), join(folder, 'two')];
    const files: string[] = [];
    for (const [k, place] of [one, two].entries()) {
      await mkdir(place);
      files.push(join(place, 'same.name.png'));
      await sharp(images[k])
        .resize(50 + k, 30)
        .toFile(files[k]!);
    }
    const { images: explained } = await explain({ files, out, categories: ['red square', 'green disc'] });
    const overlays = explained.flatMap(({ maps }) => maps.map(({ overlay }) => overlay!));
    expect(new Set(overlays).size).toBe(4);
    expect((await readdir(out)).sort()).toEqual(overlays.map((path) => path.slice(out.length + 1)).sort());
    for (const [k, overlay] of overlays.entries())
      expect(await sharp(overlay).metadata()).toMatchObject({ width: 50 + (k >> 1), height: 30, format: 'png' });
  });

  it('knows no other category and says which it knows', async () => {
    const refused = {
      code: 'category-unknown',
      message: expect.stringMatching(/'purple'.*red square, green disc, blue stripe/) as string,
    };
    await expect(explain({ categories: ['red square', 'purple'] })).rejects.toMatchObject(refused);
  });

  it('says so where the overlays cannot be written', async () => {
    const file = join(folder, 'a-file');
    await writeFile(file, '');
    await expect(explain({ out: join(file, 'x') })).rejects.toMatchObject({
      code: 'write-failed',
      message: expect.stringMatching(/a-file.x could not be made: a file is in its way .*Choose another place/) as string,
    });
  });
});
