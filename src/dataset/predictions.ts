// Scores that any other program has written, as JSON, CSV or in COCO's forms, put into the order of a labelled set. Nothing is guessed: every
// image needs its row, every row its image, every category its score.
import { readFile } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import { cocoPredictions } from './coco-predictions';
import { DatasetError } from './errors';
import type { CocoIndex, LabelledSet } from './types';

/** A file of scores before it is matched with a set; `where` says where a row stands. */
export interface ScoreTable {
  readonly categories: readonly string[];
  readonly rows: readonly ScoreRow[];
}

interface ScoreRow {
  readonly fileName: string;
  readonly scores: readonly unknown[];
  readonly where: string;
}

/**
 * Scores as images × categories in the order of `set`, each in 0..1. With `index`, rows and columns for images and
 * categories of the annotation file that the set leaves out are allowed and ignored.
 * Throws DatasetError: predictions-unreadable, predictions-format, predictions-missing-row, predictions-unknown-row,
 * predictions-repeated-row, predictions-row-length, predictions-score, predictions-missing-category,
 * predictions-unknown-category, predictions-repeated-category.
 */
export async function readPredictions(path: string, set: LabelledSet, index?: CocoIndex): Promise<Float64Array> {
  const text = await readText(path);
  const isJson = /\.json$/i.test(path) || (!/\.csv$/i.test(path) && /^\s*[{[]/.test(text));
  const table = isJson ? parseJson(path, text, index) : parseCsv(path, text);
  const columns = matchCategories(path, table, set, index);
  const rowOf = new Map(set.images.map((image, row) => [image.fileName, row]));
  const others = new Set(index?.images.map((image) => image.fileName));
  const scores = new Float64Array(set.images.length * set.categories.length).fill(NaN);
  const seen = new Map<string, string>();
  for (const row of table.rows) {
    checkRow(path, row, table.categories.length, seen);
    const target = rowOf.get(row.fileName);
    if (target === undefined && !others.has(row.fileName)) throw unknownRow(path, row);
    row.scores.forEach((score, k) => {
      const value = checkScore(path, row, table.categories[k]!, score);
      if (target !== undefined && columns[k]! >= 0) scores[target * set.categories.length + columns[k]!] = value;
    });
  }
  checkComplete(path, set, seen);
  return scores;
}

async function readText(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    const reason = (cause as Error).message;
    throw new DatasetError('predictions-unreadable', `The predictions ${path} cannot be read: ${reason}.`, path, { cause });
  });
  return text.replace(/^\uFEFF/, '');
}

const JSON_FORM = '{"categories": [...], "images": [{"file_name": "…", "scores": [...]}]}';

function parseJson(path: string, text: string, index?: CocoIndex): ScoreTable {
  const bad = (what: string, cause?: unknown) =>
    new DatasetError('predictions-format', `${path}: ${what}. Predictions are ${JSON_FORM}.`, path, { cause });
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (cause) {
    throw bad(`not JSON (${(cause as Error).message})`, cause);
  }
  const coco = cocoPredictions(path, root, index);
  if (coco) return coco;
  const { categories, images } = (root ?? {}) as { categories?: unknown; images?: unknown };
  if (!Array.isArray(categories) || !categories.every((name) => typeof name === 'string'))
    throw bad('"categories" is not a list of names');
  if (!Array.isArray(images)) throw bad('"images" is not a list');
  const rows = images.map((image: unknown, k) => {
    const { file_name: fileName, scores } = (image ?? {}) as { file_name?: unknown; scores?: unknown };
    if (typeof fileName !== 'string') throw bad(`entry ${k + 1} of "images" has no "file_name"`);
    if (!Array.isArray(scores)) throw bad(`"scores" of ${fileName} is not a list`);
    return { fileName, scores, where: `entry ${k + 1} of "images"` };
  });
  return { categories, rows };
}

function parseCsv(path: string, text: string): ScoreTable {
  const [header, ...records] = readRecords(path, text);
  if (header?.record[0] !== 'file_name')
    throw new DatasetError(
      'predictions-format',
      `${path}, line 1: the header is not "file_name,<category>,…". Predictions are such a CSV, or JSON ${JSON_FORM}.`,
      path,
    );
  const rows = records.map(({ record, line }) => ({
    fileName: record[0]!,
    scores: record.slice(1).map(numberFromCsv),
    where: `line ${line}`,
  }));
  return { categories: header.record.slice(1), rows };
}

function readRecords(path: string, text: string): { record: string[]; line: number }[] {
  try {
    const records = parse(text, { info: true, relax_column_count: true, skip_empty_lines: true, trim: true });
    return (records as unknown as { record: string[]; info: { lines: number } }[]).map(({ record, info }) => ({
      record,
      line: info.lines,
    }));
  } catch (cause) {
    const reason = (cause as Error).message;
    throw new DatasetError('predictions-format', `${path} is not CSV: ${reason}.`, path, { cause });
  }
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** Text that is no number stays text, for the message. */
const numberFromCsv = (text: string): unknown => (NUMBER.test(text) ? Number(text) : text);

/** The column in the set of every column of the file; -1 where it is not used. */
function matchCategories(path: string, table: ScoreTable, set: LabelledSet, index?: CocoIndex): number[] {
  const { categories } = table;
  const fail = (code: string, message: string) => new DatasetError(code, `${path}: ${message}`, path);
  const twice = categories.find((name, k) => categories.indexOf(name) !== k);
  if (twice !== undefined) throw fail('predictions-repeated-category', `the category "${twice}" comes twice. Name each once.`);
  const missing = set.categories.filter((name) => !categories.includes(name));
  if (missing.length > 0)
    throw fail('predictions-missing-category', `no scores for ${list(missing)}. Add them, or choose with --categories.`);
  const known = new Set([...set.categories, ...(index?.categories.map((category) => category.name) ?? [])]);
  const unknown = categories.filter((name) => !known.has(name));
  if (unknown.length > 0)
    throw fail(
      'predictions-unknown-category',
      `scores for ${list(unknown)}, which the annotation file does not have. Remove them.`,
    );
  return categories.map((name) => set.categories.indexOf(name));
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => `"${name}"`);
  return shown.join(', ') + (names.length > shown.length ? ` and ${names.length - shown.length} more` : '');
}

function checkRow(path: string, row: ScoreRow, width: number, seen: Map<string, string>): void {
  const place = `${path}, ${row.where}`;
  const before = seen.get(row.fileName);
  if (before !== undefined)
    throw new DatasetError(
      'predictions-repeated-row',
      `${place}: ${row.fileName} has a row already (${before}). Keep one.`,
      path,
    );
  seen.set(row.fileName, row.where);
  if (row.scores.length !== width)
    throw new DatasetError(
      'predictions-row-length',
      `${place}: ${row.fileName} has ${row.scores.length} scores for ${width} categories. Give one score a category.`,
      path,
    );
}

function unknownRow(path: string, row: ScoreRow): DatasetError {
  return new DatasetError(
    'predictions-unknown-row',
    `${path}, ${row.where}: the annotation file has no image ${row.fileName} to use. Remove the row or correct its file name.`,
    path,
  );
}

function checkScore(path: string, row: ScoreRow, category: string, score: unknown): number {
  if (typeof score === 'number' && score >= 0 && score <= 1) return score;
  throw new DatasetError(
    'predictions-score',
    `${path}, ${row.where}: the score of ${row.fileName} for "${category}" is ${typeof score === 'number' ? score : JSON.stringify(score)}. Scores are numbers from 0 to 1.`,
    path,
  );
}

function checkComplete(path: string, set: LabelledSet, seen: ReadonlyMap<string, string>): void {
  const missing = set.images.map((image) => image.fileName).filter((fileName) => !seen.has(fileName));
  if (missing.length === 0) return;
  throw new DatasetError(
    'predictions-missing-row',
    `${path} has no row for ${missing.length} of ${set.images.length} images: ${list(missing)}. Every image needs one.`,
    path,
  );
}
