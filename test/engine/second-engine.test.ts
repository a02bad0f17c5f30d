// The engine's process with TensorFlow.js in place of ONNX Runtime: found, told of, and of the same effect on runs and models.
import { build, type BuildOptions } from 'esbuild';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EngineClient, engineClient } from '../../src/engine/client/engine';
import { type EngineName, ENGINES } from '../../src/protocol/recipe';
import type { DoctorReport, TrainEvent } from '../../src/protocol/messages';
import type { RunRecord, ScoresFile } from '../../src/protocol/run';
import { jsonResult, runCli } from '../support/cli';
import { CATEGORIES, type TinyData, writeTinyData } from '../support/data';
import { expectSameModel, historyOf, trainParams, UNBUILT, writeTinyBackbone } from '../support/engine';

const SET = { epochs: '2', batchSize: '4', validationFrequency: '2', learnRate: '0.01' };
/** What npm run test:tensorflow has set up; else JavaScript. */
const NATIVE = process.env.LABELSCOPE_TENSORFLOW;

let folder: string;
let place: string;
let data: TinyData;
let tiny: string;
/** Of a run that ONNX Runtime alone has trained. */
let expected: readonly number[];
let engines: Readonly<Record<EngineName, EngineClient>>;

beforeAll(async () => {
  if (UNBUILT) return;
  folder = await mkdtemp(join(tmpdir(), 'second-engine-'));
  [place, tiny] = [NATIVE ?? join(folder, 'place'), join(folder, 'tiny.onnx')];
  if (!NATIVE) await writeTensorFlow(join(place, 'node_modules', '@tensorflow', 'tfjs'));
  data = await writeTinyData(join(folder, 'data'), { train: 12, validation: 4 });
  await writeTinyBackbone(tiny);
  process.env.LABELSCOPE_TENSORFLOW = place;
  engines = { onnxruntime: start('onnxruntime'), tensorflow: start('tensorflow') };
  await train(join(folder, 'alone'), 'onnxruntime');
  expected = await scores(join(folder, 'alone'), 'onnxruntime');
});
afterAll(async () => {
  if (UNBUILT) return;
  await Promise.all(ENGINES.map((name) => engines[name].stop()));
  await rm(folder, { recursive: true, force: true });
});

function start(name: EngineName): EngineClient {
  return engineClient({ script: resolve('dist', 'engine.js'), onLog: () => undefined, engine: () => name });
}

/** What @tensorflow/tfjs is, without the parts of it that need a browser: its core with gradients, and the backend in JavaScript. */
async function writeTensorFlow(to: string, version = '4.22.0'): Promise<void> {
  await mkdir(to, { recursive: true });
  const parts = ['@tensorflow/tfjs-core/dist/register_all_gradients', '@tensorflow/tfjs-backend-cpu'];
  const contents = [...parts.map((part) => `import '${part}';`), "export * from '@tensorflow/tfjs-core';"].join('\n');
  const options: BuildOptions = {
    bundle: true,
    platform: 'node',
    format: 'cjs',
    mainFields: ['module', 'main'],
    logLevel: 'error',
  };
  await build({ stdin: { contents, resolveDir: process.cwd() }, outfile: join(to, 'index.js'), ...options });
  await writeFile(join(to, 'package.json'), JSON.stringify({ name: '@tensorflow/tfjs', version, main: 'index.js' }));
}

/** A package with a native library that does not load. */
async function writeBroken(to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  const manifest = { name: '@tensorflow/tfjs-node', version: '4.22.0', main: 'index.js' };
  await writeFile(join(to, 'package.json'), JSON.stringify(manifest));
  await writeFile(join(to, 'index.js'), "throw new Error('libtensorflow.so.2: cannot open shared object file');");
}

async function train(run: string, first: EngineName, then = first): Promise<RunRecord> {
  const stop = new AbortController();
  const onProgress = (event: TrainEvent) => event.kind === 'points' && first !== then && stop.abort();
  const params = trainParams(data.train, tiny, run, { set: SET });
  await engines[first].request('train', params, { onProgress, signal: stop.signal });
  if (first !== then) {
    expect(JSON.parse(await readFile(join(run, 'run.json'), 'utf8'))).toMatchObject({ state: 'stopped' });
    await engines[then].request('train', trainParams(data.train, tiny, run, { resume: true, device: 'auto' }));
  }
  return JSON.parse(await readFile(join(run, 'run.json'), 'utf8')) as RunRecord;
}

async function scores(run: string, name: EngineName): Promise<number[]> {
  await engines[name].request('evaluate', { model: run, device: 'auto' });
  const { images } = JSON.parse(await readFile(join(run, 'scores.validation.json'), 'utf8')) as ScoresFile;
  return images.flatMap((image) => image.scores);
}

const largestDifference = (a: readonly number[], b: readonly number[]) => Math.max(...a.map((x, k) => Math.abs(x - b[k]!)));

describe.skipIf(UNBUILT)(`the engine tensorflow${UNBUILT}`, () => {
  it.each([
    ['tensorflow', 'tensorflow'],
    ['onnxruntime', 'tensorflow'],
    ['tensorflow', 'onnxruntime'],
  ] as const)('trains as the other does: begun with %s, ended with %s', async (first, then) => {
    const run = join(folder, `${first}-${then}`);
    const record = await train(run, first, then);
    expect(record.device.engine ?? 'onnxruntime').toBe(then);
    expect(new Set(expected).size).toBeGreaterThan(expected.length / 2);
    for (const name of ENGINES) expect(largestDifference(await scores(run, name), expected), name).toBeLessThan(1e-5);
  });

  it('takes features that were computed before from its own package and library alone', async () => {
    const batches: number[] = [];
    for (const [k, version] of ['4.22.0', '4.22.0', '4.21.0'].entries()) {
      const other = join(folder, `version-${version}`);
      await writeTensorFlow(join(other, 'node_modules', '@tensorflow', 'tfjs'), version);
      process.env.LABELSCOPE_TENSORFLOW = other;
      const engine = start('tensorflow');
      let told = 0;
      const onProgress = ({ kind }: TrainEvent) => kind === 'features' && told++;
      const params = trainParams(data.train, tiny, join(folder, `features-${k}`), {
        recipe: 'quick',
        set: { ...SET, epochs: '1' },
        device: 'auto',
      });
      await engine.request('train', params, { onProgress });
      await engine.stop();
      batches.push(told);
    }
    process.env.LABELSCOPE_TENSORFLOW = place;
    expect(batches[0]).toBeGreaterThan(0);
    expect(batches).toEqual([batches[0], 0, batches[0]]);
  });

  it.each([
    ['onnxruntime', 'tensorflow'],
    ['tensorflow', 'onnxruntime'],
  ] as const)('takes no features of the other for a run that was stopped among them: %s, then %s', async (first, then) => {
    const many = await writeTinyData(join(folder, `among-${first}`), { train: 12, validation: 160 });
    // Features are kept there then, and those of another test are none of theirs.
    await mkdir(join(many.folder, 'labelscope-runs'));
    const params = (run: string) => trainParams(many.train, tiny, run, { recipe: 'quick', set: { ...SET, epochs: '4' } });
    const [run, alone] = [join(many.folder, 'run'), join(many.folder, 'alone')];
    const stop = new AbortController();
    const onProgress = (event: TrainEvent) => event.kind === 'features' && event.done > 12 && stop.abort();
    const stopped = engines[first].request('train', params(run), { onProgress, signal: stop.signal });
    await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
    expect(await readdir(join(run, 'checkpoint'))).toEqual(['features.train.0.safetensors']);
    await engines[then].request('train', trainParams(many.train, tiny, run, { resume: true }));
    await engines[then].request('train', params(alone));
    expect(await historyOf(run)).toEqual(await historyOf(alone));
    await expectSameModel(join(run, 'model.onnx'), join(alone, 'model.onnx'));
  });

  it('explains as the other does', async () => {
    const run = join(folder, 'alone');
    const files = [data.validationImages];
    const params = { model: run, files, categories: CATEGORIES, device: 'auto', colormap: 'jet', opacity: 0.5 } as const;
    const [ours, theirs] = await Promise.all(ENGINES.map((name) => engines[name].request('explain', params)));
    const [a, b] = [ours, theirs].map((result) => result!.images.flatMap(({ maps }) => maps));
    expect(a!.length).toBeGreaterThan(0);
    for (const [k, map] of a!.entries()) {
      expect(largestDifference(map.values, b![k]!.values)).toBeLessThan(1e-5 * (1 + Math.max(...map.values)));
    }
  });

  it('is told by doctor, with its package and backend', async () => {
    const result = await runCli(['doctor', '--engine', 'tensorflow', '--json'], { cwd: folder });
    expect(jsonResult(result)).toMatchObject({
      engine: 'tensorflow',
      tensorflow: {
        found: NATIVE
          ? { package: '@tensorflow/tfjs-node 4.22.0', backend: 'tensorflow', library: 'TensorFlow 2.15.1', gpu: false }
          : { package: '@tensorflow/tfjs 4.22.0', backend: 'plain JavaScript', gpu: false },
      },
      chosen: { device: 'cpu', engine: 'tensorflow' },
    });
  });

  it('says where it was looked for and what to do, where there is none or it does not load', async () => {
    const empty = join(folder, 'empty');
    await writeBroken(join(folder, 'broken', 'node_modules', '@tensorflow', 'tfjs-node'));
    for (const [named, words] of [
      [empty, `No TensorFlow.js was found.*${empty}`],
      [join(folder, 'broken'), 'tfjs-node did not load: libtensorflow.so.2: cannot open'],
    ] as const) {
      const predict = ['predict', tiny, data.validationImages, '--engine', 'tensorflow'];
      const { status, stderr } = await runCli(predict, { cwd: folder, env: { LABELSCOPE_TENSORFLOW: named } });
      expect({ status, stderr }).toEqual({
        status: 1,
        stderr: expect.stringMatching(new RegExp(`${words}.*doctor --install tensorflow.*\\n$`)) as string,
      });
    }
  });

  it('is still a report of doctor, where there is none', async () => {
    const env = { LABELSCOPE_TENSORFLOW: join(folder, 'empty') };
    const { status, stdout, stderr } = await runCli(['doctor', '--engine', 'tensorflow', '--json'], { cwd: folder, env });
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringMatching(/^The engine tensorflow .*\n$/) as string });
    const report = JSON.parse(stdout) as DoctorReport;
    expect(report.tensorflow.problem).toContain('--install tensorflow');
    expect(report.chosen).toBeUndefined();
  });

  it('says what it passed over for a slower one', async () => {
    const both = join(folder, 'both', 'node_modules', '@tensorflow');
    await writeBroken(join(both, 'tfjs-node'));
    await symlink(join(place, 'node_modules', '@tensorflow', 'tfjs'), join(both, 'tfjs'), 'junction');
    const env = { LABELSCOPE_TENSORFLOW: join(folder, 'both') };
    const { stdout } = await runCli(['doctor', '--engine', 'tensorflow'], { cwd: folder, env });
    expect(stdout).toMatch(
      /: plain JavaScript;.*\n.*\n {2}passed over .*tfjs-node did not load: libtensorflow.*--install tensorflow\n/,
    );
  });

  it('says whether the library that was installed is still the one that came', async () => {
    const [cache, name] = [join(folder, 'cache'), 'libtensorflow_cc.so.2'];
    const installed = join(cache, 'tensorflow');
    const libraries = join(installed, 'node_modules', '@tensorflow', 'tfjs-node', 'deps', 'lib');
    await writeBroken(join(installed, 'node_modules', '@tensorflow', 'tfjs-node'));
    await mkdir(libraries, { recursive: true });
    await writeFile(join(libraries, name), 'a library');
    const sha256 = createHash('sha256').update('a library').digest('hex');
    await writeFile(join(installed, 'installed.json'), JSON.stringify({ files: [{ name, bytes: 9, sha256 }] }));
    const doctor = (...more: string[]) =>
      runCli(['doctor', ...more], { cwd: folder, env: { LABELSCOPE_CACHE: cache, LABELSCOPE_TENSORFLOW: '' } });
    expect((await doctor()).stdout).toContain(`${installed}: its files are those that were installed\n`);
    await writeFile(join(libraries, name), 'a lybrary');
    expect((await doctor()).stdout).toContain(
      'changed since they were installed: labelscope doctor --install tensorflow installs',
    );
    const report = jsonResult(await doctor('--json')) as unknown as DoctorReport;
    expect(report.tensorflow.added).toEqual({ folder: installed, variant: 'tensorflow', unchanged: false });
  });

  it('takes the threads of a recipe when it is loaded, and says so where it cannot', async () => {
    const engine = start('tensorflow');
    const deviceWith = async (threads: string) => {
      const run = join(folder, `threads-${threads}`);
      await engine.request(
        'train',
        trainParams(data.train, tiny, run, { set: { ...SET, epochs: '1', threads }, device: 'auto' }),
      );
      return (JSON.parse(await readFile(join(run, 'run.json'), 'utf8')) as RunRecord).device;
    };
    const [first, then] = [await deviceWith('3'), await deviceWith('5')];
    await engine.stop();
    expect([first.threads, then.threads]).toEqual(NATIVE ? [3, 3] : [1, 1]);
    expect(first.reason.endsWith(NATIVE ? 'on the CPU).' : 'It has one thread, not 3: JavaScript computes in one.')).toBe(true);
    expect(then.reason).toContain(`not 5: ${NATIVE ? 'this process had loaded it' : 'JavaScript'}`);
  });

  it.each([
    ['a variable', 'onnx'],
    ['another case', 'TensorFlow'],
  ])('is not guessed from %s that names no engine', async (_, name) => {
    const { status, stderr } = await runCli(['evaluate', join(folder, 'alone')], {
      cwd: folder,
      env: { LABELSCOPE_ENGINE: name },
    });
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(
        new RegExp(`no engine '${name}'.*LABELSCOPE_ENGINE.*onnxruntime or tensorflow\\.\n$`),
      ) as string,
    });
  });

  it('is not asked for work on a device that it does not have', async () => {
    const run = join(folder, 'alone');
    const { status, stderr } = await runCli(['evaluate', run, '--engine', 'tensorflow', '--device', 'webgpu'], { cwd: folder });
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(/webgpu cannot be used.*--engine onnxruntime/) as string,
    });
  });
});
