// One contestant of one case: a process of its own, so that its peak memory is this measurement's, that works when it is its turn.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

export interface Program {
  readonly name: string;
  readonly command: string;
  /** Before the job, which is the last argument, as JSON. */
  readonly args: readonly string[];
  /** Is left out where it does not start, or ends: compiling needs a C++ compiler, and some want more memory than there is. */
  readonly optional?: boolean;
}

/** A process that is gone before it has answered. */
export class ContestantEnded extends Error {
  constructor(readonly contestant: string) {
    super(`${contestant} ended without an answer; what it said stands above.`);
  }
}

export interface Ready {
  readonly version: string;
  /** One number a warm-up step: the loss, or the sum of the probabilities. */
  readonly checks: readonly number[];
}

interface Turn {
  /** One number a step. */
  readonly milliseconds: readonly number[];
  /** Processor time of all its threads during the turn. */
  readonly cpuMilliseconds: number;
}

export interface Contestant {
  readonly name: string;
  readonly optional: boolean;
  readonly ready: Ready;
  /** Works for at least so many seconds and at least one step. */
  turn(seconds: number): Promise<Turn>;
  /** The most memory that it ever held, in MiB. No turn may follow. */
  end(): Promise<number>;
  /** Ends the process, whatever it does. */
  stop(): void;
}

type Child = ChildProcessByStdio<Writable, Readable, null>;

/** Starts the program and waits until it is warm. @throws ContestantEnded where it ends without an answer */
export async function startContestant(program: Program, job: object): Promise<Contestant> {
  const { first, ask, stop } = await startProgram(program, job);
  return {
    name: program.name,
    optional: program.optional ?? false,
    ready: first as Ready,
    turn: async (seconds) => (await ask(`turn ${seconds}`)) as Turn,
    end: async () => ((await ask('end')) as { peakMiB: number }).peakMiB,
    stop,
  };
}

/** A child process that speaks in lines of JSON. */
interface Running {
  /** What it said by itself. */
  readonly first: unknown;
  /** @throws ContestantEnded where it ends without an answer */
  readonly ask: (line: string) => Promise<unknown>;
  /** Ends the process, whatever it does. */
  readonly stop: () => void;
}

/** Starts the program and waits for its first line. @throws ContestantEnded where it ends without one */
export async function startProgram({ name, command, args }: Program, job: object): Promise<Running> {
  const child = spawn(command, [...args, JSON.stringify(job)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const next = answers(name, child);
  const first = await next();
  const ask = (line: string): Promise<unknown> => {
    child.stdin.write(`${line}\n`);
    return next();
  };
  return { first, ask, stop: () => void child.kill() };
}

/** Reads one line of JSON at a time. */
function answers(name: string, child: Child): () => Promise<unknown> {
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const started = new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  child.stdin.on('error', () => undefined);
  return async () => {
    await started;
    const line = await lines.next();
    if (line.done) throw new ContestantEnded(name);
    return JSON.parse(line.value) as unknown;
  };
}

/** The child's side: answers the parent's lines until it is gone. `work` does so many steps. */
export async function answerTurns(ready: Ready, work: () => Promise<unknown>, steps = 1): Promise<void> {
  const say = (answer: object) => process.stdout.write(JSON.stringify(answer) + '\n');
  say(ready);
  for await (const line of createInterface({ input: process.stdin })) {
    const [word, seconds] = line.split(' ');
    say(word === 'end' ? { peakMiB: process.resourceUsage().maxRSS / 1024 } : await timeSteps(work, steps, Number(seconds)));
  }
}

async function timeSteps(work: () => Promise<unknown>, steps: number, seconds: number): Promise<Turn> {
  const milliseconds: number[] = [];
  const before = process.cpuUsage();
  const start = performance.now();
  while (milliseconds.length === 0 || performance.now() - start < seconds * 1000) {
    const began = performance.now();
    await work();
    milliseconds.push((performance.now() - began) / steps);
  }
  const { user, system } = process.cpuUsage(before);
  return { milliseconds, cpuMilliseconds: (user + system) / 1000 };
}
