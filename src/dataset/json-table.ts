// JSON's grammar (RFC 8259) as byte tables: the next state for every state and byte, built once. The scanner's loops do one look-up a byte and
// leave the table only at an event.

/** An entry at or above EXIT is `EXIT | state << 8 | event`; below it is `state << 8`. */
export const EXIT = 0x8000;
export const STATE_BITS = 0x7f00;
export const EVENT_BITS = 0xff;

export const Event = {
  error: 0,
  openArray: 1,
  openObject: 2,
  close: 3,
  keyStart: 4,
  keyEnd: 5,
  stringStart: 6,
  stringEnd: 7,
  numberStart: 8,
  /** Comes with the byte after the number, which is to be looked at again. */
  numberEnd: 9,
  true: 10,
  false: 11,
  null: 12,
} as const;

/** The states of a value inside one kind of container, so that the end of a value knows where it stands. */
const valueStates = (base: number) => ({
  first: base,
  value: base + 1,
  after: base + 2,
  string: base + 3, // then its escape and four hexadecimal digits
  minus: base + 9,
  zero: base + 10,
  integer: base + 11,
  point: base + 12,
  fraction: base + 13,
  exponent: base + 14,
  exponentSign: base + 15,
  exponentDigits: base + 16,
  literals: base + 17, // t tr tru f fa fal fals n nu nul
});

export const State = {
  start: 0,
  bom1: 1,
  bom2: 2,
  begin: 3,
  end: 4,
  objectFirst: 5,
  objectNext: 6,
  colon: 7,
  key: 8, // then its escape and four hexadecimal digits
  array: valueStates(14),
  object: valueStates(41),
} as const;
const STATES = 68;

type ValueStates = ReturnType<typeof valueStates>;
type Edge = (state: number, bytes: string | readonly number[], next: number, event?: number) => void;

const DIGITS = '0123456789';
const SPACE = ' \t\n\r';
const LITERALS = [
  ['true', Event.true],
  ['false', Event.false],
  ['null', Event.null],
] as const;

/** Everything that may stand inside quotes: control characters may not; whether it is UTF-8 is checked apart. */
const plainStringBytes = Array.from({ length: 256 }, (_, byte) => byte).filter((b) => b >= 0x20 && b !== 0x22 && b !== 0x5c);

function addString(edge: Edge, inside: number, after: number, event?: number): void {
  edge(inside, plainStringBytes, inside);
  edge(inside, '"', after, event);
  edge(inside, '\\', inside + 1);
  edge(inside + 1, '"\\/bfnrt', inside);
  edge(inside + 1, 'u', inside + 2);
  for (let digit = 2; digit < 6; digit++) edge(inside + digit, DIGITS + 'abcdefABCDEF', digit < 5 ? inside + digit + 1 : inside);
}

function addNumber(edge: Edge, v: ValueStates): void {
  edge(v.minus, '0', v.zero);
  edge(v.minus, '123456789', v.integer);
  edge(v.integer, DIGITS, v.integer);
  for (const state of [v.zero, v.integer]) edge(state, '.', v.point);
  edge(v.point, DIGITS, v.fraction);
  edge(v.fraction, DIGITS, v.fraction);
  for (const state of [v.zero, v.integer, v.fraction]) edge(state, 'eE', v.exponent);
  edge(v.exponent, '+-', v.exponentSign);
  for (const state of [v.exponent, v.exponentSign, v.exponentDigits]) edge(state, DIGITS, v.exponentDigits);
}

/** What may follow a value: where a number ends as well. */
function addAfter(edge: Edge, state: number, v: ValueStates, next: number, close: string): void {
  edge(state, SPACE, v.after);
  edge(state, ',', next);
  edge(state, close, v.after, Event.close);
}

function addLiterals(edge: Edge, state: number, v: ValueStates, read: boolean): void {
  let inside = v.literals;
  for (const [word, event] of LITERALS) {
    edge(state, word.slice(0, 1), inside);
    for (let k = 1; k < word.length - 1; k++, inside++) edge(inside, word.charAt(k), inside + 1);
    edge(inside++, word.slice(-1), v.after, read ? event : undefined);
  }
}

function addValue(edge: Edge, v: ValueStates, next: number, close: string, read: boolean): void {
  for (const state of [v.first, v.value]) {
    edge(state, SPACE, state);
    edge(state, '"', v.string, read ? Event.stringStart : undefined);
    edge(state, '-', v.minus, read ? Event.numberStart : undefined);
    edge(state, '0', v.zero, read ? Event.numberStart : undefined);
    edge(state, '123456789', v.integer, read ? Event.numberStart : undefined);
    edge(state, '[', v.after, Event.openArray);
    edge(state, '{', v.after, Event.openObject);
    addLiterals(edge, state, v, read);
  }
  addString(edge, v.string, v.after, read ? Event.stringEnd : undefined);
  addNumber(edge, v);
  addAfter(edge, v.after, v, next, close);
  for (const state of [v.zero, v.integer, v.fraction, v.exponentDigits]) {
    if (read) edge(state, SPACE + ',' + close, v.after, Event.numberEnd);
    else addAfter(edge, state, v, next, close);
  }
}

function addTop(edge: Edge): void {
  edge(State.start, [0xef], State.bom1);
  edge(State.bom1, [0xbb], State.bom2);
  edge(State.bom2, [0xbf], State.begin);
  for (const state of [State.start, State.begin]) {
    edge(state, SPACE, State.begin);
    edge(state, '[', State.end, Event.openArray);
    edge(state, '{', State.end, Event.openObject);
  }
  edge(State.end, SPACE, State.end);
}

function addKeys(edge: Edge, read: boolean): void {
  for (const state of [State.objectFirst, State.objectNext]) {
    edge(state, SPACE, state);
    edge(state, '"', State.key, read ? Event.keyStart : undefined);
  }
  edge(State.objectFirst, '}', State.object.after, Event.close);
  addString(edge, State.key, State.colon, read ? Event.keyEnd : undefined);
  edge(State.colon, SPACE, State.colon);
  edge(State.colon, ':', State.object.value);
}

/** `read`: with an event at the start and the end of every token; without, only brackets (and errors) stop the loop. */
function buildTable(read: boolean): Uint16Array {
  const table = new Uint16Array(STATES * 256);
  for (let k = 0; k < table.length; k++) table[k] = EXIT | (k & STATE_BITS) | Event.error;
  const edge: Edge = (state, bytes, next, event) => {
    const codes = typeof bytes === 'string' ? Array.from(bytes, (c) => c.charCodeAt(0)) : bytes;
    for (const byte of codes) table[(state << 8) | byte] = (event === undefined ? 0 : EXIT | event) | (next << 8);
  };
  addTop(edge);
  addKeys(edge, read);
  addValue(edge, State.array, State.array.value, ']', read);
  edge(State.array.first, ']', State.array.after, Event.close);
  addValue(edge, State.object, State.objectNext, '}', read);
  return table;
}

export const READ = buildTable(true);
export const SKIP = buildTable(false);
