// The scores of a run folder as the metrics want them.
import type { ScoredSet } from '../../metrics/types';
import type { ScoredImageRecord, ScoresFile } from '../../protocol/run';

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
