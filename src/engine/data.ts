// Splits: which images a run trains on, which it is judged by, and where they lie.
import { resolve } from 'node:path';
import { findImageFolder, findValidationFile, type Partner, resolveImages, sampleOf } from '../dataset/images';
import { labelSet, takeRows } from '../dataset/labels';
import { openAnnotations } from '../dataset/index-cache';
import { groupsOf, sameImages } from '../dataset/same';
import { splitByHash, splitStratified } from '../dataset/split';
import { packPaths, packTexts } from '../dataset/texts';
import type { CocoIndex, LabelledSet, Labels, Listed } from '../dataset/types';
import { LabelscopeError } from '../protocol/errors';
import type { CountProgress, FailedFile, TrainParams } from '../protocol/messages';
import type { Recipe } from '../protocol/recipe';
import type { SplitPart, SplitSource } from '../protocol/run';
import type { Opening } from './context';
import { checkImages, depthFor } from './health';
import { unhurried } from './client/unhurried';

export interface Split {
  readonly set: LabelledSet;
  /** Where each image lies. */
  readonly paths: readonly string[];
  readonly source: SplitSource;
  /** Images of the annotation file that are missing or may not be read. */
  readonly failed: readonly FailedFile[];
}

/** A split as training holds it for hours: what it needs of an image takes some tens of bytes, where a name alone is an object of as many. */
export interface HeldSplit extends Pick<Split, 'source' | 'failed'> {
  readonly set: Labels;
  /** The id of each image. */
  readonly ids: Listed<string>;
  readonly paths: Listed<string>;
}

export function held({ set: { categories, images, labels }, paths, source, failed }: Split): HeldSplit {
  const set = { categories, images: { length: images.length }, labels };
  return { set, ids: packTexts(images.map(({ id }) => id)), paths: packPaths(paths), source, failed };
}

interface OpenOptions extends Opening {
  /** Like `images`, from the working folder where it is relative. */
  readonly annotations: string;
  readonly images: string | undefined;
  /** Where the images of the file are that belongs to it. */
  readonly partner?: Partner;
  readonly categories: readonly string[] | undefined;
  /** What the annotation file has to be: its fingerprint, and what it held. */
  readonly known?: Pick<SplitSource, 'fingerprint' | 'holds'>;
  readonly includeUnlabeled: boolean;
  readonly say: (message: string) => void;
  readonly onProgress?: (bytes: number, totalBytes: number) => void;
}

/** Both splits of a new run. Without a validation file, given or found, a share of the training images is kept for validation. */
export async function openSplits(
  params: TrainParams,
  recipe: Recipe,
  { signal, runsFolder }: Opening,
  say: (message: string) => void,
): Promise<{ train: HeldSplit; validation: HeldSplit }> {
  const shared = { includeUnlabeled: recipe.includeUnlabeled, signal, runsFolder, say };
  const whole = await openSplit({
    ...shared,
    annotations: params.annotations,
    images: params.images,
    categories: params.categories,
  });
  const file = params.validation === undefined ? await findValidationFile(params.annotations) : params.validation;
  if (file === undefined || file === null) {
    const together = await samePictures(whole, signal);
    const share = `${Math.round(100 * recipe.validationFraction)} % of its images are kept for validation`;
    const groups = together.length === 0 ? '' : `; ${together.length} groups of nearly the same images stay on one side`;
    const why = file === null ? 'As was asked for' : `No validation file was found beside ${params.annotations}`;
    say(`${why}: ${share}, each category in proportion${groups}.`);
    const { train, validation } = parts(whole, {
      fraction: recipe.validationFraction,
      seed: params.seed,
      method: 'stratified',
      ...(together.length > 0 && { together }),
    });
    return { train: held(train), validation: held(validation) };
  }
  const validation = await openSplit({
    ...shared,
    annotations: file,
    images: params.validationImages,
    partner: { folder: whole.source.images, fileNames: whole.declared.images.map(({ fileName }) => fileName) },
    categories: whole.set.categories,
  });
  return { train: held(whole), validation: held(validation) };
}

/**
 * The same split again, for a resumed run or an evaluation.
 *
 * @throws LabelscopeError 'annotations-changed' where the file is not the one that the run was made with
 */
export async function reopenSplit(
  source: SplitSource,
  categories: readonly string[],
  includeUnlabeled: boolean,
  { signal, runsFolder }: Opening,
): Promise<Split> {
  const { annotations, images } = source;
  const options = { annotations, images, known: source, categories, includeUnlabeled, signal, runsFolder };
  const split = await openSplit({ ...options, say: () => undefined });
  if (!source.part) return bare(split);
  return parts(split, source.part)[source.part.which];
}

/** Without the index of the file, which is much larger. */
function bare({ set, paths, source, failed }: Split): Split {
  return { set, paths, source, failed };
}

/** With the images whose files are missing: a split must not depend on which files are there today. */
interface OpenedSplit extends Split {
  readonly declared: LabelledSet;
  readonly index: CocoIndex;
}

/** All usable images of one annotation file. The paths in its source are absolute: a run may be opened from any folder. */
export async function openSplit(options: OpenOptions): Promise<OpenedSplit> {
  const annotations = resolve(options.annotations);
  const { signal, runsFolder, onProgress } = options;
  const index = await openAnnotations(annotations, { signal, runsFolder, onProgress });
  const holds = holdingsOf(index);
  if (options.known && options.known.fingerprint !== index.fingerprint) throw changed(annotations, options.known.holds, holds);
  const set = labelSet(index, {
    ...(options.categories && { categories: options.categories }),
    includeUnlabeled: options.includeUnlabeled,
  });
  const { folder, how } = await findImageFolder(annotations, sampleOf(set.images), {
    explicit: options.images === undefined ? undefined : resolve(options.images),
    partner: options.partner,
  });
  options.say(`${set.images.length} images of ${annotations}; image folder: ${folder} (${how}).`);
  const found = await resolveImages(set, folder, annotations);
  const failed = found.problems.map(({ fileName, message }) => ({ file: fileName, error: message }));
  const source = { annotations, images: folder, fingerprint: index.fingerprint, holds, count: found.set.images.length };
  return { set: found.set, declared: set, index, paths: found.paths, source, failed };
}

/** File names of the images that are the same picture or nearly so; in large sets nobody looks. */
export async function samePictures(
  { set, paths }: Split,
  signal: AbortSignal,
  onProgress: (progress: CountProgress) => void = () => undefined,
): Promise<readonly (readonly string[])[]> {
  if (depthFor(undefined, paths.length) !== 'pixels') return [];
  const checks = await checkImages(paths, 'pixels', { signal, onProgress });
  const { repeated } = await unhurried(sameImages(checks), signal);
  const groups = groupsOf(paths.length, repeated);
  return groups.map((rows) => rows.map((row) => set.images[row]!.fileName));
}

function parts(whole: OpenedSplit, how: Omit<SplitPart, 'which'>): { train: Split; validation: Split } {
  const pathOf = new Map(whole.set.images.map(({ fileName }, row) => [fileName, whole.paths[row]!]));
  const { fraction, seed, method, together } = how;
  const sets =
    method === 'stratified'
      ? splitStratified(whole.declared, { fraction, seed, together })
      : splitByHash(whole.set, fraction, seed);
  const present = (set: LabelledSet) =>
    takeRows(
      set,
      set.images.flatMap(({ fileName }, row) => (pathOf.has(fileName) ? [row] : [])),
    );
  const part = (which: 'train' | 'validation'): Split => {
    const set = present(sets[which]);
    if (set.images.length === 0) throw tooFew(whole.source.annotations);
    return {
      set,
      paths: set.images.map(({ fileName }) => pathOf.get(fileName)!),
      source: { ...whole.source, count: set.images.length, part: { ...how, which } },
      // They belong to neither part; told once.
      failed: which === 'train' ? whole.failed : [],
    };
  };
  return { train: part('train'), validation: part('validation') };
}

function tooFew(annotations: string): LabelscopeError {
  return new LabelscopeError(
    'too-few-images',
    `${annotations} has one usable image: too few to train and to validate. Add images, or name a validation file with --validation.`,
  );
}

type Holdings = NonNullable<SplitSource['holds']>;

const holdingsOf = ({ images, annotations, categories }: CocoIndex): Holdings => ({
  images: images.length,
  annotations: annotations.count,
  categories: categories.length,
});

function changed(annotations: string, before: Holdings | undefined, now: Holdings): LabelscopeError {
  return new LabelscopeError(
    'annotations-changed',
    `${annotations} is not the file that the run was made with: ${whatChanged(before, now)}. Put the old one back, or train a new run.`,
  );
}

function whatChanged(before: Holdings | undefined, now: Holdings): string {
  if (!before) return 'it has changed';
  const kinds = (Object.keys(now) as (keyof Holdings)[]).filter((kind) => before[kind] !== now[kind]);
  if (kinds.length > 0) return `it had ${kinds.map((kind) => `${before[kind]} ${kind} and now has ${now[kind]}`).join(', ')}`;
  return 'its text has changed, though it has as many images, annotations and categories as before';
}
