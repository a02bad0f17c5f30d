// Packed texts: whatever a text is made of, it comes back; they take little more memory than their bytes.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packPaths, packTexts } from '../../src/dataset/texts';
import type { Listed } from '../../src/dataset/types';
import { bytesAnItem } from '../support/memory';

const all = (list: Listed<string>) => Array.from({ length: list.length }, (_, place) => list.at(place));

/** Of any 16-bit units, so also of halves of characters. */
const text = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 8 }).map((units) => String.fromCharCode(...units));
const folder = fc.array(fc.constantFrom('a', 'b', 'ä', '\u{1f436}', '/', '\\', '\ud800'), { maxLength: 5 });

describe('packed texts', () => {
  it('come back as they were, of whatever characters', () => {
    fc.assert(
      fc.property(fc.array(text), (texts) => {
        expect(all(packTexts(texts))).toEqual(texts);
      }),
    );
  });

  it('come back as paths, whatever folders they have in common', () => {
    const paths = fc.array(fc.tuple(folder, text).map(([start, end]) => `/data/${start.join('')}${end}`));
    fc.assert(
      fc.property(paths, (some) => {
        expect(all(packPaths(some))).toEqual(some);
      }),
    );
  });

  it('hold ids of any length', () => {
    const ids = ['1', '2147483648', '-5', '9007199254740993', '1.5', '', 'né'];
    expect(all(packTexts(ids))).toEqual(ids);
  });

  it.each([
    ['/a/b/1.jpg', '/a/b/sub/2.jpg'],
    ['/a/b/1.jpg', '/a/c/1.jpg', '/a/b'],
    ['C:\\a\\1.jpg', 'C:\\a\\2.jpg'],
    ['1.jpg', '/a/1.jpg'],
    ['/1.jpg', '', '/1.jpg'],
  ])('hold %s beside others', (...paths) => {
    expect(all(packPaths(paths))).toEqual(paths);
  });

  it('have nothing beyond their ends', () => {
    const [none, two] = [packPaths([]), packTexts(['a', 'b'])];
    expect([none.length, none.at(0), two.at(2), two.at(1)]).toEqual([0, undefined, undefined, 'b']);
  });

  it('take four bytes a path beyond the name, and the folder once', () => {
    const name = (k: number) => `${String(k).padStart(12, '0')}.jpg`;
    const bytes = bytesAnItem((count) => packPaths(Array.from({ length: count }, (_, k) => `/some/longer/folder/${name(k)}`)));
    expect(bytes).toBeLessThan(16 + 4 + 4);
  });
});
