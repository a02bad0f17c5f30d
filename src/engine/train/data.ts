// The examples of a run: images, augmented as they are drawn, or features that are computed first.
import { takeLabels } from '../../dataset/labels';
import type { Classifier } from '../../onnx/classifier';
import type { TrainEvent } from '../../protocol/messages';
import type { Context } from '../context';
import { mixedExamples } from '../mixup';
import type { Tensors } from '../runtime/messages';
import { scaleOf, standardized, unstandardized } from '../standardize';
import type { HeldSplit } from '../data';
import { type Examples, featureExamples, imageExamples, pixelCache } from '../examples';
import { featureCache, featureSource } from '../feature-cache';
import { computeFeatures, type FeatureTable } from '../features';
import type { RunRecord } from '../../protocol/run';
import type { RunPaths } from '../run/folder';

export interface TrainingData {
  readonly train: Examples;
  readonly validation: Examples;
  /** What the trained tensors are in the model: the same, or those of a head that sees features as they are. */
  readonly inModel: (tensors: Tensors) => Tensors;
  /** For the model's metadata. */
  readonly provenance: Readonly<Record<string, unknown>>;
}

interface Job {
  readonly paths: RunPaths;
  readonly record: RunRecord;
  readonly train: HeldSplit;
  readonly validation: HeldSplit;
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
    ...(record.device.engine && { engine: record.device.engine }),
    train: { fingerprint: record.train.fingerprint, images: job.train.set.images.length },
    validation: { fingerprint: record.validation.fingerprint, images: job.validation.set.images.length },
    backbone: record.backbone.sha256,
  };
  const data =
    record.recipe.layers === 'head' ? await featureData(classifier, job, context, emit) : imageData(classifier, job, emit);
  const { mixup } = record.recipe;
  const train = mixup > 0 ? mixedExamples(data.train, mixup, record.seed) : data.train;
  return { ...data, train, provenance };
}

function imageData(
  classifier: Classifier,
  { record, train, validation }: Job,
  emit: (event: TrainEvent) => void,
): Omit<TrainingData, 'provenance'> {
  const { width, height } = classifier;
  const budget = record.recipe.imageCache * 1e6;
  // Validation images are looked at many times an epoch, those to train on once: they go first, up to half of the memory.
  const forValidation = Math.min(budget / 2, 3 * width * height * validation.paths.length);
  const examples = ({ set, paths }: HeldSplit, bytes: number): Examples =>
    imageExamples({
      set,
      paths,
      height,
      width,
      seed: record.seed,
      augmentation: record.recipe,
      cache: pixelCache(bytes),
      onUnreadable: (message) => emit({ kind: 'warning', message }),
    });
  return {
    train: examples(train, budget - forValidation),
    validation: examples(validation, forValidation),
    inModel: (tensors) => tensors,
  };
}

async function featureData(
  classifier: Classifier,
  { record, paths, train, validation }: Job,
  context: Context,
  emit: (event: TrainEvent) => void,
): Promise<Omit<TrainingData, 'provenance'>> {
  const total = train.paths.length + validation.paths.length;
  const source = await featureSource(context.runtime, record.device, record.backbone.sha256, classifier, record.recipe.pooling);
  const cache = await featureCache(train.source.annotations, source, context.runsFolder);
  const table = async (name: 'train' | 'validation', split: HeldSplit, before: number): Promise<FeatureTable> => {
    const { rows, variants } = await computeFeatures(context.runtime, classifier, record.device, {
      ids: split.ids,
      paths: split.paths,
      images: split.source.images,
      mirrored: name === 'train' && record.recipe.reflection,
      blockPath: (block) => paths.features(name, block),
      cache,
      signal: context.signal,
      onProgress: (done) => emit({ kind: 'features', done: before + done, total }),
      onUnreadable: (message) => emit({ kind: 'warning', message }),
    });
    return { set: takeLabels(split.set, rows), variants };
  };
  const trained = await table('train', train, 0);
  const validated = await table('validation', validation, train.paths.length);
  return headData(trained, validated, record);
}

/** Examples of pooled features, at the scale that the recipe asks for. */
export async function headData(
  train: FeatureTable,
  validation: FeatureTable,
  { recipe, seed }: Pick<RunRecord, 'recipe' | 'seed'>,
): Promise<Omit<TrainingData, 'provenance'>> {
  const examples = ({ set, variants }: FeatureTable) => featureExamples(set, variants, seed);
  if (!recipe.standardize) return { train: examples(train), validation: examples(validation), inModel: (tensors) => tensors };
  const [plain] = train.variants;
  const scale = await scaleOf(plain!, train.set.images.length);
  const scaled = ({ set, variants }: FeatureTable) =>
    examples({ set, variants: variants.map((one) => standardized(one, scale)) });
  return { train: scaled(train), validation: scaled(validation), inModel: (tensors) => unstandardized(tensors, scale) };
}
