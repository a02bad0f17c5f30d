// Suspect labels: cleanlab's own numbers, planted errors on simulated scores whose truth is known, and the edges.
import { describe, expect, it } from 'vitest';
import { randomStream } from '../../src/metrics/random';
import { FEWEST, findSuspects } from '../../src/metrics/suspects';
import type { ScoredSet } from '../../src/metrics/types';

function oneCategory(labels: readonly number[], scores: readonly number[]): ScoredSet {
  return {
    images: labels.length,
    categories: ['dog'],
    labels: Uint8Array.from(labels),
    scores: Float64Array.from(scores),
  };
}

/** Sixty images, drawn once; the joint and its off-diagonal images as cleanlab 2.9.0's `compute_confident_joint` gives them. */
const LABELS = '000110100111100000001100000000000100010010000010000010111000';
const SCORES = [
  0.155, 0.158, 0.048, 0.851, 0.851, 0.036, 0.598, 0.101, 0.383, 0.295, 0.768, 0.752, 0.717, 0.097, 0.181, 0.531, 0.048, 0.101,
  0.107, 0.424, 0.667, 0.647, 0.452, 0.541, 0.61, 0.013, 0.233, 0.225, 0.018, 0.5, 0.17, 0.795, 0.63, 0.708, 0.109, 0.658, 0.067,
  0.686, 0.071, 0.677, 0.769, 0.155, 0.023, 0.192, 0.115, 0.43, 0.382, 0.114, 0.021, 0.322, 0.202, 0.12, 0.564, 0.162, 0.461,
  0.777, 0.194, 0.297, 0.26, 0.1,
];

describe('confident learning', () => {
  it('counts as cleanlab does', () => {
    const { categories, suspects } = findSuspects(oneCategory(Array.from(LABELS, Number), SCORES));
    expect(categories[0]).toMatchObject({
      given: 17,
      notGiven: 43,
      joint: { given: { present: 11, absent: 1 }, notGiven: { present: 4, absent: 28 } },
    });
    // Before rounding: cleanlab's calibrated joint is [[38, 5], [1, 16]].
    expect(categories[0]!.estimate!.missing).toBeCloseTo(5.375, 12);
    expect(categories[0]!.estimate!.wrong).toBeCloseTo(17 / 12, 12);
    expect(categories[0]!.estimate!.rate).toBeCloseTo((5.375 + 17 / 12) / 60, 12);
    expect(suspects.map(({ image, kind }) => `${kind} ${image}`)).toEqual([
      'wrong 56',
      'missing 31',
      'missing 39',
      'missing 35',
      'missing 32',
    ]);
    expect(suspects[0]).toEqual({ image: 56, category: 0, kind: 'wrong', score: 0.194, selfConfidence: 0.194 });
  });

  it('judges no category with too few images of either kind, and says so', () => {
    for (const given of [0, FEWEST - 1, 20 - FEWEST + 1, 20]) {
      const labels = Array.from({ length: 20 }, (_, image) => (image < given ? 1 : 0));
      const { categories, suspects } = findSuspects(
        oneCategory(
          labels,
          labels.map((label) => 1 - label),
        ),
      );
      expect(suspects).toEqual([]);
      expect(categories[0]).toEqual({
        category: 'dog',
        given,
        notGiven: 20 - given,
        thresholds: null,
        joint: null,
        estimate: null,
      });
    }
  });

  it('suspects nothing where every score is the same or follows the labels', () => {
    const labels = Array.from({ length: 20 }, (_, image) => image % 2);
    for (const score of [0, 0.5, 1]) {
      const { suspects } = findSuspects(
        oneCategory(
          labels,
          labels.map(() => score),
        ),
      );
      // One threshold is met by all: those of the other label are confidently of this one, unless both say the same of themselves.
      expect(suspects.every(({ kind }) => (score === 0 ? kind === 'wrong' : kind === 'missing'))).toBe(true);
      if (score === 0.5) expect(suspects).toEqual([]);
    }
    expect(findSuspects(oneCategory(labels, labels)).suspects).toEqual([]);
  });

  it('refuses scores that are none', () => {
    expect(() => findSuspects(oneCategory([0, 1], [0.5, NaN]))).toThrow('not within 0..1');
  });
});

/** 400 images × 6 categories, each shown by 5 to 30 % of them; a model that knows something, and one label in twenty turned over. */
function simulated(seed: number) {
  const random = randomStream('suspects', seed);
  const [images, width] = [400, 6];
  const truth = Uint8Array.from({ length: images * width }, (_, at) => (random.next() < 0.05 * (1 + (at % width)) ? 1 : 0));
  const scores = Float64Array.from(truth, (label) => 1 / (1 + Math.exp(-(2.2 * (2 * label - 1) - 0.8 + 1.3 * random.normal()))));
  const turned = new Set<number>();
  for (const label of [1, 0]) {
    const own = random.shuffle(Array.from(truth.keys()).filter((at) => truth[at] === label));
    for (const at of own.slice(0, Math.round(0.05 * truth.filter((one) => one === 1).length))) turned.add(at);
  }
  const labels = truth.map((label, at) => (turned.has(at) ? 1 - label : label));
  const categories = Array.from({ length: width }, (_, c) => `category ${c}`);
  return { set: { images, categories, labels, scores }, turned };
}

describe.each([1, 2, 3])('planted errors, seed %i', (seed) => {
  const { set, turned } = simulated(seed);
  const { suspects, categories } = findSuspects(set);
  const hits = suspects.map(({ image, category }) => turned.has(image * set.categories.length + category));

  it('rank high', () => {
    let found = 0;
    const ap = hits.reduce((sum, hit, k) => (hit ? sum + ++found / (k + 1) : sum), 0) / turned.size;
    const chance = turned.size / set.labels.length;
    expect(chance).toBeLessThan(0.03);
    expect(ap).toBeGreaterThan(0.5);
    expect(hits.slice(0, 20).filter(Boolean).length).toBeGreaterThanOrEqual(16);
    expect(found / turned.size).toBeGreaterThan(0.5);
  });

  it('are counted about right over all categories', () => {
    const [missing, wrong] = (['missing', 'wrong'] as const).map((kind) =>
      categories.reduce((sum, { estimate }) => sum + estimate![kind], 0),
    );
    const planted = turned.size / 2;
    for (const estimate of [missing!, wrong!]) {
      expect(estimate).toBeGreaterThan(planted / 3);
      expect(estimate).toBeLessThan(planted * 3);
    }
  });

  it('come out the same whatever the order of the images', () => {
    const width = set.categories.length;
    const order = randomStream('order', seed).shuffle(Array.from({ length: set.images }, (_, image) => image));
    const moved = <T extends Uint8Array | Float64Array>(from: T, to: T): T => {
      order.forEach((image, k) => to.set(from.subarray(image * width, (image + 1) * width), k * width));
      return to;
    };
    const other = findSuspects({
      ...set,
      labels: moved(set.labels, new Uint8Array(set.labels.length)),
      scores: moved(set.scores, new Float64Array(set.scores.length)),
    });
    const named = (list: typeof suspects, of: (image: number) => number) =>
      list.map(({ image, category, kind }) => `${of(image)} ${category} ${kind}`).sort();
    expect(named(other.suspects, (image) => order[image]!)).toEqual(named(suspects, (image) => image));
  });
});
