// Another program, run to its end for what it does.
import { spawn } from 'node:child_process';

interface ToolOptions {
  readonly cwd?: string;
  /** Beside this process's own. */
  readonly env?: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  /** Finds the reason in what a program printed that failed. */
  readonly reasonIn?: (words: string) => string;
}

const MOST_WORDS = 20_000;

/** Answers what it says went wrong, if anything. Throws the signal's reason when aborted. */
export function runTool(
  tool: string,
  args: readonly string[],
  { cwd, env, signal, reasonIn = errorLines }: ToolOptions,
): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
    const child = spawn(tool, [...args], { ...(cwd !== undefined && { cwd }), env: { ...process.env, ...env }, stdio, signal });
    let words = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (words = (words + text).slice(-MOST_WORDS)));
    child.on('error', (error) => {
      if (signal.aborted) reject(error);
      else resolve(error.message);
    });
    child.on('close', (code) => resolve(code === 0 ? undefined : reasonIn(words) || 'it gave no reason'));
  });
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
