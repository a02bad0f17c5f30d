// What the benchmark of large data sets says of its targets.
import { expect, it } from 'vitest';
import { verdictLines } from '../../bench/scale-verdict';

const small = { files: 1000, imagesPerSecond: 596, memory: [127, 142, 152, 158] };

function verdicts(imagesPerSecond: number, memory: readonly number[]): string[] {
  return verdictLines('features', small, { files: 120_000, imagesPerSecond, memory }, true);
}

const words = (lines: readonly string[]) => lines.map((line) => line.split(':')[0]);

it('meets every target where the large set costs what the small one does', () => {
  expect(words(verdicts(590, [158, 158, 160, 159]))).toEqual(['target met', 'target met', 'target met']);
});

it('tells records, which are there from the beginning, from growth along the run', () => {
  const [speed, along, memory] = verdicts(525, [287, 287, 288, 285]);
  expect(speed).toContain('target MISSED: features: 525 images/s of 120000 files, 596 of 1000 (−12 %)');
  expect(along).toContain('target met: features: memory along the 120000 from 287 MiB at a quarter to at most 288 (0 %)');
  expect(memory).toContain('target MISSED: features: 285 MiB at the end of 120000, 158 of 1000 (+80 %, 1.1 KiB a file)');
  expect(memory).toContain('+129 MiB at the first quarter (records, and what reading them left of the heap), and −2 MiB since');
});

it('misses the target of flat memory where it grows along the run, not where it falls', () => {
  expect(words(verdicts(596, [158, 160, 163, 167]))[1]).toBe('target MISSED');
  expect(words(verdicts(596, [275, 232, 250, 243]))[1]).toBe('target met');
});

it('says nothing of growth along a run that is too short for it', () => {
  const slow = { ...small, imagesPerSecond: 6.94 };
  const lines = verdictLines('network', slow, { ...slow, files: 120_000, memory: [100, 142, 152, 158] }, false);
  expect(words(lines)).toEqual(['target met', 'target met']);
  expect(lines[0]).toContain('6.94 images/s of 120000 files, 6.94 of 1000 (0 %)');
});
