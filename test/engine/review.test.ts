// Suspect labels of drawn images by the real engine, what is kept of their review, and the corrected copy.
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { detailsOf } from '../../src/dataset/details';
import { labelSet } from '../../src/dataset/labels';
import { readAnnotations } from '../../src/dataset/reader';
import type { EngineClient } from '../../src/engine/client/engine';
import { readSuspects, reviewsOf } from '../../src/engine/client/reviews';
import type { ChangeLog, Decision, SuspectsParams, SuspectsProgress, SuspectsResult } from '../../src/protocol/review';
import { type TinyData, writeTinyData } from '../support/data';
import { startEngine, UNBUILT, writeTinyBackbone } from '../support/engine';

let folder: string;
let data: TinyData;
let engine: EngineClient;
let params: SuspectsParams;
let result: SuspectsResult;
const told: SuspectsProgress[] = [];

interface Coco {
  images: { id: number; file_name: string }[];
  annotations: { id: number; image_id: number; category_id: number }[];
}

/** Images 8 and 15 show a red square alone: one loses it for a green disc. */
const WRONG = 'train-007.png';

beforeAll(async () => {
  if (UNBUILT) return;
  folder = await mkdtemp(join(tmpdir(), 'review-'));
  data = await writeTinyData(folder, { train: 70, validation: 0 });
  const backbone = join(folder, 'tiny.onnx');
  await writeTinyBackbone(backbone);
  const coco = JSON.parse(await readFile(data.train, 'utf8')) as Coco;
  coco.annotations.find(({ image_id: image }) => image === 8)!.category_id = 2;
  await writeFile(data.train, JSON.stringify(coco));
  engine = startEngine();
  const keepIn = join(folder, 'labelscope-runs', 'reviews');
  params = { annotations: data.train, backbone, folds: 5, seed: 1, device: 'cpu', limit: 1000, keepIn };
  result = await engine.request('suspects', params, { onProgress: (progress) => told.push(progress) });
});
afterAll(async () => {
  if (UNBUILT) return;
  await engine.stop();
  await rm(folder, { recursive: true, force: true });
});

const key = () => ({ annotations: data.train, folder: params.keepIn! });
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => (error as { readonly code?: string }).code,
  );

describe.skipIf(UNBUILT)(`the review of labels${UNBUILT}`, () => {
  it('lists suspects by how little the models believe what the file says', () => {
    expect(result).toMatchObject({ annotations: data.train, images: 70, folds: 5, failed: [], imageFolder: data.trainImages });
    expect(result.categories.map(({ category, given }) => [category, given])).toEqual([
      ['red square', 39],
      ['green disc', 41],
      ['blue stripe', 40],
    ]);
    expect(result.suspects.length).toBe(result.found);
    const own = result.suspects.map(({ selfConfidence }) => selfConfidence);
    expect(own).toEqual([...own].sort((a, b) => a - b));
    for (const { kind, score, selfConfidence } of result.suspects)
      expect(selfConfidence).toBeCloseTo(kind === 'wrong' ? score : 1 - score, 6);
  });

  it('finds the label that was planted', () => {
    const planted = result.suspects.filter(({ image }) => image === WRONG);
    expect(planted.map(({ category, kind }) => `${kind} ${category}`)).toContain('wrong green disc');
    expect(planted.every(({ row }) => row === 7)).toBe(true);
  });

  it('tells how far it is, stage by stage', () => {
    const stages = [...new Set(told.map(({ stage }) => stage))];
    expect(stages).toEqual(['reading', 'looking', 'features', 'folds']);
    expect(told.at(-1)).toEqual({ stage: 'folds', done: 5000, total: 5000 });
  });

  it('says the same again for the same seed, and other things for another', async () => {
    const again = await engine.request('suspects', { ...params, limit: 3 });
    expect(again).toEqual({ ...result, suspects: result.suspects.slice(0, 3) });
    const other = await engine.request('suspects', { ...params, seed: 2 });
    expect(other.suspects).not.toEqual(result.suspects);
    await engine.request('suspects', params);
  });

  it('stops when it is told to', async () => {
    const stop = new AbortController();
    const work = engine.request('suspects', params, {
      signal: stop.signal,
      onProgress: ({ stage }) => stage === 'folds' && stop.abort(),
    });
    expect(await codeOf(work)).toBe('cancelled');
  });

  it('needs an image for each fold', async () => {
    expect(await codeOf(engine.request('suspects', { ...params, folds: 71 }))).toBe('suspects-too-few');
  });

  it('names the images that cannot be read', async () => {
    const damaged = await writeTinyData(join(folder, 'damaged'), { train: 30, validation: 0 });
    await writeFile(join(damaged.trainImages, 'train-003.png'), 'no picture');
    const { images, failed } = await engine.request('suspects', { ...params, annotations: damaged.train });
    expect(images).toBe(29);
    expect(failed.map(({ file }) => file)).toEqual(['train-003.png']);
    expect(failed[0]!.error).toContain('train-003.png');
  });

  it('keeps the list and what is decided, and finds both again', async () => {
    expect(await engine.request('openReview', key())).toMatchObject({ result, decisions: [], earlier: null });
    const { fingerprint } = result;
    const date = '2026-01-02T03:04:05.000Z';
    const [first, second] = [
      { image: WRONG, category: 'green disc' },
      { image: 'train-000.png', category: 'blue stripe' },
    ];
    const all: Decision[] = [
      { ...first, kind: 'wrong', score: 0.1, date, decision: 'accept' },
      { ...second, kind: 'missing', decision: 'skip' },
    ];
    await Promise.all(all.map((change) => engine.request('decide', { ...key(), fingerprint, changes: [change] })));
    const review = await engine.request('openReview', key());
    expect(review.decisions).toEqual(all);
    await engine.request('decide', { ...key(), fingerprint, changes: [{ ...second, decision: null }] });
    await engine.request('decide', { ...key(), fingerprint, changes: [{ ...all[1]!, decision: 'reject' }] });
    expect((await engine.request('openReview', key())).decisions).toEqual([all[0], { ...all[1], decision: 'reject' }]);
    expect((await readdir(params.keepIn!)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('is what a report of a run beside it shows: the newest list of each file, with what was decided', async () => {
    const { decisions } = await engine.request('openReview', key());
    expect(await reviewsOf(params.keepIn!, [data.validation, data.train])).toEqual([{ result, decisions }]);
    expect(await reviewsOf(join(folder, 'nowhere'), [data.train])).toEqual([]);
    const older = join(params.keepIn!, 'train.old.suspects.json');
    await writeFile(older, JSON.stringify({ format: 1, result: { ...result, found: 0, suspects: [] } }));
    await utimes(older, 1, 1);
    await writeFile(join(params.keepIn!, 'damaged.suspects.json'), '{"format": 1, "result": {"annotations"');
    expect(await reviewsOf(params.keepIn!, [data.train])).toEqual([{ result, decisions }]);
    await rm(older);
  });

  it('takes a list as the command line wrote it, and nothing else', async () => {
    const [written, other] = [join(folder, 'suspects.json'), join(folder, 'other.json')];
    await writeFile(written, JSON.stringify(result));
    expect(await readSuspects(written)).toEqual({ result, decisions: [] });
    for (const text of [
      '',
      '{',
      '[]',
      JSON.stringify({ ...result, suspects: [{ image: 1 }] }),
      JSON.stringify({ format: 2, result }),
    ]) {
      await writeFile(other, text);
      await expect(readSuspects(other)).rejects.toMatchObject({
        code: 'suspects-unreadable',
        message: expect.stringMatching(/other\.json .*'labelscope review/s) as string,
      });
    }
    await expect(readSuspects(join(folder, 'missing.json'))).rejects.toMatchObject({ code: 'suspects-unreadable' });
  });

  it('writes over no decisions that it cannot read', async () => {
    const { file, fingerprint } = await engine.request('openReview', key());
    const good = await readFile(file, 'utf8');
    await writeFile(file, good.slice(0, 40));
    const change = { image: WRONG, category: 'red square', decision: 'accept' as const };
    expect(await codeOf(engine.request('decide', { ...key(), fingerprint, changes: [change] }))).toBe('decisions-format');
    expect(await readFile(file, 'utf8')).toBe(good.slice(0, 40));
    await writeFile(file, good);
  });

  it('writes a corrected copy with its log, and nothing over what is there', async () => {
    const { file, fingerprint } = await engine.request('openReview', key());
    const before = await readFile(data.train);
    const correct = () => engine.request('correct', { annotations: data.train, decisions: file });
    const { path, log, ...counts } = await correct();
    expect(path).toBe(data.train.replace('.json', '.reviewed.json'));
    expect(counts).toEqual({ added: 0, removed: 1, annotationsRemoved: 1, already: 0, rejected: 1, skipped: 0 });
    expect(await readFile(data.train)).toEqual(before);
    expect(JSON.parse(await readFile(log, 'utf8'))).toEqual({
      ...{ annotations: data.train, fingerprint, corrected: path },
      changes: [
        {
          ...{ image: WRONG, category: 'green disc', from: 1, to: 0, score: 0.1, by: 'review' },
          date: '2026-01-02T03:04:05.000Z',
        },
      ],
    } satisfies ChangeLog);
    expect(await labelsOf(path)).toEqual({ ...(await labelsOf(data.train)), [WRONG]: [] });
    expect((await correct()).path).toBe(data.train.replace('.json', '.reviewed-2.json'));
    expect(await codeOf(engine.request('correct', { annotations: data.train, decisions: file, out: path }))).toBe('file-exists');
    expect(await codeOf(engine.request('correct', { annotations: data.train, decisions: file, out: 'a.json.gz' }))).toBe(
      'out-compressed',
    );
    const nothing = {
      annotations: data.train,
      decisions: [{ image: WRONG, category: 'green disc', decision: 'reject' as const }],
    };
    expect(await codeOf(engine.request('correct', nothing))).toBe('nothing-to-correct');
  });

  it('takes the size of an image from its file where the record does not say it', async () => {
    const coco = JSON.parse(await readFile(data.train, 'utf8')) as Coco;
    const images = coco.images.map(({ id, file_name }) => ({ id, file_name }));
    const annotations = data.train.replace('.json', '.sizeless.json');
    await writeFile(annotations, JSON.stringify({ ...coco, images }));
    const decisions = [{ image: WRONG, category: 'red square', decision: 'accept' as const }];
    const { path, added } = await engine.request('correct', { annotations, images: data.trainImages, decisions });
    expect(added).toBe(1);
    // As it stands in the file: the reader takes it for no object's box.
    const { annotations: written } = JSON.parse(await readFile(path, 'utf8')) as { annotations: object[] };
    expect(written.at(-1)).toMatchObject({ bbox: [0, 0, 40, 40], area: 1600, labelscope: 'reviewed' });
    const { annotations: table } = await readAnnotations(path);
    const row = table.count - 1;
    expect((await detailsOf(table, [row])).get(row)).toMatchObject({ x: NaN, y: NaN, width: NaN, height: NaN });
  });

  it('notices that the file has changed, and keeps what was decided before', async () => {
    const before = await engine.request('openReview', key());
    await writeFile(data.train, (await readFile(data.train, 'utf8')) + ' ');
    const after = await engine.request('openReview', key());
    expect(after).toMatchObject({ result: null, decisions: [] });
    expect(after.fingerprint).not.toBe(before.fingerprint);
    expect(after.earlier).toEqual({ file: before.file, decisions: before.decisions });
    expect(await codeOf(engine.request('correct', { annotations: data.train, decisions: before.file }))).toBe('dataset-changed');
  });
});

async function labelsOf(path: string): Promise<Record<string, string[]>> {
  const { images, categories, labels } = labelSet(await readAnnotations(path), { includeUnlabeled: true });
  const width = categories.length;
  return Object.fromEntries(
    images.map(({ fileName }, row) => [fileName, categories.filter((_, c) => labels[row * width + c] === 1)]),
  );
}
