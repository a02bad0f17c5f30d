// What was written in every format so far, kept in test/fixtures: run folders, an imported model, a review and a sweep. Each is read, used, and goes on
// to its end; a newer one is refused.
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EngineClient } from '../../src/engine/client/engine';
import { readEvaluation, readImport, readRun } from '../../src/engine/client/folder';
import { RUN_FORMAT, type RunRecord } from '../../src/protocol/run';
import { jsonResult, runCli } from '../support/cli';
import { type TinyData, writeTinyData } from '../support/data';
import { historyOf, jsonOf, startEngine, trainParams, UNBUILT, writeTinyBackbone } from '../support/engine';

const FORMATS = Array.from({ length: RUN_FORMAT }, (_, k) => k + 1);
/** All were made by this training, which a person stopped. */
const ITERATIONS = 180;

let base: string;
let data: TinyData;
let engine: EngineClient;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'formats-'));
  data = await writeTinyData(join(base, 'data'));
  await writeTinyBackbone(join(base, 'tiny.onnx'));
  process.env.LABELSCOPE_CACHE = join(base, 'cache');
  engine = startEngine();
});
afterAll(async () => {
  await engine.stop();
  await rm(base, { recursive: true, force: true });
});

/** A copy of a fixture, as if it had been made here. */
async function fixture(name: string): Promise<string> {
  const run = join(base, name);
  await cp(resolve('test', 'fixtures', name), run, { recursive: true });
  const inJson = (path: string) => JSON.stringify(path).slice(1, -1);
  for (const name of (await readdir(run)).filter((each) => /\.jsonl?$/.test(each))) {
    const text = await readFile(join(run, name), 'utf8');
    await writeFile(join(run, name), text.replaceAll('@RUN@', inJson(run)).replaceAll('@BASE@', inJson(base)));
  }
  return run;
}

describe.skipIf(UNBUILT)(`a run folder${UNBUILT}`, () => {
  it.each(FORMATS)('of format %i is read, evaluated, exported and goes on to its end', async (format) => {
    const run = await fixture(`run-format-${format}`);
    const { record, history } = await readRun(run);
    expect(record).toMatchObject({ format, state: 'stopped' });
    expect(history.length).toBeGreaterThan(3);
    const stored = (await readEvaluation(run))!;
    const again = await engine.request('evaluate', { model: run, device: 'cpu' });
    expect(again.evaluation.micro).toEqual(stored.result.evaluation.micro);
    const { categories } = await engine.request('export', { run, out: join(base, `${format}.onnx`) });
    expect(categories).toEqual(record.categories);
    const result = await engine.request('train', trainParams(data.train, join(base, 'tiny.onnx'), run, { resume: true }));
    expect(result).toMatchObject({ stopped: 'epochs', iterations: ITERATIONS });
    expect(await historyOf(run)).toHaveLength(ITERATIONS);
  });

  it('of a newer format is refused, and left as it is', async () => {
    const run = await fixture(`run-format-${RUN_FORMAT}`);
    const path = join(run, 'run.json');
    await writeFile(path, JSON.stringify({ ...(await jsonOf<RunRecord>(path)), format: RUN_FORMAT + 1 }));
    const before = await readFile(path, 'utf8');
    const refused = { code: 'run-newer', message: expect.stringMatching(/Update Labelscope/) as string };
    await expect(
      engine.request('train', trainParams(data.train, join(base, 'tiny.onnx'), run, { resume: true })),
    ).rejects.toMatchObject(refused);
    await expect(engine.request('predict', { model: run, files: [data.validationImages], device: 'cpu' })).rejects.toMatchObject(
      refused,
    );
    expect(await readFile(path, 'utf8')).toBe(before);
  });
});

describe.skipIf(UNBUILT)(`beside runs${UNBUILT}`, () => {
  it.each(FORMATS)('an imported model of format %i predicts and is evaluated; a newer one is refused', async (format) => {
    const model = await fixture(`import-format-${format}`);
    const path = join(model, 'import.json');
    const record = await jsonOf<object>(path);
    await writeFile(path, JSON.stringify({ ...record, format: RUN_FORMAT + 1 }));
    const predict = () => engine.request('predict', { model, files: [data.validationImages], device: 'cpu' });
    await expect(predict()).rejects.toMatchObject({ code: 'run-newer' });
    await writeFile(path, JSON.stringify(record));
    expect(await readImport(model)).toMatchObject({ format, name: 'taken over' });
    const { images, failed } = await predict();
    expect([images.length > 0, failed]).toEqual([true, []]);
    const { evaluation } = await engine.request('evaluate', { model, annotations: data.validation, device: 'cpu' });
    expect(evaluation.images).toBe(images.length);
  });

  it('a review has its list and its decisions, which the corrected copy follows', async () => {
    const folder = await fixture('review-format-1');
    const review = await engine.request('openReview', { annotations: data.train, folder });
    expect(review.result).toMatchObject({ annotations: data.train, folds: 3, suspects: { length: 5 } });
    expect(review.decisions).toMatchObject([{ image: 'train-017.png', category: 'green disc', decision: 'accept' }]);
    const out = join(base, 'corrected.json');
    const { fingerprint, file } = review;
    expect(await engine.request('correct', { annotations: data.train, fingerprint, decisions: file, out })).toMatchObject({
      added: 1,
    });
  });

  it('a sweep goes on; a newer one is refused', async () => {
    const out = await fixture('sweep-format-1');
    const sweep = async () => runCli(['sweep', '--out', out, '--bootstrap', '0', '--json']);
    const done = await sweep();
    expect(jsonResult(done)).toMatchObject({ jobs: Array<object>(4).fill({ state: 'done' }), images: { 0: 24, 1: 24 } });
    const path = join(out, 'sweep.json');
    await writeFile(path, JSON.stringify({ ...(await jsonOf<object>(path)), format: 2 }));
    expect(await sweep()).toMatchObject({ status: 1, stderr: expect.stringContaining('Update Labelscope') as string });
  });
});
