// images.<split>.json of a run folder, beside the scores that it belongs to. Nothing of the file is trusted.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FACTS_FORMAT, type ImageFactsFile, type ScoresFile } from '../../protocol/run';
import { factsName, isObject, parsed } from './folder';

/** Undefined where there is none, or none that belongs to these scores: evaluations of older versions left none behind. */
export async function readImageFacts(folder: string, split: string, scores: ScoresFile): Promise<ImageFactsFile | undefined> {
  const text = await readFile(join(folder, factsName(split)), 'utf8').catch(() => '');
  const file = parsed(text);
  return isFacts(file, scores) ? file : undefined;
}

type Loose = Record<string, unknown>;

function isFacts(value: unknown, { images }: ScoresFile): value is ImageFactsFile {
  if (!isObject(value) || value.format !== FACTS_FORMAT) return false;
  const { images: facts, fields, leftOut } = value;
  if (!Array.isArray(facts) || facts.length !== images.length) return false;
  if (!facts.every((one, k) => isImage(one, images[k]!.file_name, images[k]!.labels.length))) return false;
  return isList(fields, (field) => isField(field, images.length)) && isList(leftOut, (one) => typeof one.name === 'string');
}

function isList(value: unknown, holds: (item: Loose) => boolean): boolean {
  return Array.isArray(value) && value.every((item) => isObject(item) && holds(item));
}

const isSize = (value: unknown) => value === null || (typeof value === 'number' && value > 0);
const isArea = (value: unknown) => value === null || value === 'crowd' || (typeof value === 'number' && value >= 0);

function isImage(value: unknown, fileName: string, labels: number): boolean {
  if (!isObject(value) || value.file_name !== fileName || !isSize(value.width) || !isSize(value.height)) return false;
  return Array.isArray(value.areas) && value.areas.length === labels && value.areas.every(isArea);
}

function isField({ name, values }: Loose, images: number): boolean {
  const isElement = (value: unknown) => ['string', 'number', 'boolean'].includes(typeof value);
  const isValue = (value: unknown) => value === null || (Array.isArray(value) ? value.every(isElement) : isElement(value));
  return typeof name === 'string' && Array.isArray(values) && values.length === images && values.every(isValue);
}
