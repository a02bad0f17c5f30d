// Labels and predictions as files: what is written is read back as it was, by the verbs that read it.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Evaluation } from '../../src/metrics/types';
import type { PredictResult } from '../../src/protocol/messages';
import { type CliResult, jsonResult, plainLines, runCli } from '../support/cli';
import { CATEGORIES, type TinyData, writeTinyData } from '../support/data';
import { jsonOf, UNBUILT, writeTinyBackbone } from '../support/engine';

let folder: string;
let data: TinyData;

const at = (...parts: string[]) => join(folder, ...parts);
const cli = (...args: string[]): Promise<CliResult> => runCli(args, { cwd: folder });

async function json<T>(...args: string[]): Promise<T> {
  const result = await cli(...args, '--json');
  expect({ status: result.status, stderr: result.stderr }).toMatchObject({ status: 0 });
  return jsonResult(result) as T;
}

const predictInto = (out: string, ...more: string[]) =>
  json<PredictResult>('predict', at('run'), data.validationImages, '--device', 'cpu', '--out', out, ...more);

interface Coco {
  images: { id: number; file_name: string; width: number; height: number }[];
  annotations: { id: number; image_id: number; category_id: number; bbox?: number[]; score?: number }[];
  categories: { id: number; name: string }[];
}

/** Straight from a COCO file: the names of what each image shows. */
function labelsIn({ images, annotations, categories }: Coco): Record<string, string[]> {
  const named = new Map(categories.map(({ id, name }) => [id, name]));
  const of = (image: number) =>
    new Set(annotations.filter((one) => one.image_id === image).map((one) => named.get(one.category_id)!));
  return Object.fromEntries(images.map(({ id, file_name }) => [file_name, [...of(id)].sort()]));
}

const rowsOf = async (path: string): Promise<string[][]> => parse(await readFile(path, 'utf8'));

beforeAll(async () => {
  if (UNBUILT) return;
  folder = await mkdtemp(join(tmpdir(), 'labels-'));
  data = await writeTinyData(join(folder, 'data'), { train: 14, validation: 7 });
  await writeTinyBackbone(at('tiny.onnx'));
  const set = ['--set', 'epochs=5', '--set', 'batchSize=7', '--set', 'threads=1', '--device', 'cpu'];
  await json('train', data.train, '--backbone', at('tiny.onnx'), '--run', at('run'), ...set);
});
afterAll(() => (UNBUILT ? undefined : rm(folder, { recursive: true, force: true })));

describe.skipIf(UNBUILT)(`labelscope predict --out${UNBUILT}`, () => {
  it.each(['csv', 'json'])('writes %s that evaluate --predictions judges as it judges the model', async (ending) => {
    const out = at(`scores.${ending}`);
    await predictInto(out);
    const judged = await json<Evaluation>('evaluate', '--predictions', out, data.validation);
    const own = await json<Evaluation>('evaluate', at('run'), '--device', 'cpu');
    // Predicted in other batches: the last digits of a score may differ.
    expect(judged.loss).toBeCloseTo(own.loss!, 6);
    expect(judged.perCategory.map(({ tp, fp, fn, tn }) => [tp, fp, fn, tn])).toEqual(
      own.perCategory.map(({ tp, fp, fn, tn }) => [tp, fp, fn, tn]),
    );
    expect(judged.mAP).toBeCloseTo(own.mAP!, 6);
  });

  it('writes the predicted labels as a COCO file, which is read as a data set and as predictions', async () => {
    const out = at('predicted.json');
    const predicted = await predictInto(out, '--format', 'coco', '--threshold', '0.4');
    const coco = await jsonOf<Coco>(out);
    const wanted = predicted.images.map(({ file, labels }) => [file.slice(data.validationImages.length + 1), [...labels].sort()]);
    expect(labelsIn(coco)).toEqual(Object.fromEntries(wanted));
    expect(coco.images.every(({ width, height }) => width === 40 && height === 40)).toBe(true);
    expect(coco.annotations.every(({ bbox }) => String(bbox) === '0,0,40,40')).toBe(true);
    const report = await json<{ annotations: number; findings: { severity: string }[] }>(
      'inspect',
      out,
      '--images',
      data.validationImages,
    );
    expect(report.annotations).toBe(predicted.images.flatMap(({ labels }) => labels).length);
    expect(report.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    const judged = await json<Evaluation>('evaluate', '--predictions', out, data.validation, '--threshold', '0.4');
    const own = await json<Evaluation>('evaluate', at('run'), '--threshold', '0.4', '--device', 'cpu');
    expect(judged.micro).toEqual(own.micro);
  });

  it("writes labels.json of FiftyOne's image classification data sets", async () => {
    const out = at('fiftyone.json');
    const predicted = await predictInto(out, '--format', 'fiftyone');
    const { classes, labels } = await jsonOf<{
      classes: string[];
      labels: Record<string, { label: number; confidence: number }[]>;
    }>(out);
    expect(classes).toEqual([...CATEGORIES]);
    const wanted = predicted.images.map(({ file, labels: names, scores }) => [
      file.slice(data.validationImages.length + 1).replace('.png', ''),
      names.map((name) => ({ label: classes.indexOf(name), confidence: scores[name] })),
    ]);
    expect(labels).toEqual(Object.fromEntries(wanted));
  });

  it('reads the results of a detector by the ids of the annotation file: the highest score of a category counts', async () => {
    const { images, annotations } = await jsonOf<Coco>(data.validation);
    const results = annotations.flatMap(({ image_id, category_id }) => [
      { image_id, category_id, bbox: [0, 0, 9, 9], score: 0.3 },
      { image_id, category_id, bbox: [5, 5, 9, 9], score: 0.8 },
    ]);
    await writeFile(at('results.json'), JSON.stringify(results));
    const judged = await json<Evaluation>('evaluate', '--predictions', at('results.json'), data.validation, '--threshold', '0.7');
    expect(judged).toMatchObject({ images: images.length, micro: { f1: 1 }, exactMatch: 1 });
    const refused = async (change: object, words: RegExp) => {
      await writeFile(at('bad.json'), JSON.stringify([...results, { ...results[0], ...change }]));
      const result = await cli('evaluate', '--predictions', at('bad.json'), data.validation);
      expect([result.status, plainLines(result).at(-1)]).toEqual([1, expect.stringMatching(words)]);
    };
    await refused({ image_id: 999 }, /bad\.json, entry \d+: there is no image with the id 999/);
    await refused({ category_id: 99 }, /there is no category with the id 99/);
    await refused({ score: 1.5 }, /the score of val-000\.png for ".*" is 1\.5/);
    await refused({ score: undefined }, /"score" is missing/);
  });
});

describe.skipIf(UNBUILT)(`labelscope labels${UNBUILT}`, () => {
  it('writes the labels as a table, and a corrected copy by what was changed in it', async () => {
    const { labels } = await json<{ labels: number }>('labels', data.train, '--out', at('labels.csv'));
    const before = labelsIn(await jsonOf<Coco>(data.train));
    const [header, ...rows] = await rowsOf(at('labels.csv'));
    expect(header).toEqual(['file_name', ...CATEGORIES]);
    expect(labels).toBe(Object.values(before).flat().length);
    const shown = (row: string[]) => CATEGORIES.filter((_, k) => row[k + 1] === '1').sort();
    expect(Object.fromEntries(rows.map((row) => [row[0], shown(row)]))).toEqual(before);
    // One label more, one less.
    const [first, second] = [rows[0]!, rows[2]!];
    const [missing, present] = [first.indexOf('0'), second.indexOf('1')];
    first[missing] = '1';
    second[present] = '0';
    await writeFile(at('corrected.csv'), [header!, ...rows].map((row) => row.join(',') + '\n').join(''));
    const result = await json<object>('labels', data.train, '--from', at('corrected.csv'), '--out', at('corrected.json'));
    expect(result).toMatchObject({ added: 1, removed: 1 });
    const after = labelsIn(await jsonOf<Coco>(at('corrected.json')));
    expect(after).toEqual(Object.fromEntries(rows.map((row) => [row[0], shown(row)])));
    expect(after).not.toEqual(before);
    // And out again.
    await json('labels', at('corrected.json'), '--out', at('again.csv'));
    expect(await rowsOf(at('again.csv'))).toEqual([header, ...rows]);
  });

  it('says what is wrong with a table', async () => {
    const wrong = async (text: string, words: RegExp) => {
      await writeFile(at('wrong.csv'), text);
      const result = await cli(
        'labels',
        data.train,
        '--from',
        at('wrong.csv'),
        '--out',
        at('never.json'),
        '--categories',
        CATEGORIES[0],
      );
      expect([result.status, plainLines(result).at(-1)]).toEqual([1, expect.stringMatching(words)]);
    };
    const names = Object.keys(labelsIn(await jsonOf<Coco>(data.train)));
    const head = `file_name,${CATEGORIES[0]}\n`;
    await wrong(head + names.map((name) => `${name},0.5\n`).join(''), /has 0\.5 for "red square" of train-000\.png/);
    await wrong(
      head +
        names
          .slice(1)
          .map((name) => `${name},0\n`)
          .join(''),
      /has no row for 1 of 14 images/,
    );
    await wrong('a,b\n', /the header is not/);
  });
});
