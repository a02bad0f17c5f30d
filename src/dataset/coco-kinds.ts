// JSON files that are not COCO's detection format, each told apart by what it holds, with what to do instead.
import { Field } from './coco-fields';
import type { CocoRecord } from './coco-record';
import { DatasetError, LocatedError } from './errors';

const INSTANCES = 'Choose the instances file (such as instances_train2017.json)';
const LISTS = [
  [Field.images, 'images'],
  [Field.annotations, 'annotations'],
  [Field.categories, 'categories'],
] as const;

const listName = (section: number) => LISTS.find(([field]) => field === section)![1];

const has = (record: CocoRecord, field: number) => !Number.isNaN(record.values[field]);

export function resultsList(at: number): LocatedError {
  return new LocatedError(
    'results-file',
    at,
    'the file is a list, as the results of detection programs are, and not a COCO annotation file, which is an object with ' +
      `images, annotations and categories. ${INSTANCES} that the results belong to.`,
  );
}

export function notAList(section: number, found: string, at: number): LocatedError {
  return new LocatedError(
    'json-field',
    at,
    `"${listName(section)}" must be a list of objects, found ${found}. Correct the file.`,
  );
}

export function notARecord(section: number, found: string, at: number): LocatedError {
  return new LocatedError(
    'json-field',
    at,
    `each entry of "${listName(section)}" must be an object, found ${found}. Correct the file.`,
  );
}

export function badImage(record: CocoRecord): LocatedError {
  const missing = !has(record, Field.id) ? '"id" (a number or text)' : '"file_name" (text)';
  return new LocatedError(
    'image-incomplete',
    record.at,
    `this image has no ${missing}. Every image needs both. Correct the file.`,
  );
}

export function badCategory(record: CocoRecord): LocatedError {
  const missing = !has(record, Field.id) ? '"id" (a number or text)' : '"name" (text)';
  return new LocatedError(
    'category-incomplete',
    record.at,
    `this category has no ${missing}. Every category needs both. Correct the file.`,
  );
}

export function badAnnotation(record: CocoRecord): LocatedError {
  if (!has(record, Field.categoryId) && has(record, Field.caption))
    return new LocatedError(
      'captions-file',
      record.at,
      `this is a COCO captions file: its annotations hold sentences, not categories. ${INSTANCES} of the same images.`,
    );
  if (!has(record, Field.categoryId) && has(record, Field.segments))
    return new LocatedError(
      'panoptic-file',
      record.at,
      `this is a COCO panoptic file: its annotations hold "segments_info", not one category each. ${INSTANCES} of the same images.`,
    );
  const missing = !has(record, Field.imageId) ? 'image_id' : 'category_id';
  return new LocatedError(
    'annotation-incomplete',
    record.at,
    `this annotation has no "${missing}" (a number or text), so it labels nothing. Correct or remove it.`,
  );
}

const WITHOUT: Readonly<Record<string, string>> = {
  images: 'so nothing says which files its annotations are about. Export it again with its images',
  annotations: `so it has no labels (a list of test images, such as image_info_test2017.json?). ${INSTANCES}`,
  categories:
    'so its labels have no names (some keypoint and instance exports leave it out). Export it again with categories, or copy ' +
    'the list from the file it was made from',
};

/** For a file that is legal JSON to its end but lacks one of the three lists. */
export function missingLists(path: string, found: ReadonlySet<number>, keys: readonly string[]): DatasetError {
  const missing = LISTS.filter(([field]) => !found.has(field)).map(([, name]) => name);
  const first = missing.length === 1 || found.has(Field.images) ? missing[0] : undefined;
  if (first !== undefined) return new DatasetError(`no-${first}`, `${path} has no list "${first}", ${WITHOUT[first]!}.`, path);
  const seen = keys.length === 0 ? 'an empty object' : `an object with ${keys.map((key) => JSON.stringify(key)).join(', ')}`;
  return new DatasetError(
    'not-coco',
    `${path} is JSON but not a COCO annotation file: it is ${seen} and has no lists ${missing.map((m) => `"${m}"`).join(' and ')}. ` +
      `${INSTANCES}, or export your labels as "COCO JSON".`,
    path,
  );
}
