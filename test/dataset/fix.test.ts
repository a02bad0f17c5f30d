// Repairs and places: what is certain is put right, all else stays byte by byte, and every fault stands where an editor would show it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { faultsOf } from '../../src/dataset/faults';
import type { CheckedImage } from '../../src/dataset/findings-images';
import { writeRepaired } from '../../src/dataset/fix';
import { inspect } from '../../src/dataset/inspect';
import { positionsOf, rangesOf } from '../../src/dataset/places';
import { readAnnotations } from '../../src/dataset/reader';
import { readIndex, SMALL, temporaryFolder, writeTemporary } from './coco';

const folder = temporaryFolder();
let files = 0;

/** The text after the repairs of these codes. */
async function repaired(
  text: string,
  codes: readonly string[],
  checked: readonly (CheckedImage | undefined)[] = [],
): Promise<string> {
  const index = await readAnnotations(writeTemporary(folder, text));
  const out = join(folder, `fixed-${++files}.json`);
  const faults = (await faultsOf(index, checked)).filter(({ code, repair }) => repair && codes.includes(code));
  await writeRepaired(index, faults, out, { signal: new AbortController().signal, onProgress: () => undefined });
  return readFileSync(out, 'utf8');
}

const TEXT = `{
  "annotations": [
    {"id": 1, "image_id": 1, "category_id": 18, "bbox": [1.50, 2, 3, 4], "note": "é 😀"},
    {"id": 2, "image_id": 99, "category_id": 18},
    {"id": 2, "image_id": 1, "category_id": "x"},
    {"id": 1, "image_id": 2, "category_id": "k", "score": 1.0},
    {"category_id": 5, "id": 1, "image_id": 2}
  ],
  "images": [{"id": 1, "file_name": "1.jpg", "height": 80, "width": 100}, {"id": 2, "file_name": "2.jpg", "width": 100, "height": 80.0}],
  "categories": [{"id": 18, "name": "traffic light"}, {"name": "Traffic_Light", "id": "k"}, {"id": 5, "name": "traffic light"}]
}
`;

describe('repairs', () => {
  it('remove annotations that point nowhere', async () => {
    const text = await repaired(TEXT, ['annotation-without-image', 'annotation-without-category']);
    expect(text).toBe(
      TEXT.replace('    {"id": 2, "image_id": 99, "category_id": 18},\n', '').replace(
        '    {"id": 2, "image_id": 1, "category_id": "x"},\n',
        '',
      ),
    );
  });

  it('number repeated annotations anew, beyond all ids', async () => {
    const text = await repaired(TEXT, ['duplicate-annotation-id']);
    const wanted = TEXT.replace('{"id": 2, "image_id": 1,', '{"id": 3, "image_id": 1,')
      .replace('{"id": 1, "image_id": 2, "category_id": "k"', '{"id": 4, "image_id": 2, "category_id": "k"')
      .replace('"category_id": 5, "id": 1', '"category_id": 5, "id": 5');
    expect(text).toBe(wanted);
  });

  it('merge categories of one spelling, ids as they are written', async () => {
    const text = await repaired(TEXT, ['category-name-variant', 'duplicate-category-name']);
    const wanted = TEXT.replace(/, \{"name": "Traffic_Light".*\}\]/, ']')
      .replace('"category_id": "k"', '"category_id": 18')
      .replace('"category_id": 5', '"category_id": 18');
    expect(text).toBe(wanted);
    const names = (await inspect(await readAnnotations(writeTemporary(folder, text)))).findings.map(({ code }) => code);
    expect(names).not.toContain('category-name-variant');
  });

  it('merge no category into an id that two have', async () => {
    const categories = ['[{"id": 1, "name": "dog"}', '{"id": 1, "name": "cat"}', '{"id": 2, "name": "Cat"}]'];
    const annotations = '[{"id": 1, "image_id": 1, "category_id": 2}]';
    const text = `{"images": [{"id": 1, "file_name": "1.jpg"}], "categories": ${categories.join(', ')}, "annotations": ${annotations}}`;
    expect(await repaired(text, ['category-name-variant', 'duplicate-category-name'])).toBe(text);
  });

  it('leave every finding behind that they are for', async () => {
    const codes = (await faultsOf(await readAnnotations(writeTemporary(folder, TEXT)), [])).flatMap(({ code, repair }) =>
      repair ? [code] : [],
    );
    const again = await faultsOf(await readAnnotations(writeTemporary(folder, await repaired(TEXT, codes))), []);
    expect(new Set(codes).size).toBe(5);
    expect(again.filter(({ repair }) => repair)).toEqual([]);
  });

  const file = (width: number, height: number, turned = false): CheckedImage => ({ width, height, turned });
  it.each<[string, CheckedImage, string]>([
    ['exchanged', file(80, 100), '"height": 100, "width": 80'],
    ['of another shape', file(300, 100), '"height": 100, "width": 300'],
    ['turned by the camera', file(50, 300, true), '"height": 50, "width": 300'],
    ['only scaled: nobody knows about the boxes', file(50, 40), '"height": 80, "width": 100'],
    ['so small that a box would leave it', file(3, 20), '"height": 80, "width": 100'],
    ['declared as stored: a matter of taste', file(100, 80, true), '"height": 80, "width": 100'],
  ])('set the size of a file that is %s', async (_, checked, wanted) => {
    const text = await repaired(TEXT, ['image-size-differs', 'image-size-swapped', 'image-size-upright'], [checked]);
    expect(text).toBe(TEXT.replace('"height": 80, "width": 100', wanted));
  });
});

describe('faults', () => {
  it('are counted as the findings of the same code', async () => {
    const [image, annotation, category] = [SMALL.images[0]!, SMALL.annotations[0]!, SMALL.categories[0]!];
    const index = await readIndex(folder, {
      images: [...SMALL.images, { ...image, file_name: 'b.jpg' }, { ...image, id: 9 }],
      annotations: [
        ...SMALL.annotations,
        ...[{ image_id: 77 }, { category_id: 77 }, { id: 1 }, { id: 1 }, { bbox: [0, 0, 0, 1] }, { bbox: [0, 0, 500, 1] }].map(
          (change, k) => ({ ...annotation, id: 100 + k, ...change }),
        ),
      ],
      categories: [...SMALL.categories, { ...category, name: 'cow' }, { id: 8, name: 'dog' }, { id: 9, name: 'Dog' }],
    });
    const counts = new Map<string, number>();
    for (const { code } of await faultsOf(index, [])) counts.set(code, (counts.get(code) ?? 0) + 1);
    const found = (await inspect(index)).findings.filter(({ code }) => !/image-without|unused/.test(code));
    expect(found.length).toBe(10);
    for (const { code, count } of found) expect([code, counts.get(code)]).toEqual([code, count]);
  });
});

describe('places', () => {
  it('are the values at fault', async () => {
    const text = `\uFEFF${TEXT}`;
    const faults = await faultsOf(await readAnnotations(writeTemporary(folder, text)), []);
    // As an editor has it: without the mark, in UTF-16 units.
    const lines = TEXT.split('\n');
    const shown = rangesOf(Buffer.from(text), faults).map(({ start, end }) => {
      expect(end.line).toBe(start.line);
      return lines[start.line]!.slice(start.character, end.character);
    });
    expect(faults.map(({ code }, k) => `${code} ${shown[k]!}`)).toEqual([
      'annotation-without-image 99',
      'annotation-without-category "x"',
      'duplicate-annotation-id 2',
      'duplicate-annotation-id 1',
      'duplicate-annotation-id 1',
      'category-name-variant "Traffic_Light"',
      'duplicate-category-name "traffic light"',
    ]);
  });

  it('count characters as editors do', () => {
    const text = 'é😀x\r\n\ny';
    const at = (mark: string) => Buffer.from(text.slice(0, text.indexOf(mark))).length;
    const found = positionsOf(Buffer.from(text), [at('y'), at('x'), at('y')]);
    expect([found.get(at('x')), found.get(at('y'))]).toEqual([
      { line: 0, character: 3 },
      { line: 2, character: 0 },
    ]);
  });
});
