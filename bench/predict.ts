// `npm run bench -- predict RUN IMAGE`: from asking for an image's labels to having them, with and without a running engine.
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type EngineClient, engineClient } from '../src/engine/client/engine';
import type { Device } from '../src/engine/runtime/messages';
import { withEmptyCache } from './cache';
import { deviceOf, UsageError } from './cases';

const ROUNDS = 5;
const WARM = 20;

/** What is measured, in the order of the table. */
const NAMES = {
  first: 'labels, engine not running, model never seen',
  cold: 'labels, engine not running',
  started: 'labels, engine started early',
  warm: 'labels, engine running',
  firstMap: 'first Grad-CAM map',
  nextMap: 'further Grad-CAM maps',
};

type Times = Record<keyof typeof NAMES, number[]>;

/** Milliseconds, medians. Nothing is kept from earlier runs of Labelscope. */
export async function benchPredict(args: string[]): Promise<string[]> {
  const { positionals, values } = readArguments(args);
  const [model, image] = positionals;
  if (model === undefined || image === undefined)
    throw new UsageError('predict needs RUN and IMAGE: labelscope-runs/… and an image file.');
  const times: Times = { first: [], cold: [], started: [], warm: [], firstMap: [], nextMap: [] };
  const device = deviceOf(values.device);
  for (let round = 0; round < ROUNDS; round++) await withEmptyCache(() => measure(resolve(model), resolve(image), device, times));
  return Object.entries(NAMES).map(
    ([key, name]) =>
      `${name.padEnd(46)} ${median(times[key as keyof Times])
        .toFixed(0)
        .padStart(6)} ms`,
  );
}

function readArguments(args: string[]) {
  try {
    return parseArgs({ args, allowPositionals: true, options: { device: { type: 'string', default: 'cpu' } } });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** One of each, but of what a running engine does many. */
async function measure(model: string, image: string, device: Device, times: Times): Promise<void> {
  const request = { model, files: [image], device };
  const predict = (engine: EngineClient) => engine.request('predict', request);
  const explain = (engine: EngineClient) => engine.request('explain', { ...request, colormap: 'jet', opacity: 0.5 });
  await withEngine(async (engine) => times.first.push(await took(() => predict(engine))));
  await withEngine(async (engine) => {
    await engine.request('prepare', { model, device });
    times.started.push(await took(() => predict(engine)));
  });
  await withEngine(async (engine) => {
    times.cold.push(await took(() => predict(engine)));
    for (let k = 0; k < WARM; k++) times.warm.push(await took(() => predict(engine)));
    times.firstMap.push(await took(() => explain(engine)));
    for (let k = 0; k < WARM; k++) times.nextMap.push(await took(() => explain(engine)));
  });
}

async function withEngine(use: (engine: EngineClient) => Promise<unknown>): Promise<void> {
  const engine = engineClient({ script: join(__dirname, 'engine.js'), onLog: () => undefined });
  try {
    await use(engine);
  } finally {
    await engine.stop();
  }
}

async function took(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}
