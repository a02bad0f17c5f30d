// Every verb of the command line: one JSON object on stdout with --json, tables for people without it, and the numbers in both.
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunRecord } from '../../src/protocol/run';
import { type CliResult, jsonResult, runCli } from '../support/cli';
import { CATEGORIES, type TinyData, writeTinyData } from '../support/data';
import { jsonOf, UNBUILT, writeTinyBackbone } from '../support/engine';

let folder: string;
let data: TinyData;
let tiny: string;
let run: string;
let trained: CliResult;

const CPU = ['--device', 'cpu'];
const SETTINGS = ['epochs=20', 'batchSize=8', 'learnRate=0.02', 'validationFrequency=6', 'threads=1'].flatMap((set) => [
  '--set',
  set,
]);

beforeAll(async () => {
  if (UNBUILT) return;
  folder = await mkdtemp(join(tmpdir(), 'verbs-'));
  data = await writeTinyData(join(folder, 'data'));
  [tiny, run] = [join(folder, 'tiny.onnx'), join(folder, 'run')];
  await writeTinyBackbone(tiny);
  trained = await cli(
    'train',
    data.train,
    '--recipe',
    'matlab-example',
    '--backbone',
    tiny,
    '--run',
    run,
    ...SETTINGS,
    ...CPU,
    '--json',
  );
});
afterAll(() => (UNBUILT ? undefined : rm(folder, { recursive: true, force: true })));

const cli = (...args: string[]): Promise<CliResult> => runCli(args, { cwd: folder });

/** The one JSON object of a command that has to succeed. */
async function json(...args: string[]): Promise<Record<string, unknown>> {
  const result = await cli(...args, '--json');
  expect({ status: result.status, stderr: result.stderr }).toMatchObject({ status: 0 });
  return jsonResult(result);
}

async function lines(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await cli(...args);
  expect({ status, stderr }).toMatchObject({ status: 0 });
  return stdout;
}

describe.skipIf(UNBUILT)(`labelscope${UNBUILT}`, () => {
  it('train: the result as JSON, what happens on stderr', () => {
    expect(trained.status).toBe(0);
    expect(jsonResult(trained)).toEqual({
      run,
      iterations: 60,
      epochs: 20,
      stopped: 'epochs',
      best: { iteration: expect.any(Number) as number, validationLoss: expect.any(Number) as number },
      imagesPerSecond: expect.any(Number) as number,
      idleShare: expect.any(Number) as number,
      device: { device: 'cpu', reason: expect.any(String) as string, threads: 1 },
    });
    expect(trained.stderr).toMatch(/24 images of .*instances_train2017\.json; image folder: .*train2017 \(found beside/);
    expect(trained.stderr).toMatch(/^Epoch 20, iteration 60: loss \d\.\d{4}, validation loss \d\.\d{4}$/m);
  });

  it('train: lines for people, a new folder where none is named', async () => {
    const text = await lines('train', data.train, '--backbone', tiny, '--set', 'epochs=3', '--validation-share', ...CPU);
    const place = /^Run {8}(.*)$/m.exec(text)![1]!;
    const { validation } = await jsonOf<RunRecord>(join(place, 'run.json'));
    expect(validation).toMatchObject({ annotations: data.train, part: { which: 'validation' } });
    expect(text).toMatch(/^Run {8}.*labelscope-runs.\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-quick$/m);
    expect(text).toMatch(/^Trained {4}\d+ iterations in 3 epochs: all epochs are over$/m);
    expect(text).toMatch(/^Speed {6}[\d.]+ images\/s on cpu, \d+\.\d % of the time waiting for images$/m);
    expect(text).toMatch(/^Next {7}labelscope evaluate /m);
  });

  it('train: the same seed gives the same run, another one another', async () => {
    const history = async (name: string, seed: string): Promise<string> => {
      const place = join(folder, name);
      await json(
        'train',
        data.train,
        '--backbone',
        tiny,
        '--run',
        place,
        '--recipe',
        'balanced',
        '--seed',
        seed,
        ...SETTINGS,
        ...CPU,
      );
      return readFile(join(place, 'history.jsonl'), 'utf8');
    };
    const [a, b, c] = [await history('a', '1'), await history('b', '1'), await history('c', '2')];
    expect(b).toBe(a);
    expect(c).not.toBe(a);
  });

  it('inspect: counts and findings', async () => {
    const found = await json('inspect', data.train);
    expect(found).toMatchObject({ images: 24, labelsPerImage: { histogram: [0, 11, 10, 3] } });
    expect((found.categories as { name: string }[]).map(({ name }) => name)).toEqual(CATEGORIES);
    expect(found.findings).toBeInstanceOf(Array);
    expect(await lines('inspect', data.train)).toMatch(/^24 images, \d+ annotations, 3 categories, /);
  });

  it('inspect: looks into the images as closely as asked, beside the validation file', async () => {
    const found = await json('inspect', data.train);
    expect(found).toMatchObject({ validation: data.validation, checkedImages: 'pixels', findings: [] });
    const twice = join(folder, 'twice');
    await mkdir(twice);
    for (const name of ['train-000.png', 'train-001.png']) await copyFile(join(data.trainImages, name), join(twice, name));
    await copyFile(join(twice, 'train-000.png'), join(twice, 'train-002.png'));
    const args = ['inspect', data.train, '--images', twice, '--validation', data.train, '--validation-images', data.trainImages];
    const codes = async (depth: string) =>
      ((await json(...args, '--check-images', depth)).findings as { code: string; count: number }[])
        .filter(({ code }) => /leak|repeated/.test(code))
        .map(({ code, count }) => [code, count]);
    expect(await codes('pixels')).toEqual([
      ['leak-exact', 2],
      ['image-repeated-labels-differ', 1],
    ]);
    expect(await codes('headers')).toEqual([['leak-file-name', 24]]);
    expect(await lines(...args, '--check-images', 'pixels')).toContain('train-000.png (red square) = train-002.png');
  });

  it('split: files that inspect and train read, divided in proportion', async () => {
    const parts = join(folder, 'parts');
    const found = (await json('split', data.train, '--out', parts, '--fraction', '0.25', '--seed', '5')) as {
      files: { path: string; images: number; which: string }[];
      categories: { name: string; images: number[] }[];
    };
    expect(found.files.map(({ which, images }) => [which, images])).toEqual([
      ['train', 18],
      ['validation', 6],
    ]);
    for (const { images } of found.categories)
      expect(Math.abs(images[1]! - 0.25 * (images[0]! + images[1]!))).toBeLessThanOrEqual(1);
    const read = await json('inspect', found.files[0]!.path, '--images', data.trainImages);
    expect(read).toMatchObject({ images: 18, validation: found.files[1]!.path });
    const { status, stderr } = await cli('split', data.train, '--out', parts);
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(/instances_train\.json is there already/) as string,
    });
    const text = await lines('split', data.train, '--out', join(folder, 'folds'), '--folds', '3');
    expect(text).toMatch(/^category +fold1_train +fold1_val +fold2_train +fold2_val +fold3_train +fold3_val$/m);
    expect(text).toMatch(/fold3_val\.json +[789] /);
  });

  it('fix: a new file without what is certainly wrong', async () => {
    const broken = join(folder, 'data', 'annotations', 'broken_train2017.json');
    const text = await readFile(data.train, 'utf8');
    await writeFile(broken, text.replace('"annotations":[', '"annotations":[{"image_id":99,"category_id":1},'));
    const out = join(folder, 'repaired.json');
    const found = await json('fix', broken, '--out', out);
    expect(found).toEqual({ path: out, fixed: { 'annotation-without-image': 1 } });
    expect(await readFile(out, 'utf8')).toBe(text);
    const { status, stderr } = await cli('fix', out, '--out', join(folder, 'again.json'));
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(/no fault whose repair is certain/) as string,
    });
  });

  it('predict: files and folders, what cannot be read among the failed', async () => {
    const broken = join(folder, 'broken.jpg');
    await writeFile(broken, 'no image');
    const found = (await json('predict', run, data.validationImages, broken, ...CPU)) as {
      images: { file: string; labels: string[]; scores: Record<string, number> }[];
      failed: { file: string; error: string }[];
    };
    expect(found).toMatchObject({ model: join(run, 'model.onnx'), threshold: 0.5 });
    expect(found.images).toHaveLength(9);
    for (const { labels, scores } of found.images) {
      expect(Object.keys(scores)).toEqual(CATEGORIES);
      expect(labels).toEqual(CATEGORIES.filter((name) => scores[name]! >= 0.5));
    }
    expect(found.failed).toMatchObject([{ file: broken, error: expect.stringContaining('broken.jpg') as string }]);
    expect(await lines('predict', run, data.validationImages, ...CPU)).toContain('val-000.png');
    const none = await cli('predict', run, broken, '--json', ...CPU);
    expect([none.status, jsonResult(none).images]).toEqual([1, []]);
  });

  it('evaluate: the same numbers from the model and from the scores that it keeps, as JSON and as CSV', async () => {
    const ofModel = await json('evaluate', run, ...CPU);
    expect(ofModel).toMatchObject({ images: 9, categories: CATEGORIES, threshold: 0.5 });
    const keys = ['images', 'categories', 'threshold', 'loss', 'micro', 'macro', 'jaccard', 'hammingLoss', 'exactMatch', 'mAP'];
    expect(Object.keys(ofModel)).toEqual(
      expect.arrayContaining([...keys, 'CP', 'CR', 'CF1', 'OP', 'OR', 'OF1', 'perCategory', 'sweep']),
    );
    const kept = join(run, 'scores.validation.json');
    expect(await json('evaluate', '--predictions', kept, data.validation)).toEqual(ofModel);
    const { categories, images } = JSON.parse(await readFile(kept, 'utf8')) as {
      categories: string[];
      images: { file_name: string; scores: number[] }[];
    };
    const csv = join(folder, 'scores.csv');
    const rows = images.map(({ file_name, scores }) => [file_name, ...scores].join(','));
    await writeFile(csv, [['file_name', ...categories].join(','), ...rows].join('\n'));
    expect(await json('evaluate', '--predictions', csv, data.validation)).toEqual(ofModel);
    expect(await json('evaluate', run, data.validation, '--images', data.validationImages, ...CPU)).toEqual(ofModel);
    const other = await json(
      'evaluate',
      '--predictions',
      csv,
      data.validation,
      '--threshold',
      '0.9',
      '--categories',
      'green disc,red square',
    );
    expect(other).toMatchObject({ threshold: 0.9, categories: ['green disc', 'red square'] });
    expect(await lines('evaluate', run, ...CPU)).toMatch(
      /^9 images, 3 categories, threshold 0\.5\n[^]*micro[^]*red square[^]*0\.9/,
    );
  });

  it('evaluate: intervals of the metrics, as many resamples of them as asked for, or none', async () => {
    const asked = (...args: string[]) => json('evaluate', run, ...args, ...CPU) as Promise<{ intervals?: object }>;
    const nine = [expect.any(Number), expect.any(Number)];
    const { intervals } = await asked('--bootstrap', '200', '--seed', '9');
    // The model makes no mistake, in no resample: how often it would on other images is not known. All three categories are in fewer than ten images.
    expect(intervals).toMatchObject({ replicates: 200, seed: 9, fewPositives: 3, loss: nine, micro: { f1: null }, mAP: null });
    const { evaluation } = JSON.parse(await readFile(join(run, 'evaluation.json'), 'utf8')) as { evaluation: object };
    expect(evaluation).toMatchObject({ intervals });
    // At a threshold that some of its scores miss there is something to know.
    const strict = await asked('--threshold', '0.99', '--bootstrap', '200');
    expect(strict.intervals).toMatchObject({ micro: { f1: nine }, mAP: null });
    expect(await lines('evaluate', run, '--threshold', '0.99', ...CPU)).toMatch(/^micro .*\d\.\d{3}–\d\.\d{3}/m);
    expect(await asked('--bootstrap', '0')).not.toHaveProperty('intervals');
    const text = await lines('evaluate', run, ...CPU);
    expect(text).toMatch(
      /precision +95 % +recall[^]*mAP 1\.000 \(not known\)[^]*loss \d\.\d{3} \(\d\.\d{3}–\d\.\d{3}\)\n.*1000 resamples/,
    );
    expect(text).toMatch(
      /^Not known: nearly every resample of the images[^]*^3 of 3 categories have fewer than 10 images: the intervals of mAP .* too narrow\. /m,
    );
    expect((await cli('evaluate', run, '--bootstrap', 'many')).status).toBe(2);
  });

  it('explain: maps with their size, overlays as large as the image', async () => {
    const image = join(data.validationImages, 'val-000.png');
    const args = ['--category', 'blue stripe', '--category', 'red square', '--colormap', 'viridis', '--opacity', '0.3', ...CPU];
    const found = (await json('explain', run, image, '--out', 'maps', ...args)) as {
      images: {
        file: string;
        maps: { category: string; score: number; width: number; height: number; values: number[]; overlay: string }[];
      }[];
    };
    expect(found.images.map(({ file }) => file)).toEqual([image]);
    const { maps } = found.images[0]!;
    expect(maps.map(({ category }) => category)).toEqual(['blue stripe', 'red square']);
    for (const { width, height, values, overlay } of maps) {
      expect(values).toHaveLength(width * height);
      expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
      expect(overlay.startsWith(join(folder, 'maps'))).toBe(true);
      expect(await sharp(overlay).metadata()).toMatchObject({ width: 40, height: 40 });
    }
  });

  it('export: a file that predicts the same', async () => {
    const out = join(folder, 'exported.onnx');
    expect(await json('export', run, '--out', out)).toMatchObject({ path: out, categories: CATEGORIES });
    const image = join(data.validationImages, 'val-001.png');
    const [a, b] = [await json('predict', run, image, ...CPU), await json('predict', out, image, ...CPU)];
    expect(b).toEqual({ ...a, model: out });
    expect(await lines('export', run, '--out', out, '--weights', 'int8', ...CPU)).toMatch(
      /exported\.onnx: \d+ kB, 3 categories, weights in int8\nOn 9 images of .*: mAP \d\.\d{4} → \d\.\d{4}, micro F1 .*\n\d+ of 27 labels differ/,
    );
  });

  it('sample: a data set that inspect reads', async () => {
    const found = await json('sample', 'sample', '--images', '12', '--seed', '2');
    expect(found).toMatchObject({ trainImages: 12 });
    expect(await json('inspect', String(found.trainAnnotations))).toMatchObject({ images: 12 });
  });

  it('doctor: what there is and what would be used', async () => {
    const found = await json('doctor', ...CPU);
    expect(found).toMatchObject({
      node: process.version,
      chosen: { device: 'cpu' },
      backbone: { path: expect.any(String) as string },
    });
    expect((found.devices as { device: string }[]).map(({ device }) => device)).toEqual(['cuda', 'webgpu', 'cpu']);
    expect(await lines('doctor', ...CPU)).toMatch(/^cpu {10} yes/m);
  });

  it('help: general and for every verb, without an engine', async () => {
    const general = await lines('--help');
    for (const verb of ['inspect', 'train', 'evaluate', 'predict', 'explain', 'export', 'split', 'fix', 'sample', 'doctor']) {
      expect(general).toContain(`  ${verb} `);
      expect(await lines(verb, '--help')).toContain(`labelscope ${verb}`);
    }
  });

  it('works with relative paths from any folder, also later from another one', async () => {
    const [home, elsewhere] = [join(folder, 'home'), join(folder, 'elsewhere')];
    const own = await writeTinyData(home, { train: 14, validation: 7 });
    await mkdir(elsewhere);
    await copyFile(tiny, join(home, 'net.onnx'));
    const here = { cwd: join(home, 'annotations') };
    const paths = ['--images', '../train2017', '--validation', 'instances_val2017.json', '--validation-images', '../val2017'];
    const settings = [
      '--backbone',
      '../net.onnx',
      '--run',
      '../run',
      '--recipe',
      'matlab-example',
      '--set',
      'maxIterations=2',
      ...CPU,
    ];
    const first = await runCli(['train', 'instances_train2017.json', ...paths, ...settings, '--json'], here);
    expect(jsonResult(first)).toMatchObject({ run: join(own.folder, 'run'), stopped: 'iterations', iterations: 2 });
    const second = await runCli(['evaluate', '../home/run', '--json', ...CPU], { cwd: elsewhere });
    expect(jsonResult(second)).toMatchObject({ images: 7 });
  });
});
