// What lies in a run folder, read for whoever shows it: record, history, evaluation, scores. Nothing of a file is trusted.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LabelscopeError } from '../../protocol/errors';
import type { EvaluateResult, HistoryPoint } from '../../protocol/messages';
import { type ImportRecord, RUN_FORMAT, type RunRecord, type ScoredImageRecord, type ScoresFile } from '../../protocol/run';

export const RECORD = 'run.json';
export const IMPORT_RECORD = 'import.json';
export const HISTORY = 'history.jsonl';
export const EVALUATION = 'evaluation.json';

/** scores.validation.json, scores.given.json */
export function scoresName(split: string): string {
  return `scores.${split}.json`;
}

/** images.validation.json, images.given.json */
export function factsName(split: string): string {
  return `images.${split}.json`;
}

/** @throws LabelscopeError 'run-missing', 'run-unreadable' or 'run-newer' naming the folder */
export async function readRecord(folder: string): Promise<RunRecord> {
  const path = join(folder, RECORD);
  const text = await readFile(path, 'utf8').catch(async () => {
    throw await noRun(folder);
  });
  const record = parsed(text);
  if (!isRunRecord(record)) throw damaged(path, 'it is no record of a run. Restore it or train again.');
  checkFormat(path, record.format);
  return record;
}

/** What stands in the place of a run's folder instead. */
async function noRun(folder: string): Promise<LabelscopeError> {
  const found = await stat(folder).catch(() => undefined);
  if (found && !found.isDirectory())
    return new LabelscopeError(
      'run-missing',
      `${folder} is no run folder but a file, and what is known of a model lies in its folder. Give the run's folder, or import the model first: labelscope import "${folder}"`,
    );
  const why = found ? 'it has no run.json' : 'it is not there';
  return new LabelscopeError('run-missing', `${folder} is no run folder: ${why}. Give the folder that training named.`);
}

/** The points of history.jsonl; a line that a crash cut off is left out. None where there is no history yet. */
export async function readHistory(folder: string): Promise<HistoryPoint[]> {
  const text = await readFile(join(folder, HISTORY), 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => {
    const point = parsed(line);
    return isPoint(point) ? [point] : [];
  });
}

/** @throws LabelscopeError as `readRecord` */
export async function readRun(
  folder: string,
): Promise<{ readonly record: RunRecord; readonly history: readonly HistoryPoint[] }> {
  return { record: await readRecord(folder), history: await readHistory(folder) };
}

/** The record of an imported model; undefined where the folder holds none. @throws LabelscopeError 'run-unreadable', 'run-newer' */
export async function readImport(folder: string): Promise<ImportRecord | undefined> {
  const path = join(folder, IMPORT_RECORD);
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const record = parsed(text);
  if (!isImportRecord(record)) throw damaged(path, 'it is no record of an imported model. Import the model again.');
  checkFormat(path, record.format);
  return record;
}

export interface StoredEvaluation {
  readonly result: EvaluateResult;
  readonly scores: ScoresFile;
}

/** The newest evaluation with its scores; undefined where there is none. @throws LabelscopeError 'evaluation-unreadable' */
export async function readEvaluation(folder: string): Promise<StoredEvaluation | undefined> {
  const result = await readEvaluationResult(folder);
  if (!result) return undefined;
  const scores = await readScores(folder, result.split);
  if (!scores) throw damagedEvaluation(join(folder, scoresName(result.split)));
  return { result, scores };
}

/** Where `readEvaluation` finds none. */
export async function whyNoEvaluation(folder: string): Promise<LabelscopeError> {
  const found = await stat(folder).catch(() => undefined);
  if (!found?.isDirectory()) return noRun(folder);
  return new LabelscopeError(
    'evaluation-missing',
    `${folder} holds no evaluation. Give the folder of a run, and evaluate it first: labelscope evaluate "${folder}"`,
  );
}

/** scores.<split>.json; undefined where it is missing or damaged. */
export async function readScores(folder: string, split: EvaluateResult['split']): Promise<ScoresFile | undefined> {
  const scores = parsed(await readFile(join(folder, scoresName(split)), 'utf8').catch(() => ''));
  return isScores(scores) ? scores : undefined;
}

/** evaluation.json alone: the numbers without the scores. @throws LabelscopeError 'evaluation-unreadable' */
export async function readEvaluationResult(folder: string): Promise<EvaluateResult | undefined> {
  const path = join(folder, EVALUATION);
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const result = parsed(text);
  if (!isEvaluation(result)) throw damagedEvaluation(path);
  return result;
}

export function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function checkFormat(path: string, format: number): void {
  if (format <= RUN_FORMAT) return;
  throw new LabelscopeError(
    'run-newer',
    `${path} was written by a newer Labelscope (format ${format}). Update Labelscope to use it.`,
  );
}

function damaged(path: string, detail: string): LabelscopeError {
  return new LabelscopeError('run-unreadable', `${path} is damaged: ${detail}`);
}

function damagedEvaluation(path: string): LabelscopeError {
  return new LabelscopeError(
    'evaluation-unreadable',
    `${path} is missing, damaged or of an older version. Evaluate the model again.`,
  );
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isRunRecord(value: unknown): value is RunRecord {
  if (!isObject(value) || typeof value.format !== 'number' || !isTexts(value.categories)) return false;
  return [value.recipe, value.train, value.validation].every(isObject);
}

function isImportRecord(value: unknown): value is ImportRecord {
  return isObject(value) && typeof value.format === 'number' && typeof value.name === 'string' && isTexts(value.categories);
}

function isPoint(value: unknown): value is HistoryPoint {
  return isObject(value) && typeof value.iteration === 'number' && typeof value.loss === 'number';
}

function isEvaluation(value: unknown): value is EvaluateResult {
  if (!isObject(value) || (value.split !== 'validation' && value.split !== 'given') || !isObject(value.evaluation)) return false;
  const { categories, perCategory, micro, macro, sweep } = value.evaluation;
  return isTexts(categories) && Array.isArray(perCategory) && Array.isArray(sweep) && isObject(micro) && isObject(macro);
}

function isScores(value: unknown): value is ScoresFile {
  if (!isObject(value) || !isTexts(value.categories) || !Array.isArray(value.images)) return false;
  const width = value.categories.length;
  return value.images.every(
    (image) => isScoredImage(image) && [image.scores, image.uncalibrated ?? image.scores].every(({ length }) => length === width),
  );
}

function isScoredImage(value: unknown): value is ScoredImageRecord {
  if (!isObject(value) || typeof value.path !== 'string' || !isTexts(value.labels)) return false;
  return isProbabilities(value.scores) && (value.uncalibrated === undefined || isProbabilities(value.uncalibrated));
}

function isProbabilities(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((score) => typeof score === 'number' && score >= 0 && score <= 1);
}
