// The scanner against JSON.parse: the same values from every text, cut anywhere, and errors where JSON.parse has errors.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LocatedError } from '../../src/dataset/errors';
import { createScanner, endOfBytes, pushBytes, type JsonHandler } from '../../src/dataset/json-scanner';
import { decodeString } from '../../src/dataset/json-token';
import { jsonText } from './json-text';

type Tree = Tree[] | { [key: string]: Tree } | string | number | boolean | null;

/** A handler that builds the whole tree, but leaves out the values of keys that begin with `skip`. */
function createBuilder(): { handler: JsonHandler<string>; root: () => Tree } {
  const done: Tree[] = [];
  const open: { tree: Tree[] | Record<string, Tree> }[] = [];
  const keys: string[] = [];
  const add = (value: Tree) => {
    const top = open.at(-1);
    if (top === undefined) done.push(value);
    else if (Array.isArray(top.tree)) top.tree.push(value);
    else Object.defineProperty(top.tree, keys.at(-1)!, { value, enumerable: true, configurable: true, writable: true });
  };
  const handler: JsonHandler<string> = {
    name: decodeString,
    key(name) {
      keys[open.length - 1] = name;
      keys.length = open.length;
      return !keys.at(-1)!.startsWith('skip');
    },
    string: (bytes, start, end) => add(decodeString(bytes, start, end)),
    number: (_, bytes, start, end) => add(Number(bytes.toString('latin1', start, end))),
    literal: (value) => add(value),
    open(kind) {
      const tree: Tree[] | Record<string, Tree> = kind === 'array' ? [] : {};
      add(tree);
      open.push({ tree });
      return true;
    },
    close() {
      open.pop();
      keys.length = open.length;
    },
  };
  return { handler, root: () => done[0]! };
}

function scan(bytes: Buffer, chunkSize: number): Tree {
  const { handler, root } = createBuilder();
  const scanner = createScanner(handler);
  for (let at = 0; at < bytes.length; at += chunkSize) pushBytes(scanner, Buffer.from(bytes.subarray(at, at + chunkSize)));
  endOfBytes(scanner);
  return root();
}

/** What JSON.parse says, without the values of keys that begin with `skip`. */
const parse = (text: string): Tree => withoutSkipped(JSON.parse(text) as Tree);

function withoutSkipped(tree: Tree): Tree {
  if (Array.isArray(tree)) return tree.map(withoutSkipped);
  if (tree === null || typeof tree !== 'object') return tree;
  const kept = Object.entries(tree).filter(([key]) => !key.startsWith('skip'));
  return Object.fromEntries(kept.map(([key, value]) => [key, withoutSkipped(value)]));
}

const anyKey = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('skip', 'skip 2', 'ids', ''));
const { tree: anyTree } = fc.letrec<{ tree: Tree; container: Tree }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer(),
      fc.constantFrom(true, false, null, -0.5, 1e300, 5e-324, 12.25),
    ),
    tie('container'),
  ),
  container: fc.oneof(
    fc.array(tie('tree')),
    fc.dictionary(anyKey, tie('tree'), { noNullPrototype: true }),
    fc.array(fc.array(fc.double({ min: 0, max: 640, noNaN: true }).map((x) => Math.round(x * 100) / 100))),
  ),
}));
const anyRoot = fc.oneof(fc.array(anyTree), fc.dictionary(anyKey, anyTree, { noNullPrototype: true }));

/** Bytes: few, so that tokens are cut, or all at once. */
const anyChunkSize = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constant(1 << 21));

describe('scanner', () => {
  it('reads what JSON.parse reads, however it is written and cut', () => {
    fc.assert(
      fc.property(anyRoot, fc.nat(), anyChunkSize, (tree, seed, chunkSize) => {
        const text = jsonText(tree, seed);
        expect(scan(Buffer.from(text), chunkSize)).toEqual(parse(text));
      }),
      { numRuns: 600 },
    );
  });

  it('fails exactly where JSON.parse fails, on texts with one byte changed', () => {
    const bytes = fc.constantFrom(...Array.from('{}[]",:.-+eE0123456789\\utrfalsn \n\t\u0001xX'));
    fc.assert(
      fc.property(anyRoot, fc.nat(), fc.nat(2), bytes, anyChunkSize, (tree, place, drop, byte, chunkSize) => {
        const text = JSON.stringify(tree);
        const at = place % text.length;
        const changed = Buffer.from(text.slice(0, at) + byte + text.slice(at + drop)).toString();
        if (!/^[ \n\t]*[[{]/.test(changed)) return;
        let expected: Tree | undefined;
        try {
          expected = parse(changed);
        } catch {
          expect(() => scan(Buffer.from(changed), chunkSize)).toThrow(LocatedError);
          return;
        }
        expect(scan(Buffer.from(changed), chunkSize)).toEqual(expected);
      }),
      { numRuns: 3000 },
    );
  });

  it('fails exactly where JSON.parse fails in skipped lists of numbers', () => {
    const number = fc.oneof(
      fc.constantFrom('0', '-0', '0.5', '7', '-12.25', '480', '1e5', '0.00', '1234567890.123'),
      fc.double({ min: -640, max: 640, noNaN: true }).map((x) => String(Math.round(x * 100) / 100)),
    );
    const item = fc.tuple(number, fc.constantFrom(',', ',', ',', ', ', ' ,', ',\n  ', ' , ', '],[', ',"1,2",', ',{},'));
    const list = fc.array(item, { minLength: 1, maxLength: 80 }).map((items) => `[${items.flat().join('')}1]`);
    const bytes = fc.constantFrom('', ...Array.from('0123456789.,-+eE "[]{}\t\r\nx\u0000'));
    const change = fc.option(fc.record({ place: fc.nat(), drop: fc.nat(2), byte: bytes }), { freq: 4 });
    fc.assert(
      fc.property(list, change, fc.constantFrom(1 << 21, 100, 64, 7), (numbers, changed, chunkSize) => {
        const at = 1 + ((changed?.place ?? 0) % numbers.length);
        const changedList = changed ? numbers.slice(0, at) + changed.byte + numbers.slice(at + changed.drop) : numbers;
        const text = `{"skip":[[],${changedList}],"kept":1}`;
        let legal = true;
        try {
          JSON.parse(text);
        } catch {
          legal = false;
        }
        if (legal) expect(scan(Buffer.from(text), chunkSize)).toEqual(parse(text));
        else expect(() => scan(Buffer.from(text), chunkSize)).toThrow(LocatedError);
      }),
      { numRuns: 4000 },
    );
  });

  it('skips nesting of any depth', () => {
    const deep = `{"skip":${'[{"a":'.repeat(100_000)}1${'}]'.repeat(100_000)},"kept":[1,-2.5e0,true]}`;
    expect(scan(Buffer.from(deep), 1000)).toEqual({ kept: [1, -2.5, true] });
  });
});

describe('values of numbers', () => {
  /** The value that the handler is told, once whole in the chunk and once cut. */
  const valuesOf = (text: string) =>
    [1000, 3].map((chunkSize) => {
      const told: number[] = [];
      const handler = { ...createBuilder().handler, number: (value: number) => void told.push(value) };
      const scanner = createScanner(handler);
      const bytes = Buffer.from(`{"a":${text},"b":[${text}]}`);
      for (let at = 0; at < bytes.length; at += chunkSize) pushBytes(scanner, bytes.subarray(at, at + chunkSize));
      return told;
    });

  it('are what Number says, to 14 digits', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        const text = JSON.stringify(number);
        for (const value of valuesOf(text).flat())
          expect(Math.abs(value - Number(text))).toBeLessThanOrEqual(Math.abs(Number(text)) * 1e-14);
      }),
    );
  });

  it.each(['0', '-0.5', '239.97', '1e2', '1E-05', '999999999999999', '1234567890123456', '123456789012345678901234567890'])(
    'are exactly %s',
    (text) => {
      const value = Number(text);
      expect(valuesOf(text)).toEqual([
        [value, value],
        [value, value],
      ]);
    },
  );

  it.each(['0.00000000000000000000000001', '2765.1486500000005', '0.12345678901234567890123', '99999999999999.987654321'])(
    'are nearly %s',
    (text) => {
      for (const value of valuesOf(text).flat()) expect(value / Number(text)).toBeCloseTo(1, 14);
    },
  );
});
