// Thresholds and calibration from a run's scores into its model file: what ONNX Runtime, predict, explain, evaluate and export make of them.
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EngineClient } from '../../src/engine/client/engine';
import { readEvaluation } from '../../src/engine/client/folder';
import { holdRun } from '../../src/engine/run/lock';
import { evaluate } from '../../src/metrics/evaluate';
import { readModel } from '../../src/onnx/files';
import { readInferenceModel } from '../../src/onnx/inference';
import type { CalibrateParams, ThresholdsParams } from '../../src/protocol/fitting';
import type { CountProgress, EvaluateResult } from '../../src/protocol/messages';
import type { ScoresFile } from '../../src/protocol/run';
import { CATEGORIES, type TinyData, writeTinyData } from '../support/data';
import { startEngine, trainParams, UNBUILT, until, writeTinyBackbone } from '../support/engine';

const SIDE = 32;

let folder: string;
let data: TinyData;
let engine: EngineClient;
/** Trained and evaluated once; each test works on a copy. */
let origin: string;
let tiny: string;
let run: string;
let images: string[];

beforeAll(async () => {
  if (UNBUILT) return;
  folder = await mkdtemp(join(tmpdir(), 'fitting-'));
  data = await writeTinyData(join(folder, 'data'));
  [tiny, origin, run] = [join(folder, 'tiny.onnx'), join(folder, 'origin'), join(folder, 'run')];
  await writeTinyBackbone(tiny);
  engine = startEngine();
  const set = { epochs: '6', batchSize: '8', validationFrequency: '6', learnRate: '0.02' };
  await engine.request('train', trainParams(data.train, tiny, origin, { set }));
  await engine.request('evaluate', { model: origin, annotations: data.train, device: 'cpu' });
  await engine.request('evaluate', { model: origin, device: 'cpu' });
  images = await resized(join(folder, 'resized'));
});
afterAll(async () => {
  if (UNBUILT) return;
  await engine.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  if (UNBUILT) return;
  await rm(run, { recursive: true, force: true });
  await cp(origin, run, { recursive: true });
});

async function resized(place: string): Promise<string[]> {
  await cp(data.validationImages, place, { recursive: true });
  const paths = (await readdir(place)).sort().map((name) => join(place, name));
  for (const path of paths)
    await writeFile(
      path,
      await sharp(await readFile(path))
        .resize(SIDE, SIDE, { fit: 'fill' })
        .png()
        .toBuffer(),
    );
  return paths;
}

/** Probabilities of the file in ONNX Runtime alone, for the images of its own size. */
async function plainly(file: string): Promise<Float32Array> {
  const session = await InferenceSession.create(file);
  const bytes = Buffer.concat(await Promise.all(images.map((path) => sharp(path).removeAlpha().raw().toBuffer())));
  const { probabilities } = await session.run({ image: new Tensor('uint8', bytes, [images.length, SIDE, SIDE, 3]) });
  await session.release();
  return probabilities!.data as Float32Array;
}

const model = () => join(run, 'model.onnx');
const cardOf = async (file = model()) => readInferenceModel(await readModel(file), file).card;
const fit = (changes: Partial<ThresholdsParams> = {}) =>
  engine.request('thresholds', {
    model: run,
    mode: 'per-category',
    objective: { kind: 'f1' },
    division: { kind: 'half' },
    seed: 1,
    save: true,
    ...changes,
  });
const calibrate = (changes: Partial<CalibrateParams> = {}) =>
  engine.request('calibrate', { model: run, method: 'platt', folds: 3, seed: 1, save: true, ...changes });
const predict = (place = run) => engine.request('predict', { model: place, files: images, device: 'cpu' });
const explain = (place = run) =>
  engine.request('explain', {
    model: place,
    files: images.slice(0, 2),
    categories: [...CATEGORIES],
    colormap: 'jet',
    opacity: 0.5,
    device: 'cpu',
  });

describe.skipIf(UNBUILT)(`thresholds${UNBUILT}`, () => {
  it('are fitted without a change to the folder, unless they are to be saved', async () => {
    const before = await readFile(model());
    const found = await fit({ save: false });
    expect(found).toMatchObject({ saved: false, split: 'validation', images: 9, mode: 'per-category' });
    expect(found.perCategory.map(({ category }) => category)).toEqual([...CATEGORIES]);
    expect(found.has.thresholdsRecord).toBeNull();
    expect((await readFile(model())).equals(before)).toBe(true);
  });

  it('stand in the model, in an export of it, and in what predict does, each category its own', async () => {
    const { perCategory } = await fit({ objective: { kind: 'fbeta', beta: 2 } });
    const thresholds = perCategory.map(({ threshold }) => threshold);
    expect(new Set(thresholds).size).toBeGreaterThan(1);
    const out = join(folder, 'with-thresholds.onnx');
    await engine.request('export', { run, out });
    for (const file of [model(), out]) {
      const card = await cardOf(file);
      expect(card.thresholds).toEqual(thresholds);
      expect(card.provenance.thresholds).toMatchObject({
        mode: 'per-category',
        objective: { kind: 'fbeta', beta: 2 },
        division: { kind: 'half' },
        seed: 1,
        images: 9,
        annotations: data.validation,
      });
      const answer = await predict(file);
      expect(answer.threshold).toEqual(thresholds);
      for (const { labels, scores } of answer.images)
        expect(labels).toEqual(CATEGORIES.filter((name, c) => scores[name]! >= thresholds[c]!));
    }
  });

  it('change what is evaluated only where it is asked for', async () => {
    const { perCategory } = await fit();
    const thresholds = perCategory.map(({ threshold }) => threshold);
    const plain = await engine.request('evaluate', { model: run, device: 'cpu' });
    expect(plain.evaluation.threshold).toBe(0.5);
    expect(plain.has?.thresholds).toEqual(thresholds);
    const own = await engine.request('evaluate', { model: run, device: 'cpu', threshold: 'saved' });
    expect(own.evaluation.threshold).toEqual(thresholds);
    const kept = (await readEvaluation(run))!;
    const set = {
      images: kept.scores.images.length,
      categories: CATEGORIES,
      labels: Uint8Array.from(
        kept.scores.images.flatMap(({ labels }) => CATEGORIES.map((name) => Number(labels.includes(name)))),
      ),
      scores: Float64Array.from(kept.scores.images.flatMap(({ scores }) => scores)),
    };
    expect(own.evaluation).toMatchObject(evaluate(set, { threshold: thresholds }));
    await engine.request('reset', { model: run, what: 'thresholds' });
    expect((await cardOf()).thresholds).toEqual([0.5, 0.5, 0.5]);
    // An evaluation at the model's own thresholds stays one.
    expect((await readEvaluation(run))!.result).toMatchObject({
      evaluation: { threshold: [0.5, 0.5, 0.5] },
      has: { thresholdsRecord: null },
    });
  });

  it('are taken back by a reset, which leaves the file as it was', async () => {
    const before = await readFile(model());
    await fit();
    expect((await readFile(model())).equals(before)).toBe(false);
    const { has } = await engine.request('reset', { model: run, what: 'thresholds' });
    expect(has).toEqual({ thresholds: [0.5, 0.5, 0.5], thresholdsRecord: null, calibrationRecord: null });
    expect((await readFile(model())).equals(before)).toBe(true);
  });
});

describe.skipIf(UNBUILT)(`calibrate${UNBUILT}`, () => {
  it.each(['temperature', 'platt'] as const)('puts %s scaling into the graph: sigmoid(a z + b) to 1e-6', async (method) => {
    const before = await plainly(model());
    const { scaling } = await calibrate({ method });
    const out = join(folder, `${method}.onnx`);
    await engine.request('export', { run, out });
    for (const file of [model(), out]) {
      expect((await cardOf(file)).calibration).toEqual({ scale: scaling.scale, shift: scaling.shift });
      const after = await plainly(file);
      before.forEach((p, at) => {
        const [a, b] = [scaling.scale[at % 3]!, scaling.shift[at % 3]!];
        expect(Math.abs(after[at]! - 1 / (1 + Math.exp(-(a * Math.log(p / (1 - p)) + b))))).toBeLessThan(1e-6);
      });
    }
    const found = (await predict()).images.flatMap(({ scores }) => CATEGORIES.map((name) => scores[name]!));
    (await plainly(model())).forEach((p, at) => expect(Math.abs(found[at]! - p)).toBeLessThan(1e-7));
  });

  it('leaves Grad-CAM as it was, of the raw logit, beside the calibrated score', async () => {
    const [before, raw] = [await explain(), await plainly(model())];
    const { scaling } = await calibrate();
    const after = await explain();
    expect(after.images.map(({ maps }) => maps.map(({ values }) => values))).toEqual(
      before.images.map(({ maps }) => maps.map(({ values }) => values)),
    );
    const calibrated = await plainly(model());
    after.images.forEach(({ maps }, row) =>
      maps.forEach(({ score }, c) => expect(Math.abs(score - calibrated[3 * row + c]!)).toBeLessThan(1e-6)),
    );
    expect(scaling.scale).not.toEqual([1, 1, 1]);
    expect(calibrated).not.toEqual(raw);
  });

  it('rewrites scores and evaluation as an evaluation of the calibrated model says them', async () => {
    await calibrate();
    const told = (await readEvaluation(run))!;
    await engine.request('evaluate', { model: run, device: 'cpu' });
    // The folder is a copy: only a new evaluation knows where its model lies now.
    expect(await readEvaluation(run)).toEqual({ ...told, result: { ...told.result, model: model() } });
    const given = JSON.parse(await readFile(join(run, 'scores.given.json'), 'utf8')) as { images: { uncalibrated?: number[] }[] };
    expect(given.images.every(({ uncalibrated }) => uncalibrated?.length === 3)).toBe(true);
    const { images: scored } = await engine.request('predict', {
      model: run,
      files: told.scores.images.map(({ path }) => path),
      device: 'cpu',
    });
    scored.forEach(({ scores }, row) =>
      CATEGORIES.forEach((name, c) => expect(Math.abs(scores[name]! - told.scores.images[row]!.scores[c]!)).toBeLessThan(1e-6)),
    );
  });

  it('starts from the raw logits the second time, and a reset brings everything back to the last bit', async () => {
    const [file, scores, evaluation] = await Promise.all(
      ['model.onnx', 'scores.validation.json', 'evaluation.json'].map((name) => readFile(join(run, name), 'utf8')),
    );
    const first = await calibrate();
    expect((await calibrate({ method: 'temperature' })).saved).toBe(true);
    expect((await calibrate()).scaling).toEqual(first.scaling);
    const { has } = await engine.request('reset', { model: run, what: 'calibration' });
    expect(has.calibrationRecord).toBeNull();
    expect(await readFile(model(), 'utf8')).toBe(file);
    expect(await readFile(join(run, 'scores.validation.json'), 'utf8')).toBe(scores);
    expect(await readFile(join(run, 'evaluation.json'), 'utf8')).toBe(evaluation);
  });

  it('takes fitted thresholds along: every decision stays; those that nobody fitted stay 0.5', async () => {
    await fit({ mode: 'global', objective: { kind: 'fbeta', beta: 2 } });
    const before = (await predict()).images.map(({ labels }) => labels);
    await calibrate();
    expect(new Set((await cardOf()).thresholds).size).toBe(3);
    expect((await predict()).images.map(({ labels }) => labels)).toEqual(before);
    await calibrate({ method: 'temperature' });
    expect((await predict()).images.map(({ labels }) => labels)).toEqual(before);
    await engine.request('reset', { model: run, what: 'calibration' });
    expect((await predict()).images.map(({ labels }) => labels)).toEqual(before);
    await engine.request('reset', { model: run, what: 'thresholds' });
    await calibrate();
    expect((await cardOf()).thresholds).toEqual([0.5, 0.5, 0.5]);
  });

  it('goes with an exported file that is imported again, thresholds too', async () => {
    await fit();
    await calibrate();
    const out = join(folder, 'whole.onnx');
    await engine.request('export', { run, out });
    const imported = join(folder, 'imported');
    await engine.request('import', { model: out, folder: imported, name: 'back' });
    const { thresholds, calibration } = await cardOf(join(imported, 'model.onnx'));
    expect({ thresholds, calibration }).toEqual({
      thresholds: (await cardOf()).thresholds,
      calibration: (await cardOf()).calibration,
    });
    expect(await plainly(join(imported, 'model.onnx'))).toEqual(await plainly(model()));
    await engine.request('evaluate', { model: imported, annotations: data.validation, device: 'cpu' });
    const again = await engine.request('calibrate', { model: imported, method: 'temperature', folds: 3, seed: 1, save: true });
    expect(again).toMatchObject({ split: 'given', saved: true, images: 9 });
  });
});

describe.skipIf(UNBUILT)(`while a large evaluation is written anew${UNBUILT}`, () => {
  it('the engine answers others', async () => {
    const scores = join(run, 'scores.validation.json');
    await enlarge(scores, join(run, 'evaluation.json'));
    const before = await readFile(scores, 'utf8');
    let isOver = false;
    const saving = calibrate().finally(() => (isOver = true));
    await until(async () => isOver || (await readFile(scores, 'utf8')) !== before);
    // Only the evaluation, with its intervals, is left to be written: in one piece it would hold up the first of these for longer than the others need.
    for (let k = 0; k < 6; k++) {
      await engine.request('release', { annotations: data.train });
      await pause(20);
    }
    expect(isOver).toBe(false);
    expect((await saving).saved).toBe(true);
    expect((await readEvaluation(run))!.result.evaluation.intervals?.replicates).toBe(10_000);
  });
});

describe.skipIf(UNBUILT)(`a long fit${UNBUILT}`, () => {
  it.each(['thresholds', 'calibrate'] as const)(
    'tells how far it is, and is stopped before anything is written: %s',
    async (what) => {
      await enlarge(join(run, 'scores.validation.json'), join(run, 'evaluation.json'));
      const before = await readFile(model());
      const stop = new AbortController();
      const heard: number[] = [];
      const onProgress = ({ done, total }: CountProgress) => {
        heard.push(done / total);
        if (heard.length === 2) stop.abort();
      };
      const shared = { model: run, seed: 1, save: true };
      const watched = { signal: stop.signal, onProgress };
      const spec = { mode: 'per-category', objective: { kind: 'f1' }, division: { kind: 'folds', folds: 1000 } } as const;
      const asking =
        what === 'thresholds'
          ? engine.request('thresholds', { ...shared, ...spec }, watched)
          : engine.request('calibrate', { ...shared, method: 'platt', folds: 1000 }, watched);
      await expect(asking).rejects.toMatchObject({ code: 'cancelled' });
      expect(heard.slice(0, 2).every((share) => share >= 0 && share < 1)).toBe(true);
      expect(heard[1]).toBeGreaterThanOrEqual(heard[0]!);
      expect((await readFile(model())).equals(before)).toBe(true);
      // The folder is free again.
      await expect(fit({ division: { kind: 'folds', folds: 2 } })).resolves.toMatchObject({ saved: true });
    },
  );
});

/** The same images three hundred times over, with intervals of many resamples: seconds of work. */
async function enlarge(scores: string, evaluation: string): Promise<void> {
  const file = JSON.parse(await readFile(scores, 'utf8')) as ScoresFile;
  const images = Array.from({ length: 300 }, () => file.images).flat();
  await writeFile(scores, JSON.stringify({ ...file, images }));
  const result = JSON.parse(await readFile(evaluation, 'utf8')) as EvaluateResult;
  const intervals = { ...result.evaluation.intervals, replicates: 10_000 };
  await writeFile(evaluation, JSON.stringify({ ...result, evaluation: { ...result.evaluation, intervals } }));
}

describe.skipIf(UNBUILT)(`what cannot be fitted${UNBUILT}`, () => {
  it('a file by itself, a run without an evaluation, scores of other weights', async () => {
    await expect(fit({ model: model() })).rejects.toMatchObject({ code: 'fit-outside-folder' });
    await rm(join(run, 'evaluation.json'));
    await expect(fit()).rejects.toMatchObject({
      code: 'evaluation-missing',
      message: expect.stringContaining('labelscope evaluate') as string,
    });
    const other = join(folder, 'other');
    const set = { epochs: '1', batchSize: '8', validationFrequency: '3' };
    await engine.request('train', trainParams(data.train, tiny, other, { set, seed: 9 }));
    await cp(origin, run, { recursive: true });
    await cp(join(other, 'model.onnx'), model());
    await expect(fit()).rejects.toMatchObject({ code: 'evaluation-outdated' });
    await expect(calibrate()).rejects.toMatchObject({ code: 'evaluation-outdated' });
  });

  it('more folds than images, and a run at work', async () => {
    await expect(calibrate({ folds: 10 })).rejects.toMatchObject({
      code: 'fit-impossible',
      message: expect.stringContaining('10 parts') as string,
    });
    const release = await holdRun(run, (socket) => socket.destroy());
    await expect(fit()).rejects.toMatchObject({ code: 'run-busy' });
    await expect(engine.request('reset', { model: run, what: 'calibration' })).rejects.toMatchObject({ code: 'run-busy' });
    release();
    expect((await fit()).saved).toBe(true);
  });
});
