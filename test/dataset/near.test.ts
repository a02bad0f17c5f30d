// Pictures that are nearly the same: found as a comparison of each with each finds them, and tied to groups.
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { bitsApart, correlation, eachNearPair, LEAST_CORRELATION, MOST_BITS, type Picture } from '../../src/dataset/near';
import { groupsOf, sameImages } from '../../src/dataset/same';
import { unhurried } from '../../src/engine/client/unhurried';
import { finished } from '../../src/metrics/steps';
import { randomStream } from '../../src/metrics/random';

const random = randomStream('near');
const word = () => Math.floor(random.next() * 2 ** 32);
const thumbnailOf = (seed: number) => {
  const own = randomStream('thumbnail', seed);
  return Uint8Array.from({ length: 256 }, () => own.integer(256));
};

function flipped({ high, low, thumbnail }: Picture, bits: number): Picture {
  const order = random.shuffle(Array.from({ length: 64 }, (_, k) => k)).slice(0, bits);
  const mask = (from: number) =>
    order.filter((k) => k >= from && k < from + 32).reduce((all, k) => (all | (1 << (k - from))) >>> 0, 0);
  return { high: (high ^ mask(0)) >>> 0, low: (low ^ mask(32)) >>> 0, thumbnail };
}

const pictureOf = (seed: number): Picture => ({ high: word(), low: word(), thumbnail: thumbnailOf(seed) });

/** 300 pictures, and of every third one that differs in 0 to 15 bits. */
const originals = Array.from({ length: 300 }, (_, seed) => pictureOf(seed));
const pictures = random.shuffle([...originals, ...originals.filter((_, k) => k % 3 === 0).map((one, k) => flipped(one, k % 16))]);

describe('eachNearPair', () => {
  it('finds what comparing each with each finds', () => {
    const found: string[] = [];
    const isWanted = () => true;
    finished(eachNearPair(pictures, isWanted, (a, b) => found.push(`${a} ${b}`)));
    const wanted = pictures.flatMap((x, a) =>
      pictures.flatMap((y, b) => {
        const near = a < b && bitsApart(x, y) <= MOST_BITS && correlation(x.thumbnail, y.thumbnail) >= LEAST_CORRELATION;
        return near ? [`${a} ${b}`] : [];
      }),
    );
    expect(wanted.length).toBeGreaterThan(70);
    expect(found.sort()).toEqual(wanted.sort());
  });

  it('counts bits of all 64, and believes no hash alone', () => {
    const one = { high: 0, low: 0, thumbnail: thumbnailOf(1) };
    expect(bitsApart(one, { ...one, high: 0xffffffff, low: 0x80000001 })).toBe(34);
    const pairs: unknown[] = [];
    const others = [{ ...one, thumbnail: thumbnailOf(2) }, undefined];
    const isWanted = () => true;
    finished(eachNearPair([one, ...others], isWanted, (a, b) => pairs.push([a, b])));
    expect(pairs).toEqual([]);
  });
});

describe('sameImages', () => {
  const [x, y, z] = [pictureOf(1001), pictureOf(1002), pictureOf(1003)];
  const seen = (digest: string, picture: Picture) => ({ digest, picture });

  it('tells copies from near pictures, within the file and across', () => {
    const train = [seen('x', x), seen('y', y), seen('x', x), undefined, seen('z', z), seen('y2', flipped(y, 4))];
    const validation = [seen('x', x), seen('v', pictureOf(1004)), seen('z2', flipped(z, 3)), seen('v2', pictureOf(1005))];
    expect(finished(sameImages(train, validation))).toEqual({
      repeated: [
        { a: 0, b: 2, exact: true },
        { a: 1, b: 5, exact: false },
      ],
      leaked: [
        { a: 0, b: 0, exact: true },
        { a: 4, b: 2, exact: false },
      ],
    });
  });

  it('ties many frames of one scene with one pair fewer than frames', () => {
    const frames = Array.from({ length: 50 }, (_, k) => seen(`${k}`, flipped(x, k % 3)));
    const { repeated } = finished(sameImages(frames));
    expect(repeated).toHaveLength(49);
    expect(groupsOf(60, repeated)).toEqual([Array.from({ length: 50 }, (_, k) => k)]);
  });

  it('lets others work while 120,000 pictures are compared, and stops when it is told to', async () => {
    const { thumbnail } = x;
    const many = Array.from({ length: 120_000 }, (_, k) => seen(`${k}`, { high: word(), low: word(), thumbnail }));
    const stop = new AbortController();
    const search = unhurried(sameImages(many), stop.signal).then(() => 'the search');
    for (let turn = 0; turn < 3; turn++) expect(await Promise.race([search, setImmediate('another')])).toBe('another');
    stop.abort(new Error('stopped'));
    await expect(search).rejects.toThrow('stopped');
  });

  it('holds groups apart', () => {
    const pairs = [
      { a: 5, b: 7, exact: true },
      { a: 1, b: 2, exact: true },
      { a: 2, b: 7, exact: false },
      { a: 0, b: 4, exact: true },
    ];
    expect(groupsOf(9, pairs)).toEqual([
      [0, 4],
      [1, 2, 5, 7],
    ]);
  });
});
