// One record of a COCO file while it is read: the values of its fields so far, and how JSON values become them.
import { BOX_COUNT, SLOTS, TEXTS } from './assembled';
import { Field } from './coco-fields';
import { keyOfId, type IdPool } from './ids';
import { LONGEST_INTEGER } from './json-token';

/** What a corrected copy says of an annotation that it adds (`"labelscope": "reviewed"`): it stands for a label, and its box for no object. */
export const REVIEWED = 'reviewed';

export interface CocoRecord {
  /** Offset of its bracket. */
  at: number;
  /**
   * By field; NaN for what the record does not (yet) have; ids are keys of an IdPool. Then as in `assembled`: the numbers of the box, and how
   * many they are so far, 5 once something else stands there.
   */
  readonly values: Float64Array;
  /** file_name or name. */
  text: string | undefined;
  supercategory: string;
}

export function createRecord(): CocoRecord {
  return { at: 0, values: new Float64Array(SLOTS), text: undefined, supercategory: '' };
}

export function beginRecord(record: CocoRecord, at: number): void {
  record.at = at;
  record.values.fill(NaN);
  record.values[BOX_COUNT] = record.values[TEXTS] = 0;
  record.text = undefined;
  record.supercategory = '';
}

const isId = (field: number) => field === Field.id || field === Field.imageId || field === Field.categoryId;
const isText = (field: number) => field === Field.fileName || field === Field.name;

export function setNumber(
  record: CocoRecord,
  field: number,
  ids: IdPool,
  value: number,
  bytes: Buffer,
  start: number,
  end: number,
): void {
  if (isId(field)) record.values[field] = numericId(ids, value, bytes, start, end);
  // Categories called 1, 2, 3 are often written as numbers.
  else if (isText(field)) record.text = String(value);
  else if (field === Field.bbox || field === Field.supercategory || field === Field.mark) setMissing(record, field);
  else record.values[field] = value;
}

function numericId(ids: IdPool, value: number, bytes: Buffer, start: number, end: number): number {
  const isExact = end - start <= LONGEST_INTEGER && Number.isSafeInteger(value);
  return isExact ? value : keyOfId(ids, bytes.toString('latin1', start, end), true);
}

export function setString(record: CocoRecord, field: number, ids: IdPool, text: string): void {
  if (isId(field)) record.values[field] = keyOfId(ids, text, false);
  else if (isText(field)) record.text = text;
  else if (field === Field.supercategory) record.supercategory = text;
  else if (field === Field.mark && text === REVIEWED) record.values[field] = 1;
  else setMissing(record, field);
}

/** For values of a kind that the field cannot have: as if it were not there. What an earlier, equal key said is forgotten. */
export function setMissing(record: CocoRecord, field: number): void {
  record.values[field] = NaN;
  if (isText(field)) record.text = undefined;
  else if (field === Field.supercategory) record.supercategory = '';
  else if (field === Field.bbox) record.values[BOX_COUNT] = 0;
}
