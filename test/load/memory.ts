// What a process holds at a moment, as the system sees it, and whether that grows.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Resident memory of a process in MiB; undefined where this system does not tell. */
export function memoryOf(pid: number): number | undefined {
  try {
    const text =
      process.platform === 'linux'
        ? (/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '')
        : execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' });
    return Number(text) > 0 ? Number(text) / 1024 : undefined;
  } catch {
    return undefined;
  }
}

/** Open files, sockets and pipes, and children of a process; only Linux tells. Threads are not counted: pools fill as they are needed. */
export function holdingsOf(pid: number): Readonly<Record<string, number>> | undefined {
  if (process.platform !== 'linux') return undefined;
  const threads = readdirSync(`/proc/${pid}/task`);
  const children = threads.flatMap((thread) => wordsIn(`/proc/${pid}/task/${thread}/children`));
  return { files: readdirSync(`/proc/${pid}/fd`).length, children: children.length };
}

function wordsIn(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split(' ').filter(Boolean);
  } catch {
    // A thread that has just ended.
    return [];
  }
}

export interface Trend {
  /** Medians of the second tenth and of the last tenth of the readings, in MiB: the first tenth fills caches. */
  readonly early: number;
  readonly late: number;
}

/** @param readings at least ten, evenly spaced */
export function trendOf(readings: readonly number[]): Trend {
  const tenth = Math.floor(readings.length / 10);
  return { early: median(readings.slice(tenth, 2 * tenth)), late: median(readings.slice(-tenth)) };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
