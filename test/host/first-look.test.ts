// The image that is shown first after an evaluation: one in which the model found something, of files that are there.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StoredEvaluation } from '../../src/engine/client/folder';
import { firstLook } from '../../src/host/first-look';
import { evaluate } from '../../src/metrics/evaluate';
import type { Threshold } from '../../src/metrics/types';

const CATEGORIES = ['dog', 'cat', 'bird'];

describe('firstLook', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'labelscope-look-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const at = (name: string) => join(folder, name);
  const lay = (...names: readonly string[]) => Promise.all(names.map((name) => writeFile(at(name), '')));

  function evaluated(rows: Readonly<Record<string, readonly number[]>>, threshold: Threshold): StoredEvaluation {
    const all = Object.entries(rows);
    const [categories, images] = [CATEGORIES, all.length];
    const set = {
      images,
      categories,
      labels: new Uint8Array(3 * images),
      scores: new Float64Array(all.flatMap(([, row]) => row)),
    };
    return {
      result: {
        evaluation: evaluate(set, { threshold }),
        annotations: at('val.json'),
        model: at('model.onnx'),
        failed: [],
        split: 'validation',
      },
      scores: { categories, images: all.map(([name, scores]) => ({ file_name: name, path: at(name), labels: [], scores })) },
    };
  }

  it.each<[string, readonly number[], Threshold, string]>([
    ['its label of the highest score', [0.6, 0.9, 0.1], 0.5, 'cat'],
    ['a label, though what is none has a higher score', [0.6, 0.9, 0.1], [0.5, 0.95, 0.5], 'dog'],
    ['a score that is the threshold makes a label', [0.2, 0.1, 0.3], [0.2, 0.5, 0.5], 'dog'],
    ['the highest score where there is no label', [0.2, 0.1, 0.3], 0.5, 'bird'],
  ])('%s', async (_, row, threshold, category) => {
    await lay('a.jpg');
    expect(await firstLook(evaluated({ 'a.jpg': row }, threshold))).toEqual({ file: at('a.jpg'), category });
  });

  it('takes the first image with a label before those without', async () => {
    await lay('a.jpg', 'b.jpg', 'c.jpg');
    const evaluation = evaluated({ 'a.jpg': [0.4, 0.1, 0.1], 'b.jpg': [0.1, 0.1, 0.6], 'c.jpg': [0.9, 0.1, 0.1] }, 0.5);
    expect(await firstLook(evaluation)).toEqual({ file: at('b.jpg'), category: 'bird' });
  });

  it('passes over what is gone, or no file any more, down to those without a label', async () => {
    await lay('c.jpg');
    await mkdir(at('b.jpg'));
    const evaluation = evaluated({ 'a.jpg': [0.9, 0, 0], 'b.jpg': [0.9, 0, 0], 'c.jpg': [0, 0.1, 0] }, 0.5);
    expect(await firstLook(evaluation)).toEqual({ file: at('c.jpg'), category: 'cat' });
    await rm(at('c.jpg'));
    expect(await firstLook(evaluation)).toBeUndefined();
  });
});
