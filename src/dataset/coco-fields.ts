// Which keys of a COCO file are read, found by their bytes: no string is made for the millions of keys of a big file.
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
} as const;

interface FieldName {
  readonly field: number;
  readonly text: string;
  readonly bytes: Buffer;
}

/** By length of the name in bytes. */
type FieldNames = readonly (readonly FieldName[])[];

function fieldNames(names: Readonly<Record<string, number>>): FieldNames {
  const byLength: FieldName[][] = Array.from({ length: 32 }, () => []);
  for (const [text, field] of Object.entries(names)) byLength[text.length]!.push({ field, text, bytes: Buffer.from(text) });
  return byLength;
}

export const TOP_FIELDS = fieldNames({
  images: Field.images,
  annotations: Field.annotations,
  categories: Field.categories,
});

export const RECORD_FIELDS: Readonly<Record<number, FieldNames>> = {
  [Field.images]: fieldNames({ id: Field.id, file_name: Field.fileName, width: Field.width, height: Field.height }),
  [Field.annotations]: fieldNames({
    id: Field.id,
    image_id: Field.imageId,
    category_id: Field.categoryId,
    bbox: Field.bbox,
    area: Field.area,
    iscrowd: Field.crowd,
    caption: Field.caption,
    segments_info: Field.segments,
  }),
  [Field.categories]: fieldNames({ id: Field.id, name: Field.name, supercategory: Field.supercategory }),
};

/** The field of a key, Field.other for keys that are not read. Keys written with escapes are decoded first. */
export function matchField(names: FieldNames, bytes: Buffer, start: number, end: number): number {
  const candidates = names[end - start];
  if (candidates !== undefined) {
    for (const candidate of candidates) if (sameBytes(candidate.bytes, bytes, start)) return candidate.field;
  }
  for (let i = start; i < end; i++) {
    if (bytes[i] === 0x5c) return matchText(names, decodeString(bytes, start, end));
  }
  return Field.other;
}

function sameBytes(name: Buffer, bytes: Buffer, start: number): boolean {
  for (let k = 0; k < name.length; k++) if (name[k] !== bytes[start + k]) return false;
  return true;
}

function matchText(names: FieldNames, text: string): number {
  return names[text.length]?.find((name) => name.text === text)?.field ?? Field.other;
}
