// The verbs thresholds and calibrate as a person types them, on a run that was trained for them.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jsonResult, runCli } from '../support/cli';
import { CATEGORIES, type TinyData, writeTinyData } from '../support/data';
import { UNBUILT, writeTinyBackbone } from '../support/engine';
import { NO_BROWSER, startBrowser } from '../webview/window';

let folder: string;
let data: TinyData;
let tiny: string;

const cli = (...args: string[]) => runCli(args, { cwd: folder });
const json = async (...args: string[]) => jsonResult(await cli(...args, '--json'));
const train = (...args: string[]) =>
  cli('train', data.train, '--backbone', tiny, '--run', 'run', '--device', 'cpu', '--recipe', 'matlab-example', ...args);

beforeAll(async () => {
  if (UNBUILT) return;
  folder = await mkdtemp(join(tmpdir(), 'fitting-'));
  data = await writeTinyData(join(folder, 'data'));
  tiny = join(folder, 'tiny.onnx');
  await writeTinyBackbone(tiny);
  const set = ['epochs=4', 'batchSize=8', 'validationFrequency=3', 'threads=1'].flatMap((one) => ['--set', one]);
  expect((await train(...set)).status).toBe(0);
});
afterAll(() => (UNBUILT ? undefined : rm(folder, { recursive: true, force: true })));

describe.skipIf(UNBUILT)(`labelscope thresholds and calibrate${UNBUILT}`, () => {
  it('say what to do with a run that has no evaluation', async () => {
    for (const verb of ['thresholds', 'calibrate']) {
      const { status, stderr, stdout } = await cli(verb, 'run');
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
      expect(stderr).toContain("Run 'labelscope evaluate run' first");
    }
  });

  it('fit, save, are used by predict and evaluate, and are taken back', async () => {
    await json('evaluate', 'run', '--device', 'cpu');
    const fitted = (await json('thresholds', 'run', '--per-category', '--objective', 'fbeta', '--beta', '2', '--save')) as {
      perCategory: { threshold: number }[];
    };
    const thresholds = fitted.perCategory.map(({ threshold }) => threshold);
    expect(await json('predict', 'run', data.validationImages, '--device', 'cpu')).toMatchObject({
      thresholds: Object.fromEntries(CATEGORIES.map((name, c) => [name, thresholds[c]])),
    });
    expect(await json('evaluate', 'run', '--device', 'cpu', '--threshold', 'saved')).toMatchObject({ threshold: thresholds });
    expect(await json('evaluate', 'run', '--device', 'cpu')).toMatchObject({ threshold: 0.5 });
    expect(await json('calibrate', 'run', '--method', 'platt', '--folds', '3', '--save')).toMatchObject({ saved: true });
    const lines = (await cli('calibrate', 'run', '--method', 'platt', '--folds', '3')).stdout;
    expect(lines).toMatch(/^category .*scale .*shift .*ECE .*after/m);
    expect(await json('calibrate', 'run', '--reset')).toMatchObject({ has: { calibrationRecord: null } });
    expect(await json('thresholds', 'run', '--reset')).toMatchObject({ has: { thresholds: [0.5, 0.5, 0.5] } });
  });

  it.skipIf(NO_BROWSER !== '')(`are what a report fits in a worker, opened as a file${NO_BROWSER}`, async () => {
    const { micro } = (await json('thresholds', 'run')) as { micro: { heldOut: { value: number } } };
    await json('report', 'run', '--out', 'report.html');
    const browser = await startBrowser();
    const page = await browser.newPage();
    let [workers, complaints] = [0, ''];
    page.on('worker', () => workers++);
    page.on('console', (message) => (complaints += message.text()));
    await page.goto(pathToFileURL(join(folder, 'report.html')).href);
    await page.getByRole('tab', { name: 'Thresholds' }).click();
    await expect.poll(() => page.locator('[data-tile="held-out"] dd').textContent()).toBe(micro.heldOut.value.toFixed(3));
    expect(workers).toBeGreaterThan(0);
    expect(complaints).toBe('');
    await browser.close();
  });

  it.each([
    [['thresholds', 'run', '--beta', '2'], '--beta has no meaning for the objective f1'],
    [['thresholds', 'run', '--save', '--reset'], '--save or --reset, not both'],
    [['thresholds', 'run', '--objective', 'best'], '--objective is one of f1, fbeta'],
    [['calibrate', 'run', '--folds', '1'], '--folds takes a whole number from 2'],
    [
      ['evaluate', '--predictions', 'x.csv', 'y.json', '--threshold', 'saved'],
      "--threshold takes a number from 0 to 1, not 'saved'",
    ],
  ])('%j: wrong usage', async (args, words) => {
    const { status, stderr } = await cli(...args);
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining(words) as string });
  });
});
