// Metrics on cases worked out by hand, the edges where they are undefined, and what is refused.
import { describe, expect, it } from 'vitest';
import { evaluate } from '../../src/metrics/evaluate';
import { MetricsError } from '../../src/metrics/check';
import type { ScoredSet, Threshold } from '../../src/metrics/types';

function scoredSet(labels: number[][], scores: number[][], categories = ['dog', 'cat']): ScoredSet {
  const [y, s] = [Uint8Array.from(labels.flat()), Float64Array.from(scores.flat())];
  return { images: labels.length, categories, labels: y, scores: s };
}

/** Four images; at 0.5 dog: tp 1, fp 1, fn 1, tn 1; cat: tp 1, fp 0, fn 0, tn 3. */
const four = scoredSet(
  [
    [1, 0],
    [0, 0],
    [1, 1],
    [0, 0],
  ],
  [
    [0.9, 0.1],
    [0.8, 0.2],
    [0.4, 0.6],
    [0.3, 0.4],
  ],
);

describe('a case worked out by hand', () => {
  const evaluation = evaluate(four);

  it('counts and rates each category', () => {
    expect(evaluation.perCategory[0]).toMatchObject({ category: 'dog', tp: 1, fp: 1, fn: 1, tn: 1, precision: 0.5, recall: 0.5 });
    expect(evaluation.perCategory[1]).toMatchObject({ category: 'cat', tp: 1, fp: 0, fn: 0, tn: 3, precision: 1, f1: 1 });
  });

  it('averages', () => {
    expect(evaluation.micro).toEqual({ precision: 2 / 3, recall: 2 / 3, f1: 2 / 3 });
    expect(evaluation.macro).toEqual({ precision: 0.75, recall: 0.75, f1: 0.75 });
    expect(evaluation).toMatchObject({ CP: 0.75, CR: 0.75, CF1: 0.75, OP: 2 / 3, OR: 2 / 3, OF1: 2 / 3 });
  });

  it('agrees image by image: right, wrong, half right, right', () => {
    expect(evaluation).toMatchObject({ jaccard: (1 + 0 + 0.5 + 1) / 4, hammingLoss: 2 / 8, exactMatch: 2 / 4 });
  });

  it('ranks', () => {
    // Dog's positives are first and third: 1/2 × 1/1 + 1/2 × 2/3. Its F1 is 2/3, 1/2, 4/5, 2/3 going down.
    expect(evaluation.perCategory[0]!.ap).toBeCloseTo(5 / 6, 12);
    expect(evaluation.perCategory[0]).toMatchObject({ bestThreshold: 0.4, bestF1: 0.8 });
    expect(evaluation.perCategory[1]).toMatchObject({ ap: 1, bestThreshold: 0.6, bestF1: 1 });
    expect(evaluation.mAP).toBeCloseTo(11 / 12, 12);
  });

  it('gives the loss and the calibration error', () => {
    const right = [0.9, 0.9, 0.2, 0.8, 0.4, 0.6, 0.7, 0.6];
    expect(evaluation.loss).toBeCloseTo(right.reduce((sum, p) => sum - Math.log(p), 0) / 8, 12);
    // Each dog score is alone in its bin: |0.9 − 1|, |0.8 − 0|, |0.4 − 1|, |0.3 − 0|.
    expect(evaluation.perCategory[0]!.ece).toBeCloseTo((0.1 + 0.8 + 0.6 + 0.3) / 4, 12);
  });

  it('sweeps the micro values and the Jaccard index', () => {
    expect(evaluation.sweep.map(({ threshold }) => threshold)).toEqual([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]);
    expect(evaluation.sweep[4]).toEqual({ threshold: 0.5, f1: 2 / 3, jaccard: 0.625, precision: 2 / 3, recall: 2 / 3 });
    expect(evaluation.sweep[0]).toMatchObject({ precision: 3 / 8, recall: 1 });
  });

  it('has the keys of the command line, in its order', () => {
    expect(Object.keys(evaluation).join()).toBe(
      'images,categories,threshold,loss,micro,macro,jaccard,hammingLoss,exactMatch,CP,CR,CF1,OP,OR,OF1,mAP,perCategory,sweep',
    );
    expect(Object.keys(evaluation.perCategory[0]!).join()).toBe(
      'category,tp,fp,fn,tn,precision,recall,f1,ap,ece,bestThreshold,bestF1',
    );
  });
});

it('takes a threshold for each category', () => {
  const evaluation = evaluate(four, { threshold: [0.4, 0.7] });
  expect(evaluation.perCategory.map(({ tp, fp, fn, tn }) => [tp, fp, fn, tn])).toEqual([
    [2, 1, 0, 1],
    [0, 0, 1, 3],
  ]);
  expect(evaluation.threshold).toEqual([0.4, 0.7]);
});

it('predicts a category where the score equals the threshold', () => {
  const one = scoredSet([[1]], [[0.7]], ['dog']);
  expect(evaluate(one, { threshold: 0.7 }).perCategory[0]).toMatchObject({ tp: 1, fn: 0 });
});

it('bounds the loss of a score that is wrong for certain', () => {
  expect(evaluate(scoredSet([[1]], [[0]], ['dog'])).loss).toBeCloseTo(-Math.log(1e-7), 9);
});

describe('where a metric is undefined', () => {
  it('is null for a category without positives, which mAP leaves out', () => {
    const evaluation = evaluate(scoredSet([[1, 0]], [[0.9, 0.8]]));
    expect(evaluation.perCategory[1]).toMatchObject({
      precision: 0,
      recall: 0,
      f1: 0,
      ap: null,
      bestThreshold: null,
      bestF1: null,
    });
    expect(evaluation.mAP).toBe(1);
  });

  it('is null without images', () => {
    const evaluation = evaluate(scoredSet([], []));
    const undefinedOnes = { loss: null, jaccard: null, hammingLoss: null, exactMatch: null, mAP: null };
    expect(evaluation).toMatchObject({ ...undefinedOnes, micro: { precision: 0, recall: 0, f1: 0 } });
    expect(evaluation.perCategory[0]).toMatchObject({ tp: 0, tn: 0, ap: null, ece: null, bestThreshold: null });
  });

  it('counts an image with no label and no prediction as agreeing', () => {
    expect(evaluate(scoredSet([[0, 0]], [[0.1, 0.2]]))).toMatchObject({ jaccard: 1, exactMatch: 1 });
  });
});

describe('what is refused', () => {
  const cases: [string, ScoredSet, Threshold, RegExp][] = [
    ['a score above 1', scoredSet([[0, 0]], [[0.5, 1.5]]), 0.5, /image 0, category "cat" \(index 1\) is 1\.5/],
    ['a negative score', scoredSet([[0, 0]], [[-0.1, 0.5]]), 0.5, /index 0\) is -0\.1/],
    ['a score that is no number', scoredSet([[0, 0]], [[0.5, NaN]]), 0.5, /NaN/],
    ['a label of 2', scoredSet([[0, 2]], [[0.5, 0.5]]), 0.5, /label .*index 1\) is 2/],
    ['too few scores', scoredSet([[0, 0]], [[0.5]]), 0.5, /1 scores; 1 images × 2 categories need 2/],
    ['too many labels', scoredSet([[0, 0, 0]], [[0.5, 0.5]]), 0.5, /3 labels/],
    ['no category', scoredSet([[]], [[]], []), 0.5, /no category/],
    ['a number of images that is none', { ...four, images: 1.5 }, 0.5, /1\.5 is not a number of images/],
    ['a threshold above 1', four, 1.1, /threshold 1\.1/],
    ['a threshold that is no number', four, NaN, /threshold NaN/],
    ['thresholds for other categories', four, [0.5], /1 thresholds for 2 categories/],
    ['one of the thresholds', four, [0.5, -1], /"cat" \(index 1\) is -1/],
  ];

  it.each(cases)('%s', (_, set, threshold, message) => {
    const attempt = () => evaluate(set, { threshold });
    expect(attempt).toThrow(MetricsError);
    expect(attempt).toThrow(message);
    expect(attempt).toThrow(expect.objectContaining({ code: 'metrics-invalid' }));
  });
});
