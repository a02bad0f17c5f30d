// Lists of suspect labels as files, and what a person decided of them, read for whoever shows them. Nothing of a file is trusted.
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readDecisions } from '../../dataset/decisions';
import { LabelscopeError } from '../../protocol/errors';
import type { ReviewedSuspects, SuspectsResult } from '../../protocol/review';
import { systemWords } from '../../system-errors';
import { isObject, parsed } from './folder';

/** The folder of reviews among runs. */
export const REVIEWS = 'reviews';
/** Ends of the names of what is kept of a review. */
export const SUSPECTS = '.suspects.json';
export const DECISIONS = '.decisions.json';
export const REVIEW_FORMAT = 1;

const SUSPECTS_REMEDY = "Give what 'labelscope review ANNOTATIONS --json' wrote, or a list that a review keeps.";

/** What keeps a list: a file of an older or newer version, or of something else, holds none. */
export function suspectsIn(text: string): SuspectsResult | undefined {
  const file = parsed(text);
  if (!isObject(file) || file.format !== REVIEW_FORMAT) return undefined;
  return isSuspects(file.result) ? file.result : undefined;
}

/**
 * The list in `path`: what `review --json` wrote, or a file that a review keeps, then with its decisions.
 *
 * @throws LabelscopeError 'suspects-unreadable'; DatasetError where decisions are damaged
 */
export async function readSuspects(path: string): Promise<ReviewedSuspects> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    throw code === 'ENOENT'
      ? new LabelscopeError('suspects-unreadable', `There is no file ${path}. Check the path of the review. ${SUSPECTS_REMEDY}`)
      : unreadable(path, systemWords(error).reason);
  });
  const kept = suspectsIn(text);
  if (kept) return { result: kept, decisions: await decisionsBeside(path) };
  const result = parsed(text);
  if (!isSuspects(result)) throw unreadable(path, 'it holds no list of suspect labels');
  return { result, decisions: [] };
}

/** The newest list of each of these annotation files that is kept in a folder of reviews. @throws DatasetError where decisions are damaged */
export async function reviewsOf(folder: string, annotations: readonly string[]): Promise<readonly ReviewedSuspects[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(SUSPECTS));
  const files = await Promise.all(names.map((name) => keptList(join(folder, name))));
  const known = files.flatMap((file) => file ?? []).sort((a, b) => b.time - a.time);
  const newest = annotations.flatMap((path) => known.find(({ result }) => result.annotations === path) ?? []);
  return Promise.all(newest.map(async ({ path, result }) => ({ result, decisions: await decisionsBeside(path) })));
}

async function keptList(path: string) {
  const [text, time] = await Promise.all([
    readFile(path, 'utf8').catch(() => ''),
    stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => 0,
    ),
  ]);
  const result = suspectsIn(text);
  return result && { path, result, time };
}

async function decisionsBeside(path: string): Promise<ReviewedSuspects['decisions']> {
  return path.endsWith(SUSPECTS) ? decisionsIn(path.slice(0, -SUSPECTS.length) + DECISIONS) : [];
}

/** None where the file is not there yet. @throws DatasetError where it is damaged */
export async function decisionsIn(path: string): Promise<ReviewedSuspects['decisions']> {
  const isThere = await stat(path).catch(() => undefined);
  return isThere ? (await readDecisions(path)).decisions : [];
}

function unreadable(path: string, why: string): LabelscopeError {
  return new LabelscopeError('suspects-unreadable', `${path} cannot be taken: ${why}. ${SUSPECTS_REMEDY}`);
}

function isSuspects(value: unknown): value is SuspectsResult {
  if (!isObject(value)) return false;
  const { annotations, fingerprint, images, folds, found, suspects, categories } = value;
  const isCategory = (one: unknown) => isObject(one) && typeof one.category === 'string' && typeof one.given === 'number';
  return (
    [annotations, fingerprint].every((text) => typeof text === 'string') &&
    [images, folds, found].every(Number.isFinite) &&
    Array.isArray(categories) &&
    categories.every(isCategory) &&
    categories.every(({ estimate, thresholds }) => isNumbers(estimate) && isNumbers(thresholds)) &&
    Array.isArray(suspects) &&
    suspects.every(isSuspect)
  );
}

/** A record of numbers, or null. */
function isNumbers(value: unknown): boolean {
  return value === null || (isObject(value) && Object.values(value).every(Number.isFinite));
}

function isSuspect(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { image, category, kind, score, selfConfidence } = value;
  const isNamed = [image, category].every((text) => typeof text === 'string');
  return isNamed && (kind === 'missing' || kind === 'wrong') && [score, selfConfidence].every(Number.isFinite);
}
