// `npm run bench -- coco`: opening COCO's largest annotation file, beside what else reads it, in turns, each in a process of its own.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { table } from '../src/cli/io';
import { UsageError, wholeNumber } from './cases';
import { writeCocoFile } from './coco-file';
import type { Reader, Reading } from './coco-reader';
import { median } from './median';
import { installedCocoPeers } from './peers';
import type { Program } from './contestant';

const FOLDER = join(__dirname, '..', 'node_modules', '.cache', 'labelscope');
/** What COCO's 860,001 annotations take in the file, about. */
const FILE_BYTES = 440e6;

interface Measured {
  readonly name: string;
  readonly readings: readonly Reading[];
}

type Say = (text: string) => void;

/** The report, as lines: medians of milliseconds, their range, the peak memory and the ratios to Labelscope's first row. */
export async function benchCoco(args: string[], say: Say): Promise<string[]> {
  const { rounds, times } = readOptions(args);
  const file = await cocoFile(1, say);
  const peers = installedCocoPeers(file);
  if (peers.length === 0) say('No Python with json, orjson and pycocotools is set up (bench/peers/README.md).');
  const folder = await mkdtemp(join(tmpdir(), 'labelscope-coco-'));
  try {
    // The first round fills the cache of the second openings and the system's file cache, and is not counted.
    const one = await measure([...ours(file, folder), ...peers], rounds, say);
    if (times === 1) return report(one);
    const many = await measure(ours(await cocoFile(times, say), folder), rounds, say);
    return [...report(one), '', `${times} times the annotations:`, ...report(many), '', ...growth(one, many)];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function readOptions(args: string[]): { rounds: number; times: number } {
  try {
    const options = { rounds: { type: 'string', default: '5' }, times: { type: 'string', default: '1' } } as const;
    const { values } = parseArgs({ args, options });
    return { rounds: wholeNumber('--rounds', values.rounds), times: wholeNumber('--times', values.times) };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

async function cocoFile(times: number, say: Say): Promise<string> {
  const path = join(FOLDER, `instances_train2017-${times}.json`);
  const { bavail, bsize } = await statfs(dirname(FOLDER)).catch(() => statfs(join(__dirname, '..')));
  if (bavail * bsize < 2 * times * FILE_BYTES) throw new Error(`There is too little space for ${path} on its disk.`);
  say(`${path}: ${Math.round((await writeCocoFile(path, times)) / 1e6)} MB`);
  return path;
}

const READERS: Readonly<Record<Reader, string>> = {
  read: 'Labelscope, reading',
  open: 'Labelscope, second opening',
  cancel: 'Labelscope, cancelling',
  parse: 'JSON.parse',
};

function ours(file: string, cacheFolder: string): Program[] {
  return Object.entries(READERS).map(([reader, name]) => ({
    name,
    command: process.execPath,
    args: [join(__dirname, 'bench-coco.js'), JSON.stringify({ reader, file, cacheFolder })],
  }));
}

/** One reading of each a round; who fails in the first round is left out. */
async function measure(programs: readonly Program[], rounds: number, say: Say): Promise<Measured[]> {
  const readings = new Map<string, Reading[]>();
  for (let round = 0; round <= rounds; round++) {
    for (const { name, command, args } of programs) {
      if (round > 0 && !readings.has(name)) continue;
      try {
        const { stdout } = await promisify(execFile)(command, args);
        const reading = JSON.parse(stdout) as Reading;
        readings.set(name, round === 0 ? [] : [...readings.get(name)!, reading]);
      } catch (error) {
        say(`${name} failed: ${(error as Error).message.split('\n').find((line) => line.includes('Error')) ?? String(error)}`);
      }
    }
    say(round === 0 ? 'warm' : `round ${round} of ${rounds}`);
  }
  return [...readings].map(([name, all]) => ({ name, readings: all }));
}

const sorted = (values: readonly number[]) => [...values].sort((a, b) => a - b);
const timesOf = ({ readings }: Measured) => readings.map(({ milliseconds }) => milliseconds);
const peaksOf = ({ readings }: Measured) => readings.map(({ peakMiB }) => peakMiB);

/** @throws Error where two have not read the same number of annotations: their times would say nothing */
function report(measured: readonly Measured[]): string[] {
  const [first] = measured;
  const counts = new Set(measured.flatMap(({ readings }) => readings.map(({ annotations }) => annotations)).filter((n) => n > 0));
  if (counts.size !== 1) throw new Error(`Not all have read the same: ${[...counts].join(', ')} annotations.`);
  const rows = measured.map((one) => {
    const range = sorted(timesOf(one));
    return [
      one.name,
      median(timesOf(one)).toFixed(0),
      `${range[0]!.toFixed(0)} to ${range.at(-1)!.toFixed(0)}`,
      (median(timesOf(one)) / median(timesOf(first!))).toFixed(2),
      median(peaksOf(one)).toFixed(0),
      (median(peaksOf(one)) / median(peaksOf(first!))).toFixed(2),
    ];
  });
  return table([['', 'ms', 'range', 'ratio', 'peak MiB', 'ratio'], ...rows]);
}

function growth([one]: readonly Measured[], [many]: readonly Measured[]): string[] {
  const time = median(timesOf(many!)) / median(timesOf(one!));
  const memory = median(peaksOf(many!)) / median(peaksOf(one!));
  return [`reading takes ${time.toFixed(1)} times the time and ${memory.toFixed(2)} times the memory`];
}
