// The images and categories that several evaluations share, as one scored set each, all in the same order.
import type { ScoredSet } from '../../metrics/types';
import type { ScoredImageRecord, ScoresFile } from '../../protocol/run';

export interface SharedSets {
  readonly categories: readonly string[];
  /** One an evaluation; all have the same labels. */
  readonly sets: readonly ScoredSet[];
  /** Images that all evaluations have, though not with the same labels. */
  readonly otherLabels: number;
}

/** Images are the same by their file name, and one that comes twice by its turn; which folder they lay in does not matter. */
export function sharedSets(files: readonly ScoresFile[]): SharedSets {
  const [first, ...others] = files as readonly [ScoresFile, ...ScoresFile[]];
  const categories = first.categories.filter((name) => others.every((file) => file.categories.includes(name)));
  const [named, ...alsoNamed] = files.map(({ images }) => byTurn(images));
  const met = [...named!].flatMap(([name, image]) => {
    const same = [image, ...alsoNamed.flatMap((images) => images.get(name) ?? [])];
    return same.length === files.length ? [same] : [];
  });
  const agreed = met.filter((same) => new Set(same.map(({ labels }) => labelsAmong(categories, labels).join(','))).size === 1);
  const sets = files.map((file, k) =>
    setOf(
      file,
      categories,
      agreed.map((same) => same[k]!),
    ),
  );
  return { categories, sets, otherLabels: met.length - agreed.length };
}

function byTurn(images: readonly ScoredImageRecord[]): ReadonlyMap<string, ScoredImageRecord> {
  const turns = new Map<string, number>();
  return new Map(
    images.map((image) => {
      const turn = turns.get(image.file_name) ?? 0;
      turns.set(image.file_name, turn + 1);
      return [`${turn}/${image.file_name}`, image];
    }),
  );
}

function labelsAmong(categories: readonly string[], labels: readonly string[]): number[] {
  const given = new Set(labels);
  return categories.map((name) => Number(given.has(name)));
}

function setOf(file: ScoresFile, categories: readonly string[], images: readonly ScoredImageRecord[]): ScoredSet {
  const columns = categories.map((name) => file.categories.indexOf(name));
  return {
    images: images.length,
    categories,
    labels: Uint8Array.from(images.flatMap(({ labels }) => labelsAmong(categories, labels))),
    scores: Float64Array.from(images.flatMap(({ scores }) => columns.map((column) => scores[column]!))),
  };
}
