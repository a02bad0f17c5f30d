// The verb `report` on a real run: one page with its curves, its evaluation, and the suspect labels of its annotation files.
import { fork } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Io } from '../../src/cli/io';
import { parseArguments } from '../../src/cli/usage';
import type { Session } from '../../src/cli/verb';
import { report } from '../../src/cli/verbs/report';
import type { SuspectsResult } from '../../src/protocol/review';
import type { ReportData } from '../../src/protocol/windows';
import { jsonResult, runCli } from '../support/cli';
import { type TinyData, writeTinyData } from '../support/data';
import { UNBUILT, writeTinyBackbone } from '../support/engine';

let folder: string;
let data: TinyData;
let suspects: SuspectsResult;

const cli = (...args: string[]) => runCli(args, { cwd: folder });
const CPU = ['--device', 'cpu'];

beforeAll(async () => {
  if (UNBUILT) return;
  folder = await mkdtemp(join(tmpdir(), 'report-'));
  data = await writeTinyData(join(folder, 'data'), { train: 60 });
  // Every tenth label becomes another one.
  const coco = JSON.parse(await readFile(data.train, 'utf8')) as { annotations: { category_id: number }[] };
  coco.annotations.forEach((annotation, k) => {
    if (k % 10 === 0) annotation.category_id = 1 + (annotation.category_id % 3);
  });
  await writeFile(data.train, JSON.stringify(coco));
  const tiny = join(folder, 'tiny.onnx');
  await writeTinyBackbone(tiny);
  const set = ['epochs=4', 'batchSize=8', 'validationFrequency=3', 'threads=1'].flatMap((one) => ['--set', one]);
  await cli('train', data.train, '--backbone', tiny, '--run', 'runs/run', '--recipe', 'matlab-example', ...set, ...CPU);
  await cli('evaluate', 'runs/run', ...CPU);
  const found = await cli('review', data.train, '--folds', '3', '--limit', '4', ...CPU, '--json');
  await writeFile(join(folder, 'suspects.json'), found.stdout);
  suspects = jsonResult(found) as unknown as SuspectsResult;
});
afterAll(() => (UNBUILT ? undefined : rm(folder, { recursive: true, force: true })));

async function dataOf(...args: string[]): Promise<ReportData> {
  const { path, bytes } = jsonResult(await cli('report', 'runs/run', '--out', 'report.html', ...args, '--json'));
  const page = await readFile(path as string, 'utf8');
  expect(Buffer.byteLength(page)).toBe(bytes);
  return JSON.parse(/<script type="application\/json" id="data">(.*?)<\/script>/s.exec(page)![1]!) as ReportData;
}

describe.skipIf(UNBUILT)(`labelscope report${UNBUILT}`, () => {
  it('holds curves, evaluation and scores, and no suspects where none were looked for', async () => {
    const { training, evaluation, reviews } = await dataOf();
    expect(training!.points.length).toBeGreaterThan(3);
    expect(evaluation!.images).toHaveLength(evaluation!.result.evaluation.images);
    expect(reviews).toEqual([]);
    const { stderr } = await cli('report', 'runs/run', '--out', 'report.html');
    expect(stderr).toMatch(/^No suspect labels are kept beside the run: --review FILE\.json adds them\.$/m);
  });

  it('takes suspects and decisions as files, or finds those that are kept beside the run', async () => {
    expect(suspects.suspects.length).toBeGreaterThan(0);
    const [first] = suspects.suspects;
    await writeFile(join(folder, 'decided.csv'), `image,category,decision\n${first!.image},${first!.category},reject\n`);
    expect((await dataOf('--review', 'suspects.json')).reviews).toEqual([{ result: suspects, decisions: [] }]);
    const decisions = [{ image: first!.image, category: first!.category, decision: 'reject' }];
    const given = await dataOf('--review', 'suspects.json', '--decisions', 'decided.csv');
    expect(given.reviews).toEqual([{ result: suspects, decisions }]);
    await mkdir(join(folder, 'runs', 'reviews'));
    await writeFile(join(folder, 'runs', 'reviews', 'a.suspects.json'), JSON.stringify({ format: 1, result: suspects }));
    await writeFile(join(folder, 'runs', 'reviews', 'a.decisions.json'), JSON.stringify({ decisions }));
    expect((await dataOf()).reviews).toEqual([{ result: suspects, decisions }]);
  });

  it('refuses decisions on another content, and says where a list is of a file that the run knows nothing of', async () => {
    const { image, category } = suspects.suspects[0]!;
    const decisions = [{ image, category, decision: 'reject' }];
    await writeFile(join(folder, 'other.json'), JSON.stringify({ fingerprint: 'f'.repeat(64), decisions }));
    await writeFile(join(folder, 'own.json'), JSON.stringify({ fingerprint: suspects.fingerprint, decisions }));
    const refused = await cli(
      'report',
      'runs/run',
      '--out',
      'refused.html',
      '--review',
      'suspects.json',
      '--decisions',
      'other.json',
    );
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toMatch(/other\.json decides on another content of the annotation file .*suspects\.json lists/);
    expect((await dataOf('--review', 'suspects.json', '--decisions', 'own.json')).reviews).toEqual([
      { result: suspects, decisions },
    ]);
    const foreign = { ...suspects, annotations: '/elsewhere/other.json', fingerprint: 'f'.repeat(64) };
    await writeFile(join(folder, 'foreign.json'), JSON.stringify(foreign));
    expect((await dataOf('--review', 'foreign.json')).reviews).toEqual([{ result: foreign, decisions: [], foreign: true }]);
    const { stderr } = await cli('report', 'runs/run', '--out', 'report.html', '--review', 'foreign.json');
    expect(stderr).toContain(
      'The suspect labels are of /elsewhere/other.json, which the run neither learned from nor was judged on',
    );
    // The same file under another path.
    await writeFile(join(folder, 'moved.json'), JSON.stringify({ ...suspects, annotations: '/moved/train.json' }));
    expect((await dataOf('--review', 'moved.json')).reviews[0]).not.toHaveProperty('foreign');
  });

  it.each([
    [['--decisions', 'decided.csv'], 2, 'of which suspect labels?'],
    [['--review', 'tiny.onnx'], 1, 'it holds no list of suspect labels'],
    [['--review', 'nowhere.json'], 1, 'nowhere.json. Check the path of the review.'],
    [['--review', 'suspects.json', '--decisions', 'nowhere.json'], 1, 'nowhere.json. Check the path of the decisions.'],
    [['--bogus'], 2, "Unknown option '--bogus'. See labelscope report --help."],
  ])('%j: says what is wrong', async (args, status, words) => {
    const found = await cli('report', 'runs/run', '--out', 'other.html', ...args);
    expect(found).toMatchObject({ status, stdout: '', stderr: expect.stringContaining(words) as string });
  });

  it('says what helps where the page cannot be written', async () => {
    await mkdir(join(folder, 'a folder'));
    const onFolder = await cli('report', 'runs/run', '--out', 'a folder');
    expect(onFolder).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('it is a folder (EISDIR). Name a file.') as string,
    });
    const nowhere = await cli('report', 'runs/run', '--out', join('no', 'such', 'page.html'));
    expect(nowhere).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('there is no such folder (ENOENT). Make it') as string,
    });
  });

  it('says how far it is to whoever follows its process', async () => {
    const told: unknown[] = [];
    const cli = fork(resolve('dist', 'cli.js'), ['report', 'runs/run', '--out', 'followed.html'], { cwd: folder, silent: true });
    cli.on('message', (message) => told.push(message));
    expect(await new Promise((done) => cli.on('close', done))).toBe(0);
    expect(told).toEqual([0, 1, 2, 3, 4].map((done) => ({ done, total: 4 })));
  });

  // In this process: a page as small as this one is written before another process hears of the stop.
  it('writes nothing where it is stopped', async () => {
    const [before, stop, out] = [await readdir(folder), new AbortController(), join(folder, 'stopped.html')];
    const io: Io = {
      json: true,
      result: () => undefined,
      note: () => undefined,
      problem: () => undefined,
      progress: (_, count) => count!.done === 2 && stop.abort(),
    };
    const args = parseArguments('report', report.spec, [join(folder, 'runs', 'run'), '--out', out]);
    await expect(report.run(args, { io, signal: stop.signal } as Session)).rejects.toMatchObject({ name: 'AbortError' });
    expect(await readdir(folder)).toEqual(before);
  });
});
