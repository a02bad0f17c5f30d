// The request `evaluate`: a model's scores on an annotation file's images, and every metric of them.
import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { takeRows } from '../dataset/labels';
import { BOOTSTRAP, type BootstrapOptions, type Intervals, intervalsOf, replicated } from '../metrics/bootstrap';
import { evaluate } from '../metrics/evaluate';
import type { FactTable } from '../metrics/facts';
import type { Evaluation, ScoredSet } from '../metrics/types';
import { LabelscopeError } from '../protocol/errors';
import type { CountProgress, EvaluateParams, EvaluateResult } from '../protocol/messages';
import type { ScoredImageRecord, ScoresFile } from '../protocol/run';
import type { Context, Opening } from './context';
import { openSplit, reopenSplit, type Split } from './data';
import { factsFile, factsOf } from './facts';
import { calibratedBy, fittedOf, thresholdFor, weightsOf } from './fitting/card';
import { writeAtomically } from './client/atomic';
import { runPaths } from './run/folder';
import { type Scores, scoreFiles, type Trained } from './trained';
import { unhurried } from './client/unhurried';

export async function evaluateModel(
  params: EvaluateParams,
  context: Context,
  emit: (progress: CountProgress) => void,
): Promise<EvaluateResult> {
  const { runtime, models, signal } = context;
  return models.use(params.model, await context.device(params.device), async (model) => {
    const { trained } = model;
    const { split, name } = await splitOf(params, trained, context);
    const facts = trained.folder === undefined ? undefined : await factsOf(split, context);
    const total = split.paths.length;
    const { flip = false } = params;
    const session = await (flip ? model.scoring() : model.uncalibrated());
    const scores = await scoreFiles({ trained, session }, split.paths, {
      runtime,
      signal,
      flip,
      onProgress: (done) => emit({ done, total }),
    });
    const uncalibrated = scoredSet(split, scores);
    const set = flip ? uncalibrated : calibratedBy(trained.card, uncalibrated);
    if (set.images === 0)
      throw new LabelscopeError(
        'no-images',
        `No image of ${split.source.annotations} could be read. Name their folder with --images.`,
      );
    const threshold = thresholdFor(params.threshold, trained.card);
    const found = evaluate(set, { threshold });
    const intervals = await intervalsAt(set, found, params.bootstrap ?? BOOTSTRAP, signal);
    const result: EvaluateResult = {
      evaluation: { ...found, ...(intervals && { intervals }) },
      annotations: split.source.annotations,
      model: trained.path,
      failed: [...split.failed, ...scores.failed],
      split: name,
      has: fittedOf(trained.card),
    };
    // What is fitted to the scores of a folder is for the model as it is.
    if (trained.folder === undefined || flip) return result;
    await keepFacts(trained.folder, result, split, scores, facts);
    await keep({ ...trained, folder: trained.folder }, result, split, scores, { set, uncalibrated });
    return { ...result, savedTo: trained.folder };
  });
}

/** Undefined where no resample is wanted. Lets the engine answer others, and be stopped, between its steps. */
async function intervalsAt(
  set: ScoredSet,
  found: Evaluation,
  options: BootstrapOptions,
  signal: AbortSignal,
): Promise<Intervals | undefined> {
  if (options.replicates === 0) return undefined;
  const resampled = await unhurried(replicated(set, found.threshold, options), signal);
  return intervalsOf(found, resampled, options);
}

interface NamedSplit {
  readonly split: Split;
  readonly name: EvaluateResult['split'];
}

/** The annotation file that was given, else the run's own validation split, whose images may lie elsewhere by now. */
export async function splitOf(
  { annotations, images, model }: Pick<EvaluateParams, 'annotations' | 'images' | 'model'>,
  { record, card }: Trained,
  { signal, runsFolder }: Opening,
): Promise<NamedSplit> {
  if (annotations !== undefined) {
    const options = {
      annotations,
      images,
      categories: card.categories,
      includeUnlabeled: record?.recipe.includeUnlabeled ?? false,
    };
    return { split: await openSplit({ ...options, signal, runsFolder, say: () => undefined }), name: 'given' };
  }
  if (!record)
    throw new LabelscopeError(
      'annotations-missing',
      `${model} is no run and knows no data set: name an annotation file to evaluate it on.`,
    );
  const source = { ...record.validation, ...(images !== undefined && { images: resolve(images) }) };
  return {
    split: await reopenSplit(source, record.categories, record.recipe.includeUnlabeled, { signal, runsFolder }),
    name: 'validation',
  };
}

export function scoredSet({ set }: Split, { scored }: Scores): ScoredSet {
  const rows = scored.map(({ row }) => row);
  const { categories, labels, images } = takeRows(set, rows);
  const scores = new Float64Array(images.length * categories.length);
  scored.forEach(({ scores: row }, k) => scores.set(row, k * categories.length));
  return { images: images.length, categories, labels, scores };
}

/** Facts that are not known must not stay behind from an evaluation before. */
async function keepFacts(
  folder: string,
  { split: name }: EvaluateResult,
  split: Split,
  { scored }: Scores,
  facts: FactTable | undefined,
): Promise<void> {
  const path = runPaths(folder).facts(name);
  if (!facts) return rm(path, { force: true });
  const rows = scored.map(({ row }) => row);
  await writeAtomically(path, [JSON.stringify(factsFile(facts, split, rows))]);
}

interface Sets {
  readonly set: ScoredSet;
  readonly uncalibrated: ScoredSet;
}

/** The scores first: evaluation.json names them. */
async function keep(
  { folder, classifier, card }: Trained & { readonly folder: string },
  result: EvaluateResult,
  { set, paths }: Split,
  { scored }: Scores,
  sets: Sets,
): Promise<void> {
  const files = runPaths(folder);
  const { categories, labels } = sets.set;
  const rowOf = (from: ScoredSet, k: number) => [...from.scores.subarray(k * categories.length, (k + 1) * categories.length)];
  const images = scored.map(({ row }, k): ScoredImageRecord => ({
    file_name: set.images[row]!.fileName,
    path: paths[row]!,
    labels: categories.filter((_, c) => labels[k * categories.length + c] === 1),
    scores: rowOf(sets.set, k),
    ...(card.calibration && { uncalibrated: rowOf(sets.uncalibrated, k) }),
  }));
  const file: ScoresFile = { weights: weightsOf(classifier), categories, images };
  await writeAtomically(files.scores(result.split), [JSON.stringify(file)]);
  await writeAtomically(files.evaluation, [JSON.stringify(result, null, 2) + '\n']);
}
