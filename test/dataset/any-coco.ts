// Any COCO file, as fast-check draws it, and what the reader should make of it.
import fc from 'fast-check';
import { eachDetail } from '../../src/dataset/details';
import { textOfId } from '../../src/dataset/ids';
import type { CocoIndex } from '../../src/dataset/types';
import { randomStream } from '../../src/metrics/random';

export interface Coco {
  images: { id: number | string; file_name: string | number; width?: number; height?: number }[];
  annotations: {
    id?: number | string;
    image_id: number | string;
    category_id: number | string;
    bbox?: unknown;
    area?: number;
    iscrowd?: number | boolean;
    labelscope?: unknown;
  }[];
  categories: { id: number | string; name: string | number; supercategory?: string }[];
}

const isId = (value: unknown) => typeof value === 'number' || typeof value === 'string';
const numberOr = <T>(value: unknown, other: T) => (typeof value === 'number' ? value : other);
const isTrue = (value: unknown) => value === true || (typeof value === 'number' && value !== 0);

/** What the reader should make of a file, computed from its parsed tree. */
export function expectedIndex(coco: Coco) {
  const findRow = (records: { id: number | string }[], id: number | string) =>
    records.findIndex((record) => String(record.id) === String(id));
  return {
    images: coco.images.map((image) => ({
      id: String(image.id),
      fileName: String(image.file_name),
      width: numberOr(image.width, 0) || 0,
      height: numberOr(image.height, 0) || 0,
    })),
    categories: coco.categories.map((category) => ({
      id: String(category.id),
      name: String(category.name),
      supercategory: typeof category.supercategory === 'string' ? category.supercategory : '',
    })),
    annotations: coco.annotations.map((annotation) => ({
      id: isId(annotation.id) ? String(annotation.id) : '?',
      image: findRow(coco.images, annotation.image_id),
      category: findRow(coco.categories, annotation.category_id),
      bbox:
        isBox(annotation.bbox) && annotation.labelscope !== 'reviewed' ? annotation.bbox.map(Math.fround) : [NaN, NaN, NaN, NaN],
      area: annotation.labelscope === 'reviewed' ? NaN : Math.fround(numberOr(annotation.area, NaN)),
      crowd: isTrue(annotation.iscrowd) ? 1 : 0,
    })),
  };
}

/** Whether a parsed tree is a COCO file: the three lists, of records that have what no record can be without. */
export function isCoco(tree: unknown): tree is Coco {
  const has = (name: string, keys: readonly string[]) => {
    if (!isRecord(tree) || !Object.hasOwn(tree, name)) return false;
    const list = tree[name];
    return Array.isArray(list) && list.every((record) => isRecord(record) && keys.every((key) => own(record, key)));
  };
  return (
    has('images', ['id', 'file_name']) && has('annotations', ['image_id', 'category_id']) && has('categories', ['id', 'name'])
  );
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const own = (record: Record<string, unknown>, key: string) => Object.hasOwn(record, key) && isId(record[key]);

const isBox = (box: unknown): box is number[] =>
  Array.isArray(box) && box.length === 4 && box.every((x) => typeof x === 'number');

export async function shown({ images, categories, annotations }: CocoIndex): Promise<ReturnType<typeof expectedIndex>> {
  const rows: ReturnType<typeof expectedIndex>['annotations'] = [];
  await eachDetail(annotations, (row, { id, x, y, width, height, area, crowd }) => {
    const [image, category] = [annotations.image[row]!, annotations.category[row]!];
    rows.push({ id: textOfId(id, annotations.texts), image, category, bbox: [x, y, width, height], area, crowd });
  });
  return { images: [...images], categories: [...categories], annotations: rows };
}

const anyId = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -3, max: 12 }) },
  fc.maxSafeInteger(),
  fc.constantFrom('a', 'ä"\\', '7', '07', '', '-0', '9007199254740993', '1e3'),
);
const anyText = fc.oneof(fc.constantFrom('000000000009.jpg', 'größe/ä.png', 'a\u{1f436}"b\\c'), fc.string({ unit: 'binary' }));
const pixels = fc.nat(64000).map((x) => x / 100);
const anyBox = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(pixels, pixels, pixels, pixels) },
  fc.constantFrom<unknown>([], [1, 2, 3], [1, 2, 3, 4, 5], [1, null, 2, 3], [[1], 2, 3, 4], ['1', 2, 3, 4], null, {}, 'box', 7, [
    {},
  ]),
);
const unknown = fc.dictionary(
  fc.constantFrom('segmentation', 'license', 'coco_url', 'images', 'i\u00e4', 'bbox_', 'ids', 'ID'),
  fc.oneof(
    fc.array(fc.array(pixels)),
    fc.constantFrom<unknown>({ counts: 'RLE\\"[{', size: [480, 640] }, { counts: [3, 0, 17, 1e3], size: [4, 255] }),
    fc.jsonValue({ maxDepth: 4 }),
    fc.string({ unit: 'binary' }),
  ),
  { noNullPrototype: true },
);
const anyMark = fc.oneof(fc.constant('reviewed'), fc.constantFrom<unknown>('Reviewed', 1, 0, true, null, {}, ['reviewed']));
const optional = { requiredKeys: [] };
const image = fc.tuple(
  fc.record({ id: anyId, file_name: anyText }),
  fc.record({ width: fc.nat(9999), height: fc.nat(9999) }, optional),
);
const annotation = fc.tuple(
  fc.record({ image_id: anyId, category_id: anyId }),
  fc.record(
    { id: anyId, bbox: anyBox, area: pixels, iscrowd: fc.constantFrom(0, 1, true, false), labelscope: anyMark },
    optional,
  ),
);
const category = fc.tuple(fc.record({ id: anyId, name: anyText }), fc.record({ supercategory: anyText }, optional));

function entriesOf(record: object): [string, unknown][] {
  return Object.entries(record) as [string, unknown][];
}

/** A record with its keys, unknown ones among them, in random order. */
const whole = <T extends object>(parts: fc.Arbitrary<[T, object]>) =>
  fc.tuple(parts, unknown, fc.nat()).map(([[required, rest], other, seed]) => {
    const entries = entriesOf({ ...other, ...rest, ...required });
    return Object.fromEntries(randomStream('order', seed).shuffle(entries)) as T;
  });

/** With at most so many records of each kind. */
export const cocoOf = (images: number, annotations: number, categories: number): fc.Arbitrary<Coco> =>
  fc
    .tuple(
      fc.array(whole(image), { maxLength: images }),
      fc.array(whole(annotation), { maxLength: annotations }),
      fc.array(whole(category), { maxLength: categories }),
      unknown.map((other) => Object.fromEntries(Object.entries(other).filter(([key]) => key !== 'images'))),
      fc.shuffledSubarray(['images', 'annotations', 'categories', 'other'], { minLength: 4 }),
    )
    .map(([images, annotations, categories, other, order]) => {
      const parts: Record<string, object> = {
        images: { images },
        annotations: { annotations },
        categories: { categories },
        other,
      };
      return Object.fromEntries(order.flatMap((name) => entriesOf(parts[name]!))) as unknown as Coco;
    });

/** The same cases every time, so that a failure is of the change that meets it; other cases with another LABELSCOPE_TEST_SEED. */
fc.configureGlobal({ seed: Number(process.env.LABELSCOPE_TEST_SEED ?? 1), endOnFailure: true });

export const anyCoco = cocoOf(6, 10, 5);
