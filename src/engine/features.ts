// Pooled features of every image of a split: computed once, kept with the run block by block and in the cache for other runs.
import type { Labels, Listed } from '../dataset/types';
import type { Classifier } from '../onnx/classifier';
import { unreadableCounter } from './examples';
import type { FeatureCache, FeatureKey } from './feature-cache';
import { type FeatureMatrix, featureMatrix, type FeatureRows, pickRows } from './feature-matrix';
import { featureNetwork, type FeatureNetwork, type MissingFeature, pooledBatches } from './feature-network';
import { hashImages, type ImageHashes } from './image-hashes';
import { exists } from './run/folder';
import { readTensors, writeTensors } from './run/safetensors';
import type { LoadOptions } from './runtime/messages';
import type { Runtime } from './runtime/runtime';

export interface Features {
  /** The images that could be read, by their rows in the split. */
  readonly rows: readonly number[];
  /** One row for each of these images for each variant: the images as they are, then, if asked for, mirrored. */
  readonly variants: readonly FeatureRows[];
}

/** The same with the labels of these images. */
export interface FeatureTable extends Pick<Features, 'variants'> {
  readonly set: Labels;
}

export interface FeatureJob {
  /** The id of each image, by which the blocks of a run know theirs. */
  readonly ids: Listed<string>;
  readonly paths: Listed<string>;
  /** The folder of the images. */
  readonly images: string;
  readonly mirrored: boolean;
  /** The file of a block by its number: what it holds is not computed again. Absent where there is no run to keep blocks with. */
  readonly blockPath?: (block: number) => string;
  /** What other runs have computed. */
  readonly cache: FeatureCache;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number) => void;
  /** Told once for every row whose file cannot be read. */
  readonly onUnreadable: (message: string, row: number) => void;
}

/** Images of a block: some seconds' work on two cores, which is what a killed process loses. */
const BLOCK = 256;

/** @throws LabelscopeError 'images-unreadable' where more than a fifth of the images cannot be read, 'write-failed' */
export async function computeFeatures(
  runtime: Runtime,
  classifier: Classifier,
  options: LoadOptions,
  job: FeatureJob,
): Promise<Features> {
  const table = await newTable(job, classifier.featureCount);
  const starts = Array.from({ length: Math.ceil(job.paths.length / BLOCK) }, (_, block) => block * BLOCK);
  const unkept: number[] = [];
  for (const start of starts) if (!(await readBlock(start, job, table))) unkept.push(start);
  const hashes = await readCached(unkept, job, table);
  const network = featureNetwork(runtime, classifier, options);
  const bad = unreadableCounter(job.paths.length, job.onUnreadable);
  try {
    for (const start of unkept) {
      await computeBlock(network, start, job, table, { hashes, bad });
      await writeBlock(start, job, table);
    }
  } finally {
    await network.release();
  }
  return complete(job, table);
}

interface Table {
  readonly width: number;
  /** A row for each image of the split, for each variant. */
  readonly variants: readonly FeatureMatrix[];
  /** For each variant, 1 where the row is there. */
  readonly known: readonly Uint8Array[];
}

async function newTable({ paths, mirrored, cache }: FeatureJob, width: number): Promise<Table> {
  const both = mirrored ? [0, 1] : [0];
  const variants = await Promise.all(both.map(() => featureMatrix(paths.length, width, cache.folder)));
  return { width, variants, known: both.map(() => new Uint8Array(paths.length)) };
}

async function put({ variants, known }: Table, variant: number, row: number, values: Float32Array): Promise<void> {
  await variants[variant]!.put(row, values);
  known[variant]![row] = 1;
}

function isWhole({ known }: Table, row: number): boolean {
  return known.every((rows) => rows[row] === 1);
}

/** The rows that are whole. */
function complete({ paths }: FeatureJob, table: Table): Features {
  const rows = Array.from({ length: paths.length }, (_, row) => row).filter((row) => isWhole(table, row));
  const all = rows.length === paths.length;
  return { rows, variants: all ? table.variants : table.variants.map((matrix) => pickRows(matrix, rows)) };
}

function rowsOf(start: number, { paths }: FeatureJob): number[] {
  return Array.from({ length: Math.min(BLOCK, paths.length - start) }, (_, k) => start + k);
}

/**
 * False where the run does not keep the block, or it is damaged, of other images or of another space: a run that goes on with another
 * engine, device or version would mix the features of both. The first blocks did not say which they are of.
 */
async function readBlock(start: number, job: FeatureJob, table: Table): Promise<boolean> {
  const path = job.blockPath?.(start / BLOCK);
  const file = path !== undefined && (await exists(path)) ? await readTensors(path).catch(() => undefined) : undefined;
  const rowOf = new Map(rowsOf(start, job).map((row) => [job.ids.at(row)!, row]));
  const ids = JSON.parse(file?.metadata.ids ?? '[]') as string[];
  const rows = ids.flatMap((id) => rowOf.get(id) ?? []);
  const variants = Object.values(file?.tensors ?? {}).map(({ data }) => data);
  const isOurs = file?.metadata.space === job.cache.space;
  if (!isOurs || rows.length !== ids.length || variants.length !== table.variants.length) return false;
  const { width } = table;
  for (const [variant, data] of variants.entries())
    for (const [k, row] of rows.entries()) await put(table, variant, row, data.subarray(k * width, (k + 1) * width));
  return true;
}

async function writeBlock(start: number, job: FeatureJob, table: Table): Promise<void> {
  const path = job.blockPath?.(start / BLOCK);
  if (path === undefined) return;
  const { width } = table;
  const rows = rowsOf(start, job).filter((row) => isWhole(table, row));
  const tensors = table.variants.map(async (matrix, variant) => {
    const data = new Float32Array(rows.length * width);
    await Promise.all(rows.map((row, k) => matrix.read(row, data, k * width)));
    return [`variant-${variant}`, { type: 'float32', dims: [rows.length, width], data }] as const;
  });
  const ids = rows.map((row) => job.ids.at(row)!);
  await writeTensors(path, {
    tensors: Object.fromEntries(await Promise.all(tensors)),
    metadata: { space: job.cache.space, ids: JSON.stringify(ids) },
  });
}

const VARIANTS = ['plain', 'mirrored'] as const;

const keyOf = (sha256: string, variant: number): FeatureKey => `${sha256} ${VARIANTS[variant]!}`;

/** The rows of the table that want the features of a key, and their variant. */
function takersOf(key: FeatureKey, hashes: ImageHashes, table: Table): { variant: number; rows: number[] } {
  const [sha256, name] = key.split(' ') as [string, (typeof VARIANTS)[number]];
  const variant = VARIANTS.indexOf(name);
  const known = table.known[variant];
  return { variant, rows: known ? hashes.rowsOf(sha256).filter((row) => known[row] === 0) : [] };
}

/** Fills in what the cache has of some blocks. Answers what their images hold. */
async function readCached(starts: readonly number[], job: FeatureJob, table: Table): Promise<ImageHashes> {
  const { cache, images, signal } = job;
  const asked = starts.flatMap((start) => rowsOf(start, job));
  const hashes = await hashImages(job.paths, asked, { cache: cache.folder, images, signal });
  let missing = hashes.known * table.variants.length;
  const wanted = {
    isEmpty: () => missing === 0,
    has: (key: FeatureKey) => takersOf(key, hashes, table).rows.length > 0,
  };
  await cache.read(wanted, async ({ key, values }) => {
    if (values.length !== table.width) return;
    const { variant, rows } = takersOf(key, hashes, table);
    for (const row of rows) await put(table, variant, row, values);
    missing -= rows.length;
  });
  return hashes;
}

/** Computes what is still missing of a block, and puts it into the cache. */
async function computeBlock(
  network: FeatureNetwork,
  start: number,
  job: FeatureJob,
  table: Table,
  { hashes, bad }: { readonly hashes: ImageHashes; readonly bad: ReturnType<typeof unreadableCounter> },
): Promise<void> {
  const missing = rowsOf(start, job).flatMap((row): MissingFeature[] => {
    const variants = [...table.variants.keys()].filter((variant) => table.known[variant]![row] === 0);
    return variants.length > 0 ? [{ row, path: job.paths.at(row)!, variants }] : [];
  });
  const computed: { variant: number; row: number; values: Float32Array }[] = [];
  const onUnreadable = (row: number, error: unknown) => bad.add(row, error);
  for await (const { features, last } of pooledBatches(network, missing, { signal: job.signal, onUnreadable })) {
    for (const { variant, row, values } of features) await put(table, variant, row, values);
    computed.push(...features);
    job.onProgress(last + 1);
  }
  // What was hashed and what was decoded has to be the same file.
  const same = await Promise.all(
    computed.map(async (feature) => {
      const sha256 = hashes.sha256(feature.row);
      if (sha256 === undefined || !(await hashes.isStill(feature.row))) return [];
      return [{ key: keyOf(sha256, feature.variant), ...feature }];
    }),
  );
  await job.cache.write(same.flat());
}
