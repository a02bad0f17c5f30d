// The engine's process as its clients meet it: it is started when needed, says how it ended, and never outlives who started it.
import { fork, spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type EngineClient, engineClient } from '../../src/engine/client/engine';
import type { RunRecord } from '../../src/protocol/run';
import { startRuntime } from '../../src/engine/runtime/runtime';
import { type LogLine, STOP_LIMIT_MS, type TrainEvent } from '../../src/protocol/messages';
import { type TinyData, writeTinyData } from '../support/data';
import { isAlive, jsonOf, startEngine, trainParams, UNBUILT, until, writeTinyBackbone } from '../support/engine';

let folder: string;
let data: TinyData;
let tiny: string;
let engine: EngineClient;
let log: LogLine[];

beforeAll(async () => {
  if (UNBUILT) return;
  folder = await mkdtemp(join(tmpdir(), 'client-'));
  data = await writeTinyData(join(folder, 'data'));
  tiny = join(folder, 'tiny.onnx');
  await writeTinyBackbone(tiny);
});
afterAll(() => (UNBUILT ? undefined : rm(folder, { recursive: true, force: true })));
beforeEach(() => {
  log = [];
  engine = startEngine((line) => log.push(line));
});
afterEach(() => engine.stop());

const ENDLESS = { epochs: '100000', batchSize: '8', validationPatience: '0' };

/** A training run that does not end by itself, from its first step on. */
async function running(run: string): Promise<{ readonly training: Promise<unknown>; readonly stop: AbortController }> {
  const stop = new AbortController();
  let begun = (): void => undefined;
  const first = new Promise<void>((resolve) => (begun = resolve));
  const onProgress = (event: TrainEvent) => event.kind === 'points' && begun();
  const params = trainParams(data.train, tiny, run, { set: ENDLESS });
  const training = engine.request('train', params, { onProgress, signal: stop.signal }).catch((error: unknown) => error);
  await Promise.race([first, training]);
  return { training, stop };
}

const missing = (): Promise<unknown> => engine.request('predict', { model: join(folder, 'gone'), files: [], device: 'cpu' });

describe.skipIf(UNBUILT)(`engineClient${UNBUILT}`, () => {
  it('starts the process at the first request and ends it when asked', async () => {
    expect(engine.pid).toBeUndefined();
    await engine.stop();
    await expect(missing()).rejects.toMatchObject({ code: 'model-missing' });
    const pid = engine.pid!;
    expect(isAlive(pid)).toBe(true);
    await engine.stop();
    expect([engine.pid, isAlive(pid)]).toEqual([undefined, false]);
    await expect(missing()).rejects.toMatchObject({ code: 'model-missing' });
    expect(engine.pid).not.toBe(pid);
  });

  it('survives the death of the process: every request under way is told, the next one has a new process', async () => {
    const { training } = await running(join(folder, 'died'));
    const other = engine.request('doctor', { device: 'cpu' }).catch((error: unknown) => error);
    const pid = engine.pid!;
    process.kill(pid, 'SIGKILL');
    const died = { code: 'engine-died', message: expect.stringMatching(/SIGKILL.*--resume/) as string };
    expect(await training).toMatchObject(died);
    expect(await other).toMatchObject(died);
    await expect(missing()).rejects.toMatchObject({ code: 'model-missing' });
    expect(engine.pid).not.toBe(pid);
  });

  it('saves a run before it stops, and answers a request meanwhile with a new process', async () => {
    const run = join(folder, 'saved');
    const { training } = await running(run);
    const stopped = engine.stop();
    await expect(missing()).rejects.toMatchObject({ code: 'model-missing' });
    await stopped;
    expect(await training).toMatchObject({ code: 'engine-died' });
    expect((await jsonOf<RunRecord>(join(run, 'run.json'))).state).toBe('stopped');
  });

  it.each(['SIGTERM', 'SIGHUP'] as const)('saves a run where the process is asked to end by %s', async (signal) => {
    const run = join(folder, signal);
    const { training } = await running(run);
    process.kill(engine.pid!, signal);
    await training;
    await until(() => engine.pid === undefined);
    expect((await jsonOf<RunRecord>(join(run, 'run.json'))).state).toBe('stopped');
  });

  it.skipIf(process.platform === 'win32')('kills a process that does not end by itself', async () => {
    const stuck = engineClient({ script: resolve('dist', 'engine.js'), onLog: () => undefined, stopLimitMs: 200 });
    await expect(stuck.request('predict', { model: join(folder, 'gone'), files: [], device: 'cpu' })).rejects.toBeDefined();
    const pid = stuck.pid!;
    // It hears of nothing any more.
    process.kill(pid, 'SIGSTOP');
    await stuck.stop();
    expect([stuck.pid, isAlive(pid)]).toEqual([undefined, false]);
  });

  it('ends by itself when its parent is gone and a step of its own does not end', async () => {
    const hook = join(folder, 'endless.cjs');
    // Of what is waited for without a parent (what outlives it, then all work) the second never comes, and a minute is a fifth of a second.
    await writeFile(
      hook,
      `const { allSettled } = Promise;
let waits = 0;
const never = () => new Promise(() => setInterval(() => undefined, 1000));
Promise.allSettled = (work) => (!process.connected && ++waits > 1 ? never() : allSettled.call(Promise, work));
const { setTimeout: late } = globalThis;
globalThis.setTimeout = (work, ms, ...rest) => late(work, ms === ${STOP_LIMIT_MS} ? 200 : ms, ...rest);`,
    );
    const child = fork(resolve('dist', 'engine.js'), [], { execArgv: ['--require', hook], serialization: 'advanced' });
    const ended = new Promise((done) => child.once('exit', (code) => done(code)));
    child.disconnect();
    expect(await ended).toBe(1);
  });

  it('does not mind a Ctrl-C that was meant for its parent', async () => {
    const { training, stop } = await running(join(folder, 'interrupted'));
    process.kill(engine.pid!, 'SIGINT');
    stop.abort();
    expect(await training).toMatchObject({ stopped: 'person' });
  });

  it('cancels what has not begun, and what cannot answer with half a result', async () => {
    await expect(
      engine.request('train', trainParams(data.train, tiny, join(folder, 'never')), { signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({ code: 'cancelled' });
    await expect(jsonOf(join(folder, 'never', 'run.json'))).rejects.toThrow('ENOENT');
  });

  it('does nothing of what was cancelled while the process was still starting', async () => {
    const [stop, directory] = [new AbortController(), join(folder, 'undrawn')];
    const drawing = engine.request('sample', { directory, images: 12 }, { signal: stop.signal });
    stop.abort();
    await expect(drawing).rejects.toMatchObject({ code: 'cancelled' });
    expect(await readdir(directory)).toEqual([]);
  });

  it('says so where the process cannot be started or ends at once', async () => {
    const broken = join(folder, 'broken.js');
    await writeFile(broken, "throw new Error('broken');");
    for (const script of [broken, join(folder, 'gone.js')]) {
      const client = engineClient({ script, onLog: (line) => log.push(line) });
      await expect(client.request('doctor', { device: 'cpu' })).rejects.toMatchObject({
        code: 'engine-died',
        message: expect.stringContaining('exit code 1') as string,
      });
      await client.stop();
    }
    expect(log.some(({ level, message }) => level === 'debug' && message.includes('broken'))).toBe(true);
  });

  it('adds no listener that stays: a hundred requests with one signal bring no warning', async () => {
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on('warning', note);
    const { signal } = new AbortController();
    const request = () => engine.request('predict', { model: join(folder, 'gone'), files: [], device: 'cpu' }, { signal });
    for (let k = 0; k < 100; k++) await request().catch(() => undefined);
    await new Promise((done) => setImmediate(done));
    process.off('warning', note);
    expect(warnings).toEqual([]);
    expect(log.filter(({ message }) => message.includes('Warning'))).toEqual([]);
  });

  it('ends with a parent that was killed, and saves the run first', async () => {
    const run = join(folder, 'orphan');
    const parent = join(folder, 'parent.js');
    const params = trainParams(data.train, tiny, run, { set: ENDLESS });
    await writeFile(
      parent,
      `const child = require('node:child_process').fork(${JSON.stringify(resolve('dist/engine.js'))}, [], { serialization: 'advanced', silent: true });
       child.send({ jsonrpc: '2.0', id: 1, method: 'train', params: ${JSON.stringify({ params, progressToken: 1 })} });
       child.on('message', (message) => JSON.stringify(message).includes('"points"') && console.log(child.pid));`,
    );
    const child = spawn(process.execPath, [parent], { stdio: ['ignore', 'pipe', 'inherit'] });
    const pid = await new Promise<number>((done) =>
      child.stdout.once('data', (text: Buffer) => done(Number.parseInt(text.toString(), 10))),
    );
    expect(isAlive(pid)).toBe(true);
    child.kill('SIGKILL');
    await until(() => !isAlive(pid));
    expect((await jsonOf<RunRecord>(join(run, 'run.json'))).state).toBe('stopped');
  });
});

describe('startRuntime', () => {
  it('fails calls with runtime-crashed when its worker ends, later ones as well, and says that it ended', async () => {
    const script = join(await mkdtemp(join(tmpdir(), 'runtime-')), 'worker.js');
    await writeFile(
      script,
      "require('node:worker_threads').parentPort.once('message', () => { throw new Error('out of luck'); });",
    );
    const runtime = startRuntime(script);
    const crashed = { code: 'runtime-crashed', message: expect.stringContaining('out of luck') as string };
    await expect(runtime.readState(1)).rejects.toMatchObject(crashed);
    await runtime.ended;
    await expect(runtime.readState(1)).rejects.toMatchObject(crashed);
    await runtime.close();
    await rm(script);
  });
});
