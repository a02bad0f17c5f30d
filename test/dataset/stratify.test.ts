// Stratified splits: what every split has to hold to, how near to the shares it comes, against exhaustive search and the split by hash.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { labelSet, takeRows } from '../../src/dataset/labels';
import { readAnnotations } from '../../src/dataset/reader';
import { splitByHash, splitStratified } from '../../src/dataset/split';
import { stratify } from '../../src/dataset/stratify';
import type { LabelledSet } from '../../src/dataset/types';
import { randomStream } from '../../src/metrics/random';

function randomSet(seed: number, images: number, rates: readonly number[]): LabelledSet {
  const random = randomStream('stratify', seed);
  return {
    categories: rates.map((_, k) => `category ${k}`),
    images: Array.from({ length: images }, (_, k) => ({ id: `${k}`, fileName: `${k}.jpg`, width: 0, height: 0 })),
    labels: Uint8Array.from({ length: images * rates.length }, (_, k) => (random.next() < rates[k % rates.length]! ? 1 : 0)),
  };
}

/** By part and category: how many images show it. */
function countsOf({ labels, categories }: LabelledSet, parts: ArrayLike<number>, count: number): number[][] {
  const counts = Array.from({ length: count }, () => new Array<number>(categories.length).fill(0));
  labels.forEach((label, k) => (counts[parts[Math.floor(k / categories.length)]!]![k % categories.length]! += label));
  return counts;
}

/** By category, the largest distance of a part from its share of the images. */
function deviations(set: LabelledSet, parts: ArrayLike<number>, shares: readonly number[]): number[] {
  const counts = countsOf(set, parts, shares.length);
  return set.categories.map((_, c) => {
    const total = counts.reduce((sum, own) => sum + own[c]!, 0);
    return Math.max(...shares.map((share, part) => Math.abs(counts[part]![c]! - share * total)));
  });
}

const HALVES = [0.8, 0.2];
const namesOf = (set: LabelledSet, parts: Uint8Array) => new Map(set.images.map(({ fileName }, row) => [fileName, parts[row]!]));

describe('stratify', () => {
  const rates = [0.5, 0.3, 0.2, 0.1, 0.05];

  it('is the same for every order of images and categories, and another for another seed', () => {
    const set = randomSet(1, 200, rates);
    const random = randomStream('order');
    const rows = random.shuffle(Array.from(set.images.keys()));
    const shuffled = takeRows(set, rows);
    const columns = random.shuffle(Array.from(rates.keys()));
    const turned = {
      ...shuffled,
      categories: columns.map((c) => set.categories[c]!),
      labels: shuffled.labels.map((_, k) => shuffled.labels[k - (k % 5) + columns[k % 5]!]!),
    };
    const together = [
      ['3.jpg', '50.jpg', '7.jpg'],
      ['8.jpg', '9.jpg'],
    ];
    const split = (one: LabelledSet, seed: number) =>
      [...namesOf(one, stratify(one, { shares: HALVES, seed, together }))].sort(([a], [b]) => (a < b ? -1 : 1));
    expect(split(turned, 4)).toEqual(split(set, 4));
    expect(split(set, 5)).not.toEqual(split(set, 4));
  });

  it('keeps images together that belong together', () => {
    for (let seed = 0; seed < 20; seed++) {
      const set = randomSet(seed, 60, rates);
      const names = randomStream('groups', seed).shuffle(set.images.map(({ fileName }) => fileName));
      const together = [names.slice(0, 2), names.slice(2, 7), [...names.slice(7, 9), 'no such image.jpg'], ['nor this.jpg']];
      const part = namesOf(set, stratify(set, { shares: [0.5, 0.3, 0.2], seed, together }));
      for (const group of together) expect(new Set(group.flatMap((name) => part.get(name) ?? [])).size).toBeLessThanOrEqual(1);
    }
  });

  it.each([
    ['a fifth', HALVES],
    ['a tenth', [0.9, 0.1]],
    ['five folds', [0.2, 0.2, 0.2, 0.2, 0.2]],
  ])('with independent categories is at most one image off: %s', (_, shares) => {
    for (let seed = 0; seed < 20; seed++) {
      // One label an image: then nothing stands in the way of every share.
      const set = randomSet(seed, 150, [0, 0, 0, 0]);
      const random = randomStream('one', seed);
      set.images.forEach((__, row) => (set.labels[row * 4 + Math.min(3, random.integer(6))] = 1));
      expect(Math.max(...deviations(set, stratify(set, { shares, seed }), shares))).toBeLessThanOrEqual(1 + 1e-9);
    }
  });

  it('comes near to the best of all splits of the same size', () => {
    let [ours, best] = [0, 0];
    for (let seed = 0; seed < 30; seed++) {
      const set = randomSet(seed, 12, [0.5, 0.4, 0.3]);
      const parts = stratify(set, { shares: [0.5, 0.5], seed });
      const worst = (of: ArrayLike<number>) => Math.max(...deviations(set, of, [0.5, 0.5]));
      const size = parts.reduce((sum, part) => sum + part, 0);
      const all = Array.from({ length: 2 ** 12 }, (_, bits) => Array.from({ length: 12 }, (__, k) => (bits >> k) & 1));
      ours += worst(parts);
      best += Math.min(...all.filter((bits) => bits.reduce((sum, bit) => sum + bit, 0) === size).map(worst));
    }
    expect(ours / 30).toBeLessThanOrEqual(best / 30 + 0.25);
  });

  it('leaves no part empty, gives every part of rare categories, and takes unlabelled images by share', () => {
    const rare = randomSet(1, 40, [0, 0]);
    for (const row of [3, 9]) rare.labels[row * 2] = 1;
    for (let seed = 0; seed < 20; seed++) {
      const parts = stratify(rare, { shares: [0.9, 0.1], seed });
      expect(countsOf(rare, parts, 2).map((own) => own[0])).toEqual([1, 1]);
      expect(parts.filter((part) => part === 1)).toHaveLength(4);
      const two = takeRows(rare, [1, 2]);
      expect([...stratify(two, { shares: [0.9, 0.1], seed })].sort()).toEqual([0, 1]);
    }
  });
});

const COCO = process.env.LABELSCOPE_COCO ?? '../shared/data/coco-mini';
const hasCoco = existsSync(COCO);

describe.skipIf(!hasCoco)(
  `real COCO labels${hasCoco ? '' : ` (skipped: there is no folder ${COCO}; set LABELSCOPE_COCO)`}`,
  () => {
    it('are divided better than by a hash of the name', async () => {
      const set = labelSet(await readAnnotations(join(COCO, 'annotations', 'instances_train2017.json')));
      const mean = (split: typeof splitStratified) => {
        const all = Array.from({ length: 10 }, (_, seed) => {
          const { validation } = split(set, { fraction: 0.2, seed });
          const names = new Set(validation.images.map(({ fileName }) => fileName));
          const parts = set.images.map(({ fileName }) => (names.has(fileName) ? 1 : 0));
          return deviations(set, parts, HALVES).reduce((sum, one) => sum + one) / set.categories.length;
        });
        return all.reduce((sum, one) => sum + one) / all.length;
      };
      const [ours, hash] = [mean(splitStratified), mean((one, { fraction, seed }) => splitByHash(one, fraction, seed))];
      expect(ours).toBeLessThan(hash / 2);
    });
  },
);
