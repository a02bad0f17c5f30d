// Calibration on simulated scores whose truth is known, and what is defined where nothing can be fitted.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crossFitted, judgeScaling } from '../../src/metrics/calibrate';
import { randomStream } from '../../src/metrics/random';
import { fitScaling, inverseOf, logitOf, mapped, rescaled, sigmoid } from '../../src/metrics/scaling';
import type { ScoredSet } from '../../src/metrics/types';

/** Labels drawn by the probability sigmoid(scale × z + shift), and the scores sigmoid(z) that a model says instead. */
function simulated(images: number, lines: readonly (readonly [scale: number, shift: number])[], seed: number): ScoredSet {
  const random = randomStream('simulated', seed);
  const width = lines.length;
  const logits = Float64Array.from({ length: images * width }, () => 2.5 * random.normal() - 1);
  const labels = Uint8Array.from(logits, (z, at) => {
    const [scale, shift] = lines[at % width]!;
    return Number(random.next() < sigmoid(scale * z + shift));
  });
  return { images, categories: lines.map((_, c) => `category ${c}`), labels, scores: logits.map(sigmoid) };
}

function setOf(labels: number[], scores: number[]): ScoredSet {
  return { images: labels.length, categories: ['dog'], labels: Uint8Array.from(labels), scores: Float64Array.from(scores) };
}

describe('temperature', () => {
  it('is found again', () => {
    for (const temperature of [0.5, 1, 2.5]) {
      const lines = Array.from({ length: 4 }, () => [1 / temperature, 0] as const);
      const { temperature: found, scale, shift } = fitScaling(simulated(20_000, lines, 3), 'temperature');
      expect(Math.abs(found / temperature - 1)).toBeLessThan(0.03);
      expect([new Set(scale).size, ...shift]).toEqual([1, 0, 0, 0, 0]);
    }
  });

  it('is where the cross-entropy has its minimum', () => {
    const set = simulated(
      300,
      [
        [0.4, 0],
        [0.7, 0],
      ],
      5,
    );
    const { scale } = fitScaling(set, 'temperature');
    const loss = (a: number) => {
      const one = rescaled(set, { scale: [a, a], shift: [0, 0] });
      return [...one.scores].reduce((sum, p, at) => sum - Math.log(set.labels[at] === 1 ? p : 1 - p), 0);
    };
    const best = loss(scale[0]!);
    for (const other of [0.99, 0.999, 1.001, 1.01]) expect(loss(other * scale[0]!)).toBeGreaterThan(best);
  });

  it('has its limits where scores separate perfectly, are wrong throughout, or are none', () => {
    expect(fitScaling(setOf([0, 0, 1, 1], [0.1, 0.4, 0.6, 0.9]), 'temperature').temperature).toBe(0.05);
    expect(fitScaling(setOf([1, 1, 0, 0], [0.1, 0.4, 0.6, 0.9]), 'temperature').temperature).toBe(20);
    expect(fitScaling(setOf([], []), 'temperature').temperature).toBe(1);
  });
});

describe('Platt scaling', () => {
  it('finds scale and shift of each category again', () => {
    const lines = [
      [0.5, -1],
      [1.5, 0.5],
      [1, 0],
      [0.8, 2],
    ] as const;
    const { scale, shift, notes } = fitScaling(simulated(40_000, lines, 7), 'platt');
    lines.forEach(([a, b], c) => {
      expect(Math.abs(scale[c]! - a)).toBeLessThan(0.05);
      expect(Math.abs(shift[c]! - b)).toBeLessThan(0.08);
    });
    expect(notes).toEqual([null, null, null, null]);
  });

  it('stays finite where scores separate perfectly: smoothed targets are met, not 0 and 1', () => {
    const scaling = fitScaling(setOf([0, 0, 1, 1], [0.1, 0.1, 0.9, 0.9]), 'platt');
    expect(mapped(scaling, 0, 0.9)).toBeCloseTo(3 / 4, 6);
    expect(mapped(scaling, 0, 0.1)).toBeCloseTo(1 / 4, 6);
  });

  it('leaves the temperature of all to categories without positives, without negatives, or whose scores do not rise', () => {
    const random = randomStream('edges');
    const images = 200;
    const rows = Array.from({ length: images }, () => {
      const z = 3 * random.normal();
      const label = Number(random.next() < sigmoid(z / 2));
      return { labels: [label, 0, 1, label], scores: [sigmoid(z), random.next(), random.next(), sigmoid(-z)] };
    });
    const set = {
      images,
      categories: ['dog', 'none', 'all', 'inverted'],
      labels: Uint8Array.from(rows.flatMap(({ labels }) => labels)),
      scores: Float64Array.from(rows.flatMap(({ scores }) => scores)),
    };
    const { scale, shift, notes, temperature } = fitScaling(set, 'platt');
    expect(notes).toEqual([null, 'no-positives', 'no-negatives', 'not-rising']);
    for (const c of [1, 2, 3]) expect([scale[c], shift[c]]).toEqual([1 / temperature, 0]);
  });
});

describe('the map of scores', () => {
  const calibration = { scale: [0.3, 2], shift: [-1, 0.5] };

  it('is undone by its inverse, to the last float32, and keeps the order', () => {
    const score = fc.double({ min: 1e-6, max: 1 - 1e-4, noNaN: true }).map(Math.fround);
    fc.assert(
      fc.property(score, score, fc.constantFrom(0, 1), (p, q, c) => {
        const [a, b] = [mapped(calibration, c, p), mapped(calibration, c, q)];
        expect(Math.fround(mapped(inverseOf(calibration), c, a))).toBe(p);
        expect(a <= b || p > q).toBe(true);
      }),
    );
  });

  it('takes 0 and 1 for the ends of what float32 can say', () => {
    expect(logitOf(0)).toBeCloseTo(-87.34, 2);
    expect(logitOf(1)).toBeCloseTo(17.33, 2);
    expect(logitOf(0.5)).toBe(0);
    for (const p of [0, 1]) expect(mapped({ scale: [20], shift: [-50] }, 0, p)).toBeGreaterThanOrEqual(0);
  });
});

describe('before and after', () => {
  it('are better after, judged on images that were not fitted on', () => {
    const set = simulated(
      3000,
      [
        [0.4, -1],
        [0.4, 1],
      ],
      11,
    );
    const [temperature, platt] = [judgeScaling(set, 'temperature', 5, 1), judgeScaling(set, 'platt', 5, 1)];
    for (const { before, after } of [temperature, platt]) {
      expect(after.mean.nll).toBeLessThan(before.mean.nll!);
      expect(after.mean.brier).toBeLessThan(before.mean.brier!);
      expect(after.pooled.ece).toBeLessThan(before.pooled.ece!);
    }
    expect(platt.after.mean.ece).toBeLessThan(0.03);
    expect(temperature.after.mean.ece).toBeGreaterThan(0.05);
  });

  it('never scores an image by what it was fitted on', () => {
    const set = simulated(40, [[0.4, -1]], 13);
    const held = crossFitted(set, 'platt', 4, 1);
    // One image's label changes: its own score after may not notice, those of other folds do.
    const labels = set.labels.slice();
    labels[5] = 1 - labels[5]!;
    const other = rescaled(set, fitScaling({ ...set, labels }, 'platt'));
    expect(other.scores[5]).not.toBe(rescaled(set, fitScaling(set, 'platt')).scores[5]);
    expect(held.scores).toHaveLength(40);
    expect(new Set(held.scores.map((p, row) => Number(p === rescaled(set, fitScaling(set, 'platt')).scores[row])))).toEqual(
      new Set([0]),
    );
  });

  it('gives the errors of a case worked out by hand', () => {
    const { before } = judgeScaling(setOf([1, 0, 1, 0], [0.9, 0.8, 0.4, 0.3]), 'temperature', 2, 0);
    expect(before.perCategory[0]!.brier).toBeCloseTo((0.01 + 0.64 + 0.36 + 0.09) / 4, 12);
    expect(before.mean.ece).toBeCloseTo((0.1 + 0.8 + 0.6 + 0.3) / 4, 12);
    expect(before.pooled.nll).toBeCloseTo(-Math.log(0.9 * 0.2 * 0.4 * 0.7) / 4, 12);
  });
});
