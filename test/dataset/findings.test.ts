// Findings that judge: spellings of one category, images without annotations, and a training beside a validation file.
import { describe, expect, it } from 'vitest';
import { categoryPairFindings, namePairFindings } from '../../src/dataset/findings-pair';
import { imageFindings, leakFindings, repeatedPictureFindings } from '../../src/dataset/findings-images';
import { inspect } from '../../src/dataset/inspect';
import type { Finding } from '../../src/dataset/types';
import { readIndex, SMALL, temporaryFolder } from './coco';

const folder = temporaryFolder();
const brief = (findings: readonly Finding[]) => findings.map(({ code, count, examples }) => [code, count, examples]);

/** `annotated`: whether the image of that row has an annotation. */
function coco(annotated: readonly boolean[], marks: readonly object[] = []) {
  const images = annotated.map((_, id) => ({ id, file_name: `${id}.jpg`, ...marks[id] }));
  const annotations = images
    .filter(({ id }) => annotated[id])
    .map(({ id }) => ({ id, image_id: id, category_id: 18, bbox: [0, 0, 9, 9] }));
  return { images, annotations, categories: SMALL.categories };
}

const codesOf = async (file: object) =>
  (await inspect(await readIndex(folder, file))).findings.filter(({ code }) => /annotat|review/.test(code));

describe('categories', () => {
  it.each([
    ['case', 'Traffic Light', 'traffic light'],
    ['spaces', ' traffic  light', 'traffic light'],
    ['underscores and hyphens', 'traffic_light', 'traffic-light'],
    ['compatible characters', 'ｃａｔ', 'cat'],
  ])('that differ by %s only', async (_, first, second) => {
    const categories = [first, second].map((name, id) => ({ id, name }));
    const { findings } = await inspect(await readIndex(folder, { ...SMALL, categories, annotations: [] }));
    expect(brief(findings)).toContainEqual(['category-name-variant', 1, [`category 1: "${second}" beside "${first}"`]]);
  });

  it('that differ by more are none, and equal names are another finding', async () => {
    const categories = ['cat', 'cats', 'c at', 'cat'].map((name, id) => ({ id, name }));
    const { findings } = await inspect(await readIndex(folder, { ...SMALL, categories, annotations: [] }));
    expect(findings.map(({ code }) => code)).not.toContain('category-name-variant');
    expect(brief(findings)).toContainEqual(['duplicate-category-name', 1, ['category 3: cat']]);
  });
});

describe('images without annotations', () => {
  it('at the end of the file, where elsewhere hardly one is, were not annotated yet', async () => {
    const annotated = Array.from({ length: 200 }, (_, k) => k < 150 && k % 50 !== 7);
    const findings = await codesOf(coco(annotated));
    expect(findings.map(({ code, count }) => [code, count])).toEqual([
      ['image-without-annotation', 53],
      ['annotation-unfinished', 50],
    ]);
    expect(findings[1]).toMatchObject({ severity: 'warning', images: Array.from({ length: 50 }, (_, k) => 150 + k) });
    expect(findings[1]!.message).toContain('(151 to 200 of 200)');
  });

  it.each([
    ['here and there', Array.from({ length: 200 }, (_, k) => k % 7 !== 3)],
    ['one at the end', Array.from({ length: 200 }, (_, k) => k < 199)],
    ['by chance in a row, among many', Array.from({ length: 60 }, (_, k) => k % 2 === 0 && k < 52)],
  ])('%s are no sign of it', async (_, annotated) => {
    const codes = (await codesOf(coco(annotated))).map(({ code }) => code);
    expect(codes).toContain('image-without-annotation');
    expect(codes).not.toContain('annotation-unfinished');
  });

  it('that are more than half are doubtful', async () => {
    const codes = async (each: number) =>
      (await codesOf(coco(Array.from({ length: 60 }, (_, k) => k % 6 < each)))).map(({ code }) => code);
    expect(await codes(2)).toContain('images-mostly-unannotated');
    expect(await codes(3)).not.toContain('images-mostly-unannotated');
  });

  it('are told apart where the records say which were reviewed', async () => {
    const marks = [{ annotated: true }, { annotated: true }, { is_annotated: 'false' }, { reviewed: 0 }, { reviewed: 'soon' }];
    const findings = await codesOf(coco([true, false, false, false, false], marks));
    expect(brief(findings)).toEqual([
      ['image-without-annotation', 4, ['1.jpg', '2.jpg', '3.jpg', '4.jpg']],
      ['image-reviewed-empty', 1, ['1.jpg']],
      ['image-not-annotated', 2, ['2.jpg', '3.jpg']],
    ]);
  });
});

describe('the images behind a finding', () => {
  it('are rows of the file', async () => {
    const [image, annotation] = [SMALL.images[0]!, SMALL.annotations[0]!];
    const file = {
      ...SMALL,
      images: [...SMALL.images, { ...image, file_name: 'b.jpg' }, { ...image, id: 9 }],
      annotations: [
        ...SMALL.annotations,
        { ...annotation, id: 3, image_id: 3, category_id: 99 },
        { ...annotation, id: 7, image_id: 4, bbox: [0, 0, 0, 0] },
        { ...annotation, id: 8, image_id: 4, bbox: [0, 0, 0, 0] },
      ],
    };
    const { findings } = await inspect(await readIndex(folder, file));
    const images = Object.fromEntries(findings.map((finding) => [finding.code, finding.images]));
    expect(images).toMatchObject({
      'duplicate-image-id': [4],
      'duplicate-file-name': [5],
      'annotation-without-category': [2],
      'duplicate-annotation-id': [1, 2],
      'empty-box': [3],
    });
  });
});

describe('a training and a validation file', () => {
  const pair = async (train: object, validation: object) =>
    [await readIndex(folder, { ...SMALL, ...train }), await readIndex(folder, { ...SMALL, ...validation })] as const;

  it('that fit have no finding', async () => {
    const [train, validation] = await pair(
      {},
      { images: SMALL.images.map((image) => ({ ...image, file_name: `v${image.file_name}` })) },
    );
    expect([...categoryPairFindings(train, validation), ...namePairFindings(train, validation, true)]).toEqual([]);
  });

  it('whose categories differ', async () => {
    const [dog, cat] = SMALL.categories as [object, object];
    const [train, validation] = await pair(
      { categories: [dog, cat, { id: 1, name: 'cow' }, { id: 2, name: 'hen' }] },
      {
        categories: [
          { ...dog, id: 17 },
          { ...cat, id: 18 },
          { id: 1, name: 'Cow' },
        ],
      },
    );
    expect(brief(categoryPairFindings(train, validation))).toEqual([
      ['category-not-in-validation', 2, ['cow (there "Cow")', 'hen']],
      ['category-not-in-train', 1, ['Cow (there "cow")']],
      ['category-id-differs', 2, ['dog: 18 and 17', 'cat: 17 and 18']],
    ]);
  });

  it('of which one alone shows a category', async () => {
    const only = (id: number) => ({ annotations: SMALL.annotations.filter((a) => a.category_id === id) });
    const [train, validation] = await pair(only(17), only(18));
    expect(brief(categoryPairFindings(train, validation))).toEqual([
      ['category-never-trained', 1, ['dog']],
      ['category-never-validated', 1, ['cat']],
    ]);
  });

  it('that share file names', async () => {
    const [train, validation] = await pair(
      {},
      { images: SMALL.images.slice(1).map((image) => ({ ...image, width: image.id === 2 ? 5 : 100 })) },
    );
    expect(namePairFindings(train, validation, true)[0]).toMatchObject({ code: 'leak-same-file', count: 3, images: [1, 2, 3] });
    expect(namePairFindings(train, validation, false)[0]).toMatchObject({ code: 'leak-file-name', count: 2, images: [2, 3] });
  });

  it('that share pictures, and pictures that come twice with other labels', async () => {
    const [train, validation] = await pair({}, {});
    const pairs = [
      { a: 0, b: 1, exact: true },
      { a: 2, b: 3, exact: false },
    ];
    const labels = ['dog', 'dog', '', 'cat'];
    expect(brief(repeatedPictureFindings(train, pairs, (row) => labels[row]!))).toEqual([
      ['image-repeated-labels-differ', 1, ['3.jpg (no label) ≈ 4.jpg (cat)']],
      ['image-repeated', 1, ['1.jpg = 2.jpg']],
    ]);
    expect(brief(leakFindings(train, validation, pairs))).toEqual([
      ['leak-exact', 1, ['1.jpg and 2.jpg']],
      ['leak-near', 1, ['3.jpg and 4.jpg']],
    ]);
  });
});

describe('sizes of image files', () => {
  // Declared: 100 × 80.
  it.each([
    ['as declared', [100, 80, false], undefined],
    ['another', [50, 40, false], 'image-size-differs'],
    ['the other way round', [80, 100, false], 'image-size-swapped'],
    ['upright as declared', [80, 100, true], undefined],
    ['declared as stored, shown turned', [100, 80, true], 'image-size-upright'],
    ['another, turned', [50, 40, true], 'image-size-differs'],
  ] as const)('%s', async (_, [width, height, turned], code) => {
    const index = await readIndex(folder, SMALL);
    const found = imageFindings(index, [undefined, { width, height, turned }]);
    expect(found.map((finding) => [finding.code, finding.images])).toEqual(code === undefined ? [] : [[code, [1]]]);
  });
});
