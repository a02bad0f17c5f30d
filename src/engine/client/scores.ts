// The scores of a run folder as the metrics want them.
import type { ScoredSet, Threshold } from '../../metrics/types';
import { LabelscopeError } from '../../protocol/errors';
import type { ScoredImageRecord, ScoresFile } from '../../protocol/run';
import type { StoredEvaluation } from './folder';

/** Exactly the scores that were written, or others that `scoresOf` makes of an image. Labels that the model does not know are left out. */
export function scoredSetOf(
  { categories, images }: ScoresFile,
  scoresOf: (image: ScoredImageRecord) => readonly number[] = ({ scores }) => scores,
): ScoredSet {
  const width = categories.length;
  const columns = new Map(categories.map((name, c) => [name, c]));
  const labels = new Uint8Array(images.length * width);
  const scores = new Float64Array(images.length * width);
  images.forEach((image, row) => {
    for (const name of image.labels) {
      const c = columns.get(name);
      if (c !== undefined) labels[row * width + c] = 1;
    }
    scores.set(scoresOf(image), row * width);
  });
  return { images: images.length, categories, labels, scores };
}

/**
 * What an evaluation is judged at: a threshold that is given, those that its model had when it was evaluated or last fitted ('saved'), or its own.
 *
 * @throws LabelscopeError 'evaluation-outdated' where it was kept by a version that did not note them
 */
export function judgedThreshold(
  folder: string,
  { result, scores }: StoredEvaluation,
  asked: number | 'saved' | undefined,
): Threshold {
  if (asked !== 'saved') return asked ?? result.evaluation.threshold;
  const saved: unknown = result.has?.thresholds;
  const isOne = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value <= 1;
  if (Array.isArray(saved) && saved.length === scores.categories.length && saved.every(isOne)) return saved;
  throw new LabelscopeError(
    'evaluation-outdated',
    `The evaluation in ${folder} does not tell the model's own thresholds: it is of an older version. Evaluate the model again: labelscope evaluate "${folder}"`,
  );
}
