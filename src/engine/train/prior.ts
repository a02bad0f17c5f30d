// How a head begins that knows the labels of the training images but has seen none of them.
import type { Labels } from '../../dataset/types';
import { type Classifier, HEAD_BIAS, withTensors } from '../../onnx/classifier';
import type { Recipe } from '../../protocol/recipe';
import { objectiveOf } from './objective';

/**
 * With `headInit: prior` biases are ln(w (n⁺ + ½) / (n⁻ + ½)), n⁺ and n⁻ images with and without the category, w what a positive counts: the
 * scores that binary cross-entropy wants of whoever sees no image (Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, section 3.3).
 * Then no step is spent on how rare a category is.
 */
export function withPrior(classifier: Classifier, recipe: Recipe, set: Labels): Classifier {
  if (recipe.headInit !== 'prior') return classifier;
  const { positiveWeights } = objectiveOf(recipe, set);
  const { images, categories, labels } = set;
  const data = Float32Array.from(categories, (_, category) => {
    let positives = 0;
    for (let row = 0; row < images.length; row++) positives += labels[row * categories.length + category]!;
    const odds = (positives + 0.5) / (images.length - positives + 0.5);
    return Math.log((positiveWeights?.[category] ?? 1) * odds);
  });
  return withTensors(classifier, { [HEAD_BIAS]: { type: 'float32', dims: [categories.length], data } });
}
