// An evaluation of which it was measured where the model looks.
import { pointingOf, pointingReport } from '../../src/metrics/pointing';
import { randomStream } from '../../src/metrics/random';
import type { LookingData, MapSimilarity, PointedCase, PointingResult, SanityResult } from '../../src/protocol/looking';
import type { EvaluationData } from '../../src/protocol/windows';
import { evaluationData } from './evaluation-data';

const CATEGORIES = ['dog', '<b>cat</b>', 'potted plant', 'cow'];
export const DATA = evaluationData({ images: 60, categories: CATEGORIES });

/** Of drawn maps over images with a box: the last category has no image. */
function pointing(): PointingResult {
  const random = randomStream('looking');
  const image = { width: 640, height: 480 };
  const cases = DATA.images.flatMap(({ file, labels, scores }) =>
    labels
      .filter((c) => c < 3)
      .map((c): PointedCase => {
        const box = { x: random.integer(400), y: random.integer(300), width: 200, height: 150 };
        // Every seventh map is the same everywhere.
        const flat = random.integer(7) === 0;
        const values = Array.from({ length: 49 }, () => (flat ? 0 : random.next()));
        const found = pointingOf({ width: 7, height: 7, values }, [box], image)!;
        const score = scores[c]!;
        return { file, category: CATEGORIES[c]!, score, predicted: score >= 0.5, difficult: labels.length > 1, ...found };
      }),
  );
  const common = {
    model: '/runs/one/model.onnx',
    annotations: '/data/validation.json',
    split: 'validation',
    failed: [],
  } as const;
  const counts = { created: '2026-01-01T00:00:00Z', seed: 0, images: 60, available: 60, tolerance: 0, withoutBox: 2 };
  return { ...common, ...counts, ...pointingReport(cases, CATEGORIES), cases };
}

const similarity = (rank: number): MapSimilarity => ({
  ...{ rankCorrelation: rank, rankInterval: [rank - 0.1, rank + 0.1], ssim: 0.2, ssimInterval: [0.1, 0.3], flat: 0 },
});

export const SANITY: SanityResult = {
  ...{ model: '/runs/one/model.onnx', annotations: '/data/validation.json', split: 'validation', failed: [] },
  ...{ created: '2026-01-01T00:00:00Z', seed: 0, images: 50, available: 60, verdict: 'depend' },
  stages: ['head', '7 × 7', '14 × 14'].map((name) => ({ name, tensors: 2, values: 1000 })),
  cascading: [0.1, -0.1, 0.05].map(similarity),
  independent: [0.1, 0.3, -0.2].map(similarity),
  otherImage: similarity(0.08),
};

export const POINTING = pointing();
export const withLooking = (looking: LookingData): EvaluationData => ({ ...DATA, looking });
