// A run at work as others meet it: joined late, paused, continued, stopped, and alive when its parent is gone.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createMessageConnection, SocketMessageReader, SocketMessageWriter } from 'vscode-jsonrpc/node';
import { addressOf } from '../../src/engine/client/address';
import type { EngineClient } from '../../src/engine/client/engine';
import { joinRun } from '../../src/engine/client/run';
import { EMPTY_SNAPSHOT } from '../../src/engine/client/snapshot';
import type { HistoryPoint, TrainEnd, TrainEvent, TrainParams } from '../../src/protocol/messages';
import { type TinyData, writeTinyData } from '../support/data';
import {
  expectSameModel,
  historyOf,
  isAlive,
  pointsOf,
  startEngine,
  trainParams,
  UNBUILT,
  until,
  writeTinyBackbone,
} from '../support/engine';

let folder: string;
let data: TinyData;
let tiny: string;
let engine: EngineClient;

beforeAll(async () => {
  if (UNBUILT) return;
  folder = await mkdtemp(join(tmpdir(), 'joining-'));
  data = await writeTinyData(join(folder, 'data'));
  tiny = join(folder, 'tiny.onnx');
  await writeTinyBackbone(tiny);
});
afterAll(() => (UNBUILT ? undefined : rm(folder, { recursive: true, force: true })));
beforeEach(() => (engine = startEngine()));
afterEach(() => engine.stop());

const SET = { epochs: '120', batchSize: '8', validationPatience: '0', validationFrequency: '7' };

function params(run: string, changes: Partial<TrainParams> = {}): TrainParams {
  return { ...trainParams(data.train, tiny, join(folder, run), { set: SET }), ...changes };
}

/** Joins as soon as the run can be joined, and writes down what it hears. */
async function joined(run: string) {
  const heard: TrainEvent[] = [];
  let end: TrainEnd | 'gone' | undefined;
  const listener = {
    onEvent: (event: TrainEvent) => heard.push(event),
    onEnd: (told: TrainEnd) => (end = told),
    onGone: () => (end = 'gone'),
  };
  let found = await joinRun(join(folder, run), listener);
  while (!found) found = await joinRun(join(folder, run), listener);
  return { run: found, heard, end: () => end };
}

const iterations = (points: readonly HistoryPoint[] = []) => points.map(({ iteration }) => iteration);

describe.skipIf(UNBUILT)(`joinRun${UNBUILT}`, () => {
  it('answers undefined where nobody trains', async () => {
    const nobody = { onEvent: () => undefined, onEnd: () => undefined, onGone: () => undefined };
    expect(await joinRun(join(folder, 'nothing'), nobody)).toBeUndefined();
  });

  it('tells whoever joins late every point once, and how the run ended', async () => {
    const training = engine.request('train', params('late'));
    const first = await joined('late');
    await until(() => (first.run.snapshot().points?.points.length ?? 0) > 20);
    const second = await joined('late');
    const result = await training;
    await until(() => second.end() !== undefined && first.end() !== undefined);
    const all = iterations(await pointsOf(join(folder, 'late')));
    expect(iterations(first.run.snapshot().points?.points)).toEqual(all);
    expect(iterations(second.run.snapshot().points?.points)).toEqual(all);
    expect(first.end()).toEqual({ result });
    expect(
      await joinRun(join(folder, 'late'), { onEvent: () => undefined, onEnd: () => undefined, onGone: () => undefined }),
    ).toBeUndefined();
  });

  it('stands still while it is paused, and ends as if it had never been', async () => {
    await engine.request('train', params('plain'));
    const training = engine.request('train', params('paused'));
    const { run, heard } = await joined('paused');
    await until(() => run.snapshot().points !== null);
    await run.control('pause');
    await until(() => run.snapshot().activity === 'paused');
    const before = run.snapshot().points!.points.length;
    await new Promise((wake) => setTimeout(wake, 300));
    expect(run.snapshot().points!.points.length).toBe(before);
    await run.control('resume');
    await training;
    const activities = heard.flatMap((event) => (event.kind === 'activity' ? [event.activity] : []));
    expect(activities.slice(activities.indexOf('paused'))).toEqual(['paused', 'training']);
    expect(await historyOf(join(folder, 'paused'))).toEqual(await historyOf(join(folder, 'plain')));
    await expectSameModel(join(folder, 'paused', 'model.onnx'), join(folder, 'plain', 'model.onnx'));
  });

  it('can be stopped while it is paused', async () => {
    const training = engine.request('train', params('stopped'));
    const { run } = await joined('stopped');
    await until(() => run.snapshot().points !== null);
    await run.control('pause');
    await until(() => run.snapshot().activity === 'paused');
    await run.control('stop');
    expect((await training).stopped).toBe('person');
  });

  it('is not disturbed by somebody who talks nonsense or does not listen', async () => {
    const training = engine.request('train', params('disturbed'));
    const { run } = await joined('disturbed');
    const stranger = connect(await addressOf(join(folder, 'disturbed')));
    await new Promise((done) => stranger.once('connect', done));
    stranger.on('error', () => undefined);
    stranger.write('Content-Length: 9999999\r\n\r\n{"no": json');
    const rude = connect(await addressOf(join(folder, 'disturbed')));
    rude.on('error', () => undefined);
    rude.pause();
    await run.control('hack' as never);
    expect((await training).stopped).toBe('epochs');
    stranger.destroy();
    rude.destroy();
  });

  it('takes a run that ends before it has answered for one that did what it was told', async () => {
    const run = join(folder, 'hasty');
    await mkdir(run);
    const end: TrainEnd = { error: { code: 'cancelled', message: 'stopped' } };
    const server = createServer((socket) => {
      const connection = createMessageConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket));
      connection.onRequest('snapshot', () => ({ pid: process.pid, ...EMPTY_SNAPSHOT }));
      connection.onRequest('control', async () => {
        await connection.sendNotification('ended', end);
        return new Promise(() => undefined);
      });
      connection.listen();
    });
    await new Promise<void>((listening) => void addressOf(run).then((address) => server.listen(address, listening)));
    const { run: joinedRun, end: ended } = await joined('hasty');
    await joinedRun.control('stop');
    expect(ended()).toEqual(end);
    server.close();
  });

  it('goes on without its parent, can still be joined, and its run is resumed to the same end', async () => {
    await engine.request('train', params('alone'));
    const parent = join(folder, 'parent.cjs');
    const asked = params('orphan', { outlive: true, set: { ...SET, threads: '1' } });
    await writeFile(
      parent,
      `const child = require('node:child_process').fork(${JSON.stringify(resolve('dist/engine.js'))}, [], { serialization: 'advanced', silent: true, detached: true });
       child.send({ jsonrpc: '2.0', id: 1, method: 'train', params: ${JSON.stringify({ params: asked, progressToken: 1 })} });
       setInterval(() => undefined, 1000);`,
    );
    const child = spawn(process.execPath, [parent], { stdio: 'ignore' });
    const { run } = await joined('orphan');
    await until(() => run.snapshot().points !== null);
    await run.control('pause');
    child.kill('SIGKILL');
    await new Promise((done) => child.once('exit', done));
    await until(() => run.snapshot().activity === 'paused');
    const { pid } = run.snapshot();
    const again = await joined('orphan');
    await again.run.control('stop');
    await until(() => again.end() !== undefined);
    expect(again.end()).toMatchObject({ result: { stopped: 'person' } });
    await until(() => !isAlive(pid));
    await engine.request('train', { ...asked, set: {}, resume: true, outlive: false });
    expect(await historyOf(join(folder, 'orphan'))).toEqual(await historyOf(join(folder, 'alone')));
  });
});
