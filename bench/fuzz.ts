// `npm run bench -- fuzz`: damaged and hostile input of every kind for what reads it, each kind in a process of its own with limits (docs/reliability.md).
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { table } from '../src/cli/io';
import { type Kind, KINDS, targetOf } from '../test/fuzz/targets';
import { UsageError, wholeNumber } from './cases';

export interface FuzzJob {
  readonly kind: Kind;
  readonly folder: string;
  readonly from: number;
  readonly to: number;
}

/** After each input. */
interface Told {
  readonly input: number;
  /** 'read', 'refused', or what is wrong. */
  readonly outcome: string;
  /** MiB of the process. */
  readonly memory: number;
}

interface Found {
  readonly kind: Kind;
  readonly counts: Map<string, number>;
  readonly faults: string[];
  longest: number;
  memory: number;
}

const HANG_MS = 5000;
const MOST_MEMORY = 1024;
const MOST_HEAP = 256;

/** The report, as lines; the exit status is 1 where there was a fault. */
export async function benchFuzz(args: string[], say: (line: string) => void): Promise<string[]> {
  const { kinds, inputs, from } = readOptions(args);
  const found: Found[] = [];
  for (const kind of kinds) {
    say(`${kind}: ${inputs} inputs from ${from} …`);
    found.push(await fuzz(kind, from, from + inputs));
  }
  const faults = found.flatMap((one) => one.faults);
  if (faults.length > 0) process.exitCode = 1;
  const count = ({ counts }: Found, outcome: string) => counts.get(outcome) ?? 0;
  const rows = found.map((one) => [
    one.kind,
    count(one, 'read'),
    count(one, 'refused'),
    one.faults.length,
    one.longest.toFixed(0),
    one.memory.toFixed(0),
  ]);
  return [...table([['', 'read', 'refused', 'faults', 'longest ms', 'most MiB'], ...rows]), ...faults];
}

function readOptions(args: string[]): { kinds: readonly Kind[]; inputs: number; from: number } {
  try {
    const options = { inputs: { type: 'string', default: '1000' }, from: { type: 'string', default: '0' } } as const;
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    const unknown = positionals.find((name) => !(KINDS as readonly string[]).includes(name));
    if (unknown !== undefined) throw new Error(`There is no kind '${unknown}'. Kinds: ${KINDS.join(', ')}.`);
    const kinds = positionals.length > 0 ? (positionals as Kind[]) : KINDS;
    return { kinds, inputs: wholeNumber('--inputs', values.inputs), from: Number(values.from) };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** A process that hangs, dies or takes too much memory is a fault of the input that it was at; the next one goes on after it. */
async function fuzz(kind: Kind, from: number, to: number): Promise<Found> {
  const found: Found = { kind, counts: new Map(), faults: [], longest: 0, memory: 0 };
  for (let next = from; next < to;) {
    const folder = await mkdtemp(join(tmpdir(), 'labelscope-fuzz-'));
    try {
      next = await watch({ kind, folder, from: next, to }, found);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  return found;
}

/** Answers the first input that was not read. */
function watch(job: FuzzJob, found: Found): Promise<number> {
  const child = fork(__filename, ['fuzz-worker', JSON.stringify(job)], { execArgv: [`--max-old-space-size=${MOST_HEAP}`] });
  let at = job.from;
  let began = performance.now();
  let why = 'the process died';
  // The start of the process, which makes the corpus, is not an input.
  let timer = setTimeout(() => end(child, 'it did not start'), 12 * HANG_MS);
  const end = (process: ChildProcess, reason: string) => {
    why = reason;
    process.kill('SIGKILL');
  };
  return new Promise((done) => {
    child.on('message', ({ input, outcome, memory }: Told) => {
      clearTimeout(timer);
      const now = performance.now();
      if (input >= job.from) {
        found.longest = Math.max(found.longest, now - began);
        found.counts.set(outcome, (found.counts.get(outcome) ?? 0) + 1);
        found.memory = Math.max(found.memory, memory);
        if (outcome !== 'read' && outcome !== 'refused') found.faults.push(`${job.kind} ${input}: ${outcome}`);
        at = input + 1;
      }
      began = now;
      timer = setTimeout(() => end(child, `no answer in ${HANG_MS / 1000} s`), HANG_MS);
      if (memory > MOST_MEMORY) end(child, `${memory.toFixed(0)} MiB of memory`);
    });
    child.on('exit', (code) => {
      clearTimeout(timer);
      const isDone = code === 0 && at >= job.to;
      if (!isDone) found.faults.push(`${job.kind} ${at}: ${why}`);
      done(isDone ? job.to : at + 1);
    });
  });
}

/** Tells that it is ready as the input before the first. */
export async function runFuzzWorker({ kind, folder, from, to }: FuzzJob): Promise<void> {
  const target = await targetOf(kind, folder);
  const tell = (input: number, outcome: string) =>
    new Promise<void>((told) =>
      process.send!({ input, outcome, memory: process.memoryUsage().rss / 2 ** 20 } satisfies Told, () => told()),
    );
  await tell(from - 1, 'ready');
  for (let input = from; input < to; input++) {
    await tell(input, await target(input).catch((error: unknown) => (error instanceof Error && error.stack) || String(error)));
  }
  process.disconnect();
}
