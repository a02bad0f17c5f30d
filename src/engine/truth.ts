// The request `truth`: what the annotation files of a workspace say of one image. Parsed files are kept for the next image.
import { realpath, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { findFiles } from '../dataset/image-files';
import { findImageFolder, sampleOf } from '../dataset/images';
import { labelSet } from '../dataset/labels';
import { openAnnotations } from '../dataset/index-cache';
import type { LabelledSet } from '../dataset/types';
import { toWireError } from '../protocol/errors';
import type { BytesProgress, FailedFile, TruthParams, TruthResult } from '../protocol/messages';
import type { Opening } from './context';

/** Annotation files kept in memory: labels of a COCO 2017 split take some 10 MB. */
const MOST_KEPT = 8;

/** Rows by the base name of their file: names are compared before the disk is asked. */
interface Known {
  readonly set: LabelledSet;
  readonly rows: ReadonlyMap<string, readonly number[]>;
}

const known = new Map<string, Promise<Known>>();

export async function truth(
  { annotations, imageFolders = {}, file }: TruthParams,
  opening: Opening,
  emit: (progress: BytesProgress) => void,
): Promise<TruthResult> {
  const { signal } = opening;
  const failed: FailedFile[] = [];
  for (const path of annotations.map((name) => resolve(name))) {
    signal.throwIfAborted();
    try {
      const { set, rows } = await open(path, opening, emit);
      const labels = await labelsIn(set, rows.get(basename(file)) ?? [], { path, folder: imageFolders[path] }, resolve(file));
      if (labels) return { truth: { annotations: path, labels, known: set.categories }, failed };
    } catch (error) {
      signal.throwIfAborted();
      failed.push({ file: path, error: toWireError(error).message });
    }
  }
  return { truth: null, failed };
}

async function open(path: string, opening: Opening, emit: (progress: BytesProgress) => void): Promise<Known> {
  const { mtimeMs, size } = await stat(path);
  const key = `${path} ${mtimeMs} ${size}`;
  const opened = known.get(key) ?? read(path, opening, emit);
  known.delete(key);
  known.set(key, opened);
  opened.catch(() => known.delete(key));
  const [oldest] = known.keys();
  if (known.size > MOST_KEPT && oldest !== undefined) known.delete(oldest);
  return opened;
}

async function read(path: string, { signal, runsFolder }: Opening, emit: (progress: BytesProgress) => void): Promise<Known> {
  const onProgress = (bytes: number, totalBytes: number) => emit({ bytes, totalBytes });
  const index = await openAnnotations(path, { signal, runsFolder, onProgress });
  const set = labelSet(index, { includeUnlabeled: true });
  const rows = new Map<string, number[]>();
  set.images.forEach(({ fileName }, row) => {
    const name = basename(fileName);
    const same = rows.get(name) ?? [];
    same.push(row);
    rows.set(name, same);
  });
  return { set, rows };
}

/** The labels of the row whose file is this very one. */
async function labelsIn(
  { images, categories, labels }: LabelledSet,
  rows: readonly number[],
  annotations: { readonly path: string; readonly folder: string | undefined },
  file: string,
): Promise<string[] | undefined> {
  if (rows.length === 0) return undefined;
  const sample = [images[rows[0]!]!.fileName, ...sampleOf(images)];
  const { folder } = await findImageFolder(annotations.path, sample, { explicit: annotations.folder });
  const names = rows.map((row) => images[row]!.fileName);
  const found = await findFiles(names, folder);
  // One image may be reached by several ways.
  const real = await realpath(file);
  const places = await Promise.all(
    rows.map(async (row) => {
      const place = found.get(images[row]!.fileName)!;
      return 'path' in place && (await realpath(place.path)) === real ? row : undefined;
    }),
  );
  const at = places.find((row) => row !== undefined);
  return at === undefined ? undefined : categories.filter((_, c) => labels[at * categories.length + c] === 1);
}
