// How inputs are damaged: bytes anywhere, or, in JSON, values of the tree. Everything follows from the random stream.
import type { RandomStream } from '../../src/metrics/random';

/** What parsers trip over. */
const TOKENS = [
  'null',
  '-1',
  '1e999',
  '0.0000001',
  '99999999999999999999',
  '"__proto__"',
  '{}',
  '[]',
  '[[[[[[[[',
  '""',
  '\\ud800',
  '\u202e',
  '\0',
  'true,',
];

/** One to four changes, one more often than four. */
export function damaged(bytes: Uint8Array, random: RandomStream): Uint8Array {
  let result: Buffer = Buffer.from(bytes);
  for (let k = 1 + random.integer(1 + random.integer(4)); k > 0; k--)
    result = CHANGES[random.integer(CHANGES.length)]!(result, random);
  return result;
}

type Change = (bytes: Buffer, random: RandomStream) => Buffer;

const placeIn = (bytes: Buffer, random: RandomStream) => random.integer(bytes.length + 1);
const spliced = (bytes: Buffer, at: number, removed: number, inserted: Uint8Array) =>
  Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at + removed)]);
const withByte = (bytes: Buffer, at: number, change: (byte: number) => number): Buffer => {
  if (at < bytes.length) bytes[at] = change(bytes[at]!);
  return bytes;
};

const CHANGES: readonly Change[] = [
  (bytes, random) => withByte(bytes, placeIn(bytes, random), (byte) => byte ^ (1 << random.integer(8))),
  (bytes, random) => withByte(bytes, placeIn(bytes, random), () => [0, 0x7f, 0x80, 0xff][random.integer(4)]!),
  (bytes, random) => bytes.subarray(0, placeIn(bytes, random)),
  (bytes, random) => spliced(bytes, placeIn(bytes, random), 1 + random.integer(64), new Uint8Array()),
  (bytes, random) => spliced(bytes, placeIn(bytes, random), 0, Buffer.from(TOKENS[random.integer(TOKENS.length)]!)),
  (bytes, random) => {
    const from = placeIn(bytes, random);
    return spliced(bytes, placeIn(bytes, random), 0, bytes.subarray(from, from + 1 + random.integer(256)));
  },
  (bytes, random) => {
    const at = placeIn(bytes, random);
    if (at + 4 <= bytes.length) bytes.writeUInt32LE([0, 1, 0x7fffffff, 0xffffffff, 0x10000][random.integer(5)]!, at);
    return bytes;
  },
];

const VALUES: readonly unknown[] = [
  ...[null, true, false, 0, -1, 0.5, 1e308, -1e-308, 2 ** 53, NaN, '', 'x', '__proto__', '../..', '\u202e\0', 'a'.repeat(2000)],
  ...[
    [],
    {},
    [[]],
    [null],
    { length: -1 },
    Array.from({ length: 500 }, (_, k) => k),
    JSON.parse('['.repeat(60) + ']'.repeat(60)) as unknown,
  ],
];

/** A copy of the tree in which some of its values are others, are gone or stand under another key. */
export function damagedTree(tree: unknown, random: RandomStream): unknown {
  const copy = structuredClone(tree);
  for (let k = 1 + random.integer(3); k > 0; k--) damageOne(copy, random);
  return copy;
}

function damageOne(tree: unknown, random: RandomStream): void {
  let [parent, key] = [{ tree } as Record<string, unknown>, 'tree'];
  for (;;) {
    const value = parent[key];
    const keys = typeof value === 'object' && value !== null ? Object.keys(value) : [];
    if (keys.length === 0 || (key !== 'tree' && random.integer(4) === 0)) break;
    [parent, key] = [value as Record<string, unknown>, keys[random.integer(keys.length)]!];
  }
  const other = structuredClone(VALUES[random.integer(VALUES.length)]);
  const how = random.integer(8);
  if (how === 0) Reflect.deleteProperty(parent, key);
  else if (how === 1)
    Object.defineProperty(parent, '__proto__', { value: other, enumerable: true, configurable: true, writable: true });
  else parent[key] = other;
}
