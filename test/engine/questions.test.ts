// What windows ask the engine besides training: data sets, true labels, pictures, imported models, warm predictions.
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EngineClient } from '../../src/engine/client/engine';
import { readEvaluation, readImport } from '../../src/engine/client/folder';
import { CATEGORIES, type TinyData, writeTinyData } from '../support/data';
import { startEngine, trainParams, UNBUILT, writeTinyBackbone } from '../support/engine';

let folder: string;
let data: TinyData;
let engine: EngineClient;
let run: string;
let image: string;

beforeAll(async () => {
  if (UNBUILT) return;
  folder = await mkdtemp(join(tmpdir(), 'questions-'));
  data = await writeTinyData(join(folder, 'data'));
  const tiny = join(folder, 'tiny.onnx');
  await writeTinyBackbone(tiny);
  engine = startEngine();
  run = join(folder, 'run');
  image = join(data.validationImages, 'val-004.png');
  await engine.request('train', trainParams(data.train, tiny, run, { set: { epochs: '5', batchSize: '8' } }));
});
afterAll(async () => {
  if (UNBUILT) return;
  await engine.stop();
  await rm(folder, { recursive: true, force: true });
});

const predict = (model: string, files: readonly string[]) => engine.request('predict', { model, files, device: 'cpu' });

describe.skipIf(UNBUILT)(`the engine's questions${UNBUILT}`, () => {
  it('inspect: counts, the folder, the validation file and what shares images', async () => {
    const bytes: number[] = [];
    const onProgress = (progress: { bytes: number }) => bytes.push(progress.bytes);
    const report = await engine.request('inspect', { annotations: data.train }, { onProgress });
    expect(report).toMatchObject({ images: 24, imageFolder: data.trainImages, validation: data.validation, findings: [] });
    // Images show every mixture of the three in turn: bits of 1 + (k mod 7).
    const shows = Array.from({ length: 24 }, (_, k) => [0, 1, 2].map((c) => (1 + (k % 7)) >> c).map((bit) => bit & 1));
    const both = (a: number, b: number) => shows.filter((row) => row[a] && row[b]).length;
    expect(report.coOccurrence).toEqual([0, 1, 2].flatMap((a) => [0, 1, 2].map((b) => both(a, b))));
    expect(bytes.at(-1)).toBe(report.bytes);
  });

  it('check: of the same report, what a look into the image files changes', async () => {
    const asked = { annotations: data.train, checkImages: 'pixels' } as const;
    const [report, checked] = [await engine.request('inspect', asked), await engine.request('check', asked)];
    const { fingerprint, findings, validation, checkedImages } = report;
    expect(checked).toEqual({ fingerprint, findings, validation, checkedImages });
    expect(checkedImages).toBe('pixels');
  });

  it('inspect: tells of a file whose images are nowhere, instead of failing', async () => {
    const lost = join(folder, 'lost.json');
    await cp(data.train, lost);
    const report = await engine.request('inspect', { annotations: lost });
    expect(report.imageFolder).toBeNull();
    expect(report.findings[0]).toMatchObject({ code: 'image-folder-not-found', severity: 'error' });
  });

  it('inspect and train: say that the images of the validation file are nowhere, and take no others for them', async () => {
    const pair = join(folder, 'numbered');
    await cp(join(folder, 'data'), pair, { recursive: true });
    const [train, val] = ['train', 'val'].map((split) => join(pair, 'annotations', `instances_${split}2017.json`)) as [
      string,
      string,
    ];
    // As exporters do that number the images of each split from one.
    await writeFile(val, await readFile(train));
    await rm(join(pair, 'val2017'), { recursive: true });
    const { findings } = await engine.request('inspect', { annotations: train });
    expect(findings.map(({ code }) => code)).toEqual(['validation-images-not-found']);
    const training = engine.request('train', trainParams(train, join(folder, 'tiny.onnx'), join(pair, 'run')));
    await expect(training).rejects.toMatchObject({
      code: 'image-folder-not-found',
      message: expect.stringContaining(val) as string,
    });
  });

  it('inspect: a validation file that is found but cannot be read is a finding; one that was named is an error', async () => {
    const pair = join(folder, 'pair');
    await cp(join(folder, 'data'), pair, { recursive: true });
    const [train, val] = ['train', 'val'].map((split) => join(pair, 'annotations', `instances_${split}2017.json`)) as [
      string,
      string,
    ];
    await writeFile(val, '[]');
    const { findings, validation } = await engine.request('inspect', { annotations: train });
    expect([validation, findings.map(({ code, examples }) => [code, examples])]).toEqual([
      val,
      [['validation-unreadable', [val]]],
    ]);
    await expect(engine.request('inspect', { annotations: train, validation: val })).rejects.toMatchObject({
      code: 'results-file',
    });
  });

  it('diagnose: every fault at its place, the first hundred of a kind', async () => {
    const text = await readFile(data.train, 'utf8');
    const wrong = join(folder, 'data', 'annotations', 'wrong_train2017.json');
    const lost = Array.from({ length: 120 }, (_, k) => `\n {"image_id": ${500 + k}, "category_id": 1}`);
    await writeFile(
      wrong,
      text
        .replace('"annotations":[', `"annotations":[${lost.join(',')},`)
        .replace('"width":40', '"width":50')
        .replace('train-003.png', 'gone.png'),
    );
    const { diagnostics, counts } = await engine.request('diagnose', { annotations: wrong });
    expect(counts).toEqual({ 'annotation-without-image': 120, 'image-missing': 1, 'image-size-differs': 1 });
    expect(diagnostics.filter(({ code }) => code === 'annotation-without-image')).toHaveLength(100);
    const lines = (await readFile(wrong, 'utf8')).split('\n');
    const shown = diagnostics.map(({ code, start, end, fixable }) => [
      code,
      lines[start.line]!.slice(start.character, end.character),
      fixable,
    ]);
    expect(shown).toContainEqual(['annotation-without-image', '599', true]);
    expect(shown).toContainEqual(['image-missing', '"gone.png"', false]);
    expect(shown).toContainEqual(['image-size-differs', '50', true]);
    const { path, fixed } = await engine.request('fix', { annotations: wrong });
    expect({ path, fixed }).toEqual({
      path: wrong.replace('.json', '.fixed.json'),
      fixed: { 'annotation-without-image': 120, 'image-size-differs': 1 },
    });
    expect(await readFile(path, 'utf8')).toBe(text.replace('train-003.png', 'gone.png'));
    const next = await engine.request('fix', { annotations: wrong, codes: ['image-size-differs'] });
    expect(next).toEqual({ path: wrong.replace('.json', '.fixed-2.json'), fixed: { 'image-size-differs': 1 } });
  });

  it('diagnose: the place where a file ends to be JSON', async () => {
    const cut = join(folder, 'cut.json');
    await writeFile(cut, '{ "images": [],\n  "é": ]');
    const { diagnostics } = await engine.request('diagnose', { annotations: cut });
    expect(diagnostics).toMatchObject([
      { code: 'json-syntax', start: { line: 1, character: 7 }, end: { line: 1, character: 8 } },
    ]);
  });

  it('truth: the labels of the annotation file that has this very image', async () => {
    const annotations = [data.train, data.validation];
    expect((await engine.request('truth', { annotations, file: image })).truth).toEqual({
      annotations: data.validation,
      labels: [CATEGORIES[0], CATEGORIES[2]],
      known: [...CATEGORIES],
    });
    const copy = join(folder, 'val-004.png');
    await cp(image, copy);
    expect((await engine.request('truth', { annotations, file: copy })).truth).toBeNull();
  });

  it('truth: names files that cannot be read and goes on', async () => {
    const broken = join(folder, 'broken.json');
    await writeFile(broken, '{ "images": [');
    const { truth, failed } = await engine.request('truth', { annotations: [broken, data.validation], file: image });
    expect(truth?.labels).toHaveLength(2);
    expect(failed).toEqual([{ file: broken, error: expect.stringContaining(broken) as string }]);
  });

  it('picture: any format as a PNG, upright and not too large', async () => {
    const large = join(folder, 'large.tiff');
    await sharp({ create: { width: 5000, height: 50, channels: 3, background: '#123456' } })
      .tiff()
      .toFile(large);
    const { width, height, png } = await engine.request('picture', { file: large });
    expect([width, height]).toEqual([4096, 41]);
    expect((await sharp(png).metadata()).format).toBe('png');
    await expect(engine.request('picture', { file: data.train })).rejects.toMatchObject({ code: 'image-unreadable' });
  });

  it('predict: names a missing file and answers the others', async () => {
    const gone = join(folder, 'gone.png');
    const { images, failed, thresholds } = await predict(run, [gone, image]);
    expect(images.map(({ file }) => file)).toEqual([image]);
    expect(failed).toEqual([{ file: gone, error: expect.stringContaining(gone) as string }]);
    expect(thresholds).toEqual(Object.fromEntries(CATEGORIES.map((name) => [name, 0.5])));
  });

  it('predict: notices a model file that was written anew', async () => {
    const own = join(folder, 'own.onnx');
    await engine.request('export', { run, out: own });
    const before = (await predict(own, [image])).images[0]!.scores;
    expect((await predict(own, [image])).images[0]!.scores).toEqual(before);
    const other = join(folder, 'other');
    await engine.request(
      'train',
      trainParams(data.train, join(folder, 'tiny.onnx'), other, { seed: 9, set: { epochs: '2', batchSize: '8' } }),
    );
    await engine.request('export', { run: other, out: own });
    await utimes(own, new Date(), new Date());
    expect((await predict(own, [image])).images[0]!.scores).not.toEqual(before);
  });

  it('evaluate: keeps every image with its path, true labels and scores', async () => {
    const { savedTo, ...result } = await engine.request('evaluate', { model: run, device: 'cpu' });
    const stored = await readEvaluation(run);
    expect(savedTo).toBe(run);
    expect(stored?.result).toEqual(result);
    expect(stored?.scores.images).toHaveLength(9);
    expect(stored?.scores.images[4]).toMatchObject({
      file_name: 'val-004.png',
      path: image,
      labels: [CATEGORIES[0], CATEGORIES[2]],
    });
    await writeFile(join(run, 'scores.validation.json'), '{"categories": ["a"], "images": [{"path": 3}]}');
    await expect(readEvaluation(run)).rejects.toMatchObject({ code: 'evaluation-unreadable' });
  });

  it('explain: any number of categories, the same maps in any company', async () => {
    const explain = (categories: readonly string[]) =>
      engine.request('explain', { model: run, files: [image], categories, device: 'cpu', colormap: 'jet', opacity: 0.5 });
    const many = Array.from({ length: 10 }, (_, k) => CATEGORIES[k % 3]!);
    const maps = (await explain(many)).images[0]!.maps;
    expect(maps.map(({ category }) => category)).toEqual(many);
    const [alone] = (await explain([CATEGORIES[1]])).images[0]!.maps;
    expect(maps[7]).toEqual(maps[1]);
    expect(maps[1]).toEqual(alone);
    expect(maps[1]!.values).not.toEqual(maps[0]!.values);
  });
});

describe.skipIf(UNBUILT)(`import${UNBUILT}`, () => {
  it('takes an exported model over, with its categories and its probabilities', async () => {
    const file = join(folder, 'exported.onnx');
    await engine.request('export', { run, out: file });
    const target = join(folder, 'imported');
    const result = await engine.request('import', { model: file, folder: target, name: 'mine' });
    expect(result).toMatchObject({ categories: [...CATEGORIES], canExplain: true });
    expect(await readImport(target)).toMatchObject({ name: 'mine', source: file });
    const [a, b] = [await predict(run, [image]), await predict(target, [image])];
    for (const name of CATEGORIES) expect(b.images[0]!.scores[name]).toBeCloseTo(a.images[0]!.scores[name]!, 5);
    await engine.request('evaluate', { model: target, annotations: data.validation, device: 'cpu' });
    expect((await readEvaluation(target))?.result.split).toBe('given');
  });

  it('asks for categories where a file names none, and counts them', async () => {
    const model = join(folder, 'tiny.onnx');
    const ask = (name: string, categories?: readonly string[]) =>
      engine.request('import', { model, folder: join(folder, name), name, ...(categories && { categories }) });
    await expect(ask('none')).rejects.toMatchObject({
      code: 'import-categories',
      message: expect.stringContaining('5') as string,
    });
    await expect(ask('few', ['a', 'b'])).rejects.toMatchObject({ code: 'import-categories' });
    await expect(ask('twice', ['a', 'b', 'c', 'd', 'a'])).rejects.toMatchObject({ code: 'import-categories' });
    expect((await ask('right', ['a', 'b', 'c', 'd', 'e'])).categories).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(Object.keys((await predict(join(folder, 'right'), [image])).images[0]!.scores)).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('refuses a folder in which something lies', async () => {
    const [model, target] = [join(folder, 'tiny.onnx'), join(folder, 'taken')];
    await mkdir(target);
    await writeFile(join(target, 'notes.txt'), 'mine');
    const ask = { model, folder: target, name: 'x', categories: ['a', 'b', 'c', 'd', 'e'] };
    await expect(engine.request('import', ask)).rejects.toMatchObject({
      code: 'import-folder',
      message: expect.stringContaining(`${target} is not empty (notes.txt is in it)`) as string,
    });
    expect(await readdir(target)).toEqual(['notes.txt']);
    await rename(join(target, 'notes.txt'), join(target, '.DS_Store'));
    expect(await engine.request('import', ask)).toMatchObject({ folder: target });
  });

  it('refuses what is no model, naming the file', async () => {
    const model = join(folder, 'text.onnx');
    await writeFile(model, 'no model');
    const target = join(folder, 'refused');
    await expect(engine.request('import', { model, folder: target, name: 'x' })).rejects.toMatchObject({
      message: expect.stringContaining(model) as string,
    });
    await expect(readFile(join(target, 'model.onnx'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
