// Reproducible random numbers: a stream is named by its keys (a seed, an epoch, an image …), never by who drew before it.

/** A stream of random numbers. The same keys always give the same stream, on every machine. */
export interface RandomStream {
  /** A multiple of 2^-32 in [0, 1). */
  next(): number;
  /** A whole number in 0..n − 1, each equally likely. @throws RangeError unless n is a whole number in 1..2^32. */
  integer(n: number): number;
  /** Shuffles the array in place (Fisher-Yates) and returns it. */
  shuffle<T extends { [index: number]: unknown; readonly length: number }>(array: T): T;
  /** Normally distributed with mean 0 and standard deviation 1 (Box-Muller). */
  normal(): number;
}

/**
 * The stream that belongs to a list of keys. Streams of different keys are independent, so work can be done in any order or
 * resumed anywhere: `randomStream(seed, 'shuffle', epoch)` needs nothing but its keys. 1 and '1' are different keys.
 *
 * The generator is sfc32 (Chris Doty-Humphrey, PractRand: 128 bits of state, passes its tests), seeded by a 128-bit FNV-like hash
 * of the keys whose words are finished by MurmurHash3's mixer. Not for secrets.
 */
export function randomStream(...keys: readonly (number | string)[]): RandomStream {
  const next32 = sfc32(hash(JSON.stringify(keys.map(named))));
  const next = () => next32() / 2 ** 32;
  const integer = (n: number) => below(n, next32);
  return {
    next,
    integer,
    shuffle: (array) => shuffle(array, integer),
    // 1 − next() is never 0, whose logarithm is infinite.
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  };
}

/** JSON writes NaN and the infinities alike and loses −0; as strings with a mark they stay apart from each other and from strings. */
function named(key: number | string): string {
  return typeof key === 'number' ? `n${Object.is(key, -0) ? '-0' : key}` : `s${key}`;
}

type Words = [number, number, number, number];

/** Four differently started and multiplied FNV-1a hashes over the UTF-16 units, each finished by a bijective mixer. */
function hash(text: string): Words {
  const words: Words = [0x811c9dc5, 0x9e3779b9, 0x243f6a88, 0xb7e15162];
  const primes = [0x01000193, 0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f] as const;
  for (let i = 0; i < text.length; i++) {
    for (let w = 0; w < 4; w++) words[w] = Math.imul(words[w]! ^ text.charCodeAt(i), primes[w]!);
  }
  return words.map(mix) as Words;
}

/** MurmurHash3's 32-bit finaliser: every bit of the input moves about half of the output's. */
function mix(word: number): number {
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return word ^ (word >>> 16);
}

/** Whole numbers in 0..2^32 − 1. The first twelve are thrown away, as the generator's author advises after seeding. */
export function sfc32([a, b, c, counter]: Words): () => number {
  const next = () => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let i = 0; i < 12; i++) next();
  return next;
}

function below(n: number, next32: () => number): number {
  if (!Number.isInteger(n) || n < 1 || n > 2 ** 32) throw new RangeError(`${n} is not a whole number in 1..2^32.`);
  // Numbers from the last, incomplete multiple of n are drawn again; taking them would favour small results.
  const limit = 2 ** 32 - (2 ** 32 % n);
  for (;;) {
    const drawn = next32();
    if (drawn < limit) return drawn % n;
  }
}

function shuffle<T extends { [index: number]: unknown; readonly length: number }>(array: T, integer: (n: number) => number): T {
  for (let i = array.length - 1; i > 0; i--) {
    const j = integer(i + 1);
    [array[i], array[j]] = [array[j], array[i]];
  }
  return array;
}
