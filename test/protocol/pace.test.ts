// The time that is left, as everybody is told it: command line, notifications and windows.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { duration, paced } from '../../src/protocol/pace';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

/** What is told of these counts out of 100, each after so many seconds. */
function told(counts: readonly (readonly [seconds: number, done: number])[]): (string | undefined)[] {
  const words: (string | undefined)[] = [];
  const tell = paced((_, left) => words.push(left));
  let now = 0;
  for (const [seconds, done] of counts) {
    vi.advanceTimersByTime(1000 * (seconds - now));
    now = seconds;
    tell({ done, total: 100 });
  }
  return words;
}

it('is told once work has gone on for two seconds, and no longer at its end', () => {
  const counts = [
    [0, 0],
    [1, 1],
    [2, 2],
    [20, 20],
    [100, 100],
  ] as const;
  expect(told(counts)).toEqual([undefined, undefined, '1 min 38 s', '1 min 20 s', undefined]);
});

it('counts no time before work is first told of, and none of work that begins anew', () => {
  const counts = [
    [30, 40],
    [34, 60],
    [60, 0],
    [70, 50],
  ] as const;
  expect(told(counts)).toEqual([undefined, '8 s', undefined, '10 s']);
});

it('is said in at most two units', () => {
  expect([0, 59.6, 75, 3700].map(duration)).toEqual(['0 s', '1 min 0 s', '1 min 15 s', '1 h 1 min']);
});
