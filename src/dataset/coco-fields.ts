// Which keys of a COCO file are read.
import { decodeString } from './json-token';

export const Field = {
  other: -1,
  images: 0,
  annotations: 1,
  categories: 2,
  id: 3,
  fileName: 4,
  width: 5,
  height: 6,
  imageId: 7,
  categoryId: 8,
  bbox: 9,
  area: 10,
  crowd: 11,
  name: 12,
  supercategory: 13,
  caption: 14,
  segments: 15,
  /** Behind the slots of the box, see assembled.ts: only the scanner in TypeScript sets it. */
  mark: 22,
} as const;

/** A key, and what it is among those that are read somewhere in a COCO file. */
export interface FieldName {
  readonly field: number;
  readonly text: string;
}

const NAMES: readonly FieldName[] = Object.entries({
  images: Field.images,
  annotations: Field.annotations,
  categories: Field.categories,
  id: Field.id,
  file_name: Field.fileName,
  width: Field.width,
  height: Field.height,
  image_id: Field.imageId,
  category_id: Field.categoryId,
  bbox: Field.bbox,
  area: Field.area,
  iscrowd: Field.crowd,
  caption: Field.caption,
  segments_info: Field.segments,
  labelscope: Field.mark,
  name: Field.name,
  supercategory: Field.supercategory,
}).map(([text, field]) => ({ text, field }));

/** What the values of a field are. A record with one of `elsewhere`, which tell of other kinds of files or that a review added it, is looked at closely. */
const Kind = { number: 1, id: 2, name: 3, box: 4, elsewhere: 5 } as const;

/** Of the records of each list the fields that are read. */
const RECORD_FIELDS: Readonly<Record<number, ReadonlyMap<number, number>>> = {
  [Field.images]: new Map([
    [Field.id, Kind.id],
    [Field.fileName, Kind.name],
    [Field.width, Kind.number],
    [Field.height, Kind.number],
  ]),
  [Field.annotations]: new Map([
    [Field.id, Kind.id],
    [Field.imageId, Kind.id],
    [Field.categoryId, Kind.id],
    [Field.bbox, Kind.box],
    [Field.area, Kind.number],
    [Field.crowd, Kind.number],
    [Field.caption, Kind.elsewhere],
    [Field.segments, Kind.elsewhere],
    [Field.mark, Kind.elsewhere],
  ]),
  [Field.categories]: new Map([
    [Field.id, Kind.id],
    [Field.name, Kind.name],
    [Field.supercategory, Kind.name],
  ]),
};

/** By list which fields each record must have, one bit each. */
export const NEEDED: readonly number[] = [
  [Field.id, Field.fileName],
  [Field.imageId, Field.categoryId],
  [Field.id, Field.name],
].map((fields) => fields.reduce((bits, field) => bits | (1 << field), 0));

/** A key of the records of a list, with its kind, for the code that reads many of them. */
export interface ReadKey {
  readonly section: number;
  /** At most 15 characters, of ASCII. */
  readonly name: string;
  readonly field: number;
  readonly kind: number;
}

export const READ_KEYS: readonly ReadKey[] = Object.entries(RECORD_FIELDS).flatMap(([section, fields]) =>
  NAMES.filter(({ field }) => fields.has(field)).map(({ text, field }) => ({
    section: Number(section),
    name: text,
    field,
    kind: fields.get(field)!,
  })),
);

/** By section and field, whether records of the section have it. */
const READS = Uint8Array.from({ length: 3 * 32 }, (_, k) => Number(RECORD_FIELDS[k >> 5]?.has(k & 31) ?? false));

/** The field of a key in a record of this section, Field.other for those that are not read there. */
export const fieldIn = (section: number, { field }: FieldName): number =>
  field >= 0 && READS[(section << 5) | field] === 1 ? field : Field.other;

/** The list that a key of the file names, Field.other for other keys. */
export const sectionOf = ({ field }: FieldName): number => (field <= Field.categories ? field : Field.other);

/** Keys written with escapes are decoded first. */
export function fieldName(bytes: Buffer, start: number, end: number): FieldName {
  const text = decodeString(bytes, start, end);
  return NAMES.find((name) => name.text === text) ?? { field: Field.other, text };
}
