// The request `fix`: an annotation file without the faults whose repair is certain, as a new file.
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Fault, faultsOf } from '../dataset/faults';
import { writeRepaired } from '../dataset/fix';
import { openAnnotations } from '../dataset/index-cache';
import type { CocoIndex } from '../dataset/types';
import { LabelscopeError } from '../protocol/errors';
import type { FixParams, FixResult } from '../protocol/health';
import type { CountProgress, InspectProgress } from '../protocol/messages';
import { isDone, sparingly } from '../protocol/sparingly';
import type { Opening } from './context';
import { checkImages, depthFor, type ImageCheck } from './health';
import { folderOf, pathsOf } from './health-report';

/** Throws LabelscopeError 'nothing-to-fix', and what reading the file and writing the new one throws. */
export async function fixDataset(
  { annotations, images, out, codes }: FixParams,
  { signal, runsFolder }: Opening,
  emit: (progress: InspectProgress) => void,
): Promise<FixResult> {
  const onProgress = (bytes: number, totalBytes: number) => emit({ bytes, totalBytes });
  const index = await openAnnotations(resolve(annotations), { signal, runsFolder, onProgress });
  const { bytes } = index;
  const onImages = sparingly((progress: CountProgress) => emit({ bytes, totalBytes: bytes, images: progress }), isDone);
  const found = await folderOf(index, { explicit: images === undefined ? undefined : resolve(images) });
  const wantsSizes = codes === undefined || codes.some((code) => code.startsWith('image-size'));
  const checks = wantsSizes ? await checkSizes(index, found?.folder, { signal, onProgress: onImages }) : [];
  const faults = (await faultsOf(index, checks, signal)).filter(({ code, repair }) => repair && (codes?.includes(code) ?? true));
  if (faults.length === 0) throw nothingToFix(index.path, codes);
  const path = out === undefined ? await newName(index.path, 'fixed') : resolve(out);
  await writeRepaired(index, faults, path, { signal, onProgress });
  return { path, fixed: countsOf(faults) };
}

/** The sizes that the image files have; none for large sets. */
export async function checkSizes(
  index: CocoIndex,
  folder: string | undefined,
  options: { readonly signal: AbortSignal; readonly onProgress: (progress: CountProgress) => void },
): Promise<(ImageCheck | undefined)[]> {
  if (folder === undefined || depthFor(undefined, index.images.length) === 'none') return [];
  return checkImages(await pathsOf({ index, folder }), 'headers', options);
}

export function countsOf(faults: readonly Fault[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { code } of faults) counts[code] = (counts[code] ?? 0) + 1;
  return counts;
}

/** With the word 'fixed': instances_train.json → instances_train.fixed.json, instances_train.fixed-2.json, … */
export async function newName(path: string, word: string): Promise<string> {
  const stem = path.replace(/(\.json)?(\.gz)?$/i, '');
  for (let k = 1; ; k++) {
    const name = `${stem}.${word}${k === 1 ? '' : `-${k}`}.json`;
    const isThere = await stat(name).then(
      () => true,
      () => false,
    );
    if (!isThere) return name;
  }
}

function nothingToFix(path: string, codes: readonly string[] | undefined): LabelscopeError {
  const what = codes === undefined ? '' : ` of ${codes.join(', ')}`;
  return new LabelscopeError(
    'nothing-to-fix',
    `${path} has no fault${what} whose repair is certain. See what is wrong with: labelscope inspect "${path}"`,
  );
}
