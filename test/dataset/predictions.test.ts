// Predictions of other programs: both forms give the scores in the set's order, and every mistake is an error that names it.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { labelSet } from '../../src/dataset/labels';
import { readPredictions } from '../../src/dataset/predictions';
import { datasetError, readIndex, SMALL, temporaryFolder, writeTemporary } from './coco';

const folder = temporaryFolder();
const load = async () => {
  const index = await readIndex(folder, SMALL);
  return { index, set: labelSet(index) };
};

const ROWS = [
  { file_name: '4.jpg', scores: [0.25, 1] },
  { file_name: '1.jpg', scores: [0, 0.5] },
  { file_name: '2.jpg', scores: [0.125, 1e-3] },
];
const json = (images: unknown = ROWS, categories: unknown = ['cat', 'dog']) => JSON.stringify({ categories, images });

describe('readPredictions', () => {
  it.each([
    ['JSON', '.json', json()],
    ['JSON with a byte-order mark and any name', '.scores', `\ufeff ${json()}`],
    ['CSV', '.csv', 'file_name,cat,dog\n4.jpg,0.25,1\n1.jpg,0,.5\n2.jpg,0.125,1e-3\n'],
    ['CSV as Excel writes it', '.csv', '\ufefffile_name,cat,dog\r\n"4.jpg",0.25,1.0\r\n\r\n1.jpg, 0 ,"0.5"\r\n2.jpg,0.125,1E-3'],
  ])('reads %s', async (_, extension, text) => {
    const { set } = await load();
    const scores = await readPredictions(writeTemporary(folder, text, extension), set);
    expect([...scores]).toEqual([0.5, 0, 1e-3, 0.125, 1, 0.25]);
  });

  it('reads quoted names with commas and line breaks', async () => {
    const images = [{ id: 1, file_name: 'a, "b".jpg' }];
    const set = labelSet(await readIndex(folder, { ...SMALL, images, categories: [{ id: 18, name: 'hot,\ndog' }] }));
    const path = writeTemporary(folder, 'file_name,"hot,\ndog"\n"a, ""b"".jpg",0.5\n', '.csv');
    expect([...(await readPredictions(path, set))]).toEqual([0.5]);
  });

  it('ignores images and categories of the annotation file that the set leaves out', async () => {
    const { index } = await load();
    const set = labelSet(index, { categories: ['cat'] });
    const path = writeTemporary(folder, json([...ROWS, { file_name: '3.jpg', scores: [0, 1] }]));
    expect([...(await readPredictions(path, set, index))]).toEqual([0.125, 0.25]);
    expect((await datasetError(() => readPredictions(path, set))).code).toBe('predictions-unknown-category');
  });

  const csv = (...lines: string[]) => ['file_name,cat,dog', ...lines].join('\n');
  const good = ['4.jpg,0.25,1', '1.jpg,0,0.5', '2.jpg,0,0'];

  it.each<[string, string, string, string, RegExp]>([
    ['an image without a row', '.json', json(ROWS.slice(1)), 'predictions-missing-row', /no row for 1 of 3 images: "4\.jpg"/],
    ['a CSV without rows', '.csv', csv(), 'predictions-missing-row', /no row for 3 of 3 images: "1\.jpg", "2\.jpg", "4\.jpg"/],
    [
      'a row without an image',
      '.csv',
      csv(...good, 'x.jpg,0,0'),
      'predictions-unknown-row',
      /line 5: the annotation file has no image x\.jpg/,
    ],
    [
      'a row without an image in JSON',
      '.json',
      json([...ROWS, { file_name: 'x', scores: [0, 0] }]),
      'predictions-unknown-row',
      /entry 4 of "images"/,
    ],
    [
      'a repeated row',
      '.csv',
      csv(...good, '1.jpg,0,0.5'),
      'predictions-repeated-row',
      /line 5: 1\.jpg has a row already \(line 3\)/,
    ],
    ['a row too short', '.csv', csv('4.jpg,0.25'), 'predictions-row-length', /line 2: 4\.jpg has 1 scores for 2 categories/],
    [
      'a row too long',
      '.json',
      json([{ file_name: '4.jpg', scores: [0, 0, 0] }]),
      'predictions-row-length',
      /has 3 scores for 2/,
    ],
    [
      'a score above 1',
      '.csv',
      csv('4.jpg,0.25,1.01'),
      'predictions-score',
      /line 2: the score of 4\.jpg for "dog" is 1\.01\. Scores are/,
    ],
    ['a score below 0', '.json', json([{ file_name: '4.jpg', scores: [-1e-9, 0] }]), 'predictions-score', /for "cat" is -1e-9/],
    ['an empty score', '.csv', csv('4.jpg,,1'), 'predictions-score', /for "cat" is ""/],
    ['nan', '.csv', csv('4.jpg,nan,1'), 'predictions-score', /for "cat" is "nan"/],
    ['a hexadecimal number', '.csv', csv('4.jpg,0x1,1'), 'predictions-score', /is "0x1"/],
    [
      'a score that is text',
      '.json',
      json([{ file_name: '4.jpg', scores: ['0.5', 0] }]),
      'predictions-score',
      /for "cat" is "0\.5"/,
    ],
    ['a score of null', '.json', json([{ file_name: '4.jpg', scores: [null, 0] }]), 'predictions-score', /is null/],
    ['an infinite score', '.json', json().replace('0.25', '1e999'), 'predictions-score', /is Infinity/],
    ['a missing category', '.csv', 'file_name,cat\n', 'predictions-missing-category', /no scores for "dog"/],
    ['an unknown category', '.json', json([], ['cat', 'dog', 'cow']), 'predictions-unknown-category', /scores for "cow"/],
    ['a repeated category', '.json', json([], ['cat', 'dog', 'cat']), 'predictions-repeated-category', /"cat" comes twice/],
    ['another header', '.csv', 'image;cat;dog\n', 'predictions-format', /line 1: the header is not "file_name,<category>/],
    ['an empty CSV', '.csv', '', 'predictions-format', /line 1: the header/],
    ['an open quote', '.csv', csv('"4.jpg,0,0'), 'predictions-format', /is not CSV: .*Quote/],
    ['JSON that is broken', '.json', '{"categories":', 'predictions-format', /not JSON/],
    ['JSON null', '.json', 'null', 'predictions-format', /"categories" is not a list of names/],
    ['JSON without images', '.json', '{"categories":["cat","dog"]}', 'predictions-format', /"images" is not a list/],
    ['an image without a name', '.json', json([{ scores: [] }]), 'predictions-format', /entry 1 of "images" has no "file_name"/],
    [
      'scores that are no list',
      '.json',
      json([{ file_name: '4.jpg', scores: 1 }]),
      'predictions-format',
      /"scores" of 4\.jpg is not a list/,
    ],
  ])('refuses %s', async (_, extension, text, code, message) => {
    const { set } = await load();
    const path = writeTemporary(folder, text, extension);
    const error = await datasetError(() => readPredictions(path, set));
    expect([error.code, error.path]).toEqual([code, path]);
    expect(error.message).toMatch(message);
    expect(error.message.startsWith(path)).toBe(true);
  });

  it('says that there is no file', async () => {
    const { set } = await load();
    const error = await datasetError(() => readPredictions(join(folder, 'no.csv'), set));
    expect([error.code, error.message]).toEqual([
      'predictions-unreadable',
      expect.stringContaining('no.csv cannot be read: ENOENT'),
    ]);
  });
});
