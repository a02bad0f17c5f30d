// What a recipe has training minimise, with weights that follow from the labels of the training images.
import type { Labels } from '../../dataset/types';
import type { Objective } from '../../onnx/loss';
import type { Recipe } from '../../protocol/recipe';

/** A category of one image in a thousand would otherwise be all that a step sees. */
const MOST = 20;

export function objectiveOf(recipe: Recipe, set: Labels): Objective {
  const { loss, aslGammaPositive, aslGammaNegative, aslClip, positiveWeight, labelSmoothing } = recipe;
  return {
    labelSmoothing,
    positiveWeights: positiveWeight === 'none' ? undefined : positiveWeights(set, positiveWeight === 'sqrt'),
    asymmetry: loss === 'asl' ? { gammaPositive: aslGammaPositive, gammaNegative: aslGammaNegative, clip: aslClip } : undefined,
  };
}

/** By category: negatives / positives, at most 20, or its square root; 1 without positives, and without negatives, where 0 would teach nothing. */
function positiveWeights({ images, categories, labels }: Labels, root: boolean): number[] {
  return categories.map((_, category) => {
    let positives = 0;
    for (let row = 0; row < images.length; row++) positives += labels[row * categories.length + category]!;
    if (positives === 0 || positives === images.length) return 1;
    const weight = Math.min(MOST, (images.length - positives) / positives);
    return root ? Math.sqrt(weight) : weight;
  });
}
