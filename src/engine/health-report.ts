// The findings that need more than one annotation file: the validation file beside it, and the images of both.
import { resolve } from 'node:path';
import { categoryPairFindings, namePairFindings } from '../dataset/findings-pair';
import { imageFindings, leakFindings, repeatedPictureFindings } from '../dataset/findings-images';
import { findFiles } from '../dataset/image-files';
import { findImageFolder, findValidationFile, type Partner, sampleOf } from '../dataset/images';
import { labelsOfRows } from '../dataset/labels';
import { openAnnotations } from '../dataset/index-cache';
import { sameImages } from '../dataset/same';
import type { CocoIndex, Finding } from '../dataset/types';
import { toWireError } from '../protocol/errors';
import type { CheckDepth, CountProgress, InspectParams } from '../protocol/messages';
import type { Opening } from './context';
import { checkImages, depthFor, type ImageCheck } from './health';
import { unhurried } from './client/unhurried';

/** An annotation file and the folder of its images, where one was found. */
interface Opened {
  readonly index: CocoIndex;
  readonly folder: string | undefined;
}

interface Health {
  readonly validation: string | null;
  readonly checkedImages: CheckDepth;
  readonly suggestedCheck: CheckDepth;
  readonly findings: readonly Finding[];
}

interface HealthOptions extends Opening {
  readonly onProgress: (progress: CountProgress) => void;
}

/** Throws what reading `params.validation` throws where it was given; one that was only found by its name becomes a finding. */
export async function healthOf(train: Opened, params: InspectParams, options: HealthOptions): Promise<Health> {
  const path = params.validation === undefined ? await findValidationFile(train.index.path) : resolve(params.validation);
  const opened = path === undefined ? undefined : await openValidation(path, params, partnerOf(train), options);
  const validation = opened && 'index' in opened ? opened : undefined;
  const images = train.index.images.length + (validation?.index.images.length ?? 0);
  const depth = depthFor(params.checkImages, images);
  const findings = depth === 'none' ? namesAlone(train, validation) : await looked(train, validation, depth, options);
  return {
    validation: path ?? null,
    checkedImages: depth,
    suggestedCheck: depthFor(undefined, images),
    findings: [
      ...(opened && 'code' in opened ? [opened] : []),
      ...(validation && validation.folder === undefined ? [imagesNotFound(validation.index)] : []),
      ...(validation ? categoryPairFindings(train.index, validation.index) : []),
      ...findings,
    ],
  };
}

function partnerOf({ index, folder }: Opened): Partner | undefined {
  return folder === undefined ? undefined : { folder, fileNames: index.images.map(({ fileName }) => fileName) };
}

async function openValidation(
  path: string,
  params: InspectParams,
  partner: Partner | undefined,
  { signal, runsFolder }: Opening,
): Promise<Opened | Finding> {
  try {
    const index = await openAnnotations(path, { signal, runsFolder });
    const explicit = params.validationImages === undefined ? undefined : resolve(params.validationImages);
    return { index, folder: (await folderOf(index, { explicit, partner }))?.folder };
  } catch (error) {
    signal.throwIfAborted();
    if (params.validation !== undefined) throw error;
    return {
      code: 'validation-unreadable',
      severity: 'warning',
      message: `The validation file that lies beside it cannot be used. ${toWireError(error).message}`,
      remedy: 'Correct it, or name another with --validation.',
      count: 1,
      examples: [path],
    };
  }
}

/** Training would end with it: better told while the data are looked at. */
function imagesNotFound({ path, images }: CocoIndex): Finding {
  return {
    code: 'validation-images-not-found',
    severity: 'warning',
    message: `The images of the validation file ${path} were not found: nothing can be trained with it, and nobody looked whether some of them are training images too.`,
    remedy: 'Name their folder with --validation-images DIR.',
    count: images.length,
    examples: sampleOf(images).slice(0, 3),
  };
}

/** Undefined where it is not found; throws where the folder that a person named is none. */
export async function folderOf(
  index: CocoIndex,
  wanted: Parameters<typeof findImageFolder>[2] = {},
): Promise<Awaited<ReturnType<typeof findImageFolder>> | undefined> {
  return findImageFolder(index.path, sampleOf(index.images), wanted).catch((error: unknown) => {
    if (wanted.explicit !== undefined) throw error;
    return undefined;
  });
}

function namesAlone(train: Opened, validation: Opened | undefined): Finding[] {
  if (!validation) return [];
  return namePairFindings(train.index, validation.index, train.folder !== undefined && train.folder === validation.folder);
}

async function looked(
  train: Opened,
  validation: Opened | undefined,
  depth: 'headers' | 'pixels',
  options: HealthOptions,
): Promise<Finding[]> {
  const [ours, theirs] = [await pathsOf(train), validation ? await pathsOf(validation) : []];
  const checks = await checkImages([...ours, ...theirs], depth, options);
  const [own, others] = [checks.slice(0, ours.length), checks.slice(ours.length)];
  const sizes = imageFindings(train.index, own);
  if (depth === 'headers') return [...sizes, ...namesAlone(train, validation)];
  const { repeated, leaked } = await unhurried(sameImages(own, others), options.signal);
  const labels = labelsOfRows(train.index, new Set(repeated.flatMap(({ a, b }) => [a, b])));
  return [
    ...sizes,
    ...repeatedPictureFindings(train.index, repeated, (row) => labels.get(row) ?? ''),
    ...(validation ? leakFindings(train.index, validation.index, leaked) : []),
  ];
}

/** Where the image of each record lies; undefined for those that are missing and for records that repeat a file. */
export async function pathsOf({ index, folder }: Opened): Promise<(string | undefined)[]> {
  if (folder === undefined) return index.images.map(() => undefined);
  const names = index.images.map(({ fileName }) => fileName);
  const files = await findFiles(names, folder);
  const seen = new Set<string>();
  return names.map((name) => {
    const file = files.get(name)!;
    return 'path' in file && seen.size !== seen.add(name).size ? file.path : undefined;
  });
}

/** Of the images of one file, the checks of their pixels, as a split needs them. */
export async function checkPixels(opened: Opened, options: HealthOptions): Promise<(ImageCheck | undefined)[]> {
  return checkImages(await pathsOf(opened), 'pixels', options);
}
