// The real engine process for tests, and ways to watch and to end a training run.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import { type EngineClient, engineClient } from '../../src/engine/client/engine';
import { readModel } from '../../src/onnx/files';
import type { Model, Tensor } from '../../src/onnx/model';
import type { HistoryPoint, LogLine } from '../../src/protocol/messages';
import { type TinyData, type TinyOptions, writeTinyData } from './data';
import { ENGINE, trainParams, writeTinyBackbone } from './tiny';

export { isAlive } from './process';
export { trainParams, writeTinyBackbone } from './tiny';

/** '' where the bundles are built; else what a skipped title says. */
export const UNBUILT = existsSync(ENGINE) ? '' : ' (skipped: dist is missing, run npm run build)';

export function startEngine(onLog: (line: LogLine) => void = () => undefined): EngineClient {
  return engineClient({ script: ENGINE, onLog });
}

interface TrainedTiny {
  readonly folder: string;
  readonly data: TinyData;
  readonly run: string;
  readonly engine: EngineClient;
}

/** A tiny data set and a run that has learned from it, in a new temporary folder, with the engine that trained it: both are the caller's to end. */
export async function trainTiny(
  name: string,
  set: Readonly<Record<string, string>>,
  sizes: TinyOptions = {},
): Promise<TrainedTiny> {
  const folder = await mkdtemp(join(tmpdir(), `${name}-`));
  const data = await writeTinyData(join(folder, 'data'), sizes);
  const [run, tiny] = [join(folder, 'run'), join(folder, 'tiny.onnx')];
  await writeTinyBackbone(tiny);
  const engine = startEngine();
  await engine.request('train', trainParams(data.train, tiny, run, { set }));
  return { folder, data, run, engine };
}

export async function historyOf(run: string): Promise<string[]> {
  return (await readFile(join(run, 'history.jsonl'), 'utf8')).split('\n').filter((line) => line !== '');
}

export async function pointsOf(run: string): Promise<HistoryPoint[]> {
  return (await historyOf(run)).map((line) => JSON.parse(line) as HistoryPoint);
}

export async function jsonOf<T>(path: string): Promise<T> {
  return JSON.parse(await readFile(path, 'utf8')) as T;
}

/** Waits until a condition holds. The test's own time limit ends it where it never does. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((wake) => setTimeout(wake, 10));
}

/** Every initializer of two model files, to the bit, and their metadata but for settings that change no number. */
export async function expectSameModel(found: string, wanted: string): Promise<void> {
  const [a, b] = [await readModel(found), await readModel(wanted)];
  const card = ({ metadata }: Model) => ({ ...metadata, 'labelscope.provenance': '' });
  expect(card(a)).toEqual(card(b));
  expect([...a.graph.initializers.keys()]).toEqual([...b.graph.initializers.keys()]);
  for (const [name, { type, data }] of a.graph.initializers) {
    const bytes = (tensor: Tensor['data']) =>
      ArrayBuffer.isView(tensor) ? Buffer.from(tensor.buffer, tensor.byteOffset, tensor.byteLength) : tensor;
    expect({ name, type, same: isDeepStrictEqual(bytes(data), bytes(b.graph.initializers.get(name)!.data)) }).toEqual({
      name,
      type,
      same: true,
    });
  }
}
