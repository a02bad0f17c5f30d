// Writes a value as JSON the way no printer does: random white space, repeated keys, escapes in keys and strings, numbers in every form.
import { randomStream } from '../../src/metrics/random';

/** Legal JSON for `value`; every choice of form follows from `seed`. */
export function jsonText(value: unknown, seed: number): string {
  const random = randomStream('form', seed);
  return write(value, (below) => random.integer(below));
}

type Draw = (below: number) => number;

const SPACES = ['', '', '', ' ', '\n', '\r\n', '\t ', '   '];
const space = (draw: Draw) => SPACES[draw(SPACES.length)]!;

function write(value: unknown, draw: Draw): string {
  return space(draw) + writeBare(value, draw) + space(draw);
}

function writeBare(value: unknown, draw: Draw): string {
  if (typeof value === 'string') return writeString(value, draw);
  if (typeof value === 'number') return writeNumber(value, draw);
  if (Array.isArray(value)) return `[${value.length === 0 ? space(draw) : value.map((item) => write(item, draw)).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const member = (key: string, item: unknown) => `${space(draw)}${writeString(key, draw)}${space(draw)}:${write(item, draw)}`;
  const members = Object.entries(value).map(([key, item]) =>
    // Of a repeated key the last value counts; COCO's lists may not be something else before: see `readAnnotations`.
    LISTS.includes(key) || draw(12) > 0
      ? member(key, item)
      : `${member(key, REPEATED[draw(REPEATED.length)])},${member(key, item)}`,
  );
  return `{${members.length === 0 ? space(draw) : members.join(',')}}`;
}

/** Characters as they are, as short escapes or as \u escapes (a pair of them beyond the basic plane). */
function writeString(text: string, draw: Draw): string {
  let out = '';
  for (const character of text) {
    const mustEscape = JSON.stringify(character).length > character.length + 2;
    if (draw(4) === 0) for (const unit of character.split('')) out += `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
    else if (character === '/' && draw(2) === 0) out += '\\/';
    else out += mustEscape ? JSON.stringify(character).slice(1, -1) : character;
  }
  return `"${out}"`;
}

const LISTS = ['images', 'annotations', 'categories'];
const REPEATED: readonly unknown[] = [7, 'old', null, true, [1, 2, 3, 4], { id: 1 }, -0.5];

/** All forms read back as the same double. */
function writeNumber(value: number, draw: Draw): string {
  const plain = JSON.stringify(value);
  const exponent = value.toExponential();
  const forms = [plain, plain, plain, exponent.replace('e', 'E'), exponent, /^-?\d+$/.test(plain) ? `${plain}.000` : plain];
  return forms[draw(forms.length)]!;
}
