// Every number of scikit-learn's and NumPy's in the reference's metrics cases, against ours.
import { describe, expect, it } from 'vitest';
import { decide } from '../../src/metrics/decision';
import { evaluate } from '../../src/metrics/evaluate';
import type { Quality, ScoredSet } from '../../src/metrics/types';
import { readReference } from '../support/reference';

const TOLERANCE = 1e-9;

interface AtThreshold {
  threshold: number;
  micro: Quality;
  macro: Quality;
  jaccard_samples: number;
  hamming_loss: number;
  exact_match_ratio: number;
  tp: number[];
  fp: number[];
  fn: number[];
  tn: number[];
}

interface Case {
  images: number;
  classes: number;
  labels: number[][];
  scores: number[][];
  expected: {
    at: AtThreshold[];
    average_precision: (number | null)[];
    mean_average_precision: number | null;
    'multilabel_at_0.5': Record<'CP' | 'CR' | 'CF1' | 'OP' | 'OR' | 'OF1', number>;
    best_f1_per_class: { f1: number | null; thresholds: number[] | null }[];
    'binary_cross_entropy_clip_1e-7': number;
    calibration_error_per_class: number[];
    calibration_error_mean: number;
  };
}

function scoredSet({ images, classes, labels, scores }: Case): ScoredSet {
  const categories = Array.from({ length: classes }, (_, c) => `category ${c}`);
  return { images, categories, labels: Uint8Array.from(labels.flat()), scores: Float64Array.from(scores.flat()) };
}

function expectClose(actual: number | null, expected: number | null, what: string): void {
  if (actual === null || expected === null) expect(actual, what).toBe(expected);
  else expect(Math.abs(actual - expected), `${what}: ${actual} for ${expected}`).toBeLessThanOrEqual(TOLERANCE);
}

function expectQuality(actual: Quality, expected: Quality, what: string): void {
  for (const key of ['precision', 'recall', 'f1'] as const) expectClose(actual[key], expected[key], `${what} ${key}`);
}

const files = readReference<{ cases: { file: string }[] }>('metrics', 'index.json').cases.map(({ file }) => file);

describe('metrics of independent programs', () => {
  it('has cases', () => expect(files.length).toBeGreaterThan(0));

  describe.each(files)('%s', (file) => {
    const data = readReference<Case>('metrics', file);
    const set = scoredSet(data);
    const { expected } = data;
    const evaluation = evaluate(set);

    it.each(expected.at)('decisions at $threshold', (at) => {
      const decision = decide(set, at.threshold);
      for (const key of ['tp', 'fp', 'fn', 'tn'] as const) {
        expect(
          decision.perCategory.map((category) => category[key]),
          key,
        ).toEqual(at[key]);
      }
      expectQuality(decision.micro, at.micro, 'micro');
      expectQuality(decision.macro, at.macro, 'macro');
      expectClose(decision.jaccard, at.jaccard_samples, 'Jaccard');
      expectClose(decision.hammingLoss, at.hamming_loss, 'Hamming loss');
      expectClose(decision.exactMatch, at.exact_match_ratio, 'exact match');
    });

    it('sweep', () => {
      expect(evaluation.sweep.map(({ threshold }) => threshold)).toEqual(expected.at.map(({ threshold }) => threshold));
      evaluation.sweep.forEach((point, i) => {
        expectQuality(point, expected.at[i]!.micro, `sweep at ${point.threshold}`);
        expectClose(point.jaccard, expected.at[i]!.jaccard_samples, `Jaccard at ${point.threshold}`);
      });
    });

    it('averages at 0.5', () => {
      for (const [name, value] of Object.entries(expected['multilabel_at_0.5'])) {
        expectClose(evaluation[name as 'CP'], value, name);
      }
    });

    it('average precision', () => {
      evaluation.perCategory.forEach(({ ap, category }, c) => expectClose(ap, expected.average_precision[c]!, category));
      expectClose(evaluation.mAP, expected.mean_average_precision, 'mAP');
    });

    it('best F1, and the highest threshold that attains it', () => {
      evaluation.perCategory.forEach(({ bestF1, bestThreshold, category }, c) => {
        const best = expected.best_f1_per_class[c]!;
        expectClose(bestF1, best.f1, category);
        expect(bestThreshold, category).toBe(best.thresholds && Math.max(...best.thresholds));
      });
    });

    it('binary cross-entropy', () => expectClose(evaluation.loss, expected['binary_cross_entropy_clip_1e-7'], 'loss'));

    it('calibration error', () => {
      const errors = evaluation.perCategory.map(({ ece }) => ece!);
      errors.forEach((ece, c) => expectClose(ece, expected.calibration_error_per_class[c]!, `category ${c}`));
      const meanError = errors.reduce((sum, ece) => sum + ece, 0) / errors.length;
      expectClose(meanError, expected.calibration_error_mean, 'mean');
    });
  });
});
