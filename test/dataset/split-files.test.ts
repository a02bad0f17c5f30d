// Files written out of one: every record as it stands, whatever the file looks like and wherever its bytes are cut.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readAnnotations } from '../../src/dataset/reader';
import { type RecordPlace, recordScanner } from '../../src/dataset/records';
import { rewriter } from '../../src/dataset/rewrite';
import { writeSplitFiles } from '../../src/dataset/split-files';
import { datasetError, temporaryFolder, writeTemporary } from './coco';

const folder = temporaryFolder();

/** Odd but legal: order, space, escapes, unknown keys and numbers that JSON readers would write otherwise. */
const TEXT = `\uFEFF{ "info" : {"year":2017.0, "annotations": [{"id": 1}]},
  "annotations":[
    {"id":1,"image_id":"a","category_id":1,"segmentation":[[1.50,2e0]],"extra":{"images":[{"id":3}]}} ,
    { "image_id" : 2, "category_id": 1, "id": 900719925474099312, "bbox": [0, 1, 2.0, 3] },\t{"id":3,"category_id":1,"image_id":77},
    {"id":4,"image_id":2,"category_id":1,"note":"comma, ] } \\" and \\u00e9 é 😀"}
  ],
  "images": [ {"id":"a","file_name":"a.jpg", "width": 10, "height": 1e1},{"file_name":"b.jpg","id":2}
 ,\r\n{"id":3,"file_name":"c.jpg"}, {"id": 2, "file_name": "again.jpg"} ],
  "categories":[{"id":1,"name":"dog"}], "licenses": [ ] }
`;

async function splitText(text: string | Uint8Array, parts: readonly number[], extension?: string): Promise<string[]> {
  const out = join(folder, `out-${String(Math.random()).slice(2)}`);
  mkdirSync(out);
  const index = await readAnnotations(writeTemporary(folder, text, extension));
  const files = [0, 1].map((part) => ({ path: join(out, `${part}.json`), parts: [part] }));
  const options = { signal: new AbortController().signal, onProgress: () => undefined };
  const counts = await writeSplitFiles(index, Uint8Array.from(parts), files, options);
  expect(readdirSync(out)).toEqual(['0.json', '1.json']);
  const written = files.map(({ path }) => readFileSync(path, 'utf8'));
  written.forEach((one, k) => {
    const { images, annotations } = JSON.parse(one.replace('\uFEFF', '')) as Record<string, unknown[]>;
    expect(counts[k]).toMatchObject({ images: images!.length, annotations: annotations!.length });
  });
  return written;
}

const FIRST = `\uFEFF{ "info" : {"year":2017.0, "annotations": [{"id": 1}]},
  "annotations":[
    {"id":1,"image_id":"a","category_id":1,"segmentation":[[1.50,2e0]],"extra":{"images":[{"id":3}]}}
  ],
  "images": [ {"id":"a","file_name":"a.jpg", "width": 10, "height": 1e1},\r\n{"id":3,"file_name":"c.jpg"} ],
  "categories":[{"id":1,"name":"dog"}], "licenses": [ ] }
`;
const SECOND = `\uFEFF{ "info" : {"year":2017.0, "annotations": [{"id": 1}]},
  "annotations":[
    { "image_id" : 2, "category_id": 1, "id": 900719925474099312, "bbox": [0, 1, 2.0, 3] },
    {"id":4,"image_id":2,"category_id":1,"note":"comma, ] } \\" and \\u00e9 é 😀"}
  ],
  "images": [{"file_name":"b.jpg","id":2}, {"id": 2, "file_name": "again.jpg"} ],
  "categories":[{"id":1,"name":"dog"}], "licenses": [ ] }
`;

describe('writeSplitFiles', () => {
  it('keeps everything else as it stands, and leaves out what points to no image', async () => {
    expect(await splitText(TEXT, [0, 1, 0])).toEqual([FIRST, SECOND]);
  });

  it('unpacks gzip', async () => {
    expect(await splitText(gzipSync(TEXT), [0, 1, 0], '.json.gz')).toEqual([FIRST, SECOND]);
  });

  it('leaves empty lists where a part has nothing', async () => {
    const [, second] = await splitText(TEXT, [0, 0, 0]);
    expect(JSON.parse(second!.replace('\uFEFF', ''))).toMatchObject({
      images: [],
      annotations: [],
      categories: [{ name: 'dog' }],
    });
  });

  it('writes nothing over, and leaves nothing behind where it fails', async () => {
    const index = await readAnnotations(writeTemporary(folder, TEXT));
    const out = join(folder, 'taken');
    mkdirSync(out);
    writeFileSync(join(out, 'b.json'), 'mine');
    const files = ['a.json', 'b.json'].map((name, part) => ({ path: join(out, name), parts: [part] }));
    const options = { signal: new AbortController().signal, onProgress: () => undefined };
    const error = await datasetError(() => writeSplitFiles(index, Uint8Array.from([0, 1, 0]), files, options));
    expect([error.code, readFileSync(join(out, 'b.json'), 'utf8'), existsSync(join(out, 'a.json'))]).toEqual([
      'file-exists',
      'mine',
      false,
    ]);
    const stopped = { signal: AbortSignal.abort(new Error('enough')), onProgress: () => undefined };
    await expect(writeSplitFiles(index, Uint8Array.from([0, 1, 0]), files.slice(0, 1), stopped)).rejects.toThrow('enough');
    expect(readdirSync(out)).toEqual(['b.json']);
  });
});

describe('rewriter', () => {
  it('does not depend on where the bytes are cut', () => {
    const bytes = Buffer.from(TEXT);
    const texts = (cuts: readonly number[]) => {
      const fields = new Set(['image_id', 'id']);
      const chosen = ({ fields: own }: RecordPlace) => ({
        outputs: own.get('image_id')?.value === 2 || own.get('id')?.value === 2 ? [1] : [0, 1],
      });
      const { push, end } = rewriter(2, fields, chosen);
      const out = ['', ''];
      const gained: Buffer[][] = [[], []];
      for (let k = 0; k <= cuts.length; k++) {
        // The memory of a piece is used again, as the reader does.
        const piece = Buffer.from(bytes.subarray(cuts[k - 1] ?? 0, cuts[k]));
        push(piece).forEach((own, j) => gained[j]!.push(own));
        piece.fill(0);
      }
      end();
      return out.map((_, j) => Buffer.concat(gained[j]!).toString());
    };
    const whole = texts([]);
    expect(whole[1]).toBe(TEXT);
    for (let cut = 1; cut < bytes.length; cut++) expect(texts([cut])).toEqual(whole);
    expect(texts(Array.from({ length: bytes.length - 1 }, (_, k) => k + 1))).toEqual(whole);
  });
});

describe('recordScanner', () => {
  it('tells where records and their values stand', () => {
    const bytes = Buffer.from(TEXT);
    const told: string[] = [];
    const scanner = recordScanner({
      fields: new Set(['id', 'bbox', 'note', 'height', 'extra']),
      record: ({ section, row, start, end, fields }) => {
        const text = bytes.subarray(start, end).toString();
        told.push(`${section} ${row} ${text[0]!}${text.at(-1)!}`);
        for (const [name, place] of fields) told.push(`${name}=${bytes.subarray(place.start, place.end).toString()}`);
      },
    });
    scanner.push(bytes);
    scanner.end();
    expect(told).toEqual([
      ...['annotations 0 {}', 'id=1'],
      ...['annotations 1 {}', 'id=900719925474099312', 'bbox=[0, 1, 2.0, 3]'],
      ...['annotations 2 {}', 'id=3'],
      ...['annotations 3 {}', 'id=4', 'note="comma, ] } \\" and \\u00e9 é 😀"'],
      ...['images 0 {}', 'id="a"', 'height=1e1'],
      ...['images 1 {}', 'id=2', 'images 2 {}', 'id=3', 'images 3 {}', 'id=2'],
      ...['categories 0 {}', 'id=1'],
    ]);
  });
});
