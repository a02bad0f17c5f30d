// An evaluation as the panel is told it, of any size: labels and scores follow from a seed, everything else from them.
import { evaluate } from '../../src/metrics/evaluate';
import type { ScoredSet } from '../../src/metrics/types';
import type { EvaluatedImage, EvaluationData } from '../../src/protocol/windows';
import { type RandomStream, randomStream } from '../../src/metrics/random';

export interface EvaluationSize {
  readonly images: number;
  readonly categories: readonly string[];
  readonly seed?: number;
  readonly facts?: EvaluationData['facts'];
  /** A score for a label of 0 or 1. */
  readonly scoreOf?: (label: number, random: RandomStream) => number;
}

const even = (label: number, random: RandomStream) => 0.25 * label + 0.75 * random.next();

/** About three labels an image; scores that lean towards the truth, unless others are asked for. */
export function evaluationSet({ images, categories, seed = 1, scoreOf = even }: EvaluationSize): ScoredSet {
  const random = randomStream('evaluation', seed);
  const share = Math.min(0.5, 3 / categories.length);
  const labels = new Uint8Array(images * categories.length).map(() => Number(random.next() < share));
  return { images, categories, labels, scores: Float64Array.from(labels, (label) => scoreOf(label, random)) };
}

export function evaluationData(size: EvaluationSize): EvaluationData {
  const { images, categories, facts = null } = size;
  const set = evaluationSet(size);
  const { labels, scores } = set;
  return {
    folder: '/runs/one',
    name: 'one',
    record: null,
    result: {
      evaluation: evaluate(set),
      annotations: '/data/validation.json',
      model: '/runs/one/model.onnx',
      failed: [],
      split: 'validation',
    },
    looking: { pointing: null, sanity: null },
    facts,
    images: Array.from({ length: images }, (_, row): EvaluatedImage => {
      const at = row * categories.length;
      const truth = labels.subarray(at, at + categories.length);
      return {
        file: `/data/images/${String(row).padStart(6, '0')}.jpg`,
        uri: '',
        labels: categories.flatMap((_, c) => (truth[c] === 1 ? [c] : [])),
        scores: [...scores.subarray(at, at + categories.length)],
      };
    }),
  };
}
