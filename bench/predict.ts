// `npm run bench -- predict RUN IMAGE`: from asking for an image's labels to having them, with and without a running engine, and for its maps.
import { loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { table } from '../src/cli/io';
import { type EngineClient, engineClient } from '../src/engine/client/engine';
import type { Device } from '../src/engine/runtime/messages';
import { withEmptyCache } from './cache';
import { deviceOf, UsageError, wholeNumber } from './cases';
import { median } from './median';
import { type Asked, type PredictPeer, preparePeer } from './predict-peer';

const WARM = 20;
/** So many the image editor shows beside each other, unless the person chooses others (webview/image/state.ts). */
const BESIDE_EACH_OTHER = 6;

/** What is measured, in the order of the table. `most`: what it should take less than, in milliseconds on two cores. */
const ASKED = {
  first: { name: 'labels, engine not running, model never seen', most: 2500 },
  cold: { name: 'labels, engine not running', most: 2500 },
  started: { name: 'labels, engine started early', most: undefined },
  warm: { name: 'labels, engine running', most: 150 },
  firstMap: { name: 'first Grad-CAM map', most: 250 },
  nextMap: { name: 'further Grad-CAM maps, one category', most: 250 },
  beside: { name: `Grad-CAM maps of ${BESIDE_EACH_OTHER} categories, as beside each other`, most: 250 },
  every: { name: 'Grad-CAM maps of every category that the side view lists', most: 250 },
} as const;

type What = keyof typeof ASKED;
const WHATS = Object.keys(ASKED) as What[];
/** Milliseconds. */
type Times = Record<What, number[]>;

interface Question {
  readonly model: string;
  readonly image: string;
  readonly device: Device;
}

/** Medians. Nothing is kept from earlier runs of Labelscope. Labelscope and PyTorch take turns. */
export async function benchPredict(args: string[], say: (text: string) => void): Promise<string[]> {
  const { question, rounds, python } = readOptions(args);
  const scores = await scoresOf(question);
  const categories = Object.keys(scores).sort((a, b) => scores[b]! - scores[a]!);
  const [ours, theirs] = [noTimes(), noTimes()];
  let peer = await preparePeer(python, { ...question, scores });
  try {
    for (let round = 1; round <= rounds; round++) {
      await withEmptyCache(() => measureOurs(question, categories, ours));
      say(`round ${round} of ${rounds}`);
      if (!peer) continue;
      await measurePeer(peer, categories, theirs).catch(async (error: unknown) => {
        say(`${peer!.name} is left out: ${(error as Error).message}`);
        await peer!.remove();
        peer = undefined;
      });
    }
  } finally {
    await peer?.remove();
  }
  return report(ours, peer && theirs, categories.length);
}

function readOptions(args: string[]) {
  const { positionals, values } = parse(args);
  const [model, image] = positionals;
  if (model === undefined || image === undefined)
    throw new UsageError('predict needs RUN and IMAGE: labelscope-runs/… and an image file.');
  const question = { model: resolve(model), image: resolve(image), device: deviceOf(values.device) };
  return { question, rounds: wholeNumber('--rounds', values.rounds), python: values.python };
}

function parse(args: string[]) {
  const options = {
    device: { type: 'string', default: 'cpu' },
    rounds: { type: 'string', default: '5' },
    python: { type: 'string' },
  } as const;
  try {
    return parseArgs({ args, allowPositionals: true, options });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

const noTimes = (): Times => Object.fromEntries(WHATS.map((what) => [what, [] as number[]])) as Times;

/** By category. @throws Error where the image cannot be read */
async function scoresOf({ model, image, device }: Question): Promise<Readonly<Record<string, number>>> {
  const engine = startEngine();
  const asking = engine.request('predict', { model, files: [image], device });
  const { images, failed } = await asking.finally(() => engine.stop());
  if (!images[0]) throw new Error(failed[0]?.error ?? `${image} is no image.`);
  return images[0].scores;
}

const startEngine = (): EngineClient => engineClient({ script: join(__dirname, 'engine.js'), onLog: () => undefined });

/** Its process starts at the first request. */
function startOurs({ model, image, device }: Question): Asked & { prepare(): Promise<unknown> } {
  const engine = startEngine();
  const request = { model, files: [image], device };
  return {
    prepare: () => engine.request('prepare', { model, device }),
    labels: () => engine.request('predict', request),
    maps: (categories) => engine.request('explain', { ...request, categories, colormap: 'jet', opacity: 0.5 }),
    stop: () => engine.stop(),
  };
}

async function measureOurs(question: Question, categories: readonly string[], times: Times): Promise<void> {
  await withAsked(startOurs(question), async (engine) => times.first.push(await took(() => engine.labels())));
  await withAsked(startOurs(question), async (engine) => {
    await engine.prepare();
    times.started.push(await took(() => engine.labels()));
  });
  await withAsked(startOurs(question), async (engine) => {
    times.cold.push(await took(() => engine.labels()));
    await measureRunning(engine, categories, times);
  });
}

async function measurePeer(peer: PredictPeer, categories: readonly string[], times: Times): Promise<void> {
  const start = performance.now();
  const running = await peer.start();
  times.cold.push(performance.now() - start);
  await withAsked(running, () => measureRunning(running, categories, times));
}

async function measureRunning(asked: Asked, categories: readonly string[], times: Times): Promise<void> {
  const often = async (what: What, work: () => Promise<unknown>) => {
    for (let k = 0; k < WARM; k++) times[what].push(await took(work));
  };
  await often('warm', () => asked.labels());
  times.firstMap.push(await took(() => asked.maps(categories.slice(0, 1))));
  await often('nextMap', () => asked.maps(categories.slice(0, 1)));
  await often('beside', () => asked.maps(categories.slice(0, BESIDE_EACH_OTHER)));
  await often('every', () => asked.maps(categories));
}

async function withAsked<A extends Asked>(asked: A, use: (asked: A) => Promise<unknown>): Promise<void> {
  try {
    await use(asked);
  } finally {
    await asked.stop();
  }
}

async function took(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** A target is for the answer to be there; drawing it on the screen comes on top and is not measured. */
function report(ours: Times, theirs: Times | undefined, categories: number): string[] {
  const cell = (times: readonly number[] | undefined) => (times?.length ? median(times).toFixed(0) : '');
  const rows = WHATS.map((what) => [ASKED[what].name, cell(ours[what]), ...(theirs ? [cell(theirs[what])] : [])]);
  const verdicts = WHATS.flatMap((what) => {
    const { name, most } = ASKED[what];
    if (most === undefined) return [];
    return [`target ${median(ours[what]) < most ? 'met' : 'MISSED'}: ${name}: ${cell(ours[what])} ms, should be under ${most}`];
  });
  return [
    `${categories} categories; load ${loadavg()[0]!.toFixed(1)}`,
    '',
    ...table([['', 'Labelscope ms', ...(theirs ? ['PyTorch ms'] : [])], ...rows]),
    '',
    ...verdicts,
  ];
}
