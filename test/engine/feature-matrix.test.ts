// Rows of features: the same from memory and from a temporary file, which leaves no name behind; a cut file is told.
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FeatureMatrix, featureMatrix, pickRows } from '../../src/engine/feature-matrix';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'matrix-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const ROWS = 7;
const WIDTH = 3;

async function rowOf(matrix: Pick<FeatureMatrix, 'read'>, row: number): Promise<number[]> {
  const target = new Float32Array(WIDTH + 2);
  await matrix.read(row, target, 1);
  expect([target[0], target.at(-1)]).toEqual([0, 0]);
  return [...target.subarray(1, -1)];
}

describe('featureMatrix', () => {
  it('gives back what was put last, in memory and on disk, in any order', async () => {
    const write = fc.tuple(fc.integer({ min: 0, max: ROWS - 2 }), fc.boolean(), fc.float({ noNaN: true }));
    await fc.assert(
      fc.asyncProperty(fc.array(write), async (writes) => {
        const both = [await featureMatrix(ROWS, WIDTH, folder), await featureMatrix(ROWS, WIDTH, folder, 0)] as const;
        const known = new Map<number, number[]>();
        for (const [row, two, value] of writes) {
          const values = Float32Array.from({ length: (two ? 2 : 1) * WIDTH }, (_, k) => value + k);
          for (const matrix of both) await matrix.put(row, values);
          known.set(row, [...values.subarray(0, WIDTH)]);
          if (two) known.set(row + 1, [...values.subarray(WIDTH)]);
        }
        for (const [row, values] of known) for (const matrix of both) expect(await rowOf(matrix, row)).toEqual(values);
      }),
      { numRuns: 30 },
    );
    expect(await readdir(folder)).toEqual([]);
  });

  it('stays in memory where no file can be made', async () => {
    const taken = join(folder, 'no folder');
    await writeFile(taken, '');
    const matrix = await featureMatrix(ROWS, WIDTH, taken, 0);
    await matrix.put(2, Float32Array.of(1, 2, 3));
    expect(await rowOf(matrix, 2)).toEqual([1, 2, 3]);
  });

  it('tells of a row that its file does not have', async () => {
    const matrix = await featureMatrix(ROWS, WIDTH, folder, 0);
    await matrix.put(0, Float32Array.of(1, 2, 3));
    await expect(rowOf(matrix, 1)).rejects.toMatchObject({ code: 'features-unreadable' });
  });
});

describe('pickRows', () => {
  it('numbers some rows anew', async () => {
    const matrix = await featureMatrix(ROWS, WIDTH, folder);
    await matrix.put(4, Float32Array.of(4, 5, 6, 7, 8, 9));
    const picked = pickRows(matrix, [5, 4]);
    expect([await rowOf(picked, 0), await rowOf(picked, 1)]).toEqual([
      [7, 8, 9],
      [4, 5, 6],
    ]);
  });
});
