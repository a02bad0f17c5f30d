// The verb `failures` on a run's own evaluation: slices, pairs, the images behind a number; what an evaluation keeps of its images for it.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ImageFactsFile, ScoresFile } from '../../src/protocol/run';
import { type CliResult, jsonResult, runCli } from '../support/cli';
import { CATEGORIES, type TinyData, writeTinyData } from '../support/data';
import { jsonOf, UNBUILT, writeTinyBackbone } from '../support/engine';

let folder: string;
let data: TinyData;
let run: string;

const cli = (...args: string[]): Promise<CliResult> => runCli(args, { cwd: folder });

async function json(...args: string[]): Promise<Record<string, unknown>> {
  const result = await cli(...args, '--json');
  expect({ status: result.status, stderr: result.stderr }).toMatchObject({ status: 0 });
  return jsonResult(result);
}

interface Slice {
  readonly by: string;
  readonly slice: string;
  readonly images: number;
  readonly positives: number;
  readonly tp: number;
  readonly fp: number | null;
  readonly fn: number;
}

interface Coco {
  images: Record<string, unknown>[];
  annotations: Record<string, unknown>[];
}

/** The annotation that is as a corrected copy has those that it adds. */
const ADDED = 6;

/** Areas at the borders of COCO's classes, crowds, sizes that are not declared, and fields of every kind, hostile ones too. */
async function enrich(path: string): Promise<void> {
  const coco = await jsonOf<Coco>(path);
  const areas = [1023, 1024, 9215, 9216, undefined];
  coco.annotations.forEach((annotation, k) => {
    const area = areas[k % areas.length];
    if (area === undefined) delete annotation.area;
    else annotation.area = area;
    if (k === 0) annotation.iscrowd = 1;
    // Added by a review: the whole image, which is no object's area.
    if (k === ADDED) Object.assign(annotation, { bbox: [0, 0, 40, 40], area: 1600, labelscope: 'reviewed' });
  });
  const fields = (k: number) => ({
    license: 1 + (k % 2),
    night: k % 3 === 0,
    same: 7,
    coco_url: `place/${k}`,
    constructor: k % 2 ? '<b>evil</b>' : '=1+1',
    nested: { a: 1 },
    list: [1, 'x', [2]],
    // Of the validation images 7 and 12; one has none.
    tags: [...(k % 2 ? ['street'] : []), ...(k % 5 < 4 ? ['day', 'day'] : [])],
    ...(k % 2 && { sometimes: 'yes' }),
  });
  coco.images = coco.images.map((image, k) => {
    const { width, height, ...rest } = { ...image, ...fields(k) } as Record<string, unknown>;
    return k === 0 ? rest : { ...rest, width, height };
  });
  await writeFile(path, JSON.stringify(coco).replace('"night"', '"__proto__":"text","night"'));
}

beforeAll(async () => {
  if (UNBUILT) return;
  folder = await mkdtemp(join(tmpdir(), 'failures-'));
  data = await writeTinyData(join(folder, 'data'), { train: 24, validation: 14 });
  await enrich(data.validation);
  run = join(folder, 'run');
  await writeTinyBackbone(join(folder, 'tiny.onnx'));
  const settings = ['epochs=2', 'batchSize=8', 'threads=1'].flatMap((set) => ['--set', set]);
  await json('train', data.train, '--backbone', join(folder, 'tiny.onnx'), '--run', run, ...settings, '--device', 'cpu');
  await json('evaluate', run, '--device', 'cpu', '--threshold', '0.4');
});
afterAll(() => (UNBUILT ? undefined : rm(folder, { recursive: true, force: true })));

describe.skipIf(UNBUILT)(`labelscope failures${UNBUILT}`, () => {
  it('evaluate keeps sizes, the largest object of each label, and the fields that make slices', async () => {
    const facts = await jsonOf<ImageFactsFile>(join(run, 'images.validation.json'));
    const scores = await jsonOf<ScoresFile>(join(run, 'scores.validation.json'));
    const coco = await jsonOf<Coco>(data.validation);
    expect(facts.images.map(({ file_name }) => file_name)).toEqual(scores.images.map(({ file_name }) => file_name));
    // The first image declares no size: its file tells.
    expect(facts.images.every(({ width, height }) => width === 40 && height === 40)).toBe(true);
    const areas = facts.images.flatMap((image) => image.areas);
    const expected = coco.annotations.map(({ area, bbox }, k) => {
      const [, , width, height] = bbox as [number, number, number, number];
      if (k === ADDED) return null;
      return k === 0 ? 'crowd' : ((area as number | undefined) ?? width * height);
    });
    expect(areas).toEqual(expected);
    expect(facts.fields.map(({ name }) => name).sort()).toEqual([
      '__proto__',
      'constructor',
      'license',
      'night',
      'sometimes',
      'tags',
    ]);
    expect(facts.fields.find(({ name }) => name === 'tags')!.values.slice(0, 5)).toEqual([
      ['day'],
      ['street', 'day'],
      ['day'],
      ['street', 'day'],
      null,
    ]);
    expect(facts.fields.find(({ name }) => name === 'sometimes')!.values.slice(0, 2)).toEqual([null, 'yes']);
    expect(facts.leftOut).toEqual(
      expect.arrayContaining([
        { name: 'coco_url', reason: 'too-many-values' },
        { name: 'same', reason: 'same' },
        { name: 'list', reason: 'same' },
      ]),
    );
  });

  it('slices by every property that is known, at the threshold of the evaluation unless another is given', async () => {
    const found = (await json('failures', run)) as { threshold: number; slices: Slice[]; whole: Slice; pairs: object };
    expect(found.threshold).toBe(0.4);
    expect([...new Set(found.slices.map(({ by }) => by))].sort()).toEqual([
      'area',
      'co-occurrence',
      'field:__proto__',
      'field:constructor',
      'field:license',
      'field:night',
      'field:sometimes',
      'field:tags',
      'labels',
      'size',
    ]);
    const sums = (by: string, key: 'positives' | 'tp' | 'fn' | 'images') =>
      found.slices.filter((slice) => slice.by === by).reduce((sum, slice) => sum + slice[key], 0);
    for (const by of ['area', 'field:constructor', 'field:license', 'field:night', 'field:sometimes', 'labels', 'size'])
      for (const key of ['positives', 'tp', 'fn'] as const) expect(sums(by, key), `${by} ${key}`).toBe(found.whole[key]);
    expect(sums('labels', 'images')).toBe(14);
    const area = (await json('failures', run, '--by', 'area')) as { slices: Slice[]; pairs?: object };
    expect(area.pairs).toBeUndefined();
    expect(area.slices.map(({ slice }) => slice.replace(/ \(.*/, '')).sort()).toEqual([
      'area not known',
      'crowds only',
      'large',
      'medium',
      'small',
    ]);
    expect(Object.keys(found.pairs)).toEqual(['confused', 'lured', 'missed-together', 'false-together']);
  });

  it('lists the images behind a count, as many as the evaluation counts', async () => {
    const evaluation = (await json('evaluate', run, '--device', 'cpu', '--threshold', '0.4')) as {
      perCategory: Record<string, number>[];
    };
    for (const cell of ['tp', 'fp', 'fn', 'tn']) {
      const found = (await json('failures', run, '--category', CATEGORIES[1], '--list', cell)) as {
        images: { path: string; score: number; labels: string[] }[];
      };
      expect(found.images.length, cell).toBe(evaluation.perCategory[1]![cell]);
      const isTrue = cell === 'tp' || cell === 'fn';
      expect(found.images.every(({ labels }) => labels.includes(CATEGORIES[1]) === isTrue)).toBe(true);
    }
  });

  interface Listed {
    readonly images: readonly {
      readonly path: string;
      readonly category: string;
      readonly score: number;
      readonly labels: string[];
    }[];
  }
  const list = async (...args: string[]) => (await json('failures', run, ...args)) as unknown as Listed;
  const files = ({ images }: Listed) => images.map(({ path }) => path).sort();

  it('lists the images of a slice, all of them or those behind a count', async () => {
    const found = (await json('failures', run, '--by', 'field:license')) as { slices: Slice[] };
    const one = found.slices.find(({ slice }) => slice === '1')!;
    const listed = await list('--by', 'field:license', '--slice', '1');
    expect(listed).toMatchObject({ category: null, by: 'field:license', slice: '1' });
    expect(new Set(files(listed)).size).toBe(one.images);
    const two = await list('--by', 'field:license', '--slice', '2');
    expect([...files(listed), ...files(two)]).toHaveLength(14);
    // A count of a slice is what the images of the slice and those behind the count have in common.
    for (const cell of ['fp', 'tn']) {
      const behind = files(await list('--category', CATEGORIES[1], '--list', cell));
      const own = files(await list('--category', CATEGORIES[1], '--list', cell, '--by', 'field:license', '--slice', '1'));
      expect(own, cell).toEqual(behind.filter((path) => files(listed).includes(path)));
    }
    // Slices of a list's elements overlap.
    const tagged = await Promise.all(['street', 'day', 'not given'].map((tag) => list('--by', 'field:tags', '--slice', tag)));
    expect(tagged.map((found) => files(found).length)).toEqual([7, 12, 1]);
    const with1 = await list('--by', 'co-occurrence', '--slice', CATEGORIES[1]);
    expect(with1.images.every(({ labels }) => labels.includes(CATEGORIES[1]))).toBe(true);
    // By area each label is listed for itself; the one that a review added is of no known area.
    const areas = await Promise.all(
      ['small', 'medium', 'large', 'crowd', 'unknown'].map((slice) => list('--by', 'area', '--slice', slice)),
    );
    expect(areas.flatMap(({ images }) => images)).toHaveLength((found as unknown as { whole: Slice }).whole.positives);
    expect(areas[4]!.images).toHaveLength(1);
    expect(areas.every(({ images }) => images.every(({ category, labels }) => labels.includes(category)))).toBe(true);
    const { stdout } = await cli('failures', run, '--by', 'area', '--slice', 'crowd');
    expect(stdout).toMatch(/^1 images: area crowd\n\nscore +of +image +labels\n/);
  });

  it('lists the images in which a pair goes wrong, as many as the pair has', async () => {
    // So low a threshold that false alarms go together, and so high a one that labels are missed together.
    for (const [threshold, kind, names] of [
      ['0.01', 'lured', ['present', 'predicted']],
      ['0.01', 'false-together', ['first', 'second']],
      ['0.99', 'missed-together', ['first', 'second']],
    ] as const) {
      const { pairs } = (await json('failures', run, '--threshold', threshold)) as {
        pairs: Record<string, Record<string, unknown>[]>;
      };
      expect(pairs[kind]!.length, kind).toBeGreaterThan(0);
      const pair = pairs[kind]!.at(-1)!;
      const both = names.map((name) => pair[name] as string);
      const listed = await list('--threshold', threshold, '--pair', both.join(','), '--list', kind);
      expect(listed, kind).toMatchObject({ pair: both, kind });
      expect(listed.images, kind).toHaveLength(pair.images as number);
    }
    expect(await list('--pair', `${CATEGORIES[0]}, ${CATEGORIES[1]}`)).toMatchObject({ kind: 'confused' });
  });

  it('judges at the thresholds of the model where asked, and tells many of them in words', async () => {
    expect(await json('failures', run, '--threshold', 'saved')).toMatchObject({ threshold: [0.5, 0.5, 0.5] });
    expect((await cli('failures', run, '--threshold', 'saved')).stdout).toContain(', threshold 0.5: F1');
    const path = join(run, 'evaluation.json');
    const text = await readFile(path, 'utf8');
    const result = JSON.parse(text) as { has: { thresholds: number[] } };
    await writeFile(path, JSON.stringify({ ...result, has: { ...result.has, thresholds: [0.2, 0.5, 0.25] } }));
    expect((await cli('failures', run, '--threshold', 'saved')).stdout).toContain(', threshold of each category its own: F1');
    for (const has of [undefined, { thresholds: [0.2] }, { thresholds: [0.2, 0.5, 7] }]) {
      await writeFile(path, JSON.stringify({ ...result, has }));
      const { status, stderr } = await cli('failures', run, '--threshold', 'saved');
      expect({ status, stderr }).toEqual({
        status: 1,
        stderr: expect.stringContaining('of an older version. Evaluate the model again') as string,
      });
    }
    await writeFile(path, text);
  });

  it('tells people in tables, with names as text', async () => {
    const { status, stdout } = await cli('failures', run);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^14 images of .*instances_val2017\.json, threshold 0\.4: F1 \d\.\d{3}$/m);
    expect(stdout).toContain('<b>evil</b>');
    expect(stdout).toMatch(/^No slices by the field coco_url: too many different values\.$/m);
  });

  it('says what is wrong and what to do', async () => {
    const wrong = async (...args: string[]) => {
      const { status, stderr } = await cli('failures', ...args);
      return { status, stderr };
    };
    expect(await wrong(folder)).toMatchObject({ status: 1, stderr: expect.stringContaining('holds no evaluation') as string });
    expect(await wrong(run, '--list', 'fp')).toMatchObject({ status: 2 });
    expect(await wrong(run, '--by', 'colour')).toMatchObject({ status: 2 });
    expect(await wrong(run, '--list', 'xx', '--category', CATEGORIES[0])).toMatchObject({ status: 2 });
    const category = await wrong(run, '--category', 'horse');
    expect(category).toMatchObject({ status: 1, stderr: expect.stringContaining("no category 'horse'") as string });
    const field = await wrong(run, '--by', 'field:coco_url');
    expect(field).toMatchObject({ status: 1, stderr: expect.stringContaining('too many different values') as string });
    expect(await wrong(run, '--by', 'field:none')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("no field 'none'") as string,
    });
  });

  it('refuses options that do not go together, and what is no run, no slice or no pair', async () => {
    const at = async (...args: string[]) => {
      const { status, stderr } = await cli('failures', ...args);
      return `${status} ${stderr}`;
    };
    expect(await at(join(folder, 'zzz'))).toMatch(
      /^1 .*zzz is no run folder: it is not there\. Give the folder that training named\./,
    );
    expect(await at(join(folder, 'tiny.onnx'))).toMatch(
      /^1 .*tiny\.onnx is no run folder but a file, .*labelscope import ".*tiny\.onnx"/,
    );
    const [a, b] = CATEGORIES;
    expect(await at(run, '--by', 'field:license', '--list', 'fp', '--category', a)).toMatch(
      /^2 --list with --by needs --slice NAME/,
    );
    expect(await at(run, '--slice', '1')).toMatch(/^2 --slice needs --by/);
    expect(await at(run, '--by', 'field:license', '--slice', '7')).toMatch(
      /^1 There is no slice '7' by field:license\. --slice is one of: 1, 2\./,
    );
    expect(await at(run, '--by', 'area', '--slice', 'small', '--category', a, '--list', 'fp')).toMatch(
      /^2 Slices by object area have no fp/,
    );
    expect(await at(run, '--pair', `${a},horse`)).toMatch(/^1 --pair takes two categories of the model/);
    expect(await at(run, '--pair', `${a},${a}`)).toMatch(/^1 --pair takes two categories of the model/);
    expect(await at(run, '--pair', `${a},${b}`, '--list', 'fp')).toMatch(
      /^2 --list is one of confused, lured, missed-together, false-together/,
    );
    expect(await at(run, '--pair', `${a},${b}`, '--category', a)).toMatch(/^2 --pair names both categories/);
  });

  it('reads evaluations that kept no facts, or other ones, and asks to evaluate again', async () => {
    const path = join(run, 'images.validation.json');
    const text = await readFile(path, 'utf8');
    const facts = JSON.parse(text) as ImageFactsFile;
    const damages: (string | undefined)[] = [
      undefined,
      '{',
      JSON.stringify({ ...facts, format: 9 }),
      JSON.stringify({ ...facts, images: facts.images.slice(1) }),
      JSON.stringify({ ...facts, images: facts.images.toReversed() }),
      JSON.stringify({ ...facts, images: facts.images.map((image) => ({ ...image, areas: [] })) }),
      JSON.stringify({ ...facts, fields: [{ name: 'x', values: [] }] }),
    ];
    for (const damage of damages) {
      if (damage === undefined) await rm(path);
      else await writeFile(path, damage);
      const found = (await json('failures', run)) as { slices: Slice[] };
      expect([...new Set(found.slices.map(({ by }) => by))]).toEqual(['labels', 'co-occurrence']);
      const { status, stderr } = await cli('failures', run, '--by', 'area');
      expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('Evaluate the model again') as string });
    }
    await writeFile(path, text);
  });
});
