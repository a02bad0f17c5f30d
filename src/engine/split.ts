// The request `split`: one annotation file as a training and a validation file, or as folds, with every category in proportion.
import { join, resolve } from 'node:path';
import { labelSet } from '../dataset/labels';
import { openAnnotations } from '../dataset/index-cache';
import { groupsOf, sameImages } from '../dataset/same';
import { type SplitFile, writeSplitFiles } from '../dataset/split-files';
import { stratify } from '../dataset/stratify';
import type { CocoIndex, LabelledSet } from '../dataset/types';
import { LabelscopeError } from '../protocol/errors';
import type { SplitParams, SplitResult } from '../protocol/health';
import type { CountProgress, InspectProgress } from '../protocol/messages';
import { isDone, sparingly } from '../protocol/sparingly';
import { makeFolder } from './client/atomic';
import type { Opening } from './context';
import { depthFor } from './health';
import { checkPixels, folderOf } from './health-report';
import { unhurried } from './client/unhurried';

/** Throws LabelscopeError 'split-too-few', 'write-failed', and what reading the file and writing the new ones throws. */
export async function splitDataset(
  params: SplitParams,
  { signal, runsFolder }: Opening,
  emit: (progress: InspectProgress) => void,
): Promise<SplitResult> {
  const index = await openAnnotations(resolve(params.annotations), {
    signal,
    runsFolder,
    onProgress: (bytes, totalBytes) => emit({ bytes, totalBytes }),
  });
  const set = labelSet(index, { includeUnlabeled: true });
  const shares = sharesOf(params.parts);
  if (set.images.length < shares.length) throw tooFew(index.path, set.images.length, shares.length);
  // Images are only looked at to find those that are the same: without them the file can be divided all the same.
  const found = await folderOf(index, { explicit: params.images === undefined ? undefined : resolve(params.images) });
  const folder = found?.folder;
  const { bytes } = index;
  const onImages = sparingly((images: CountProgress) => emit({ bytes, totalBytes: bytes, images }), isDone);
  const together = await samePictures(index, folder, params, { signal, onProgress: onImages });
  const parts = stratify(set, { shares, seed: params.seed, together });
  const out = resolve(params.out);
  await makeFolder(out);
  const files = filesOf(out, params.parts);
  const onProgress = (done: number, totalBytes: number) => emit({ bytes: done, totalBytes });
  const written = await writeSplitFiles(index, parts, files, { signal, onProgress });
  return {
    files: written.map((file, k) => ({ ...file, which: files[k]!.which })),
    categories: countsOf(set, parts, files),
    imageFolder: folder ?? null,
    together: together.length,
    leftOut: index.annotations.withoutImage,
  };
}

function sharesOf(parts: SplitParams['parts']): number[] {
  if (parts.kind === 'fraction') return [1 - parts.fraction, parts.fraction];
  return Array.from({ length: parts.folds }, () => 1 / parts.folds);
}

interface NamedFile extends SplitFile {
  readonly which: 'train' | 'validation';
}

/** Fold k is validated by part k and trained on all others. The names are such that a training file finds its validation file. */
function filesOf(out: string, parts: SplitParams['parts']): NamedFile[] {
  if (parts.kind === 'fraction')
    return [
      { path: join(out, 'instances_train.json'), parts: [0], which: 'train' },
      { path: join(out, 'instances_val.json'), parts: [1], which: 'validation' },
    ];
  const all = Array.from({ length: parts.folds }, (_, part) => part);
  return all.flatMap((fold): NamedFile[] => [
    { path: join(out, `fold${fold + 1}_train.json`), parts: all.filter((part) => part !== fold), which: 'train' },
    { path: join(out, `fold${fold + 1}_val.json`), parts: [fold], which: 'validation' },
  ]);
}

async function samePictures(
  index: CocoIndex,
  folder: string | undefined,
  { checkImages }: SplitParams,
  options: { signal: AbortSignal; onProgress: (progress: CountProgress) => void },
): Promise<string[][]> {
  if (folder === undefined || depthFor(checkImages, index.images.length) !== 'pixels') return [];
  const checks = await checkPixels({ index, folder }, options);
  const { repeated } = await unhurried(sameImages(checks), options.signal);
  const groups = groupsOf(checks.length, repeated);
  return groups.map((rows) => rows.map((row) => index.images[row]!.fileName));
}

function countsOf(set: LabelledSet, parts: Uint8Array, files: readonly SplitFile[]): SplitResult['categories'] {
  const width = set.categories.length;
  return set.categories.map((name, column) => {
    const rows = Array.from(parts.keys()).filter((row) => set.labels[row * width + column] === 1);
    return { name, images: files.map((file) => rows.filter((row) => file.parts.includes(parts[row]!)).length) };
  });
}

function tooFew(path: string, images: number, parts: number): LabelscopeError {
  return new LabelscopeError(
    'split-too-few',
    `${path} has ${images} images, too few for ${parts} parts. Ask for fewer, or add images.`,
  );
}
