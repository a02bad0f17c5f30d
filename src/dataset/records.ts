// Where the records of a COCO file stand in its text, byte by byte: for marks in an editor, for repairs, and for splits that copy records as they are.
import { createScanner, endOfBytes, pushBytes, type Container, type JsonHandler } from './json-scanner';
import { decodeString } from './json-token';

export type Section = 'images' | 'annotations' | 'categories';
const SECTIONS: ReadonlySet<string> = new Set<Section>(['images', 'annotations', 'categories']);

/** Bytes of the text, `end` exclusive. */
export interface Place {
  readonly start: number;
  readonly end: number;
}

type Scalar = string | number | boolean | null;

/** Of longer lists the others are passed over. */
const MOST_ELEMENTS = 64;

/** The value of a field: quotes and brackets belong to it. Of true, false and null only the value is known, of lists the place and what is in them. */
export interface FieldPlace extends Partial<Place> {
  readonly value?: Scalar;
  /** Of a list those that are no list and no object, the first 64. */
  readonly elements?: readonly Scalar[];
}

export interface RecordPlace extends Place {
  readonly section: Section;
  /** Counts the records of the list: the row in `CocoIndex`. */
  readonly row: number;
  readonly fields: ReadonlyMap<string, FieldPlace>;
}

export interface RecordVisitor {
  /** Keys of records whose values are told. */
  readonly fields?: Pick<ReadonlySet<string>, 'has'>;
  /** `at`: the opening bracket. Where a key comes twice, the last list counts, as in every JSON reader. */
  readonly listStart?: (section: Section, at: number) => void;
  readonly record: (record: RecordPlace) => void;
  /** `at`: the closing bracket. */
  readonly listEnd?: (section: Section, at: number) => void;
}

const Level = { outside: 0, root: 1, list: 2, record: 3, value: 4 } as const;

/** To be fed with the bytes of a file that `readAnnotations` accepts. Throws LocatedError where it is no JSON. */
export function recordScanner(visitor: RecordVisitor): { push: (bytes: Buffer) => void; end: () => void } {
  const state = {
    level: 0,
    section: 'images' as Section,
    row: 0,
    start: 0,
    name: '',
    open: 0,
    fields: new Map<string, FieldPlace>(),
    elements: [] as Scalar[],
  };
  const keep = (place: FieldPlace) => void state.fields.set(state.name, place);
  const found = (value: Scalar, place: Partial<Place> = {}) => {
    if (inRecord()) keep({ ...place, value });
    else if (state.level === Level.value && state.elements.length < MOST_ELEMENTS) state.elements.push(value);
  };
  const inRecord = () => state.level === Level.record;
  const handler: JsonHandler<string> = {
    name: decodeString,
    key: (name) => {
      if (state.level > Level.record) return false;
      if (inRecord() && visitor.fields === undefined) return false;
      state.name = name;
      return state.level === Level.root ? SECTIONS.has(state.name) : visitor.fields!.has(state.name);
    },
    string: (bytes, start, end) =>
      found(decodeString(bytes, start, end), { start: scanner.at - 1, end: scanner.at + end - start + 1 }),
    number: (value, _, start, end) => found(value, { start: scanner.at, end: scanner.at + end - start }),
    literal: (value) => found(value),
    open: (kind) => opened(kind, scanner.at),
    close: () => closed(scanner.at),
  };
  const opened = (kind: Container, at: number): boolean => {
    if (state.level > Level.list && kind === 'object') return false;
    state.level++;
    if (state.level === Level.list) {
      state.section = state.name as Section;
      state.row = 0;
      visitor.listStart?.(state.section, at);
    } else if (state.level === Level.record) {
      state.start = at;
      state.fields = new Map();
    } else if (state.level === Level.value) {
      state.open = at;
      state.elements = [];
    }
    return true;
  };
  const closed = (at: number): void => {
    const { level, section, row, start, fields } = state;
    state.level--;
    if (level === Level.value) keep({ start: state.open, end: at + 1, elements: state.elements });
    else if (level === Level.record) {
      state.row++;
      visitor.record({ section, row, start, end: at + 1, fields });
    } else if (level === Level.list) visitor.listEnd?.(section, at);
  };
  const scanner = createScanner(handler);
  return { push: (bytes) => pushBytes(scanner, bytes), end: () => endOfBytes(scanner) };
}
