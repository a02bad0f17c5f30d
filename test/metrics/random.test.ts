// Random streams: the same on every machine, different for different keys, and distributed as they say.
import { expect, it } from 'vitest';
import { randomStream, sfc32 } from '../../src/metrics/random';

const MANY = 60_000;

function draw<T>(count: number, once: () => T): T[] {
  return Array.from({ length: count }, once);
}

function meanOf(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** sfc32 as its author wrote it (PractRand's sfc.cpp), in 32-bit arithmetic by BigInt. */
function* referenceSfc32(state: [number, number, number, number]): Generator<number> {
  const wrap = (value: bigint) => BigInt.asUintN(32, value);
  let [a, b, c, counter] = state.map((word) => wrap(BigInt(word))) as [bigint, bigint, bigint, bigint];
  for (;;) {
    const sum = wrap(a + b + counter);
    counter = wrap(counter + 1n);
    a = b ^ (b >> 9n);
    b = wrap(c + (c << 3n));
    c = wrap(wrap((c << 21n) | (c >> 11n)) + sum);
    yield Number(sum);
  }
}

it('gives the same numbers for the same keys, today and tomorrow', () => {
  const pinned = randomStream('pinned', 1);
  expect(draw(3, () => pinned.next() * 2 ** 32)).toEqual([954978384, 1483532694, 1082586086]);
});

it('is sfc32 after its first twelve numbers', () => {
  const state: [number, number, number, number] = [0xdeadbeef | 0, 42, -7, 0x7fffffff];
  const reference = referenceSfc32(state);
  const expected = draw(112, () => reference.next().value as number).slice(12);
  expect(draw(100, sfc32(state))).toEqual(expected);
});

it('gives other numbers for other keys, their order, their number and their type', () => {
  const keys = [
    [],
    [0],
    [-0],
    [1],
    ['1'],
    [1, 2],
    [2, 1],
    [12],
    ['1,2'],
    ['n1'],
    ['seed', 'train', 0],
    ['seed', 'train', 1],
    [NaN],
  ];
  const firsts = keys.map((key) => randomStream(...key).next());
  expect(new Set(firsts).size).toBe(keys.length);
});

it('is not moved by other streams', () => {
  const alone = randomStream('a');
  const expected = draw(5, () => alone.next());
  const [beside, other] = [randomStream('a'), randomStream('b')];
  expect(
    draw(5, () => {
      other.next();
      return beside.next();
    }),
  ).toEqual(expected);
});

it('spreads evenly over 0..1, also the first number of neighbouring keys', () => {
  const one = randomStream('uniform');
  for (const values of [
    draw(MANY, () => one.next()),
    Array.from({ length: MANY }, (_, i) => randomStream('uniform', i).next()),
  ]) {
    const bins = new Array<number>(64).fill(0);
    for (const value of values) bins[Math.floor(value * 64)]!++;
    expect(bins.reduce((sum, count) => sum + count, 0)).toBe(MANY);
    // Chi-square with 63 degrees of freedom: above 120 is less likely than 1 in 50,000.
    expect(bins.reduce((sum, count) => sum + (count - MANY / 64) ** 2 / (MANY / 64), 0)).toBeLessThan(120);
  }
});

it('draws whole numbers evenly', () => {
  const random = randomStream('integers');
  const counts = new Array<number>(7).fill(0);
  draw(MANY, () => counts[random.integer(7)]!++);
  // Chi-square with 6 degrees of freedom: above 30 is less likely than 1 in 20,000.
  expect(counts.reduce((sum, count) => sum + (count - MANY / 7) ** 2 / (MANY / 7), 0)).toBeLessThan(30);
  expect(random.integer(1)).toBe(0);
  expect(Number.isInteger(random.integer(2 ** 32))).toBe(true);
  for (const wrong of [0, -1, 1.5, NaN, 2 ** 32 + 1]) expect(() => random.integer(wrong)).toThrow(RangeError);
});

it('shuffles in place, each order equally often', () => {
  const random = randomStream('shuffle');
  const counts = new Map<string, number>();
  for (let i = 0; i < 24_000; i++) {
    const array = Uint8Array.of(1, 2, 3, 4);
    expect(random.shuffle(array)).toBe(array);
    const order = array.join('');
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  expect(counts.size).toBe(24);
  // Chi-square with 23 degrees of freedom: above 60 is less likely than 1 in 20,000.
  expect([...counts.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)).toBeLessThan(60);
});

it('draws normal numbers of mean 0 and deviation 1', () => {
  const random = randomStream('normal');
  const values = draw(MANY, () => random.normal());
  expect(Math.abs(meanOf(values))).toBeLessThan(0.02);
  expect(meanOf(values.map((value) => value ** 2))).toBeCloseTo(1, 1);
  expect(meanOf(values.map((value) => value ** 4))).toBeCloseTo(3, 0);
});
