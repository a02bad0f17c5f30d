// One record of a COCO file while it is read: the values of its fields so far, and how JSON values become them.
import { Field } from './coco-fields';
import { keyOfId, type IdPool } from './columns';
import { parseExactly, parseMeasure, parseShortInteger } from './json-token';

/** NaN and undefined stand for what the record does not (yet) have; ids are keys of an IdPool. */
export interface CocoRecord {
  /** Offset of its bracket. */
  at: number;
  id: number;
  imageId: number;
  categoryId: number;
  /** file_name or name. */
  text: string | undefined;
  supercategory: string;
  width: number;
  height: number;
  area: number;
  crowd: number;
  readonly box: Float64Array;
  /** Numbers of the box so far; Infinity once something else stands in it. */
  boxCount: number;
  caption: boolean;
  segments: boolean;
}

export function createRecord(): CocoRecord {
  const box = new Float64Array(4);
  const record = { at: 0, id: NaN, imageId: NaN, categoryId: NaN, text: undefined, supercategory: '', width: 0, height: 0 };
  return { ...record, area: NaN, crowd: 0, box, boxCount: 0, caption: false, segments: false };
}

export function beginRecord(record: CocoRecord, at: number): void {
  record.at = at;
  record.id = record.imageId = record.categoryId = record.area = NaN;
  record.text = undefined;
  record.supercategory = '';
  record.width = record.height = record.crowd = record.boxCount = 0;
  record.caption = record.segments = false;
}

export function setNumber(record: CocoRecord, field: number, ids: IdPool, bytes: Buffer, start: number, end: number): void {
  switch (field) {
    case Field.id:
      record.id = numericId(ids, bytes, start, end);
      return;
    case Field.imageId:
      record.imageId = numericId(ids, bytes, start, end);
      return;
    case Field.categoryId:
      record.categoryId = numericId(ids, bytes, start, end);
      return;
    case Field.area:
      record.area = parseMeasure(bytes, start, end);
      return;
    case Field.width:
      record.width = parseMeasure(bytes, start, end);
      return;
    case Field.height:
      record.height = parseMeasure(bytes, start, end);
      return;
    case Field.crowd:
      record.crowd = parseExactly(bytes, start, end) === 0 ? 0 : 1;
      return;
    case Field.fileName:
    case Field.name:
      // Categories called 1, 2, 3 are often written as numbers.
      record.text = bytes.toString('latin1', start, end);
      return;
    default:
      setMissing(record, field);
  }
}

function numericId(ids: IdPool, bytes: Buffer, start: number, end: number): number {
  const short = parseShortInteger(bytes, start, end);
  return Number.isNaN(short) ? keyOfId(ids, bytes.toString('latin1', start, end), true) : short;
}

export function setString(record: CocoRecord, field: number, ids: IdPool, text: string): void {
  if (field === Field.id) record.id = keyOfId(ids, text, false);
  else if (field === Field.imageId) record.imageId = keyOfId(ids, text, false);
  else if (field === Field.categoryId) record.categoryId = keyOfId(ids, text, false);
  else if (field === Field.fileName || field === Field.name) record.text = text;
  else if (field === Field.supercategory) record.supercategory = text;
  else setMissing(record, field);
}

/** For values of a kind that the field cannot have: as if it were not there. A key that is repeated is overwritten by it. */
export function setMissing(record: CocoRecord, field: number): void {
  if (field === Field.id) record.id = NaN;
  else if (field === Field.imageId) record.imageId = NaN;
  else if (field === Field.categoryId) record.categoryId = NaN;
  else if (field === Field.area) record.area = NaN;
  else if (field === Field.width) record.width = 0;
  else if (field === Field.height) record.height = 0;
  else if (field === Field.crowd) record.crowd = 0;
  else if (field === Field.bbox) record.boxCount = 0;
  else if (field === Field.supercategory) record.supercategory = '';
  else record.text = undefined;
}
