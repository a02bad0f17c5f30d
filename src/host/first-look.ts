// Which image of an evaluation is shown first with a map, and the map of which category.
import { stat } from 'node:fs/promises';
import type { StoredEvaluation } from '../engine/client/folder';

export interface Look {
  readonly file: string;
  readonly category: string;
}

/**
 * The first image, in the order of the evaluation, that has a label and is still there, with its label of the highest score; where none has a label,
 * the first that is there with its highest score. Undefined where none is there. Not the best one: what comes first shows the model as it is.
 */
export async function firstLook(evaluation: StoredEvaluation): Promise<Look | undefined> {
  const all = looksOf(evaluation);
  for (const { file, category } of [...all.filter(({ isLabel }) => isLabel), ...all.filter(({ isLabel }) => !isLabel)])
    if (await isFile(file)) return { file, category };
  return undefined;
}

function looksOf({ result, scores }: StoredEvaluation): readonly (Look & { readonly isLabel: boolean })[] {
  const { threshold } = result.evaluation;
  const { categories, images } = scores;
  return images.flatMap(({ path: file, scores: row }) => {
    const labels = row.flatMap((score, c) => (score >= (typeof threshold === 'number' ? threshold : threshold[c]!) ? [c] : []));
    const among = labels.length > 0 ? labels : [...row.keys()];
    const highest = among.reduce<number | undefined>(
      (best, c) => (best === undefined || row[c]! > row[best]! ? c : best),
      undefined,
    );
    return highest === undefined ? [] : [{ file, category: categories[highest]!, isLabel: labels.length > 0 }];
  });
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isFile(),
    () => false,
  );
}
