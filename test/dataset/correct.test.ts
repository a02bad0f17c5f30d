// Corrected copies: what the reader finds in them is what was decided, and every other byte is as it was.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { correctionsOf, writeCorrected } from '../../src/dataset/correct';
import { type Decision, readDecisions } from '../../src/dataset/decisions';
import { labelSet } from '../../src/dataset/labels';
import { readAnnotations } from '../../src/dataset/reader';
import { eachDetail } from '../../src/dataset/details';
import type { CocoIndex, Detail } from '../../src/dataset/types';
import { datasetError, SMALL, temporaryFolder, writeTemporary } from './coco';

const folder = temporaryFolder();
let files = 0;

/** Odd but legal: annotations before their images, ids as text, one file of two records, one name of two categories, no size. */
const TEXT = `\uFEFF{ "annotations": [
    {"id": 7, "image_id": "a", "category_id": 18, "bbox": [1.50, 2, 3, 4], "note": "é 😀"},
    {"id": 8, "image_id": "a", "category_id": "k"},
    {"id": 9, "image_id": 2, "category_id": "k", "score": 1.0},
    {"id": 10, "image_id": 3, "category_id": 18},
    {"id": 11, "image_id": 99, "category_id": 18}
  ],
  "images": [{"id": "a", "file_name": "1.jpg", "height": 80, "width": 1e2}, {"id": 2, "file_name": "2.jpg"},
    {"id": 3, "file_name": "1.jpg"}, {"id": 4, "file_name": "4.jpg", "width": 10, "height": 20}],
  "categories": [{"id": 18, "name": "dog"}, {"name": "cat", "id": "k"}, {"id": 5, "name": "dog"}]
}
`;

interface Corrected {
  readonly text: string;
  readonly index: CocoIndex;
  readonly removed: number;
  readonly already: number;
}

async function corrected(
  text: string | Uint8Array,
  decisions: readonly Omit<Decision, 'decision'>[],
  sizes: ReadonlyMap<number, { width: number; height: number }> = new Map(),
  extension?: string,
): Promise<Corrected> {
  const index = await readAnnotations(writeTemporary(folder, text, extension));
  const before = readFileSync(index.path);
  const out = join(folder, `corrected-${++files}.json`);
  const places = { out, log: `${out}.log`, logText: 'log' };
  const { changes, already } = correctionsOf(
    index,
    decisions.map((one) => ({ ...one, decision: 'accept' })),
  );
  const options = { sizes, signal: new AbortController().signal, onProgress: () => undefined };
  const removed = await writeCorrected(index, changes, places, options);
  expect(readFileSync(index.path)).toEqual(before);
  expect(readFileSync(places.log, 'utf8')).toBe('log');
  return { text: readFileSync(out, 'utf8'), index: await readAnnotations(out), removed, already };
}

async function detailsIn({ annotations }: CocoIndex): Promise<Detail[]> {
  const found: Detail[] = [];
  await eachDetail(annotations, (_, detail) => found.push({ ...detail }));
  return found;
}

/** What every image is given, by file name. */
function labelsOf(index: CocoIndex): Record<string, string[]> {
  const { images, categories, labels } = labelSet(index, { includeUnlabeled: true });
  const width = categories.length;
  return Object.fromEntries(
    images.map(({ fileName }, row) => [fileName, categories.filter((_, c) => labels[row * width + c] === 1)]),
  );
}

describe('a corrected copy', () => {
  it('loses all annotations of a label that is removed, and nothing else', async () => {
    const { text, index, removed } = await corrected(TEXT, [{ image: '1.jpg', category: 'dog' }]);
    const first = '\n    {"id": 7, "image_id": "a", "category_id": 18, "bbox": [1.50, 2, 3, 4], "note": "é 😀"},';
    const other = ',\n    {"id": 10, "image_id": 3, "category_id": 18}';
    expect(text).toBe(TEXT.replace(first, '').replace(other, ''));
    expect(removed).toBe(2);
    expect(labelsOf(index)).toEqual({ '1.jpg': ['cat'], '2.jpg': ['cat'], '4.jpg': [] });
  });

  it('gains an annotation of the whole image for a label that was missing, ids as they are written', async () => {
    const { text, index } = await corrected(TEXT, [
      { image: '4.jpg', category: 'cat' },
      { image: '2.jpg', category: 'dog' },
    ]);
    const box = '"bbox": [0, 0, 10, 20], "area": 200, "segmentation": [[0, 0, 10, 0, 10, 20, 0, 20]], ';
    const added =
      `,\n    {"id": 12, "image_id": 4, "category_id": "k", ${box}"iscrowd": 0, "labelscope": "reviewed"}` +
      ',\n    {"id": 13, "image_id": 2, "category_id": 18, "iscrowd": 0, "labelscope": "reviewed"}';
    expect(text).toBe(TEXT.replace('"image_id": 99, "category_id": 18}', `"image_id": 99, "category_id": 18}${added}`));
    expect(labelsOf(index)).toEqual({ '1.jpg': ['dog', 'cat'], '2.jpg': ['dog', 'cat'], '4.jpg': ['cat'] });
  });

  it('has a box where the size of the file is told, which no reader of ours takes for that of an object', async () => {
    const { index, text } = await corrected(TEXT, [{ image: '2.jpg', category: 'dog' }], new Map([[1, { width: 6, height: 5 }]]));
    expect(text).toContain('"bbox": [0, 0, 6, 5], "area": 30, ');
    expect((await detailsIn(index)).at(-1)).toEqual({ id: 12, x: NaN, y: NaN, width: NaN, height: NaN, area: NaN, crowd: 0 });
    expect(labelsOf(index)['2.jpg']).toEqual(['dog', 'cat']);
  });

  it('turns labels over in both directions at once, in a list whose last record goes', async () => {
    const text = JSON.stringify(SMALL);
    const { index, text: written } = await corrected(text, [
      { image: '4.jpg', category: 'cat' },
      { image: '3.jpg', category: 'dog' },
    ]);
    expect(labelsOf(index)).toEqual({ '1.jpg': ['dog'], '2.jpg': ['dog', 'cat'], '3.jpg': ['dog'], '4.jpg': [] });
    expect((JSON.parse(written) as typeof SMALL).annotations.at(-1)).toEqual({
      ...{ id: 5, image_id: 3, category_id: 18, bbox: [0, 0, 100, 80], area: 8000, iscrowd: 0, labelscope: 'reviewed' },
      segmentation: [[0, 0, 100, 0, 100, 80, 0, 80]],
    });
  });

  it('may have lost every annotation, and may have had none', async () => {
    const one = { ...SMALL, annotations: SMALL.annotations.slice(0, 1) };
    const { text } = await corrected(JSON.stringify(one, null, 2), [{ image: '1.jpg', category: 'dog' }]);
    expect((JSON.parse(text) as typeof SMALL).annotations).toEqual([]);
    const { index } = await corrected(text, [{ image: '1.jpg', category: 'dog' }]);
    expect((await detailsIn(index)).map(({ id }) => id)).toEqual([1]);
    expect(labelsOf(index)['1.jpg']).toEqual(['dog']);
  });

  it('writes new ids as strings where the others are', async () => {
    const strings = { ...SMALL, annotations: SMALL.annotations.map((one) => ({ ...one, id: `${one.id}` })) };
    const { text } = await corrected(JSON.stringify(strings), [{ image: '3.jpg', category: 'dog' }]);
    expect(text).toContain('{"id": "5", "image_id": 3,');
  });

  it('is made of compressed files too', async () => {
    const { text, index } = await corrected(gzipSync(TEXT), [{ image: '4.jpg', category: 'dog' }], new Map(), '.json.gz');
    expect(text.startsWith(TEXT.slice(0, 40))).toBe(true);
    expect(labelsOf(index)['4.jpg']).toEqual(['dog']);
  });

  it('leaves out what the file already follows', async () => {
    const index = await readAnnotations(writeTemporary(folder, TEXT));
    const accept = { decision: 'accept' as const };
    const { changes, already } = correctionsOf(index, [
      { ...accept, image: '4.jpg', category: 'dog', kind: 'wrong' },
      { ...accept, image: '2.jpg', category: 'cat', kind: 'missing' },
      { ...accept, image: '2.jpg', category: 'dog', kind: 'missing' },
      { image: '1.jpg', category: 'dog', decision: 'reject' },
    ]);
    expect(already).toBe(2);
    expect(changes.map(({ decision: { image, category }, to }) => [image, category, to])).toEqual([['2.jpg', 'dog', 'present']]);
  });

  it('is not made of decisions on what the file does not have', async () => {
    const index = await readAnnotations(writeTemporary(folder, TEXT));
    const of = (image: string, category: string) =>
      datasetError(() => correctionsOf(index, [{ image, category, decision: 'skip' }]));
    expect(await of('5.jpg', 'dog')).toMatchObject({ code: 'decisions-unknown-image' });
    const error = await of('1.jpg', 'dogg');
    expect(error.code).toBe('decisions-unknown-category');
    expect(error.message).toContain('did you mean "dog"');
  });

  it('adds no label to a category whose id belongs to another', async () => {
    const shared = { ...SMALL, categories: [...SMALL.categories, { id: 17, name: 'bird' }] };
    const error = await datasetError(() => corrected(JSON.stringify(shared), [{ image: '1.jpg', category: 'bird' }]));
    expect(error.code).toBe('category-ambiguous');
    expect(existsSync(join(folder, `corrected-${files}.json`))).toBe(false);
  });
});

describe('files of decisions', () => {
  const row = { image: 'a, "b".jpg', category: 'dog', decision: 'accept' };

  it('are JSON or CSV', async () => {
    const json = writeTemporary(
      folder,
      JSON.stringify({ fingerprint: 'f', decisions: [{ ...row, kind: 'missing', score: 0.9 }] }),
    );
    expect(await readDecisions(json)).toEqual({ fingerprint: 'f', decisions: [{ ...row, kind: 'missing', score: 0.9 }] });
    const csv = writeTemporary(folder, '\uFEFFcategory,image,decision,score,kind\r\ndog,"a, ""b"".jpg",accept,0.5,\r\n', '.csv');
    expect(await readDecisions(csv)).toEqual({ decisions: [{ ...row, score: 0.5 }] });
  });

  it.each<[string, string, string]>([
    ['decisions-format', '.json', '{'],
    ['decisions-format', '.json', '{"decisions": {}}'],
    ['decisions-format', '.json', '{"decisions": [null]}'],
    ['decisions-format', '.csv', 'image,category\na,b\n'],
    ['decisions-format', '.csv', ''],
    ['decisions-value', '.csv', 'image,category,decision\na,b,yes\n'],
    ['decisions-value', '.json', '{"decisions": [{"image": "a", "decision": "skip"}]}'],
    ['decisions-value', '.json', '{"decisions": [{"image": "a", "category": "b", "decision": "skip", "score": 2}]}'],
    ['decisions-value', '.json', '{"decisions": [{"image": "a", "category": "b", "decision": "skip", "kind": "odd"}]}'],
    ['decisions-repeated', '.csv', 'image,category,decision\na,b,skip\na,b,accept\n'],
  ])('that are not as they should be: %s in %s %s', async (code, extension, text) => {
    const path = writeTemporary(folder, text, extension);
    const error = await datasetError(() => readDecisions(path));
    expect(error.code).toBe(code);
    expect(error.message).toContain(path);
  });
});
