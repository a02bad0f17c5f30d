// Multi-hot labels and splits: small files by hand, the real COCO subset against a plain count over its parsed tree.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { labelSet } from '../../src/dataset/labels';
import { readAnnotations } from '../../src/dataset/reader';
import { splitByHash } from '../../src/dataset/split';
import type { LabelledSet } from '../../src/dataset/types';
import { shown } from './any-coco';
import { datasetError, readIndex, SMALL, temporaryFolder } from './coco';

const folder = temporaryFolder();

/** What a set says, as names: file → categories. */
function named(set: LabelledSet): Record<string, string[]> {
  const width = set.categories.length;
  return Object.fromEntries(
    set.images.map((image, row) => [image.fileName, set.categories.filter((_, k) => set.labels[row * width + k] === 1)]),
  );
}

describe('labelSet', () => {
  it('keeps the images that show a category, in the order of the file', async () => {
    const set = labelSet(await readIndex(folder, SMALL));
    expect(set.categories).toEqual(['dog', 'cat']);
    expect(set.images.map((image) => image.id)).toEqual(['1', '2', '4']);
    expect([...set.labels]).toEqual([1, 0, 1, 1, 0, 1]);
    expect(set.images[0]).toEqual({ id: '1', fileName: '1.jpg', width: 100, height: 80 });
  });

  it('takes the categories asked for in their order', async () => {
    const index = await readIndex(folder, SMALL);
    expect(named(labelSet(index, { categories: ['cat'] }))).toEqual({ '2.jpg': ['cat'], '4.jpg': ['cat'] });
    expect([...labelSet(index, { categories: ['cat', 'dog'] }).labels]).toEqual([0, 1, 1, 1, 1, 0]);
  });

  it('keeps the others as well when asked to', async () => {
    const set = labelSet(await readIndex(folder, SMALL), { categories: ['cat'], includeUnlabeled: true });
    expect(named(set)).toEqual({ '1.jpg': [], '2.jpg': ['cat'], '3.jpg': [], '4.jpg': ['cat'] });
  });

  it('leaves out repeated ids and dangling annotations, and joins records of one file or one name', async () => {
    const images = [...SMALL.images, { id: 1, file_name: 'again.jpg' }, { id: 9, file_name: '3.jpg' }];
    const categories = [...SMALL.categories, { id: 99, name: 'dog' }, { id: 17, name: 'late' }];
    const more = [
      { image_id: 77, category_id: 18 },
      { image_id: 3, category_id: 1234 },
      { image_id: 9, category_id: 99 },
    ];
    const index = await readIndex(folder, { images, categories, annotations: [...SMALL.annotations, ...more] });
    const set = labelSet(index, { includeUnlabeled: true });
    expect(set.categories).toEqual(['dog', 'cat', 'late']);
    expect(named(set)).toEqual({ '1.jpg': ['dog'], '2.jpg': ['dog', 'cat'], '3.jpg': ['dog'], '4.jpg': ['cat'] });
  });

  it.each([
    [['dgo'], 'unknown-category', /no category "dgo" \(did you mean "dog"\?\)\. See all 2 names with: labelscope inspect/],
    [['wolverine'], 'unknown-category', /no category "wolverine"\. See all/],
    [['Cat', 'cat'], 'unknown-category', /"Cat" \(did you mean "cat"\?\)/],
    [['dog', 'cat', 'dog'], 'repeated-category', /"dog" is asked for twice/],
    [[], 'no-categories-chosen', /Name at least one/],
  ])('refuses %j', async (categories, code, message) => {
    const index = await readIndex(folder, SMALL);
    const error = await datasetError(() => labelSet(index, { categories }));
    expect([error.code, error.path]).toEqual([code, index.path]);
    expect(error.message).toMatch(message);
  });

  it('refuses a set without images', async () => {
    const index = await readIndex(folder, { ...SMALL, annotations: [] });
    expect((await datasetError(() => labelSet(index))).code).toBe('no-labelled-images');
  });
});

const COCO = process.env.LABELSCOPE_COCO ?? '../shared/data/coco-mini';
const hasCoco = existsSync(COCO);
const TWELVE = 'dog,cat,bird,horse,sheep,cow,bear,giraffe,zebra,elephant,potted plant,couch'.split(',');

describe.skipIf(!hasCoco)(
  `real COCO images${hasCoco ? '' : ` (skipped: there is no folder ${COCO}; set LABELSCOPE_COCO)`}`,
  () => {
    it.each([
      ['train2017', 257, 69],
      ['val2017', 217, 48],
    ])('%s: %d images, %d with one of twelve categories', async (split, total, labelled) => {
      const path = join(COCO, 'annotations', `instances_${split}.json`);
      const tree = JSON.parse(readFileSync(path, 'utf8')) as typeof SMALL;
      const idOf = new Map(tree.categories.map((category) => [category.name, category.id]));
      const expected = Object.fromEntries(
        tree.images.map((image) => {
          const ids = new Set(tree.annotations.filter((a) => a.image_id === image.id).map((a) => a.category_id));
          return [image.file_name, TWELVE.filter((name) => ids.has(idOf.get(name)!))];
        }),
      );
      const index = await readAnnotations(path);
      expect(index.images).toHaveLength(total);
      expect(index.annotations.count).toBe(tree.annotations.length);
      expect((await shown(index)).annotations.map(({ bbox }) => bbox)).toEqual(
        tree.annotations.map((a) => a.bbox.map(Math.fround)),
      );
      expect(named(labelSet(index, { categories: TWELVE, includeUnlabeled: true }))).toEqual(expected);
      expect(labelSet(index, { categories: TWELVE }).images).toHaveLength(labelled);
      expect(labelSet(index).categories).toEqual(tree.categories.map((category) => category.name));
    });
  },
);

/** A set of `rows` images named by number, with labels drawn from `bits`. */
function madeUp(rows: number, columns: number, bits: readonly number[]): LabelledSet {
  return {
    categories: Array.from({ length: columns }, (_, k) => `category ${k}`),
    images: Array.from({ length: rows }, (_, k) => ({ id: `${k}`, fileName: `${k}.jpg`, width: 0, height: 0 })),
    labels: Uint8Array.from({ length: rows * columns }, (_, k) => bits[k % bits.length]!),
  };
}

describe('splitByHash', () => {
  const anySet = fc
    .tuple(fc.integer({ min: 2, max: 60 }), fc.integer({ min: 1, max: 6 }), fc.array(fc.nat(1), { minLength: 1, maxLength: 97 }))
    .map(([rows, columns, bits]) => madeUp(rows, columns, bits));

  it('is a partition with both sides, and does not depend on the order of images or categories', () => {
    fc.assert(
      fc.property(anySet, fc.nat(), fc.double({ min: 0.05, max: 0.5, noNaN: true }), (set, seed, fraction) => {
        const { train, validation } = splitByHash(set, fraction, seed);
        expect({ ...named(train), ...named(validation) }).toEqual(named(set));
        expect(train.images.length + validation.images.length).toBe(set.images.length);
        expect(Math.min(train.images.length, validation.images.length)).toBeGreaterThan(0);
        const reversed: LabelledSet = {
          categories: set.categories.toReversed(),
          images: set.images.toReversed(),
          labels: set.labels.toReversed(),
        };
        const again = splitByHash(reversed, fraction, seed);
        expect(again.validation.images.map((i) => i.id).toReversed()).toEqual(validation.images.map((i) => i.id));
      }),
      { numRuns: 200 },
    );
  });

  it('holds about the fraction asked for, with other images for another seed', () => {
    const set = madeUp(4000, 3, [1, 0, 1, 1, 0, 0, 1]);
    const first = splitByHash(set, 0.2, 1).validation;
    const second = splitByHash(set, 0.2, 2).validation;
    expect(Math.abs(first.images.length - 800)).toBeLessThan(100);
    const common = first.images.filter((image) => second.images.some((other) => other.id === image.id)).length;
    expect(Math.abs(common - 160)).toBeLessThan(60);
  });

  it('puts a category with two images on both sides', () => {
    for (let seed = 0; seed < 40; seed++) {
      const set = madeUp(30, 2, [1, 0]);
      set.labels[7 * 2 + 1] = 1;
      set.labels[21 * 2 + 1] = 1;
      const { train, validation } = splitByHash(set, 0.1, seed);
      for (const side of [train, validation]) expect(Object.values(named(side)).flat()).toContain('category 1');
    }
  });
});
