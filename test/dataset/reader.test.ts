// The COCO reader against JSON.parse on files written in every legal way, and its errors by code, place and remedy.
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAnnotations } from '../../src/dataset/reader';
import { anyCoco, expectedIndex, shown } from './any-coco';
import { datasetError, readIndex, SMALL, temporaryFolder, writeTemporary } from './coco';
import { jsonText } from './json-text';

const folder = temporaryFolder();

describe('readAnnotations', () => {
  it('makes of a file what its parsed tree says, however it is written and cut', async () => {
    const form = fc.record({ chunkSize: fc.integer({ min: 16, max: 300 }), packed: fc.boolean(), bom: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(anyCoco, fc.nat(), form, async (coco, seed, { chunkSize, packed, bom }) => {
        const text = Buffer.from((bom ? '\ufeff' : '') + jsonText(coco, seed));
        const path = writeTemporary(folder, packed ? gzipSync(text) : text);
        const index = await readAnnotations(path, { chunkSize });
        expect(await shown(index)).toEqual(expectedIndex(coco));
        expect(index.fingerprint).toBe(createHash('sha256').update(text).digest('hex'));
      }),
      { numRuns: 300 },
    );
  });

  it('makes the same of it written as most files are, in pieces of any size', async () => {
    const indent = fc.constantFrom(undefined, undefined, 1, '\t');
    const separated = fc.boolean();
    const pieces = fc.oneof(fc.constant(1 << 20), fc.integer({ min: 100, max: 2000 }));
    await fc.assert(
      fc.asyncProperty(anyCoco, indent, separated, pieces, async (coco, space, isSeparated, chunkSize) => {
        // Python writes blanks behind commas and colons.
        const text = isSeparated ? JSON.stringify(coco, null, 1).replace(/\n */g, ' ') : JSON.stringify(coco, null, space);
        const index = await readAnnotations(writeTemporary(folder, text), { chunkSize });
        expect(await shown(index)).toEqual(expectedIndex(coco));
      }),
      { numRuns: 300 },
    );
  });

  it('has the numbers that are written', async () => {
    const forms = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => JSON.stringify(x)),
      fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((x) => JSON.stringify(x)),
      fc.constantFrom(
        '0',
        '-0.5',
        '239.97',
        '1e2',
        '999999999999999',
        '1234567890123456',
        '2888.9924499999834',
        '0.00000000000000000001',
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(forms, { minLength: 1, maxLength: 20 }), async (written) => {
        const images = written.map((width, id) => `{"id": ${id}, "width": ${width}, "file_name": "${id}.jpg"}`);
        const text = `{"images": [${images.join(', ')}], "annotations": [], "categories": [{"id": 1, "name": "dog"}]}`;
        const index = await readAnnotations(writeTemporary(folder, text));
        expect(index.images).toHaveLength(written.length);
        for (const [row, { width }] of index.images.entries())
          expect(Math.abs(width - Number(written[row]))).toBeLessThanOrEqual(Math.abs(Number(written[row])) * 1e-14);
      }),
    );
  });

  it('keeps every digit of large ids and takes numbers in every form for the same id', async () => {
    const path = writeTemporary(
      folder,
      `{"categories":[{"id":1e1,"name":7}],
        "annotations":[{"image_id":12345678901234567890,"category_id":"10"},{"image_id":12345678901234567891,"category_id":10.0}],
        "images":[{"id":"12345678901234567890","file_name":"a.jpg"}]}`,
    );
    const index = await readAnnotations(path);
    expect(index.images[0]!.id).toBe('12345678901234567890');
    expect(index.categories[0]).toEqual({ id: '10', name: '7', supercategory: '' });
    expect([...index.annotations.image]).toEqual([0, -1]);
    expect([...index.annotations.category]).toEqual([0, 0]);
    expect(index.annotations.dangling).toEqual([{ annotation: '?', field: 'image_id', value: '12345678901234567891' }]);
  });

  it('finds keys that are written with escapes, and takes the last of repeated ones', async () => {
    const text = String.raw`{"images":[{"id":1,"file_name":"old.jpg"}],"annotations":[],"categories":[{"id":1,"id":null,"n\u0061me":"dog","id":2}],
      "im\u0061ges":[{"\u0069d":5,"file_name":"x.jpg","file_name":"\ud83d\udc36.jpg","width":3,"width":null}]}`;
    const index = await readAnnotations(writeTemporary(folder, text), { chunkSize: 3 });
    expect(index.images).toEqual([{ id: '5', fileName: '\u{1f436}.jpg', width: 0, height: 0 }]);
    expect(index.categories).toEqual([{ id: '2', name: 'dog', supercategory: '' }]);
  });

  it('forgets a box, a text and a number where the key comes again with something else', async () => {
    const text = `{"images":[{"id":1,"file_name":"a.jpg","width":5,"width":"wide"}],"categories":[{"id":1,"name":"dog","supercategory":"a","supercategory":5}],
      "annotations":[{"image_id":1,"category_id":1,"bbox":[1,2,3,4],"bbox":5,"area":7,"area":{}},{"image_id":1.50,"category_id":1.5,"bbox":5,"bbox":[1,2,3,4]}]}`;
    const index = await readAnnotations(writeTemporary(folder, text));
    const { images, categories, annotations } = await shown(index);
    expect([images[0]!.width, categories[0]!.supercategory, annotations[0]!.area]).toEqual([0, '', NaN]);
    expect(annotations.flatMap(({ bbox }) => bbox)).toEqual([NaN, NaN, NaN, NaN, 1, 2, 3, 4]);
    expect(index.annotations.dangling.map(({ value }) => value)).toEqual(['1.5', '1.5']);
  });

  it('grows its columns beyond the first guess', async () => {
    const annotations = Array.from({ length: 5000 }, (_, id) => ({ id, image_id: id % 4, category_id: 18, bbox: [id, 1, 2, 3] }));
    const index = await readIndex(folder, { ...SMALL, annotations });
    expect([index.annotations.count, index.annotations.withoutImage]).toEqual([5000, 1250]);
    const { annotations: rows } = await shown(index);
    expect(rows.map(({ id, bbox }) => `${id} ${bbox[0]!}`)).toEqual(annotations.map(({ id }) => `${id} ${id}`));
  });

  it('takes categories and references to them beyond 16 bits', async () => {
    const ids = Array.from({ length: 40_000 }, (_, k) => k);
    const annotations = ids.map((id) => ({ id, image_id: 1, category_id: id }));
    const categories = ids.map((id) => ({ id, name: `category ${id}` })).reverse();
    const { annotations: all } = await readIndex(folder, { ...SMALL, annotations, categories });
    expect(Array.from(all.category)).toEqual([...ids].reverse());
    const few = await readIndex(folder, { ...SMALL, annotations, categories: [{ id: 39_999, name: 'last' }] });
    expect(few.annotations.withoutCategory).toBe(39_999);
    expect(few.annotations.category.indexOf(0)).toBe(39_999);
  });

  it.each([1, 20])('has the SHA-256 of a file of %d MiB', async (size) => {
    const text = JSON.stringify(SMALL).padEnd(size << 20, ' ');
    const { fingerprint, bytes } = await readAnnotations(writeTemporary(folder, text));
    expect([fingerprint, bytes]).toEqual([createHash('sha256').update(text).digest('hex'), size << 20]);
  });

  it('tells its progress up to the whole file', async () => {
    const path = writeTemporary(folder, JSON.stringify(SMALL));
    const steps: [number, number][] = [];
    const { bytes } = await readAnnotations(path, { chunkSize: 64, onProgress: (...step) => steps.push(step) });
    expect(steps.at(-1)).toEqual([bytes, bytes]);
    expect(steps.every(([read], k) => k === 0 || read > steps[k - 1]![0])).toBe(true);
  });

  it.each([
    ['a plain file', (bytes: Buffer) => bytes],
    ['a packed file', gzipSync],
  ])('stops within two pieces of %s when asked to from outside', async (_, pack) => {
    const info = randomBytes(24 << 20).toString('base64');
    const path = writeTemporary(folder, pack(Buffer.from(JSON.stringify({ ...SMALL, info }))));
    const stop = new AbortController();
    let [told, toldAfter] = [0, 0];
    const onProgress = () => {
      if (stop.signal.aborted) toldAfter++;
      // As a message from another process: it is heard only when the reader lets go of the thread.
      if (++told === 3) setImmediate(() => stop.abort(new Error('enough')));
    };
    await expect(readAnnotations(path, { signal: stop.signal, onProgress })).rejects.toThrow('enough');
    expect(told - toldAfter).toBeLessThanOrEqual(5);
    expect(toldAfter).toBeLessThanOrEqual(2);
  });
});

describe('errors', () => {
  const small = JSON.stringify(SMALL);
  const pretty = JSON.stringify(SMALL, null, 2).replaceAll('\n', '\r\n');
  const replaced = (from: string, to: string) => {
    expect(small).toContain(from);
    return small.replace(from, to);
  };
  const lists = (images: unknown, annotations: unknown, categories: unknown) =>
    JSON.stringify({ images, annotations, categories });
  const dog = [{ id: 1, name: 'dog' }];
  const picture = [{ id: 1, file_name: 'a.jpg' }];

  const cases: [string, string | Uint8Array, string, RegExp][] = [
    ['nothing', '', 'file-empty', /empty\. Download/],
    ['white space only', ' \n', 'file-empty', /empty/],
    ['a byte-order mark only', '\ufeff', 'file-empty', /empty/],
    [
      'a comma too much',
      replaced('"area":400,', '"area":400,,'),
      'json-syntax',
      /line 1, column \d+ .*expected a key.*found ','/,
    ],
    [
      'a missing comma on line 3',
      '{\n  "images": [],\n  "x": "äß🐶" "y"',
      'json-syntax',
      /line 3, column 15 \(byte 36\): expected ',' or '}'/,
    ],
    [
      'a wrong number in a polygon',
      '{"segmentation":[[1.5,2.,3]]}',
      'json-syntax',
      /byte 24\): expected a digit after the decimal point/,
    ],
    ['a number that begins with 0', '{"segmentation":[[1.5,02,3]]}', 'json-syntax', /byte 23\): expected ',' or '\]', found '2'/],
    ['NaN', '{"images":[{"width":NaN}]}', 'json-syntax', /expected a value, found 'N'/],
    ['single quotes', "{'images':[]}", 'json-syntax', /expected a key in double quotes or '}', found '''/],
    ['a bracket of the wrong kind', '{"a":[1}', 'json-syntax', /expected ',' or '\]', found '}'/],
    ['a tab in a string', '{"a":"\t"}', 'json-syntax', /the rest of a string, found a tab/],
    ['a wrong escape', String.raw`{"images":[{"file_name":"a\x"}]}`, 'json-syntax', /after a backslash, found 'x'/],
    ['a wrong \\u escape', String.raw`{"a":"\u00g0"}`, 'json-syntax', /4 hexadecimal digits/],
    ['text after the end', `${small} x`, 'json-syntax', /nothing more after the last bracket, found 'x'/],
    ['two objects', `${small}${small}`, 'json-syntax', /nothing more after/],
    ['a scalar', '5', 'json-syntax', /expected '{' at the beginning/],
    [
      'a picture',
      Uint8Array.of(0xff, 0xd8, 0xff, 0xe0),
      'json-syntax',
      /expected '{' at the beginning of the file, found byte 0xff/,
    ],
    ['a file cut short', small.slice(0, 200), 'json-truncated', /incomplete\. Download/],
    ['a file cut in its last line', pretty.slice(0, -1), 'json-truncated', /line 94, column 1 /],
    ['UTF-16 with a mark', Buffer.from(`\ufeff${small}`, 'utf16le'), 'json-utf16', /Save it again as UTF-8/],
    ['UTF-16 without a mark', Buffer.from(small, 'utf16le'), 'json-utf16', /Save it again as UTF-8/],
    ['UTF-16 with its high bytes first', Buffer.from(`\ufeff${small}`, 'utf16le').swap16(), 'json-utf16', /UTF-16/],
    ['Latin-1', Buffer.from(replaced('"dog"', '"größe"'), 'latin1'), 'json-encoding', /not UTF-8/],
    ['broken gzip', gzipSync(small).fill(7, 30, 60), 'gzip-broken', /cannot be unpacked/],
    ['gzip cut short', gzipSync(small).subarray(0, 60), 'gzip-broken', /Download it again/],
    ['wrong JSON in gzip', gzipSync('{\n"a" 1}'), 'json-syntax', /line 2, column 5 \(byte 6\): expected ':'/],
    ['images that are no list', lists({}, [], []), 'json-field', /"images" must be a list of objects, found an object/],
    ['annotations that are a number', lists([], 3, []), 'json-field', /"annotations" must be a list of objects, found a number/],
    ['categories that are null', lists([], [], null), 'json-field', /"categories" must be a list of objects, found null/],
    [
      'categories that are names',
      lists([], [], ['dog']),
      'json-field',
      /entry of "categories" must be an object, found a string/,
    ],
    ['a list of lists', lists([[]], [], []), 'json-field', /entry of "images" must be an object, found a list/],
    ['an image without a name', lists([{ id: 1, file_name: null }], [], []), 'image-incomplete', /no "file_name"/],
    ['an image without an id', lists([{ id: [1], file_name: 'a' }], [], []), 'image-incomplete', /byte 11\): .*no "id"/],
    ['a category without a name', lists([], [], [{ id: 1 }]), 'category-incomplete', /no "name"/],
    ['an annotation without an image', lists([], [{ category_id: 1 }], []), 'annotation-incomplete', /no "image_id"/],
    ['an annotation without a category', lists([], [{ image_id: 1 }], []), 'annotation-incomplete', /no "category_id"/],
    ['captions', lists(picture, [{ image_id: 1, id: 2, caption: 'A dog.' }], []), 'captions-file', /sentences.*instances file/],
    [
      'a panoptic file',
      lists(picture, [{ image_id: 1, segments_info: [{ id: 1, category_id: 1 }], file_name: 'a.png' }], dog),
      'panoptic-file',
      /segments_info.*instances file/,
    ],
    [
      'results',
      '[{"image_id":1,"category_id":2,"bbox":[1,2,3,4],"score":0.5}]',
      'results-file',
      /results of detection.*instances file/,
    ],
    [
      'keypoints without categories',
      JSON.stringify({ images: [], annotations: [] }),
      'no-categories',
      /no names.*Export it again/,
    ],
    ['test images', JSON.stringify({ images: picture, categories: dog }), 'no-annotations', /no labels.*instances file/],
    ['a file without images', JSON.stringify({ annotations: [], categories: dog }), 'no-images', /Export it again/],
    [
      'other JSON',
      '{"type":"FeatureCollection","features":[]}',
      'not-coco',
      /"type", "features" and has no lists "images" and "annotations"/,
    ],
    ['an empty object', '{}', 'not-coco', /an empty object.*COCO JSON/],
  ];

  it.each(cases)('%s', async (_, content, code, message) => {
    const path = writeTemporary(folder, content);
    for (const chunkSize of [undefined, 2, 7]) {
      const error = await datasetError(() => readAnnotations(path, { chunkSize }));
      expect(error.code).toBe(code);
      expect(error.message).toMatch(message);
      expect(error.message.startsWith(path)).toBe(true);
      expect(error.path).toBe(path);
    }
  });

  it('names a missing file and a folder', async () => {
    const missing = await datasetError(() => readAnnotations(join(folder, 'no.json')));
    expect([missing.code, missing.message]).toEqual([
      'file-missing',
      `There is no file ${join(folder, 'no.json')}. Check the path.`,
    ]);
    const place = join(folder, 'place.json');
    mkdirSync(place);
    expect((await datasetError(() => readAnnotations(place))).code).toBe('not-a-file');
  });
});
