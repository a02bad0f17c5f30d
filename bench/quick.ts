// `npm run bench -- quick ANNOTATIONS`: the recipe `quick` on the command line, with nothing computed before and again, from its start to its end.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { table } from '../src/cli/io';
import type { Device } from '../src/engine/runtime/messages';
import { makeEmptyCache } from './cache';
import { deviceOf, UsageError, wholeNumber } from './cases';
import { median } from './median';

type Kind = 'cold' | 'warm';

/** Seconds from the start of the process. */
interface Reading {
  readonly kind: Kind;
  /** Until the head has learned for an epoch and was validated. */
  readonly epoch: number;
  readonly end: number;
  readonly load: number;
}

/** Cold and warm in turns; every cold one begins without a cache. */
export async function benchQuick(args: string[], say: (text: string) => void): Promise<string[]> {
  const { annotations, rounds, device } = readOptions(args);
  const readings: Reading[] = [];
  for (let round = 1; round <= rounds; round++) {
    const folder = await mkdtemp(join(tmpdir(), 'labelscope-quick-'));
    try {
      await makeEmptyCache(cacheIn(folder));
      for (const kind of ['cold', 'warm'] as const) {
        readings.push(await measure(kind, annotations, device, folder));
        say(`round ${round}, ${kind}: ${readings.at(-1)!.end.toFixed(1)} s`);
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  const rows = (['cold', 'warm'] as const).map((kind) => rowOf(kind, readings));
  return table([['', 'first epoch s', 'end s', 'range', 'load'], ...rows]);
}

const cacheIn = (folder: string): string => join(folder, 'cache');

function rowOf(kind: Kind, readings: readonly Reading[]): string[] {
  const own = readings.filter((reading) => reading.kind === kind);
  const ends = own.map(({ end }) => end);
  const range = `${Math.min(...ends).toFixed(2)} to ${Math.max(...ends).toFixed(2)}`;
  return [
    kind,
    median(own.map(({ epoch }) => epoch)).toFixed(2),
    median(ends).toFixed(2),
    range,
    median(own.map(({ load }) => load)).toFixed(1),
  ];
}

async function measure(kind: Kind, annotations: string, device: Device, folder: string): Promise<Reading> {
  const load = loadavg()[0]!;
  const command = [
    join(__dirname, 'cli.js'),
    'train',
    annotations,
    '--recipe',
    'quick',
    '--device',
    device,
    '--run',
    join(folder, kind),
  ];
  const start = performance.now();
  const since = () => (performance.now() - start) / 1000;
  const child = spawn(process.execPath, [...command, '--json'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: folder,
    env: { ...process.env, LABELSCOPE_CACHE: cacheIn(folder) },
  });
  let told = '';
  let epoch: number | undefined;
  child.stderr.on('data', (text: Buffer) => {
    told += text.toString();
    if (epoch === undefined && /^Epoch /m.test(told)) epoch = since();
  });
  const status = await new Promise((ended) => child.once('close', ended));
  if (status !== 0 || epoch === undefined) throw new Error(`The training failed: ${told.trim().split('\n').at(-1) ?? ''}`);
  return { kind, epoch, end: since(), load };
}

function readOptions(args: string[]): { annotations: string; rounds: number; device: Device } {
  try {
    const options = { rounds: { type: 'string', default: '3' }, device: { type: 'string', default: 'cpu' } } as const;
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    if (positionals.length !== 1) throw new UsageError('quick needs ANNOTATIONS: one COCO file.');
    return {
      annotations: resolve(positionals[0]!),
      rounds: wholeNumber('--rounds', values.rounds),
      device: deviceOf(values.device),
    };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
