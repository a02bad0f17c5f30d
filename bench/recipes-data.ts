// The features and labels that the benchmark `recipes` trains on, and their folds: the same for every recipe and for the peer.
import { takeRows } from '../src/dataset/labels';
import { splitStratified } from '../src/dataset/split';
import { stratify } from '../src/dataset/stratify';
import type { LabelledSet } from '../src/dataset/types';
import { openSplit } from '../src/engine/data';
import { featureCache } from '../src/engine/feature-cache';
import { computeFeatures, type FeatureTable } from '../src/engine/features';
import type { Runtime } from '../src/engine/runtime/runtime';
import { classifierFrom, sha256Of } from '../src/engine/train/classifier';
import type { Classifier } from '../src/onnx/classifier';

export interface BenchData {
  readonly classifier: Classifier;
  readonly table: FeatureTable;
}

export interface DataOptions {
  /** Annotation files whose images are thrown together. */
  readonly annotations: readonly string[];
  readonly categories: readonly string[] | undefined;
  readonly includeUnlabeled: boolean;
  /** Categories with fewer images are left out: their average precision would be noise. */
  readonly fewest: number;
  readonly backbone: string;
  readonly threads: number;
}

const SIGNAL = new AbortController().signal;

/** Features from the cache; those that it lacks are computed and kept there. */
export async function loadBenchData(runtime: Runtime, options: DataOptions, say: (text: string) => void): Promise<BenchData> {
  const { backbone, threads } = options;
  const opened = await openAll(options, options.categories);
  const names = namesOf(opened.map(({ set }) => set)).filter(({ images }) => images >= options.fewest);
  const splits = await openAll(
    options,
    names.map(({ name }) => name),
  );
  const classifier = await classifierFrom(backbone, names.length, 0, { headInit: 'zeros', imageSize: 0 });
  const { width, height } = classifier;
  const source = { backbone: await sha256Of(backbone), width, height, device: 'cpu' as const };
  const tables: FeatureTable[] = [];
  for (const { set, paths, source: from } of splits) {
    const cache = await featureCache(from.annotations, source);
    const onProgress = (done: number) => say(`features of ${done} of ${paths.length} images`);
    const job = { set, paths, images: from.images, mirrored: true, cache, signal: SIGNAL, onProgress, onUnreadable: say };
    tables.push(await computeFeatures(runtime, classifier, { device: 'cpu', threads }, job));
  }
  return { classifier, table: joined(tables) };
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

function joined(tables: readonly FeatureTable[]): FeatureTable {
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
  readonly train: readonly number[];
  /** Stops the training and chooses the threshold. */
  readonly validation: readonly number[];
  readonly test: readonly number[];
}

/** Stratified: each image is in the test part of one fold; of the others a fifth is for validation, as in a run without a validation file. */
export function foldsOf(set: LabelledSet, count: number, seed: number): Fold[] {
  const parts = stratify(set, { shares: Array.from({ length: count }, () => 1 / count), seed });
  const rowOf = new Map(set.images.map(({ fileName }, row) => [fileName, row]));
  const rowsIn = ({ images }: LabelledSet) => images.map(({ fileName }) => rowOf.get(fileName)!);
  return Array.from({ length: count }, (_, fold) => {
    const rows = [...set.images.keys()];
    const rest = takeRows(
      set,
      rows.filter((row) => parts[row] !== fold),
    );
    const { train, validation } = splitStratified(rest, { fraction: 0.2, seed });
    return { train: rowsIn(train), validation: rowsIn(validation), test: rows.filter((row) => parts[row] === fold) };
  });
}

export function takeTable({ set, variants }: FeatureTable, rows: readonly number[]): FeatureTable {
  const width = variants[0]!.length / set.images.length;
  const take = (matrix: Float32Array) => {
    const taken = new Float32Array(rows.length * width);
    rows.forEach((row, place) => taken.set(matrix.subarray(row * width, (row + 1) * width), place * width));
    return taken;
  };
  return { set: takeRows(set, rows), variants: variants.map(take) };
}
