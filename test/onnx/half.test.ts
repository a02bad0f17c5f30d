// float16: all 65536 of them, and every rounding decision between two neighbours.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fromHalf, HALF_MAX, toHalf } from '../../src/onnx/half';

const ALL = Uint16Array.from({ length: 0x1_0000 }, (_, bits) => bits);

/** The value by IEEE 754's definition. */
function defined(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = (bits & 0x3ff) / 1024;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -14 : sign * (1 + fraction) * 2 ** (exponent - 15);
}

it('reads every half as the value that the standard defines', () => {
  const values = fromHalf(ALL);
  const wrong = [...ALL].filter((bits) => !Object.is(values[bits], defined(bits)));
  expect(wrong).toEqual([]);
});

it('writes every half back as the same bits, NaNs with their payload', () => {
  const back = toHalf(fromHalf(ALL));
  expect([...ALL].filter((bits) => back[bits] !== bits)).toEqual([]);
});

it('rounds to the nearest, ties to even, between every two neighbours', () => {
  const wrong: number[] = [];
  for (let bits = 0; bits < 0x7bff; bits++) {
    const middle = Math.fround((defined(bits) + defined(bits + 1)) / 2);
    const word = new Uint32Array(Float32Array.of(middle).buffer)[0]!;
    const [below, above] = new Float32Array(Uint32Array.of(word - 1, word + 1).buffer);
    const even = bits % 2 === 0 ? bits : bits + 1;
    const rounded = toHalf(Float32Array.of(below!, middle, above!, -below!, -middle, -above!));
    const expected = [bits, even, bits + 1, bits | 0x8000, even | 0x8000, (bits + 1) | 0x8000];
    if (String([...rounded]) !== String(expected)) wrong.push(bits);
  }
  expect(wrong).toEqual([]);
});

it('overflows to infinity where the standard says so', () => {
  const below = new Float32Array(Uint32Array.of(new Uint32Array(Float32Array.of(65520).buffer)[0]! - 1).buffer)[0]!;
  const values = [HALF_MAX, below, 65520, 65536, 3e38, Infinity, -65520, -Infinity];
  expect([...toHalf(Float32Array.from(values))]).toEqual([0x7bff, 0x7bff, 0x7c00, 0x7c00, 0x7c00, 0x7c00, 0xfc00, 0xfc00]);
});

it('keeps a NaN whose payload does not fit a NaN, and the sign of zero', () => {
  const values = new Float32Array(Uint32Array.of(0x7f80_0001, 0xff80_0001, 0x8000_0000, 0x8000_0001).buffer);
  expect([...toHalf(values)]).toEqual([0x7e00, 0xfe00, 0x8000, 0x8000]);
});

it('finds the nearest half of any float32', () => {
  fc.assert(
    fc.property(fc.float({ noNaN: true, min: -HALF_MAX, max: HALF_MAX }), (value) => {
      const bits = toHalf(Float32Array.of(value))[0]!;
      const distance = (other: number) => Math.abs(defined(other) - value);
      expect(distance(bits)).toBeLessThanOrEqual(Math.min(distance(bits - 1) || Infinity, distance(bits + 1) || Infinity));
    }),
    { numRuns: 2000 },
  );
});

it('works on a view inside a larger buffer', () => {
  const inside = new Float32Array(Float32Array.of(9, 1, -2).buffer, 4, 2);
  expect([...toHalf(inside)]).toEqual([0x3c00, 0xc000]);
});
