// Writes a copy of an annotation file with some labels changed: every other byte stays as it stands.
import { readChunks, withFile } from './chunks';
import { REVIEWED } from './coco-record';
import type { Decision } from './decisions';
import { DatasetError } from './errors';
import { freeId } from './faults';
import { chooseCategories, columnsOf, distinctImages } from './labels';
import { nearestNames } from './nearest';
import { writeNewFiles } from './new-files';
import { rewriter } from './rewrite';
import type { CocoIndex } from './types';

/** A label to add or to remove. */
export interface Correction {
  readonly decision: Decision;
  /** Row of `distinctImages`. */
  readonly image: number;
  /** Column of `chooseCategories`. */
  readonly column: number;
  readonly to: 'present' | 'absent';
}

export interface Corrections {
  readonly changes: readonly Correction[];
  /** Accepted suggestions that the file already follows. */
  readonly already: number;
}

/**
 * What the accepted decisions change in a file.
 * Throws DatasetError: decisions-unknown-image, decisions-unknown-category, naming the first.
 */
export function correctionsOf(index: CocoIndex, decisions: readonly Decision[]): Corrections {
  const categories = chooseCategories(index);
  const { images } = distinctImages(index);
  const rowOf = new Map(images.map(({ fileName }, row) => [fileName, row]));
  const columnOf = new Map(categories.map((name, column) => [name, column]));
  const placed = decisions.map((decision) => {
    const [image, column] = [rowOf.get(decision.image), columnOf.get(decision.category)];
    if (image === undefined) throw unknown(index.path, 'image', decision.image, [...rowOf.keys()]);
    if (column === undefined) throw unknown(index.path, 'category', decision.category, categories);
    return { decision, image, column };
  });
  const accepted = placed.filter(({ decision }) => decision.decision === 'accept');
  const isGiven = labelsIn(index, categories);
  const asked = accepted.map((place): Correction & { readonly from: Correction['to'] } => {
    const from = isGiven(place.image, place.column) ? 'present' : 'absent';
    const { kind = from === 'present' ? 'wrong' : 'missing' } = place.decision;
    return { ...place, from, to: kind === 'wrong' ? 'absent' : 'present' };
  });
  const changes = asked.filter(({ from, to }) => from !== to);
  return { changes, already: asked.length - changes.length };
}

const UNKNOWN = { image: 'decisions-unknown-image', category: 'decisions-unknown-category' } as const;

function unknown(path: string, what: keyof typeof UNKNOWN, name: string, known: readonly string[]): DatasetError {
  const near = nearestNames(name, known.slice(0, 10_000)).map((one) => `"${one}"`);
  const hint = near.length === 0 ? '' : ` (did you mean ${near.join(' or ')}?)`;
  return new DatasetError(UNKNOWN[what], `${path} has no ${what} "${name}"${hint}. Correct the decisions.`, path);
}

function labelsIn(index: CocoIndex, categories: readonly string[]): (image: number, column: number) => boolean {
  const { rowOfImage } = distinctImages(index);
  const columns = columnsOf(index, categories);
  const given = new Set<number>();
  const { count, image, category } = index.annotations;
  for (let k = 0; k < count; k++) {
    const [row, column] = [rowOfImage[image[k]!] ?? -1, columns[category[k]!] ?? -1];
    if (row >= 0 && column >= 0) given.add(row * categories.length + column);
  }
  return (row, column) => given.has(row * categories.length + column);
}

export interface CorrectOptions {
  /** Pixels of images whose record does not say them, by row of `distinctImages`; an added label of one that is not here has no box. */
  readonly sizes: ReadonlyMap<number, { readonly width: number; readonly height: number }>;
  readonly signal: AbortSignal;
  readonly onProgress: (bytes: number, totalBytes: number) => void;
}

/**
 * Writes the corrected copy to `out` and `log` beside it, two new files. Removing a label removes the image's annotations of the category. Adding one adds an annotation at the
 * list's end: its id is above all others, its box the whole image (with area, iscrowd 0 and the outline as segmentation, so that every COCO reader
 * takes it), and `"labelscope": "reviewed"` tells it from those with a box of their own.
 *
 * Answers how many annotations went.
 * Throws the signal's reason and DatasetError (category-ambiguous, file-exists, file-unwritable, and what `readAnnotations` throws).
 */
export async function writeCorrected(
  index: CocoIndex,
  changes: readonly Correction[],
  { out, log, logText }: { readonly out: string; readonly log: string; readonly logText: string },
  options: CorrectOptions,
): Promise<number> {
  const added = changes.filter(({ to }) => to === 'present');
  const records = added.length === 0 ? [] : await newRecords(index, added, options);
  const goes = removal(index, changes);
  let removed = 0;
  const { push, end } = rewriter(
    1,
    undefined,
    ({ section, row }) => {
      if (section !== 'annotations' || !goes(row)) return { outputs: [0] };
      removed++;
      return { outputs: [] };
    },
    (section) => (section === 'annotations' ? records : []),
  );
  await writeNewFiles([out, log], async ([corrected, changeLog]) => {
    await withFile(index.path, async (source, size) => {
      for await (const chunk of readChunks(index.path, source, size, options)) await corrected!.append(push(chunk)[0]!);
    });
    end();
    await changeLog!.append(logText);
  });
  return removed;
}

/** Whether an annotation, by its row, is of a label that is removed. */
function removal(index: CocoIndex, changes: readonly Correction[]): (row: number) => boolean {
  const categories = chooseCategories(index);
  const { rowOfImage } = distinctImages(index);
  const columns = columnsOf(index, categories);
  const labels = changes.filter(({ to }) => to === 'absent').map(({ image, column }) => image * categories.length + column);
  const gone = new Set(labels);
  const { image, category } = index.annotations;
  return (row) => {
    const [at, column] = [rowOfImage[image[row]!] ?? -1, columns[category[row]!] ?? -1];
    return at >= 0 && column >= 0 && gone.has(at * categories.length + column);
  };
}

async function newRecords(index: CocoIndex, added: readonly Correction[], options: CorrectOptions): Promise<Buffer[]> {
  const { rowOfImage, images } = distinctImages(index);
  const imageRows = added.map(({ image }) => rowOfImage.indexOf(image));
  const categoryRows = added.map((correction) => categoryRecord(index, correction.decision.category));
  const { texts, areStrings } = await idTexts(index, new Set(imageRows), new Set(categoryRows), options.signal);
  const first = await freeId(index.annotations, options.signal);
  return added.map(({ image }, k) => {
    const { width, height } =
      images[image]!.width > 0 && images[image]!.height > 0 ? images[image]! : (options.sizes.get(image) ?? NO_SIZE);
    const id = areStrings ? `"${first + k}"` : String(first + k);
    const fields = [
      ['id', id],
      ['image_id', texts.get(`images ${imageRows[k]!}`)!],
      ['category_id', texts.get(`categories ${categoryRows[k]!}`)!],
      ...(width > 0 ? boxOf(width, height) : []),
      ['iscrowd', '0'],
      ['labelscope', `"${REVIEWED}"`],
    ];
    return Buffer.from(`{${fields.map(([key, value]) => `"${key!}": ${value!}`).join(', ')}}`);
  });
}

const NO_SIZE = { width: 0, height: 0 };

function boxOf(width: number, height: number): [string, string][] {
  return [
    ['bbox', `[0, 0, ${width}, ${height}]`],
    ['area', String(width * height)],
    ['segmentation', `[[0, 0, ${width}, 0, ${width}, ${height}, 0, ${height}]]`],
  ];
}

/** The first record of the name whose id is its own: annotations of a repeated id count for the category that has it first. */
function categoryRecord({ categories, path }: CocoIndex, name: string): number {
  const row = categories.findIndex((one, k) => one.name === name && categories.findIndex(({ id }) => id === one.id) === k);
  if (row >= 0) return row;
  throw new DatasetError(
    'category-ambiguous',
    `${path} gives the category "${name}" an id that an earlier category has, so that no label of it can be added. Give it an id of its own.`,
    path,
  );
}

/** The ids of some records as they are written (`18`, `"18"`), and whether annotations have theirs as strings. */
async function idTexts(
  index: CocoIndex,
  images: ReadonlySet<number>,
  categories: ReadonlySet<number>,
  signal: AbortSignal,
): Promise<{ readonly texts: ReadonlyMap<string, string>; readonly areStrings: boolean }> {
  const texts = new Map<string, string>();
  let areStrings = false;
  // A rewriter for its window over the text: a record's bytes are whole there, wherever the file's pieces end.
  const { push, end } = rewriter(0, new Set(['id']), ({ section, row, start, fields }, text) => {
    const place = fields.get('id');
    if (place?.start === undefined || place.end === undefined) return { outputs: [] };
    if (section === 'annotations') areStrings = typeof place.value === 'string';
    else if ((section === 'images' ? images : categories).has(row))
      texts.set(`${section} ${row}`, text.toString('utf8', place.start - start, place.end - start));
    return { outputs: [] };
  });
  await withFile(index.path, async (source, size) => {
    for await (const chunk of readChunks(index.path, source, size, { signal })) push(chunk);
  });
  end();
  return { texts, areStrings };
}
