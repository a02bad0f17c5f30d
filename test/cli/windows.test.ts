// The package for Windows: its command line, as a Windows program, does what it does here. Wine is no Windows: what it shows is that Windows' own
// libraries of ONNX Runtime and sharp load and compute, and that paths, pipes, locks and renames of that platform hold.
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jsonResult, runCli } from '../support/cli';
import { UNBUILT } from '../support/engine';
import { startWindows, type Windows, withoutWine } from '../support/wine';

const SKIPPED = UNBUILT || withoutWine();
/** Wine's windows come slowly. */
const LIMIT_MS = 600_000;
/** Letters that no code page of Windows has together, and a blank. */
const RUN = 'C:\\work\\Läufe ✓\\der erste';

let folder: string;
let windows: Windows;
beforeAll(async () => {
  if (SKIPPED) return;
  folder = await mkdtemp(join(tmpdir(), 'windows-'));
  windows = await startWindows(folder);
}, LIMIT_MS);
afterAll(async () => {
  if (SKIPPED) return;
  windows.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** The JSON of a verb that ends well. */
function json(...args: string[]): Record<string, unknown> {
  const { status, stdout, stderr } = windows.cli(...args, '--json');
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout) as Record<string, unknown>;
}

const inDrive = (...path: string[]) => join(windows.drive, 'work', ...path);
const TRAINED = ['--recipe', 'quick', '--set', 'epochs=4', '--device', 'cpu'];

interface Evaluated {
  readonly micro: { readonly f1: number };
  readonly mAP: number;
  readonly loss: number;
}

describe.skipIf(SKIPPED)(`the package for Windows${SKIPPED}`, { timeout: LIMIT_MS }, () => {
  it('says what it has: no CUDA, and a processor', () => {
    const { chosen, devices } = json('doctor') as { chosen: { device: string }; devices: { device: string; reason: string }[] };
    expect(devices.find(({ device }) => device === 'cuda')!.reason).toMatch(/no CUDA on win32-x64; there WebGPU/);
    expect(chosen.device).toBe('cpu');
  });

  it('draws the sample and finds nothing wrong with it', () => {
    json('sample', 'C:\\work\\sample', '--images', '24');
    const { findings, imageFolder } = json('inspect', 'C:\\work\\sample\\annotations\\instances_train.json');
    expect({ findings, imageFolder }).toEqual({ findings: [], imageFolder: 'C:\\work\\sample\\train' });
  });

  it('trains and evaluates to the numbers of this machine, in a folder of any letters', async () => {
    json('train', 'C:\\work\\sample\\annotations\\instances_train.json', ...TRAINED, '--run', RUN);
    expect((await readdir(inDrive('Läufe ✓', 'der erste'))).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    const there = json('evaluate', RUN) as unknown as Evaluated;
    const run = join(folder, 'here');
    const cli = (...args: string[]) => runCli([...args, '--json'], { cwd: folder });
    jsonResult(await cli('train', inDrive('sample', 'annotations', 'instances_train.json'), ...TRAINED, '--run', run));
    const here = jsonResult(await cli('evaluate', run)) as unknown as Evaluated;
    expect(there.loss).toBeCloseTo(here.loss, 3);
    expect(there.mAP).toBeCloseTo(here.mAP, 2);
    expect(there.micro.f1).toBeCloseTo(here.micro.f1, 2);
  });

  it('refuses a second run in the folder, and has nothing left to do where one is resumed', () => {
    const args = ['train', 'C:\\work\\sample\\annotations\\instances_train.json', '--recipe', 'quick', '--run', RUN];
    const { status, stderr } = windows.cli(...args);
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining(RUN) as string });
    expect(windows.cli(...args, '--resume').status).toBe(0);
  });

  it('predicts, draws maps, fits, exports and reports', async () => {
    const image = 'C:\\work\\sample\\val\\scene-000001.jpg';
    expect(json('predict', RUN, image)).toMatchObject({ images: [{ file: image }] });
    json('explain', RUN, image, '--out', 'C:\\work\\maps');
    expect((await readdir(inDrive('maps'))).some((name) => name.endsWith('.png'))).toBe(true);
    expect(json('thresholds', RUN, '--save')).toMatchObject({ saved: true });
    expect(json('calibrate', RUN, '--save')).toMatchObject({ saved: true });
    json('export', RUN, '--out', 'C:\\work\\model.onnx');
    expect(existsSync(inDrive('model.onnx'))).toBe(true);
    windows.cli('report', RUN, '--out', 'C:\\work\\report.html');
    expect(await readFile(inDrive('report.html'), 'utf8')).toContain('der erste');
  });
});
