// Scores of images in COCO's own forms: the list of results that detectors write, and an annotation file whose annotations have scores.
import { DatasetError } from './errors';
import type { ScoreTable } from './predictions';
import type { CocoIndex } from './types';

const FORM =
  'COCO results are [{"image_id": …, "category_id": …, "score": …}, …]; an annotation file of predictions has a "score" in each annotation';

/**
 * Undefined where the JSON has neither form. A list of results names images and categories by the ids of the annotation file. The score of an image for a category is its annotations' highest one, and 0 where it has none: every
 * image that is known, or that the file of predictions lists, has a row.
 * Throws DatasetError: predictions-format, predictions-unknown-row, predictions-unknown-category.
 */
export function cocoPredictions(path: string, root: unknown, index?: CocoIndex): ScoreTable | undefined {
  if (Array.isArray(root)) return ofResults(path, root, index);
  const { images, categories, annotations } = (root ?? {}) as Readonly<Record<string, unknown>>;
  if (!Array.isArray(annotations) || !Array.isArray(images) || !Array.isArray(categories)) return undefined;
  return collected(path, annotations, {
    names: idsOf(path, images, 'file_name', 'images'),
    categories: idsOf(path, categories, 'name', 'categories'),
  });
}

function ofResults(path: string, results: readonly unknown[], index?: CocoIndex): ScoreTable {
  if (!index)
    throw new DatasetError('predictions-format', `${path}: a list of results needs an annotation file for its ids.`, path);
  const names = new Map(index.images.map(({ id, fileName }) => [id, fileName]));
  const categories = new Map(index.categories.map(({ id, name }) => [id, name]));
  return collected(path, results, { names, categories });
}

interface Ids {
  /** File names and names by id, as text. */
  readonly names: ReadonlyMap<string, string>;
  readonly categories: ReadonlyMap<string, string>;
}

function idsOf(path: string, records: readonly unknown[], field: 'file_name' | 'name', section: string): Map<string, string> {
  return new Map(
    records.map((record, k) => {
      const { id, [field]: name } = (record ?? {}) as Readonly<Record<string, unknown>>;
      if (isId(id) && typeof name === 'string') return [String(id), name] as const;
      throw new DatasetError('predictions-format', `${path}: entry ${k + 1} of "${section}" has no "id" or no "${field}".`, path);
    }),
  );
}

const isId = (id: unknown): id is string | number => typeof id === 'string' || typeof id === 'number';

function collected(path: string, annotations: readonly unknown[], ids: Ids): ScoreTable {
  const categories = [...new Set(ids.categories.values())];
  const columnOf = new Map(categories.map((name, column) => [name, column]));
  const rows = new Map<string, unknown[]>();
  for (const name of ids.names.values()) rows.set(name, new Array<unknown>(categories.length).fill(0));
  annotations.forEach((annotation, k) => {
    const { image_id: image, category_id: category, score } = (annotation ?? {}) as Readonly<Record<string, unknown>>;
    const where = `entry ${k + 1}`;
    if (!isId(image) || !isId(category) || score === undefined)
      throw new DatasetError(
        'predictions-format',
        `${path}, ${where}: "image_id", "category_id" or "score" is missing. ${FORM}.`,
        path,
      );
    const row = rows.get(ids.names.get(String(image)) ?? '');
    if (!row) throw unknown('predictions-unknown-row', path, `${where}: there is no image with the id ${String(image)}`);
    const column = columnOf.get(ids.categories.get(String(category)) ?? '');
    if (column === undefined)
      throw unknown('predictions-unknown-category', path, `${where}: there is no category with the id ${String(category)}`);
    row[column] = higher(row[column], score);
  });
  return { categories, rows: [...rows].map(([fileName, scores]) => ({ fileName, scores, where: 'its annotations' })) };
}

/** What is no number stays, for the message. */
function higher(before: unknown, score: unknown): unknown {
  if (typeof before !== 'number') return before;
  return typeof score === 'number' && score >= 0 && score <= 1 ? Math.max(before, score) : score;
}

function unknown(code: string, path: string, what: string): DatasetError {
  return new DatasetError(code, `${path}, ${what}. Remove it, or name the annotation file that the ids belong to.`, path);
}
