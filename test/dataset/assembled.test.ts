// Which records are read at once, and which are left to the scanner: all that are written as most are, and none that it must look at closely.
import { describe, expect, it } from 'vitest';
import { BOX, BOX_COUNT, putText, readRecords, SLOTS, textAt, TEXTS } from '../../src/dataset/assembled';
import { Field, NEEDED } from '../../src/dataset/coco-fields';

const { annotations } = Field;

/** Reads a list from its first record on. */
function read(text: string, section: number = annotations) {
  const bytes = putText(Buffer.from(text));
  const { end, count, rows } = readRecords(1, section, NEEDED[section]!);
  return { end, count, rows: Array.from({ length: count }, (_, k) => rows.slice(k * SLOTS, (k + 1) * SLOTS)), bytes };
}

const FIRST =
  '{"segmentation": [[1.5,2,3,4.25]],"area": 68.80820000000313,"iscrowd": 0,"image_id": 7,"bbox": [1,-2,3.5,4],"category_id": 10,"id": 156}';
const SECOND = '{"image_id":"7a","category_id":-3,"score":0.5,"attributes":{"a":[{"b":[1,2]},"x",null],"c":true}}';

describe('records', () => {
  it('are read one after the other, and the rest is left', () => {
    const { count, end, rows, bytes } = read(`${FIRST} ,\n ${SECOND}],"info": {}}`);
    expect([count, end]).toEqual([2, FIRST.length + SECOND.length + 4]);
    const [first, second] = rows;
    expect(Array.from(first!.subarray(BOX, BOX_COUNT + 1))).toEqual([1, -2, 3.5, 4, 4]);
    expect([Field.id, Field.imageId, Field.categoryId, Field.crowd].map((field) => first![field])).toEqual([156, 7, 10, 0]);
    expect(first![Field.area]).toBeCloseTo(68.80820000000313, 12);
    expect([second![TEXTS], second![BOX_COUNT], second![Field.area]]).toEqual([1 << Field.imageId, 0, NaN]);
    const { start, end: textEnd } = textAt(second![Field.imageId]!);
    expect(bytes.toString('latin1', start, textEnd)).toBe('7a');
  });

  it('are read of images and categories as well', () => {
    const image = '{"license": 3,"file_name": "a\\u0020b.jpg","coco_url": "http:\\/\\/x","height": 480,"width": 640,"id": 9}';
    expect(read(image, Field.images).rows[0]![Field.height]).toBe(480);
    const category = read('{"supercategory": "animal","id": 1,"name": "dog"}]', Field.categories).rows[0]!;
    expect(category[TEXTS]).toBe((1 << Field.name) | (1 << Field.supercategory));
  });

  const rest = '"image_id":1,"category_id":2';
  it.each([
    ['lacks what it needs', '{"image_id":1,"id":2}'],
    ['is empty', '{}'],
    ['has an escape in a key', String.raw`{"\u0069d":1,${rest}}`],
    ['has a long id', `{"id":1234567890123456,${rest}}`],
    ['has an id with a fraction', `{"id":1.5,${rest}}`],
    ['has a number with an exponent', `{"area":1e2,${rest}}`],
    ['has a word for a number', `{"iscrowd":true,${rest}}`],
    ['has a box of three', `{"bbox":[1,2,3],${rest}}`],
    ['has a box of five', `{"bbox":[1,2,3,4,5],${rest}}`],
    ['is a sentence', `{"caption":"a dog",${rest}}`],
    ['is cut', `{"id":1,${rest}`],
    ['is cut in a number', `{"id":1,${rest.slice(0, -1)}`],
    ['has a comma too much', `{"id":1,${rest},}`],
    ['has a number that is none', `{"id":01,${rest}}`],
    ['has a wrong escape in what nobody reads', String.raw`{"x":"\x",${rest}}`],
    ['has a control character in what nobody reads', `{"x":"\t",${rest}}`],
    ['has a wrong list in what nobody reads', `{"x":[1,,2],${rest}}`],
    ['has a wrong word in what nobody reads', `{"x":nul,${rest}}`],
    ['is deep', `{"x":${'['.repeat(2000)}${']'.repeat(2000)},${rest}}`],
  ])('are left where one %s', (_, record) => {
    expect(read(record)).toMatchObject({ count: 0, end: 1 });
    const { count, end } = read(`${FIRST},${record},${FIRST}`);
    expect([count, end]).toEqual([1, FIRST.length]);
  });

  it('have nothing of a longer text that was there before', () => {
    read(`${FIRST},${FIRST},${FIRST}`);
    for (let length = 1; length < FIRST.length; length++) expect(read(FIRST.slice(0, length)).count).toBe(0);
  });
});
