// The features and labels of the benchmark `recipes`, and which images train, choose and judge: the same for every recipe and for the peer.
import { takeRows } from '../src/dataset/labels';
import { stratify } from '../src/dataset/stratify';
import type { LabelledSet } from '../src/dataset/types';
import { openSplit } from '../src/engine/data';
import { featureCache } from '../src/engine/feature-cache';
import { inMemory } from '../src/engine/feature-matrix';
import { computeFeatures, type FeatureTable } from '../src/engine/features';
import type { Runtime } from '../src/engine/runtime/runtime';
import { classifierFrom, sha256Of } from '../src/engine/train/classifier';
import type { Classifier } from '../src/onnx/classifier';
import type { Recipe } from '../src/protocol/recipe';

/** A table of features whose matrices are in memory, images × F. */
export interface FloatTable {
  readonly set: LabelledSet;
  readonly variants: readonly Float32Array[];
}

export type Pooling = Recipe['pooling'];

/** Of one pooling. Rows are the same images in all. */
export interface BenchData {
  readonly classifier: Classifier;
  /** The images of the training file, then those of the test file. */
  readonly table: FloatTable;
  /** How many are of the training file. */
  readonly training: number;
}

export interface DataOptions {
  /** Training and test annotations. */
  readonly annotations: readonly [training: string, test: string];
  readonly categories: readonly string[] | undefined;
  readonly includeUnlabeled: boolean;
  /** Categories with fewer images in both files together are left out: their average precision would be noise. */
  readonly fewest: number;
  readonly backbone: string;
  /** Side in pixels, 0 = the backbone's own. */
  readonly imageSize: number;
  readonly threads: number;
  /** Whether mirror images have features too. */
  readonly mirrored: boolean;
}

const SIGNAL = new AbortController().signal;

/** Features from the cache; those that it lacks are computed and kept there. */
export async function loadBenchData(
  runtime: Runtime,
  options: DataOptions,
  pooling: Pooling,
  say: (text: string) => void,
): Promise<BenchData> {
  const { backbone, threads, imageSize, mirrored } = options;
  const opened = await openAll(options, options.categories);
  const names = namesOf(opened.map(({ set }) => set)).filter(({ images }) => images >= options.fewest);
  const splits = await openAll(
    options,
    names.map(({ name }) => name),
  );
  const classifier = await classifierFrom(backbone, names.length, 0, { headInit: 'zeros', imageSize, pooling });
  const { width, height } = classifier;
  const source = { backbone: await sha256Of(backbone), width, height, device: 'cpu' as const, pooling };
  const tables: FloatTable[] = [];
  for (const { set, paths, source: from } of splits) {
    const cache = await featureCache(from.annotations, source);
    const onProgress = (done: number) => say(`features of ${done} of ${paths.length} images`);
    const ids = set.images.map(({ id }) => id);
    const job = { ids, paths, images: from.images, mirrored, cache, signal: SIGNAL, onProgress, onUnreadable: say };
    const { rows, variants } = await computeFeatures(runtime, classifier, { device: 'cpu', threads }, job);
    tables.push(await floatsOf(takeRows(set, rows), variants));
  }
  return { classifier, table: joined(tables), training: tables[0]!.set.images.length };
}

async function floatsOf(set: LabelledSet, variants: FeatureTable['variants']): Promise<FloatTable> {
  const whole = variants.map(async (matrix) => {
    const data = new Float32Array(set.images.length * matrix.width);
    for (const row of set.images.keys()) await matrix.read(row, data, row * matrix.width);
    return data;
  });
  return { set, variants: await Promise.all(whole) };
}

/** What training takes. */
export function featureTable({ set, variants }: FloatTable): FeatureTable {
  return { set, variants: variants.map((data) => inMemory(data, data.length / set.images.length)) };
}

function openAll({ annotations, includeUnlabeled }: DataOptions, categories: readonly string[] | undefined) {
  const options = { images: undefined, categories, includeUnlabeled, signal: SIGNAL, say: () => undefined };
  return Promise.all(annotations.map(async (file) => openSplit({ ...options, annotations: file })));
}

function namesOf(sets: readonly LabelledSet[]): { name: string; images: number }[] {
  const width = sets[0]!.categories.length;
  const count = (c: number) =>
    sets.reduce((sum, { labels, images }) => sum + images.filter((_, row) => labels[row * width + c] === 1).length, 0);
  return sets[0]!.categories.map((name, c) => ({ name, images: count(c) }));
}

function joined(tables: readonly FloatTable[]): FloatTable {
  const [first] = tables;
  const flat = (parts: readonly Float32Array[]) => Float32Array.from(parts.flatMap((part) => [...part]));
  return {
    set: {
      ...first!.set,
      images: tables.flatMap(({ set }) => set.images),
      labels: Uint8Array.from(tables.flatMap(({ set }) => [...set.labels])),
    },
    variants: first!.variants.map((_, variant) => flat(tables.map(({ variants }) => variants[variant]!))),
  };
}

/** Rows of the table. */
export interface Fold {
  /** Whoever trains may stop and choose by some of these. */
  readonly train: readonly number[];
  readonly test: readonly number[];
}

/** Stratified folds of the training images, by which a recipe is chosen; then the one that judges: training images and test images. */
export function foldsOf({ table: { set }, training }: BenchData, count: number, seed: number): Fold[] {
  const rows = [...set.images.keys()];
  const own = rows.slice(0, training);
  const parts = stratify(takeRows(set, own), { shares: Array.from({ length: count }, () => 1 / count), seed });
  const choosing = Array.from({ length: count }, (_, fold) => ({
    train: own.filter((row) => parts[row] !== fold),
    test: own.filter((row) => parts[row] === fold),
  }));
  return [...choosing, { train: own, test: rows.slice(training) }];
}

export function takeTable({ set, variants }: FloatTable, rows: readonly number[]): FloatTable {
  const width = variants[0]!.length / set.images.length;
  const take = (matrix: Float32Array) => {
    const taken = new Float32Array(rows.length * width);
    rows.forEach((row, place) => taken.set(matrix.subarray(row * width, (row + 1) * width), place * width));
    return taken;
  };
  return { set: takeRows(set, rows), variants: variants.map(take) };
}
