// A split as training holds it: the same labels, ids and paths, in some tens of bytes an image.
import { describe, expect, it } from 'vitest';
import { held, type Split } from '../../src/engine/data';
import { bytesAnItem } from '../support/memory';

const CATEGORIES = ['dog', 'cat', 'Käse'];

function splitOf(fileNames: readonly string[], idOf: (row: number) => string): Split {
  const images = fileNames.map((fileName, row) => ({ id: idOf(row), fileName, width: 640, height: 480 }));
  const labels = Uint8Array.from({ length: images.length * CATEGORIES.length }, (_, at) => (at % 5 === 0 ? 1 : 0));
  const source = { annotations: '/data/a.json', images: '/data/train', fingerprint: 'f', count: images.length };
  return {
    set: { categories: CATEGORIES, images, labels },
    paths: fileNames.map((fileName) => `/data/train/${fileName}`),
    source,
    failed: [{ file: 'gone.jpg', error: 'gone.jpg is not in /data/train.' }],
  };
}

describe('held', () => {
  it('has all that training asks for', () => {
    const split = splitOf(['a.jpg', 'sub/ä \u{1f436}.jpg', 'b.jpg'], (row) => `${2 ** 31 + row}`);
    const { set, ids, paths, source, failed } = held(split);
    const rows = [0, 1, 2, 3];
    expect(rows.map((row) => ids.at(row))).toEqual(['2147483648', '2147483649', '2147483650', undefined]);
    expect(rows.map((row) => paths.at(row))).toEqual([...split.paths, undefined]);
    expect([set.categories, set.images.length, set.labels]).toEqual([CATEGORIES, 3, split.set.labels]);
    expect([ids.length, paths.length, source, failed]).toEqual([3, 3, split.source, split.failed]);
  });

  it('may be of no images', () => {
    const { set, ids, paths } = held(splitOf([], String));
    expect([set.images.length, ids.length, paths.length]).toEqual([0, 0, 0]);
  });

  it('takes less than fifty bytes an image beside its labels', () => {
    const named = (count: number) => Array.from({ length: count }, (_, row) => `${String(row).padStart(12, '0')}.jpg`);
    const bytes = bytesAnItem((count) => held(splitOf(named(count), String)));
    expect(bytes).toBeLessThan(CATEGORIES.length + 50);
  });
});
