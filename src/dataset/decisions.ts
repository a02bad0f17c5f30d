// What a person says of suspect labels, in a file: JSON as the review keeps it, or a CSV table of one's own.
import { readFile } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import { systemWords } from '../system-errors';
import { DatasetError } from './errors';

/** 'accept': the label is wrong and is to be changed. 'reject': it is right and stays. 'skip': to be seen later. */
export type Verdict = 'accept' | 'reject' | 'skip';

/** What is said of one label of an image. */
export interface Decision {
  /** File name, as the annotation file has it. */
  readonly image: string;
  readonly category: string;
  readonly decision: Verdict;
  /** What was suspected: a label that is missing, or one that is wrong. Where it is not given, accepting turns the label over. */
  readonly kind?: 'missing' | 'wrong';
  /** Out-of-fold probability that the image shows the category. */
  readonly score?: number;
  /** ISO 8601. */
  readonly date?: string;
}

/** The JSON form. A file of one's own needs only `decisions`. */
export interface DecisionsFile {
  readonly format?: number;
  /** The annotation file that was reviewed, and its fingerprint. */
  readonly annotations?: string;
  readonly fingerprint?: string;
  readonly decisions: readonly Decision[];
}

/**
 * Reads JSON (`{"decisions": [{"image": …, "category": …, "decision": "accept"}]}`) or CSV with the columns image, category, decision; kind, score
 * and date may be added to either.
 * Throws DatasetError: decisions-unreadable, decisions-format, decisions-value, decisions-repeated.
 */
export async function readDecisions(path: string): Promise<DecisionsFile> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    const { reason, remedy } = systemWords(cause);
    const words =
      (cause as NodeJS.ErrnoException).code === 'ENOENT'
        ? `There is no file ${path}. Check the path of the decisions.`
        : `The decisions ${path} cannot be read: ${reason}. ${remedy}.`;
    throw new DatasetError('decisions-unreadable', words, path, { cause });
  });
  const plain = text.replace(/^\uFEFF/, '');
  const isJson = /\.json$/i.test(path) || (!/\.csv$/i.test(path) && plain.trimStart().startsWith('{'));
  const { rows, ...rest } = isJson ? fromJson(path, plain) : fromCsv(path, plain);
  const decisions = rows.map((row, k) => checked(path, row, k));
  const seen = new Set<string>();
  for (const { image, category } of decisions)
    if (seen.size === seen.add(`${category}\n${image}`).size)
      throw new DatasetError('decisions-repeated', `${path} decides twice on "${category}" of ${image}. Keep one.`, path);
  return { ...rest, decisions };
}

type Rows = readonly Readonly<Record<string, unknown>>[];

const FORM = '{"decisions": [{"image": "…", "category": "…", "decision": "accept|reject|skip"}]}';

function fromJson(path: string, text: string): Omit<DecisionsFile, 'decisions'> & { readonly rows: Rows } {
  const bad = (what: string, cause?: unknown) =>
    new DatasetError('decisions-format', `${path}: ${what}. Decisions are ${FORM}, or CSV.`, path, { cause });
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (cause) {
    throw bad(`not JSON (${(cause as Error).message})`, cause);
  }
  const { decisions, annotations, fingerprint } = (root ?? {}) as Readonly<Record<string, unknown>>;
  if (!Array.isArray(decisions) || !decisions.every((row) => typeof row === 'object' && row !== null))
    throw bad('"decisions" is not a list of records');
  return {
    ...(typeof annotations === 'string' && { annotations }),
    ...(typeof fingerprint === 'string' && { fingerprint }),
    rows: decisions as Rows,
  };
}

const COLUMNS = ['image', 'category', 'decision'];

function fromCsv(path: string, text: string): { readonly rows: Rows } {
  try {
    const rows = parse(text, { columns: true, skip_empty_lines: true, trim: true }) as unknown as Record<string, string>[];
    const missing = COLUMNS.filter((name) => rows.length === 0 || !Object.hasOwn(rows[0]!, name));
    if (missing.length > 0) throw new Error(`no column ${missing.join(', ')}`);
    return { rows: rows.map((row) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== ''))) };
  } catch (cause) {
    const reason = (cause as Error).message;
    const words = `${path} is no table of decisions: ${reason}. Its header is ${COLUMNS.join(',')}, or it is JSON: ${FORM}.`;
    throw new DatasetError('decisions-format', words, path, { cause });
  }
}

const VERDICTS: ReadonlySet<unknown> = new Set<Verdict>(['accept', 'reject', 'skip']);

function checked(path: string, row: Readonly<Record<string, unknown>>, k: number): Decision {
  const { image, category, decision, kind, score: written, date } = row;
  const bad = (field: string, wanted: string) =>
    new DatasetError(
      'decisions-value',
      `${path}, decision ${k + 1}: "${field}" is ${JSON.stringify(row[field]) ?? 'missing'}, not ${wanted}.`,
      path,
    );
  if (typeof image !== 'string') throw bad('image', 'a file name');
  if (typeof category !== 'string') throw bad('category', 'a name');
  if (!VERDICTS.has(decision)) throw bad('decision', 'accept, reject or skip');
  if (kind !== undefined && kind !== 'missing' && kind !== 'wrong') throw bad('kind', 'missing or wrong');
  const score = written === undefined ? undefined : Number(written);
  if (score !== undefined && !(score >= 0 && score <= 1)) throw bad('score', 'a number from 0 to 1');
  if (date !== undefined && typeof date !== 'string') throw bad('date', 'a date');
  return {
    ...{ image, category, decision: decision as Verdict },
    ...(kind !== undefined && { kind }),
    ...(score !== undefined && { score }),
    ...(date !== undefined && { date }),
  };
}
