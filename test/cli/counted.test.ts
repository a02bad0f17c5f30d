// How far work is, on the command line: a bar, how much of how much, the time left; and for the editor that has started the process, the numbers.
import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { counted, countedFile, type Io } from '../../src/cli/io';
import { UNBUILT } from '../support/engine';

let lines: string[];
const io: Io = {
  json: false,
  result: () => undefined,
  note: () => undefined,
  problem: () => undefined,
  progress: (text) => lines.push(text),
};
const QUARTER = '█'.repeat(6) + '░'.repeat(18);
const HALF = '█'.repeat(12) + '░'.repeat(12);
const WHOLE = '█'.repeat(24);

beforeEach(() => {
  lines = [];
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => vi.useRealTimers());

describe('counted', () => {
  it('says what is done, and once the pace is known how long the rest takes', () => {
    const tell = counted(io, 'Drawing');
    tell({ done: 2, total: 8 });
    vi.advanceTimersByTime(4000);
    tell({ done: 4, total: 8 });
    tell({ done: 8, total: 8 });
    expect(lines).toEqual([
      `Drawing  ${QUARTER}  2 of 8 images`,
      `Drawing  ${HALF}  4 of 8 images, 8 s left`,
      `Drawing  ${WHOLE}  8 of 8 images`,
    ]);
  });

  it.each([
    ['MB', 2.5e7, 1e8, `${QUARTER}  25 of 100 MB`],
    ['%', 1, 4, `${QUARTER}  25 %`],
    // More came than was thought of.
    ['resamples', 9, 8, `${WHOLE}  9 of 8 resamples`],
  ])('counts in %s', (unit, done, total, words) => {
    counted(io, 'Working', unit)({ done, total });
    expect(lines).toEqual([`Working  ${words}`]);
  });

  it('tells of a file that is read, of its images, and of the file once more as of work of its own', () => {
    const tell = countedFile(io, 'Copying');
    tell({ bytes: 1e8, totalBytes: 4e8 });
    tell({ bytes: 4e8, totalBytes: 4e8 });
    tell({ bytes: 4e8, totalBytes: 4e8, images: { done: 1, total: 4 } });
    vi.advanceTimersByTime(60_000);
    tell({ bytes: 2e8, totalBytes: 4e8 });
    expect(lines.slice(2)).toEqual([`Looking at images  ${QUARTER}  1 of 4 images`, `Copying  ${HALF}  200 of 400 MB`]);
  });
});

describe.skipIf(UNBUILT)(`a process that somebody follows${UNBUILT}`, () => {
  it('sends how far it is', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'counted-'));
    const told: unknown[] = [];
    const cli = fork(resolve('dist', 'cli.js'), ['sample', join(folder, 'sample'), '--images', '12'], { silent: true });
    cli.on('message', (message) => told.push(message));
    expect(await new Promise((done) => cli.on('close', done))).toBe(0);
    expect(told.at(-1)).toEqual({ done: 24, total: 24 });
    await rm(folder, { recursive: true });
  });
});
