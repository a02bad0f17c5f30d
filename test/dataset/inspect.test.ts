// Inspections: the counts against a plain count over the parsed tree, and every finding on a file that has it.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspect } from '../../src/dataset/inspect';
import { readAnnotations } from '../../src/dataset/reader';
import type { Inspection } from '../../src/dataset/types';
import { datasetError, readIndex, SMALL, temporaryFolder } from './coco';

const folder = temporaryFolder();
const brief = ({ findings }: Inspection) => findings.map(({ code, count, examples }) => [code, count, examples]);

describe('inspect', () => {
  it('counts images and annotations per category and labels per image', async () => {
    const found = await inspect(await readIndex(folder, SMALL));
    expect(found).toMatchObject({ images: 4, annotations: 4, labelledImages: 3, imageFolder: null });
    expect(found.categories).toEqual([
      { id: 18, name: 'dog', images: 2, annotations: 2 },
      { id: 17, name: 'cat', images: 2, annotations: 2 },
    ]);
    expect(found.labelsPerImage).toEqual({ mean: 4 / 3, histogram: [1, 2, 1] });
    expect(brief(found)).toEqual([['image-without-annotation', 1, ['3.jpg']]]);
  });

  it('counts only the categories asked for', async () => {
    const index = await readIndex(folder, SMALL);
    const found = await inspect(index, { categories: ['cat'] });
    expect(found.categories.map((category) => category.name)).toEqual(['cat']);
    expect(found.labelsPerImage).toEqual({ mean: 1, histogram: [2, 2] });
    expect((await datasetError(() => inspect(index, { categories: ['horse'] }))).code).toBe('unknown-category');
  });

  it('has no mean where there is no label', async () => {
    const found = await inspect(await readIndex(folder, { images: [], annotations: [], categories: [] }));
    expect(found.labelsPerImage).toEqual({ mean: null, histogram: [0] });
    expect(found.findings).toEqual([]);
  });

  const [image, annotation, category] = [SMALL.images[0]!, SMALL.annotations[0]!, SMALL.categories[0]!];
  const boxes = (...list: unknown[]) => ({ annotations: list.map((bbox, k) => ({ ...annotation, id: 50 + k, bbox })) });

  it.each<[string, object, number, string[]]>([
    ['annotation-without-image', { annotations: [{ ...annotation, image_id: 99 }] }, 1, ['annotation 1: image_id 99']],
    ['annotation-without-category', { annotations: [{ ...annotation, category_id: 'x' }] }, 1, ['annotation 1: category_id x']],
    ['duplicate-image-id', { images: [{ ...image, file_name: 'b.jpg' }] }, 1, ['image 1: b.jpg']],
    ['duplicate-file-name', { images: [{ ...image, id: 9 }] }, 1, ['image 9: 1.jpg']],
    [
      'duplicate-annotation-id',
      {
        annotations: [
          { ...annotation, id: 'k' },
          { ...annotation, id: 'k' },
        ],
      },
      1,
      ['annotation k'],
    ],
    ['duplicate-category-id', { categories: [{ ...category, name: 'new' }] }, 1, ['category 18: new']],
    ['duplicate-category-name', { categories: [{ ...category, id: 5 }] }, 1, ['category 5: dog']],
    ['category-unused', { categories: [{ id: 5, name: 'cow' }] }, 1, ['cow']],
    ['image-without-annotation', { images: [{ ...image, id: 9, file_name: '9.jpg' }] }, 2, ['3.jpg', '9.jpg']],
    ['box-missing', boxes(null, [1, 2]), 2, ['annotation 50', 'annotation 51']],
    ['empty-box', boxes([1, 2, 0, 5], [1, 2, 3, -1]), 2, ['annotation 50: 0 × 5', 'annotation 51: 3 × -1']],
    [
      'box-outside-image',
      boxes([-1, 0, 102, 80], [-1.5, 0, 9, 9], [0, 75, 9, 7]),
      2,
      ['annotation 51: -1.5, 0, 9, 9 in 100 × 80 (1.jpg)', 'annotation 52: 0, 75, 9, 7 in 100 × 80 (1.jpg)'],
    ],
  ])('finds %s', async (code, extra, count, examples) => {
    const added = extra as Partial<typeof SMALL>;
    const index = await readIndex(folder, {
      images: [...SMALL.images, ...(added.images ?? [])],
      annotations: [...SMALL.annotations, ...(added.annotations ?? [])],
      categories: [...SMALL.categories, ...(added.categories ?? [])],
    });
    const found = (await inspect(index)).findings.find((finding) => finding.code === code);
    expect(found).toMatchObject({ count, examples });
    expect(found!.message).toMatch(new RegExp(`^${count} `));
    expect(found!.remedy.length).toBeGreaterThan(10);
  });

  it('finds categories with few images beside a large one', async () => {
    const images = Array.from({ length: 50 }, (_, id) => ({ id, file_name: `${id}.jpg` }));
    const annotations = images.map(({ id }) => ({ id, image_id: id, category_id: id < 48 ? 18 : 17 }));
    const found = await inspect(await readIndex(folder, { ...SMALL, images, annotations }));
    expect(found.findings.find((finding) => finding.code === 'category-imbalance')).toMatchObject({
      severity: 'warning',
      examples: ['cat: 2 of at most 48 images, positive weight 24'],
      values: { dog: 2 / 48, cat: 48 / 2 },
    });
  });

  it('gives five examples and counts on', async () => {
    const images = Array.from({ length: 9 }, (_, id) => ({ id, file_name: `${id}.jpg` }));
    const found = await inspect(await readIndex(folder, { ...SMALL, images, annotations: [] }));
    const finding = found.findings.find(({ code }) => code === 'image-without-annotation')!;
    expect([finding.count, finding.examples]).toEqual([9, ['0.jpg', '1.jpg', '2.jpg', '3.jpg', '4.jpg']]);
  });

  it('looks for the files in the image folder', async () => {
    for (const name of ['1.jpg', '2.jpg']) writeFileSync(join(folder, name), '');
    const images = [...SMALL.images, { id: 9, file_name: '../x.jpg' }];
    const found = await inspect(await readIndex(folder, { ...SMALL, images }), { imageFolder: folder });
    expect(brief(found)).toContainEqual(['image-missing', 2, ['3.jpg', '4.jpg']]);
    expect(brief(found)).toContainEqual(['image-path-outside-folder', 1, ['../x.jpg']]);
    expect(found.imageFolder).toBe(folder);
  });
});

const COCO = process.env.LABELSCOPE_COCO ?? '../shared/data/coco-mini';
const hasCoco = existsSync(COCO);

describe.skipIf(!hasCoco)(
  `real COCO images${hasCoco ? '' : ` (skipped: there is no folder ${COCO}; set LABELSCOPE_COCO)`}`,
  () => {
    it.each(['train2017', 'val2017'])('%s is what a plain count says', async (split) => {
      const path = join(COCO, 'annotations', `instances_${split}.json`);
      const tree = JSON.parse(readFileSync(path, 'utf8')) as typeof SMALL;
      const expected = tree.categories.map(({ id, name }) => {
        const own = tree.annotations.filter((a) => a.category_id === id);
        return { id, name, images: new Set(own.map((a) => a.image_id)).size, annotations: own.length };
      });
      const pairs = new Set(tree.annotations.map((a) => `${a.image_id} ${a.category_id}`)).size;
      const labelled = new Set(tree.annotations.map((a) => a.image_id)).size;
      const found = await inspect(await readAnnotations(path), { imageFolder: join(COCO, split) });
      expect(found.categories).toEqual(expected);
      expect([found.images, found.annotations, found.labelledImages]).toEqual([
        tree.images.length,
        tree.annotations.length,
        labelled,
      ]);
      expect(found.labelsPerImage.mean).toBeCloseTo(pairs / labelled, 12);
      expect(found.labelsPerImage.histogram.reduce((sum, count) => sum + count)).toBe(tree.images.length);
      expect(found.findings.filter((finding) => finding.severity === 'error')).toEqual([]);
    });
  },
);
