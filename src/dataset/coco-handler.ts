// Takes from the stream of JSON tokens what a COCO file holds: its images, annotations and categories.
import { BOX, BOX_COUNT, readRecords, SLOTS, textAt, TEXTS } from './assembled';
import { Field, fieldIn, fieldName, NEEDED, sectionOf, type FieldName } from './coco-fields';
import { badAnnotation, badCategory, badImage, missingLists, notAList, notARecord, resultsList } from './coco-kinds';
import { beginRecord, createRecord, setMissing, setNumber, setString, type CocoRecord } from './coco-record';
import { addRow, type Columns, createColumns, startAnew, tieAnnotations } from './columns';
import { collect } from './details-collected';
import { createIdPool, type IdPool, keyOfId, textOfId } from './ids';
import type { Container, JsonHandler } from './json-scanner';
import { decodeString } from './json-token';
import type { AnnotationTable, CocoCategory, CocoImage } from './types';

const Level = { outside: 0, root: 1, list: 2, record: 3, box: 4 } as const;

/** What has been read so far, and where the reading is. */
interface CocoState {
  readonly ids: IdPool;
  readonly record: CocoRecord;
  /** The first keys of the file, for the message that it is not a COCO file. */
  readonly keys: string[];
  readonly found: Set<number>;
  level: number;
  section: number;
  field: number;
  images: CocoImage[];
  imageKeys: number[];
  categories: CocoCategory[];
  categoryKeys: number[];
  readonly columns: Columns;
}

/** `at` is told by the scanner: the offset of the present token. */
interface CocoHandler extends JsonHandler<FieldName> {
  scanner: { readonly at: number };
  readonly state: CocoState;
}

/**
 * @param bytes about how long the text is, from which the number of annotations is guessed
 * @param mostInMemory bytes that the details of annotations may take, see `spill`
 */
export function createCocoHandler(bytes: number, mostInMemory: number | undefined): CocoHandler {
  const state = createState(bytes, mostInMemory);
  const handler: CocoHandler = {
    scanner: { at: 0 },
    state,
    name: fieldName,
    key: (name) => readKey(state, name),
    string: (bytes, start, end) => readString(state, bytes, start, end, handler.scanner.at),
    number: (value, bytes, start, end) => readNumber(state, value, bytes, start, end, handler.scanner.at),
    literal: (value) => readLiteral(state, value, handler.scanner.at),
    open: (kind) => openContainer(state, kind, handler.scanner.at),
    records: (bytes, from) => (state.level === Level.list ? addRecords(state, bytes, from) : from),
    close: () => closeContainer(state),
  };
  return handler;
}

/** COCO's own annotations take 500 bytes, those with boxes only 130. */
const BYTES_A_ROW = 250;

function createState(bytes: number, mostInMemory: number | undefined): CocoState {
  return {
    ids: createIdPool(),
    record: createRecord(),
    keys: [],
    found: new Set(),
    level: Level.outside,
    section: Field.other,
    field: Field.other,
    images: [],
    imageKeys: [],
    categories: [],
    categoryKeys: [],
    columns: createColumns(Math.ceil(bytes / BYTES_A_ROW) + 16, mostInMemory),
  };
}

/** Once the file has ended. Throws DatasetError (not-coco, no-images, no-annotations, no-categories). */
export async function finishCoco(
  state: CocoState,
  path: string,
): Promise<{ images: CocoImage[]; categories: CocoCategory[]; annotations: AnnotationTable }> {
  if (state.found.size < 3) throw missingLists(path, state.found, state.keys);
  const annotations = await tieAnnotations(state.columns, state.imageKeys, state.categoryKeys, state.ids);
  return { images: state.images, categories: state.categories, annotations };
}

function readKey(state: CocoState, name: FieldName): boolean {
  if (state.level === Level.root) {
    if (state.keys.length < 8) state.keys.push(name.text);
    state.section = sectionOf(name);
    if (state.section !== Field.other) beginSection(state, state.section);
    return state.section !== Field.other;
  }
  const field = (state.field = fieldIn(state.section, name));
  if (field === Field.caption || field === Field.segments) {
    state.record.values[field] = 1;
    return false;
  }
  return field !== Field.other;
}

/** A key that is repeated replaces what came before, as in every JSON reader. */
function beginSection(state: CocoState, section: number): void {
  state.found.add(section);
  if (section === Field.annotations) startAnew(state.columns);
  else if (section === Field.images) {
    state.images = [];
    state.imageKeys = [];
  } else {
    state.categories = [];
    state.categoryKeys = [];
  }
}

function readString(state: CocoState, bytes: Buffer, start: number, end: number, at: number): void {
  if (state.level === Level.record) setString(state.record, state.field, state.ids, decodeString(bytes, start, end));
  else readOther(state, 'a string', at);
}

function readNumber(state: CocoState, value: number, bytes: Buffer, start: number, end: number, at: number): void {
  const { record } = state;
  if (state.level === Level.record) setNumber(record, state.field, state.ids, value, bytes, start, end);
  else if (state.level !== Level.box) readOther(state, 'a number', at);
  else if (record.values[BOX_COUNT]! < 4) record.values[BOX + record.values[BOX_COUNT]!++] = value;
  else record.values[BOX_COUNT] = 5;
}

function readLiteral(state: CocoState, value: boolean | null, at: number): void {
  if (state.level === Level.record && state.field === Field.crowd) state.record.values[Field.crowd] = value === true ? 1 : 0;
  else if (state.level === Level.record) setMissing(state.record, state.field);
  else readOther(state, String(value), at);
}

/** A value where a list, a record or a number of a box should be. */
function readOther(state: CocoState, what: string, at: number): void {
  if (state.level === Level.root) throw notAList(state.section, what, at);
  if (state.level === Level.list) throw notARecord(state.section, what, at);
  state.record.values[BOX_COUNT] = 5;
}

function openContainer(state: CocoState, kind: Container, at: number): boolean {
  const isArray = kind === 'array';
  if (state.level === Level.outside && isArray) throw resultsList(at);
  if (state.level === Level.record && (state.field !== Field.bbox || !isArray)) {
    setMissing(state.record, state.field);
    return false;
  }
  const fits = state.level === Level.outside || (state.level === Level.list ? !isArray : isArray && state.level !== Level.box);
  if (!fits) {
    readOther(state, isArray ? 'a list' : 'an object', at);
    return false;
  }
  if (state.level === Level.list) beginRecord(state.record, at);
  else if (state.level === Level.record) state.record.values[BOX_COUNT] = 0;
  state.level++;
  return true;
}

function closeContainer(state: CocoState): void {
  if (state.level === Level.record) endRecord(state);
  state.level--;
}

function endRecord(state: CocoState): void {
  const { section, record } = state;
  const { values, text, supercategory } = record;
  if (section === Field.annotations) {
    if (isMissing(values, Field.categoryId) || isMissing(values, Field.imageId)) throw badAnnotation(record);
    addAnnotation(state, values, 0);
  } else if (section === Field.images) {
    if (isMissing(values, Field.id) || text === undefined) throw badImage(record);
    addImage(state, values, 0, text);
  } else {
    if (isMissing(values, Field.id) || text === undefined) throw badCategory(record);
    addCategory(state, values, 0, text, supercategory);
  }
}

const isMissing = (values: Float64Array, field: number) => Number.isNaN(values[field]);

/** The records that can be read at once, from behind the bracket of the first one; returns the offset behind the last one. */
function addRecords(state: CocoState, bytes: Buffer, from: number): number {
  const { section } = state;
  const { end, count, rows } = readRecords(from, section, NEEDED[section]!);
  for (let row = 0; row < count * SLOTS; row += SLOTS) {
    if (rows[row + TEXTS] !== 0) nameIds(state.ids, rows, row, bytes);
    if (section === Field.annotations) addAnnotation(state, rows, row);
    else if (section === Field.images) addImage(state, rows, row, textIn(bytes, rows[row + Field.fileName]!));
    else {
      const supercategory = rows[row + Field.supercategory]!;
      addCategory(state, rows, row, textIn(bytes, rows[row + Field.name]!), supercategory ? textIn(bytes, supercategory) : '');
    }
  }
  return end;
}

function textIn(bytes: Buffer, value: number): string {
  const { start, end } = textAt(value);
  return decodeString(bytes, start, end);
}

const IDS = [Field.id, Field.imageId, Field.categoryId];

/** Of a row whose texts are still in the file's bytes. */
function nameIds(ids: IdPool, rows: Float64Array, row: number, bytes: Buffer): void {
  const texts = rows[row + TEXTS]!;
  for (const field of IDS) if ((texts >> field) & 1) rows[row + field] = keyOfId(ids, textIn(bytes, rows[row + field]!), false);
}

/** The record whose values begin at `row`, as those of the next two functions. */
function addAnnotation({ columns }: CocoState, values: Float64Array, row: number): void {
  const isLabel = values[row + Field.mark] === 1;
  const box = values[row + BOX_COUNT] === 4 && !isLabel ? row + BOX : -1;
  const area = isLabel ? NaN : values[row + Field.area]!;
  addRow(columns, values[row + Field.imageId]!, values[row + Field.categoryId]!);
  collect(columns.details, values[row + Field.id]!, values, box, area, values[row + Field.crowd] ? 1 : 0);
}

function addImage(state: CocoState, values: Float64Array, row: number, fileName: string): void {
  const id = values[row + Field.id]!;
  state.imageKeys.push(id);
  const [width, height] = [values[row + Field.width]! || 0, values[row + Field.height]! || 0];
  state.images.push({ id: textOfId(id, state.ids.texts), fileName, width, height });
}

function addCategory(state: CocoState, values: Float64Array, row: number, name: string, supercategory: string): void {
  const id = values[row + Field.id]!;
  state.categoryKeys.push(id);
  state.categories.push({ id: textOfId(id, state.ids.texts), name, supercategory });
}
