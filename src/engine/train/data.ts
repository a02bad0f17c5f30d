// The examples of a run: images, augmented as they are drawn, or features that are computed first.
import { dirname } from 'node:path';
import { mkdir } from 'node:fs/promises';
import { takeRows } from '../../dataset/labels';
import type { Classifier } from '../../onnx/classifier';
import type { TrainEvent } from '../../protocol/messages';
import type { Context } from '../context';
import type { Split } from '../data';
import { type Examples, featureExamples, imageExamples, pixelCache } from '../examples';
import { computeFeatures, type FeatureTable } from '../features';
import { exists, type RunPaths, type RunRecord } from '../run/folder';
import { readTensors, writeTensors } from '../run/safetensors';

export interface TrainingData {
  readonly train: Examples;
  readonly validation: Examples;
  /** For the model's metadata. */
  readonly provenance: Readonly<Record<string, unknown>>;
}

interface Job {
  readonly paths: RunPaths;
  readonly record: RunRecord;
  readonly train: Split;
  readonly validation: Split;
}

export async function openExamples(
  classifier: Classifier,
  job: Job,
  context: Context,
  emit: (event: TrainEvent) => void,
): Promise<TrainingData> {
  const { record } = job;
  const provenance = {
    labelscope: record.labelscope,
    recipe: record.recipe,
    seed: record.seed,
    device: record.device.device,
    train: { fingerprint: record.train.fingerprint, images: job.train.set.images.length },
    validation: { fingerprint: record.validation.fingerprint, images: job.validation.set.images.length },
    backbone: record.backbone.sha256,
  };
  const data =
    record.recipe.layers === 'head' ? await featureData(classifier, job, context, emit) : imageData(classifier, job, emit);
  return { ...data, provenance };
}

function imageData(
  classifier: Classifier,
  { record, train, validation }: Job,
  emit: (event: TrainEvent) => void,
): Omit<TrainingData, 'provenance'> {
  const cache = pixelCache(record.recipe.imageCache);
  const examples = ({ set, paths }: Split): Examples =>
    imageExamples({
      set,
      paths,
      height: classifier.height,
      width: classifier.width,
      seed: record.seed,
      augmentation: record.recipe,
      cache,
      onUnreadable: (message) => emit({ kind: 'warning', message }),
    });
  return { train: examples(train), validation: examples(validation) };
}

async function featureData(
  classifier: Classifier,
  job: Job,
  context: Context,
  emit: (event: TrainEvent) => void,
): Promise<Omit<TrainingData, 'provenance'>> {
  const { record, paths } = job;
  const kept = (await exists(paths.features)) ? await readFeatures(paths.features, job, emit) : undefined;
  const tables = kept ?? (await featureTables(classifier, job, context, emit));
  if (!kept) await keepFeatures(paths.features, tables, classifier.featureCount);
  return {
    train: featureExamples(tables.train.set, tables.train.variants, record.seed),
    validation: featureExamples(tables.validation.set, tables.validation.variants, record.seed),
  };
}

interface Tables {
  readonly train: FeatureTable;
  readonly validation: FeatureTable;
}

async function featureTables(
  classifier: Classifier,
  { record, train, validation }: Job,
  context: Context,
  emit: (event: TrainEvent) => void,
): Promise<Tables> {
  const total = train.paths.length + validation.paths.length;
  const table = ({ set, paths }: Split, mirrored: boolean, before: number): Promise<FeatureTable> =>
    computeFeatures(context.runtime, classifier, record.device, {
      set,
      paths,
      mirrored,
      signal: context.signal,
      onProgress: (done) => emit({ kind: 'features', done: before + done, total }),
      onUnreadable: (message) => emit({ kind: 'warning', message }),
    });
  const trained = await table(train, record.recipe.reflection, 0);
  return { train: trained, validation: await table(validation, false, train.paths.length) };
}

/** Kept beside the checkpoint: a run that goes on need not decode a single image. */
async function keepFeatures(path: string, { train, validation }: Tables, width: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const matrices = [
    ...train.variants.map((data, k) => [`train/${k}`, data] as const),
    ['validation/0', validation.variants[0]!] as const,
  ];
  const tensors = matrices.map(
    ([name, data]) => [name, { type: 'float32', dims: [data.length / width, width], data } as const] as const,
  );
  const ids = (table: FeatureTable): string => JSON.stringify(table.set.images.map(({ id }) => id));
  await writeTensors(path, {
    tensors: Object.fromEntries(tensors),
    metadata: { train: ids(train), validation: ids(validation) },
  });
}

/** Undefined where the file is damaged: the features are then computed again. */
async function readFeatures(
  path: string,
  { train, validation }: Job,
  emit: (event: TrainEvent) => void,
): Promise<Tables | undefined> {
  const file = await readTensors(path).catch(() => undefined);
  if (!file) {
    emit({ kind: 'warning', message: `${path} is damaged: its features are computed again.` });
    return undefined;
  }
  const { tensors, metadata } = file;
  const table = (split: Split, name: 'train' | 'validation'): FeatureTable => {
    const ids = new Set(JSON.parse(metadata[name] ?? '[]') as string[]);
    const rows = split.set.images.flatMap(({ id }, row) => (ids.has(id) ? [row] : []));
    const variants = Object.keys(tensors).filter((key) => key.startsWith(`${name}/`));
    return { set: takeRows(split.set, rows), variants: variants.sort().map((key) => tensors[key]!.data) };
  };
  return { train: table(train, 'train'), validation: table(validation, 'validation') };
}
