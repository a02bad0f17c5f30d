// What a run folder holds of where its model looks: pointing.json and sanity.json. Nothing of a file is trusted.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LookingData, PointingResult, SanityResult } from '../../protocol/looking';
import { isObject, parsed } from './folder';

export const POINTING = 'pointing.json';
export const SANITY = 'sanity.json';

export async function readLooking(folder: string): Promise<LookingData> {
  const [pointing, sanity] = await Promise.all([POINTING, SANITY].map((name) => readJson(join(folder, name))));
  return { pointing: isPointing(pointing) ? pointing : null, sanity: isSanity(sanity) ? sanity : null };
}

async function readJson(path: string): Promise<unknown> {
  return parsed(await readFile(path, 'utf8').catch(() => ''));
}

function isPointing(value: unknown): value is PointingResult {
  if (!isObject(value) || !isOfSplit(value)) return false;
  const { perCategory, cases, overall, predicted, difficult, macro } = value;
  const isCase = (one: unknown) => isObject(one) && typeof one.file === 'string' && typeof one.category === 'string';
  const isSummary = (one: unknown) => isObject(one) && typeof one.category === 'string' && typeof one.cases === 'number';
  if (!Array.isArray(cases) || !Array.isArray(perCategory)) return false;
  return cases.every(isCase) && perCategory.every(isSummary) && [overall, predicted, difficult, macro].every(isObject);
}

function isSanity(value: unknown): value is SanityResult {
  if (!isObject(value) || !isOfSplit(value)) return false;
  const { stages, cascading, independent, otherImage, verdict } = value;
  const lists = [stages, cascading, independent];
  const isList = (list: unknown): list is unknown[] => Array.isArray(list) && list.length > 0 && list.every(isObject);
  return (
    lists.every(isList) &&
    new Set(lists.map(({ length }) => length)).size === 1 &&
    isObject(otherImage) &&
    ['depend', 'do-not-depend', 'unclear'].includes(String(verdict))
  );
}

function isOfSplit({ annotations, images, available, failed }: Record<string, unknown>): boolean {
  return typeof annotations === 'string' && [images, available].every(Number.isFinite) && Array.isArray(failed);
}
