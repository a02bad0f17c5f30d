// The command line as a person or a script meets it: a process with arguments, two streams and an exit status.
import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { undescribed } from './described';

const CLI = resolve('dist', 'cli.js');

interface CliOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface CliResult {
  readonly verb: string;
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCli {
  readonly process: ChildProcess;
  /** What stderr holds so far. */
  readonly said: () => string;
  readonly ended: Promise<CliResult>;
}

export function startCli(args: readonly string[], { cwd, env }: CliOptions = {}): RunningCli {
  const child = spawn(process.execPath, [CLI, ...args], {
    ...(cwd !== undefined && { cwd }),
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text.stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text.stderr += chunk));
  const ended = new Promise<CliResult>((done, fail) => {
    child.on('error', fail);
    child.on('close', (status, signal) => done({ verb: args[0] ?? '', status, signal, ...text }));
  });
  return { process: child, said: () => text.stderr, ended };
}

export function runCli(args: readonly string[], options?: CliOptions): Promise<CliResult> {
  return startCli(args, options).ended;
}

/**
 * Stdout as the one JSON object that it has to be, with no field that docs/command-line.md does not describe. Throws, with both streams in the message,
 * where it is anything else.
 */
export function jsonResult(result: CliResult): Record<string, unknown> {
  const { verb, status, stdout, stderr } = result;
  const wrong = (why: string) => new Error(`${why} (exit status ${String(status)})\nstdout: ${stdout}\nstderr: ${stderr}`);
  if (!/^\{.*\}\n$/.test(stdout)) throw wrong('stdout is not one line with one JSON object');
  const json = objectIn(stdout);
  if (!json) throw wrong('stdout is no JSON');
  const unknown = undescribed(verb, json);
  if (unknown.length > 0) throw wrong(`docs/command-line.md does not describe ${unknown.join(', ')} of ${verb}`);
  return json;
}

function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** The lines of an error as a person sees it, without the lines that tell how the work goes. */
export function plainLines({ stderr }: CliResult): string[] {
  return stderr.split('\n').filter((line) => line.trim() !== '');
}
