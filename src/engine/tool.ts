// Another program, run to its end for what it does.
import { type ChildProcess, spawn } from 'node:child_process';

interface ToolOptions {
  readonly cwd?: string;
  /** Beside this process's own. */
  readonly env?: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  /** Finds the reason in what a program printed that failed. */
  readonly reasonIn?: (words: string) => string;
  /** Of a program for Node, which may send to its parent. */
  readonly onMessage?: (message: unknown) => void;
}

const MOST_WORDS = 20_000;
/** For all of a group to be gone. */
const PATIENCE_MS = 2000;

/** Answers what it says went wrong, if anything. When aborted it ends the program with all that it has started, and then throws the signal's reason. */
export function runTool(
  tool: string,
  args: readonly string[],
  { cwd, env, signal, reasonIn = errorLines, onMessage }: ToolOptions,
): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const child = spawn(tool, [...args], {
      ...(cwd !== undefined && { cwd }),
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe', ...(onMessage ? (['ipc'] as const) : [])],
      // A group of its own, which is ended as a whole.
      detached: true,
      windowsHide: true,
    });
    const stop = () => {
      endAll(child);
      // What has left the group may hold its streams for ever.
      setTimeout(() => reject(signal.reason as Error), PATIENCE_MS).unref();
    };
    signal.addEventListener('abort', stop);
    let words = '';
    for (const stream of [child.stdout!, child.stderr!])
      stream.setEncoding('utf8').on('data', (text: string) => (words = (words + text).slice(-MOST_WORDS)));
    if (onMessage) child.on('message', onMessage);
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code) => {
      signal.removeEventListener('abort', stop);
      if (signal.aborted) reject(signal.reason as Error);
      else resolve(code === 0 ? undefined : reasonIn(words) || 'it gave no reason');
    });
  });
}

/** At once: what they were making is thrown away, and a compiler that is asked to end leaves those that it has started. */
function endAll({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // They have ended by themselves.
  }
}

/** The lines that speak of an error, or the last ones. */
function errorLines(words: string): string {
  const lines = words
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  const errors = lines.filter((line) => /\berror\b|ERR!|not found/i.test(line));
  return (errors.length > 0 ? errors.slice(0, 3) : lines.slice(-3)).join(' ').slice(0, 400);
}
