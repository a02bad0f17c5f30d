// Disks that are full, limited or read-only, and files that go or change under a run: it says which file and what to do, loses nothing that was
// kept, leaves nothing half-written, and ends like a run that was left alone once it can go on.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EngineClient } from '../../src/engine/client/engine';
import type { TrainEvent, TrainParams, TrainResult } from '../../src/protocol/messages';
import { type TinyData, writeTinyData } from '../support/data';
import { historyOf, startEngine, trainParams, UNBUILT, writeTinyBackbone } from '../support/engine';
import { askFaulty, cacheIn } from './engine';
import { brokenFiles, differentFiles } from './whole';

const SET = { epochs: '12', batchSize: '8', validationFrequency: '5', validationPatience: '0', imageCache: '0' };
const OFTEN = { ...SET, checkpointFrequency: '7', checkpointSeconds: '0' };

let folder: string;
let data: TinyData;
let tiny: string;
let whole: string;
let engine: EngineClient;

beforeAll(async () => {
  if (UNBUILT) return;
  folder = await mkdtemp(join(tmpdir(), 'disk-'));
  data = await writeTinyData(join(folder, 'data'));
  [tiny, whole] = [join(folder, 'tiny.onnx'), join(folder, 'whole')];
  await writeTinyBackbone(tiny);
  // What another test has found out about the same network would change how its steps are done.
  process.env.LABELSCOPE_CACHE = join(folder, 'cache');
  engine = startEngine();
  await engine.request('train', trainParams(data.train, tiny, whole, { set: OFTEN }));
});
afterAll(async () => {
  if (UNBUILT) return;
  await engine.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Words of the command line that trains like `whole`. */
function words(run: string, ...more: string[]): string[] {
  const set = Object.entries({ ...OFTEN, threads: '1' }).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
  return [
    'train',
    data.train,
    '--recipe',
    'matlab-example',
    '--backbone',
    tiny,
    '--run',
    run,
    '--device',
    'cpu',
    '--seed',
    '3',
    ...set,
    ...more,
  ];
}

const quoted = (args: readonly string[]) => args.map((arg) => `'${arg}'`).join(' ');
const command = (args: readonly string[]) => quoted([process.execPath, resolve('dist', 'cli.js'), ...args]);

interface Said {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Lines of a shell that may mount file systems of its own, which end with it. */
function inOwnMounts(...lines: string[]): Said {
  const args = ['--map-root-user', '--mount', 'sh', '-c', lines.join('\n')];
  return spawnSync('unshare', args, { encoding: 'utf8' });
}

function canMount(): boolean {
  try {
    execFileSync('unshare', ['--map-root-user', '--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const MOUNTS = !UNBUILT && canMount();
const WHY = UNBUILT || (MOUNTS ? '' : ' (skipped: this machine lets nobody mount a file system)');

describe.skipIf(!MOUNTS)(`a disk of its own${WHY}`, () => {
  /** In KiB: what fails is another file each time. */
  it.each([4, 36])('of %i KiB, which fills up', async (size) => {
    const [disk, kept] = [join(folder, `disk-${size}`), join(folder, `kept-${size}`)];
    await mkdir(disk);
    const run = join(disk, 'run');
    const { stdout, stderr } = inOwnMounts(
      `mount -t tmpfs -o size=${size}k tmpfs '${disk}'`,
      `${command(words(run))}; echo "first $?"`,
      `cp -r '${run}' '${kept}-full'`,
      `mount -o remount,size=50m '${disk}'`,
      `if [ -s '${run}/run.json' ]; then ${command(words(run, '--resume'))}; else rm -rf '${run}'; ${command(words(run))}; fi; echo "second $?"`,
      `cp -r '${run}' '${kept}'`,
    );
    expect(stdout).toContain('first 1\n');
    expect(stderr).toMatch(/^\S*disk-\d+\/run\S* could not be (written|made): no space is left \(ENOSPC\)\. Free space/m);
    expect(await brokenFiles(`${kept}-full`)).toEqual([]);
    expect(stdout).toContain('second 0\n');
    expect(await differences(kept)).toEqual([]);
  });

  it('that is read-only: models are used, and what cannot be written is named', async () => {
    const disk = join(folder, 'read-only');
    await mkdir(disk);
    const run = join(disk, 'run');
    const image = join(data.validationImages, 'val-000.png');
    const { stdout, stderr } = inOwnMounts(
      `mount -t tmpfs -o size=50m tmpfs '${disk}' && cp -r '${whole}' '${run}' && mount -o remount,ro '${disk}'`,
      `${command(['predict', run, image, '--device', 'cpu', '--json'])} >/dev/null; echo "predict $?"`,
      `${command(['explain', run, image, '--device', 'cpu', '--out', join(folder, 'maps'), '--json'])} >/dev/null; echo "explain $?"`,
      `${command(['export', run, '--out', join(folder, 'exported.onnx')])} >/dev/null; echo "export $?"`,
      `${command(['evaluate', run, '--device', 'cpu'])} >/dev/null; echo "evaluate $?"`,
      `${command(words(join(disk, 'other')))}; echo "train $?"`,
      `diff -r '${whole}' '${run}' && echo same`,
    );
    const status = ['predict 0', 'explain 0', 'export 0', 'evaluate 1', 'train 1', 'same'];
    expect(stdout.split('\n').filter((line) => /^(\w+ \d|same)$/.test(line))).toEqual(status);
    expect(stderr).toMatch(/run\/\S+ could not be written: the disk is read-only \(EROFS\)\. Choose another place/);
    expect(stderr).toMatch(/read-only\/other could not be made: the disk is read-only \(EROFS\)\. Choose another place/);
  });
});

describe.skipIf(UNBUILT || process.platform === 'win32')(`a process${UNBUILT}`, () => {
  it.each([1, 12])('whose files may have %i KiB', async (limit) => {
    const run = join(folder, `limited-${limit}`);
    const shell = `ulimit -f ${limit}; exec ${command(words(run))}`;
    const first = spawnSync('bash', ['-c', shell], { encoding: 'utf8' });
    expect(first.status).toBe(1);
    expect(first.stderr).toMatch(
      /limited-\d+\/\S+ could not be written: files may not be so large here \(EFBIG\)\. Raise the limit/,
    );
    expect(await brokenFiles(run)).toEqual([]);
    await trainOn(run);
    expect(await differences(run)).toEqual([]);
  });
});

/** A new run, or the rest of one. */
async function trainOn(run: string): Promise<TrainResult> {
  const isBegun = await readFile(join(run, 'run.json')).then(
    () => true,
    () => false,
  );
  if (!isBegun) await rm(run, { recursive: true, force: true });
  return engine.request('train', trainParams(data.train, tiny, run, isBegun ? { resume: true } : { set: OFTEN }));
}

const differences = async (run: string) => (await differentFiles(run, whole)).filter((line) => !line.startsWith('evaluation'));

describe.skipIf(UNBUILT)(`a disk that is full from some write on${UNBUILT}`, () => {
  it.each([3, 40])('from the operation %i on', async (from) => {
    const run = join(folder, `full-${from}`);
    const params = trainParams(data.train, tiny, run, { set: OFTEN });
    const asked = askFaulty({ full: { from } }, cacheIn(folder), (client) => client.request('train', params));
    await expect(asked).rejects.toMatchObject({
      code: 'write-failed',
      message: expect.stringMatching(/full-\d+\/\S+ could not be written: no space is left \(ENOSPC\)\. Free space/) as string,
    });
    expect(await brokenFiles(run)).toEqual([]);
    await trainOn(run);
    expect(await differences(run)).toEqual([]);
  });
});

describe.skipIf(UNBUILT)(`while a run is at work${UNBUILT}`, () => {
  /** Trains, and does something once the first point is told. */
  async function trainWhile(
    params: TrainParams,
    act: () => Promise<unknown>,
  ): Promise<{ result: TrainResult; warnings: string[] }> {
    const warnings: string[] = [];
    let acted: Promise<unknown> | undefined;
    const onProgress = (event: TrainEvent) => {
      if (event.kind === 'points') acted ??= act();
      if (event.kind === 'warning') warnings.push(event.message);
    };
    const result = await engine.request('train', params, { onProgress });
    await acted;
    return { result, warnings };
  }

  const image = (k: number) => join(data.trainImages, `train-${String(k).padStart(3, '0')}.png`);

  async function without<T>(count: number, act: (remove: () => Promise<unknown>) => Promise<T>): Promise<T> {
    const files = Array.from({ length: count }, (_, k) => image(k));
    for (const file of files) await copyFile(file, `${file}.kept`);
    try {
      return await act(() => Promise.all(files.map((file) => rm(file))));
    } finally {
      for (const file of files) await copyFile(`${file}.kept`, file);
    }
  }

  it('a few images are deleted: each is named, and the run ends', async () => {
    const params = trainParams(data.train, tiny, join(folder, 'few'), { set: OFTEN });
    const { result, warnings } = await without(2, (remove) => trainWhile(params, remove));
    expect(result.stopped).toBe('epochs');
    for (const k of [0, 1]) expect(warnings.filter((line) => line.includes(image(k)))).toHaveLength(1);
  });

  it('many are deleted: it ends with an error that names one, and goes on when they are back', async () => {
    const run = join(folder, 'many');
    const params = trainParams(data.train, tiny, run, { set: OFTEN });
    await expect(without(12, (remove) => trainWhile(params, remove))).rejects.toMatchObject({
      code: 'images-unreadable',
      message: expect.stringMatching(/of 24 images cannot be read.*train-\d+\.png/) as string,
    });
    expect(await brokenFiles(run)).toEqual([]);
    expect((await trainOn(run)).stopped).toBe('epochs');
    expect(await historyOf(run)).toHaveLength(36);
  });

  it('its annotation file is changed: the run ends as it began, and evaluating it or going on is refused', async () => {
    const run = join(folder, 'changed');
    const params = trainParams(data.train, tiny, run, { set: OFTEN });
    const text = await readFile(data.validation, 'utf8');
    await trainWhile(params, () => writeFile(data.validation, text.replace('"iscrowd":0', '"iscrowd":1')));
    expect(await differences(run)).toEqual([]);
    await expect(engine.request('evaluate', { model: run, device: 'cpu' })).rejects.toMatchObject({
      code: 'annotations-changed',
    });
    await writeFile(data.validation, text);
  });

  it('another engine is asked for it, under its own name or through a link: it says that the run is busy', async () => {
    const [run, link] = [join(folder, 'busy'), join(folder, 'busy-link')];
    await symlink(run, link, 'junction');
    const second = startEngine();
    const refusals: unknown[] = [];
    const ask = (name: string) =>
      second
        .request('train', trainParams(data.train, tiny, name, { resume: true }))
        .catch((error: unknown) => refusals.push(error));
    await trainWhile(trainParams(data.train, tiny, run, { set: OFTEN }), () => Promise.all([run, link].map(ask)));
    await second.stop();
    expect(refusals).toMatchObject([{ code: 'run-busy' }, { code: 'run-busy' }]);
    expect(await differences(run)).toEqual([]);
  });
});
