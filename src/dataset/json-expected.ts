// What a JSON text should have gone on with, in words, for the messages of the scanner.
import { State } from './json-table';

const TOP: Readonly<Record<number, string>> = {
  [State.start]: "'{' at the beginning of the file",
  [State.bom1]: 'the rest of a byte-order mark',
  [State.bom2]: 'the rest of a byte-order mark',
  [State.begin]: "'{' at the beginning of the file",
  [State.end]: 'nothing more after the last bracket',
  [State.objectFirst]: "a key in double quotes or '}'",
  [State.objectNext]: 'a key in double quotes',
  [State.colon]: "':' after a key",
};

const INSIDE_STRING = [
  'the rest of a string',
  'one of "\\/bfnrtu after a backslash',
  ...Array<string>(4).fill('4 hexadecimal digits'),
];

/** By position in a group of value states, after `first`, `value` and `after`; '' where the value may end. */
const INSIDE_VALUE = [
  ...INSIDE_STRING,
  'a digit',
  '',
  '',
  'a digit after the decimal point',
  '',
  'a digit or a sign in the exponent',
  'a digit in the exponent',
  '',
  ...Array<string>(3).fill('the word true'),
  ...Array<string>(4).fill('the word false'),
  ...Array<string>(3).fill('the word null'),
];

export function describeExpected(state: number): string {
  if (state < State.key) return TOP[state]!;
  if (state < State.array.first) return INSIDE_STRING[state - State.key]!;
  const inArray = state < State.object.first;
  const position = state - (inArray ? State.array.first : State.object.first);
  if (position === 0) return "a value or ']'";
  if (position === 1) return 'a value';
  const inside = position === 2 ? '' : INSIDE_VALUE[position - 3]!;
  return inside || (inArray ? "',' or ']'" : "',' or '}'");
}

export function describeFound(byte: number): string {
  if (byte === 0x0a || byte === 0x0d) return 'the end of the line';
  if (byte === 0x09) return 'a tab';
  if (byte > 0x20 && byte < 0x7f) return `'${String.fromCharCode(byte)}'`;
  return byte === 0x20 ? 'a space' : `byte 0x${byte.toString(16).padStart(2, '0')}`;
}
