// `npm run bench -- load`: an engine under very many questions, a run of a day at speed, and panels that are opened and closed (docs/reliability.md).
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { table } from '../src/cli/io';
import { dayStudy } from '../test/load/day';
import type { Trend } from '../test/load/memory';
import { prepareTiny } from '../test/load/prepare';
import { requestsStudy } from '../test/load/requests';
import { UsageError, wholeNumber } from './cases';

const PARTS = ['requests', 'day', 'panels'] as const;
type Part = (typeof PARTS)[number];

type Options = ReturnType<typeof readOptions>;
type Say = (line: string) => void;

/** What is found, as lines, and what is wrong. */
interface Found {
  readonly lines: readonly string[];
  readonly faults: readonly string[];
}

/** The report, as lines; the exit status is 1 where there was a fault. */
export async function benchLoad(args: string[], say: Say): Promise<string[]> {
  const options = readOptions(args);
  const found: Found[] = [];
  for (const part of options.parts) found.push(await STUDIES[part](options, say));
  const faults = found.flatMap((one) => one.faults);
  if (faults.length > 0) process.exitCode = 1;
  return [...found.flatMap(({ lines }) => [...lines, '']), `${faults.length} faults`, ...faults];
}

const STUDIES: Readonly<Record<Part, (options: Options, say: Say) => Promise<Found>>> = {
  requests: ({ requests, atOnce, seed }, say) =>
    inFolder(async (folder) => {
      const prepared = await prepareTiny(join(folder, 'data'));
      const report = await requestsStudy({ ...prepared, folder, requests, atOnce, seed, say });
      const rows = [report.inARow, report.atOnce].map((phase, k) => [
        k === 0 ? 'in a row' : `${atOnce} at once`,
        phase.requests,
        phase.cancelled,
        phase.late,
        (phase.milliseconds / phase.requests).toFixed(2),
        ...memoryCells(phase.memory),
      ]);
      const head = ['questions', 'asked', 'cancelled', 'given up too late', 'ms each', ...MEMORY_HEAD];
      return { lines: table([head, ...rows]), faults: report.faults };
    }),
  day: ({ iterations }, say) =>
    inFolder(async (folder) => {
      const { annotations, backbone } = await prepareTiny(join(folder, 'data'));
      const day = { checkpoints: 2880, visits: 24 };
      const report = await dayStudy({ folder, annotations, backbone, iterations, ...day, say });
      const head = ['iterations', 'checkpoint each', 'visits', 'minutes', 'history MiB', ...MEMORY_HEAD];
      const row = [
        report.iterations,
        report.interval,
        report.visits,
        (report.milliseconds / 60_000).toFixed(1),
        (report.historyBytes / 2 ** 20).toFixed(1),
        ...memoryCells(report.memory),
      ];
      return { lines: table([head, row]), faults: report.faults };
    }),
  panels: ({ cycles }) => panels(cycles),
};

const MEMORY_HEAD = ['MiB early', 'MiB at the end'];

function memoryCells(memory: Trend | undefined): string[] {
  return memory ? [memory.early.toFixed(1), memory.late.toFixed(1)] : ['–', '–'];
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'labelscope-load-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** In a real editor, by a program of its own: the benchmarks load nothing of it. */
async function panels(cycles: number): Promise<Found> {
  const child = spawn(process.execPath, [join(__dirname, 'e2e', 'panels.js'), String(cycles)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
  const status = await new Promise((ended) => child.once('close', ended));
  const lines = text.trimEnd().split('\n');
  return { lines, faults: status === 0 ? [] : ['the study of panels failed'] };
}

function readOptions(args: string[]) {
  try {
    const options = {
      requests: { type: 'string', default: '10000' },
      'at-once': { type: 'string', default: '64' },
      iterations: { type: 'string', default: '20000' },
      cycles: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '1' },
    } as const;
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    const unknown = positionals.find((name) => !(PARTS as readonly string[]).includes(name));
    if (unknown !== undefined) throw new Error(`There is no part '${unknown}'. Parts: ${PARTS.join(', ')}.`);
    return {
      parts: positionals.length > 0 ? (positionals as Part[]) : PARTS,
      requests: wholeNumber('--requests', values.requests),
      atOnce: wholeNumber('--at-once', values['at-once']),
      iterations: wholeNumber('--iterations', values.iterations),
      cycles: wholeNumber('--cycles', values.cycles),
      seed: wholeNumber('--seed', values.seed),
    };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
