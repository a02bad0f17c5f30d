// The image folder that belongs to an annotation file, the usable images of a labelled set, and the validation file beside it.
import { stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { DatasetError } from './errors';
import { eachFile, findFiles, isFolder, type FileProblem } from './image-files';
import { takeRows } from './labels';
import type { LabelledSet } from './types';

interface ImageFolder {
  readonly folder: string;
  /** How it was found, for people. */
  readonly how: string;
  readonly tried: readonly string[];
}

interface Wanted {
  /** The folder that a person named: no other is tried. */
  readonly explicit?: string | undefined;
  /** Where the images of the file are that belongs to it: tried last. */
  readonly partner?: Partner | undefined;
}

export interface Partner {
  readonly folder: string;
  /** Images with names of its own do not show that others with these names lie there too: exporters number each split from one. */
  readonly fileNames: Iterable<string>;
}

/** Images whose files are enough to know a folder by. */
const SAMPLE = 20;

export const sampleOf = (images: readonly { readonly fileName: string }[]): string[] =>
  images.slice(0, SAMPLE).map(({ fileName }) => fileName);

/**
 * The folder of an annotation file's images: `explicit`, else where COCO and other exporters put it: for
 * instances_train2017.json train2017, ../train2017, ../images/train2017, images, the file's own folder, ../images, ...
 * The first that holds all of `sample` (some file names of the set) is taken, else the one with most of them.
 * Throws DatasetError: image-folder-missing (`explicit` is no folder), image-folder-not-found.
 */
export async function findImageFolder(
  annotationPath: string,
  sample: readonly string[],
  { explicit, partner }: Wanted = {},
): Promise<ImageFolder> {
  if (explicit !== undefined) {
    await findFiles([], explicit);
    return { folder: explicit, how: 'as given', tried: [explicit] };
  }
  const own = dirname(annotationPath);
  const tried = candidateFolders(annotationPath);
  const besides = partner !== undefined && !tried.includes(partner.folder) ? partner : undefined;
  if (besides) tried.push(besides.folder);
  const known = new Set(besides?.fileNames);
  let best = { folder: '', hits: 0 };
  for (const folder of tried) {
    const hits = await countHits(folder, folder === besides?.folder ? sample.filter((name) => !known.has(name)) : sample);
    if (hits > best.hits) best = { folder, hits };
    if (hits === sample.length && hits > 0) break;
  }
  if (best.hits === 0) throw folderNotFound(annotationPath, sample, tried);
  const place = relative(own, best.folder) || 'the same folder';
  const how =
    best.folder === besides?.folder
      ? 'where the images of the other file are'
      : `found beside ${basename(annotationPath)}: ${place}`;
  return { folder: best.folder, how, tried };
}

function candidateFolders(annotationPath: string): string[] {
  const files = [annotationPath, ...wholeOf(annotationPath)].map(unrepaired);
  return [...new Set(files.flatMap(foldersBeside))];
}

function foldersBeside(annotationPath: string): string[] {
  const stem = basename(annotationPath).replace(/(\.json)?(\.gz)?$/i, '');
  const split = stem.slice(stem.lastIndexOf('_') + 1);
  const names = [split, `../${split}`, `../images/${split}`, 'images', '.', '../images', `images/${split}`, '..'];
  return names.map((name) => join(dirname(annotationPath), name));
}

/** The files in instances_train2017-split are parts of the instances_train2017.json beside that folder, and have its images. */
function wholeOf(annotationPath: string): string[] {
  const whole = /^(.+)-split$/.exec(dirname(resolve(annotationPath)));
  return whole === null ? [] : [`${whole[1]!}.json`];
}

/** instances_val.fixed.json and instances_val.fixed-2.json are repaired copies of instances_val.json. */
const unrepaired = (annotationPath: string): string => annotationPath.replace(/\.fixed(-\d+)?(?=(\.json)?(\.gz)?$)/i, '');

async function countHits(folder: string, sample: readonly string[]): Promise<number> {
  if (!(await isFolder(folder))) return 0;
  const found = await findFiles(sample, folder);
  return sample.filter((fileName) => 'path' in found.get(fileName)!).length;
}

function folderNotFound(annotationPath: string, sample: readonly string[], tried: readonly string[]): DatasetError {
  return new DatasetError(
    'image-folder-not-found',
    `The images of ${annotationPath} (such as ${sample[0] ?? 'none'}) were not found in any of: ${tried.join(', ')}. ` +
      'Say where they are with --images DIR, those of a validation file with --validation-images DIR.',
    annotationPath,
  );
}

interface ResolvedImages {
  /** Only the images that can be read, with `paths[i]` the file of `set.images[i]`. */
  readonly set: LabelledSet;
  readonly paths: readonly string[];
  readonly problems: readonly FileProblem[];
}

/** More than this part missing means that the folder is wrong rather than incomplete. */
const TOLERATED = 0.2;

/** Throws DatasetError: image-folder-missing, images-missing (over 20 %), no-usable-images. */
export async function resolveImages(set: LabelledSet, folder: string, annotationPath: string): Promise<ResolvedImages> {
  const names = set.images.map((image) => image.fileName);
  const found = new Array<string | FileProblem>(names.length);
  await eachFile(names, folder, (row, file) => (found[row] = 'path' in file ? file.path : file));
  const problems = found.filter((file) => typeof file !== 'string');
  checkEnough(problems, set.images.length, { folder, annotationPath });
  if (problems.length === 0) return { set, paths: found as string[], problems };
  const rows = [...found.keys()].filter((row) => typeof found[row] === 'string');
  return { set: takeRows(set, rows), paths: rows.map((row) => found[row] as string), problems };
}

interface Place {
  readonly folder: string;
  readonly annotationPath: string;
}

function checkEnough(problems: readonly FileProblem[], total: number, { folder, annotationPath }: Place): void {
  const missing = problems.filter((problem) => problem.code === 'image-missing');
  const examples = (of: readonly FileProblem[]) =>
    of
      .slice(0, 3)
      .map((problem) => problem.fileName)
      .join(', ');
  if (missing.length > TOLERATED * total)
    throw new DatasetError(
      'images-missing',
      `${missing.length} of ${total} images of ${annotationPath} are not in ${folder} (such as ${examples(missing)}): it is probably not their folder. ` +
        'Say where they are with --images DIR, those of a validation file with --validation-images DIR.',
      folder,
    );
  if (total > 0 && problems.length === total)
    throw new DatasetError(
      'no-usable-images',
      `None of the ${total} images of ${annotationPath} can be used: their names lead out of ${folder} (such as ${examples(problems)}). ` +
        'Write names relative to the image folder into the annotation file.',
      folder,
    );
}

const VALIDATION_NAMES = ['val', 'valid', 'validation', 'test'];

/** The file beside a training file that holds its validation images: *train* → *val*, *valid*, *validation*, *test*. */
export async function findValidationFile(annotationPath: string): Promise<string | undefined> {
  for (const candidate of validationCandidates(annotationPath)) {
    const isFile = await stat(candidate).then(
      (entry) => entry.isFile(),
      () => false,
    );
    if (isFile) return candidate;
  }
  return undefined;
}

function validationCandidates(annotationPath: string): string[] {
  return [...new Set([annotationPath, unrepaired(annotationPath)].flatMap(partnersOf))];
}

function partnersOf(annotationPath: string): string[] {
  const [name, folder] = [basename(annotationPath), dirname(annotationPath)];
  const inName = replaceTrain(name).map((other) => join(folder, other));
  // Roboflow's layout: train/_annotations.coco.json beside valid/_annotations.coco.json.
  const above = dirname(resolve(folder));
  const inFolder = replaceTrain(basename(resolve(folder))).map((other) => join(above, other, name));
  return inName.length > 0 ? inName : inFolder;
}

function replaceTrain(name: string): string[] {
  const parts = /^(.*)train(?:ing)?(.*)$/is.exec(name);
  return parts === null ? [] : VALIDATION_NAMES.map((word) => parts[1]! + word + parts[2]!);
}
