// The request `suspects`: labels of an annotation file that are probably wrong or missing, by scores of models that have not seen the image.
import { resolve } from 'node:path';
import { stratify } from '../../dataset/stratify';
import type { CocoIndex, LabelledSet } from '../../dataset/types';
import { findSuspects, type Suspects } from '../../metrics/suspects';
import { LabelscopeError } from '../../protocol/errors';
import type { Classifier } from '../../onnx/classifier';
import type { CountProgress, DeviceUsed, FailedFile } from '../../protocol/messages';
import type { Recipe } from '../../protocol/recipe';
import type { SuspectLabel, SuspectsParams, SuspectsProgress, SuspectsResult } from '../../protocol/review';
import { isDone, sparingly } from '../../protocol/sparingly';
import { defaultBackbonePath } from '../backbone/locate';
import { keepIndex } from '../browse-index';
import type { Context } from '../context';
import { openSplit, samePictures, type Split } from '../data';
import { featureCache, featureSource } from '../feature-cache';
import { computeFeatures, type FeatureTable } from '../features';
import { takeRows } from '../../dataset/labels';
import { recipeWith } from '../recipes';
import { classifierFrom, sha256Of } from '../train/classifier';
import { outOfFoldScores } from './folds';
import { keepResult } from './store';

/** Steps of a fold: on large sets the head has learned long before its 60 epochs are over. */
const MOST_STEPS = 20_000;

type Emit = (progress: SuspectsProgress) => void;
type Tell = (stage: SuspectsProgress['stage']) => (progress: CountProgress) => void;

/** @throws LabelscopeError 'suspects-too-few', 'images-unreadable', 'training-diverged'; DatasetError; the signal's reason */
export async function findSuspectLabels(params: SuspectsParams, context: Context, emit: Emit): Promise<SuspectsResult> {
  const tell: Tell = (stage) => sparingly((progress: CountProgress) => emit({ stage, ...progress }), isDone);
  const onBytes = tell('reading');
  const { annotations, images, categories, includeUnlabeled = false, folds, seed, limit, keepIn } = params;
  const { signal, runsFolder } = context;
  const onProgress = (done: number, total: number) => onBytes({ done, total });
  const split = await openSplit({
    ...{ annotations, images, categories, includeUnlabeled, signal, runsFolder, onProgress },
    say: () => undefined,
  });
  const { source } = split;
  if (split.set.images.length < folds) throw tooFew(source.annotations, split.set.images.length, folds);
  const device = await context.device(params.device);
  const failed: FailedFile[] = [...split.failed];
  const together = await samePictures(split, signal, tell('looking'));
  const { set, scores } = await scoresOf(split, together, params, { ...context, device, tell, failed });
  const found = findSuspects({ images: set.images.length, categories: set.categories, labels: set.labels, scores });
  const result: SuspectsResult = {
    annotations: source.annotations,
    fingerprint: source.fingerprint,
    imageFolder: source.images,
    ...{ images: set.images.length, includeUnlabeled, folds, seed, device, failed },
    together: together.length,
    categories: found.categories,
    found: found.suspects.length,
    suspects: namedSuspects(found, set, split.index, limit),
  };
  if (keepIn !== undefined) await keepResult({ annotations: source.annotations, folder: resolve(keepIn) }, result);
  // Whoever looks at the suspects asks for their images next.
  await keepIndex(split.index);
  return result;
}

interface Work extends Omit<Context, 'device'> {
  readonly device: DeviceUsed;
  readonly tell: Tell;
  /** Gains the images that cannot be read. */
  readonly failed: FailedFile[];
}

interface ScoredImages {
  /** The images that could be read. */
  readonly set: LabelledSet;
  /** Probabilities, images × categories. */
  readonly scores: Float32Array;
}

async function scoresOf(
  split: Split,
  together: readonly (readonly string[])[],
  { folds, seed, backbone }: SuspectsParams,
  work: Work,
): Promise<ScoredImages> {
  const { runtime, device, signal, tell } = work;
  const recipe = { ...recipeWith('quick', {}), maxIterations: MOST_STEPS };
  const path = backbone === undefined ? defaultBackbonePath() : resolve(backbone);
  const classifier = await classifierFrom(path, split.set.categories.length, seed, recipe);
  const table = await featuresOf(split, await sha256Of(path), classifier, recipe.pooling, work);
  const shares = Array.from({ length: folds }, () => 1 / folds);
  const parts = stratify(table.set, { shares, seed, together });
  const scores = await outOfFoldScores(table, parts, {
    ...{ runtime, classifier, device, recipe, seed, signal },
    onProgress: tell('folds'),
  });
  return { set: table.set, scores };
}

/** The images as they are, not mirrored as well: half the time and half the memory. */
async function featuresOf(
  { set, paths, source }: Split,
  backbone: string,
  classifier: Classifier,
  pooling: Recipe['pooling'],
  { runtime, device, signal, runsFolder, tell, failed }: Work,
): Promise<FeatureTable & { readonly set: LabelledSet }> {
  const space = await featureSource(runtime, device, backbone, classifier, pooling);
  const cache = await featureCache(source.annotations, space, runsFolder);
  const onFeatures = tell('features');
  const { rows, variants } = await computeFeatures(runtime, classifier, device, {
    ids: set.images.map(({ id }) => id),
    ...{ paths, images: source.images, mirrored: false, cache, signal },
    onProgress: (done) => onFeatures({ done, total: paths.length }),
    onUnreadable: (error, row) => failed.push({ file: set.images[row]!.fileName, error }),
  });
  return { set: takeRows(set, rows), variants };
}

function namedSuspects({ suspects }: Suspects, set: LabelledSet, { images }: CocoIndex, limit: number): SuspectLabel[] {
  const rowOfId = new Map<string, number>();
  images.forEach(({ id }, row) => {
    if (!rowOfId.has(id)) rowOfId.set(id, row);
  });
  return suspects.slice(0, limit).map(({ image, category, kind, score, selfConfidence }) => {
    const { id, fileName } = set.images[image]!;
    return { image: fileName, row: rowOfId.get(id)!, category: set.categories[category]!, kind, score, selfConfidence };
  });
}

function tooFew(annotations: string, images: number, folds: number): LabelscopeError {
  return new LabelscopeError(
    'suspects-too-few',
    `${annotations} has ${images} usable images, too few for ${folds} folds. Ask for fewer folds, or add images.`,
  );
}
