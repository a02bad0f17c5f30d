// The request `evaluate`: a model's scores on an annotation file's images, and every metric of them.
import { takeRows } from '../dataset/labels';
import { BOOTSTRAP, type BootstrapOptions, type Intervals, intervalsOf, replicated } from '../metrics/bootstrap';
import { evaluate } from '../metrics/evaluate';
import type { ScoredSet, Threshold } from '../metrics/types';
import { LabelscopeError } from '../protocol/errors';
import type { CountProgress, EvaluateParams, EvaluateResult } from '../protocol/messages';
import type { ScoredImageRecord, ScoresFile } from '../protocol/run';
import type { Context } from './context';
import { openSplit, reopenSplit, type Split } from './data';
import { writeAtomically } from './run/atomic';
import { runPaths } from './run/folder';
import { type Scores, scoreFiles, type Trained } from './trained';
import { unhurried } from './unhurried';

export async function evaluateModel(
  params: EvaluateParams,
  context: Context,
  emit: (progress: CountProgress) => void,
): Promise<EvaluateResult> {
  const { runtime, models, signal } = context;
  return models.use(params.model, await context.device(params.device), async (model) => {
    const { trained } = model;
    const { split, name } = await splitOf(params, trained, signal);
    const total = split.paths.length;
    const scores = await scoreFiles(model, split.paths, { runtime, signal, onProgress: (done) => emit({ done, total }) });
    const set = scoredSet(split, scores);
    if (set.images === 0)
      throw new LabelscopeError(
        'no-images',
        `No image of ${split.source.annotations} could be read. Name their folder with --images.`,
      );
    const threshold = params.threshold ?? 0.5;
    const intervals = await intervalsAt(set, threshold, params.bootstrap ?? BOOTSTRAP, signal);
    const result: EvaluateResult = {
      evaluation: { ...evaluate(set, { threshold }), ...(intervals && { intervals }) },
      annotations: split.source.annotations,
      model: trained.path,
      failed: [...split.failed, ...scores.failed],
      split: name,
    };
    if (trained.folder === undefined) return result;
    await keep(trained.folder, result, split, scores, set);
    return { ...result, savedTo: trained.folder };
  });
}

/** Undefined where no resample is wanted. Lets the engine answer others, and be stopped, between its steps. */
async function intervalsAt(
  set: ScoredSet,
  threshold: Threshold,
  options: BootstrapOptions,
  signal: AbortSignal,
): Promise<Intervals | undefined> {
  if (options.replicates === 0) return undefined;
  return intervalsOf(await unhurried(replicated(set, threshold, options), signal), options);
}

interface NamedSplit {
  readonly split: Split;
  readonly name: EvaluateResult['split'];
}

/** The annotation file that was given, else the run's own validation split. */
async function splitOf(
  { annotations, images, model }: EvaluateParams,
  { record, card }: Trained,
  signal: AbortSignal,
): Promise<NamedSplit> {
  if (annotations !== undefined) {
    const options = {
      annotations,
      images,
      categories: card.categories,
      includeUnlabeled: record?.recipe.includeUnlabeled ?? false,
    };
    return { split: await openSplit({ ...options, signal, say: () => undefined }), name: 'given' };
  }
  if (!record)
    throw new LabelscopeError(
      'annotations-missing',
      `${model} is no run and knows no data set: name an annotation file to evaluate it on.`,
    );
  return {
    split: await reopenSplit(record.validation, record.categories, record.recipe.includeUnlabeled, signal),
    name: 'validation',
  };
}

function scoredSet({ set }: Split, { scored }: Scores): ScoredSet {
  const rows = scored.map(({ row }) => row);
  const { categories, labels, images } = takeRows(set, rows);
  const scores = new Float64Array(images.length * categories.length);
  scored.forEach(({ scores: row }, k) => scores.set(row, k * categories.length));
  return { images: images.length, categories, labels, scores };
}

/** The scores first: evaluation.json names them. */
async function keep(
  folder: string,
  result: EvaluateResult,
  { set, paths }: Split,
  { scored }: Scores,
  { categories, labels }: ScoredSet,
): Promise<void> {
  const files = runPaths(folder);
  const images = scored.map(({ row, scores }, k): ScoredImageRecord => ({
    file_name: set.images[row]!.fileName,
    path: paths[row]!,
    labels: categories.filter((_, c) => labels[k * categories.length + c] === 1),
    scores: [...scores],
  }));
  const file: ScoresFile = { categories, images };
  await writeAtomically(files.scores(result.split), [JSON.stringify(file)]);
  await writeAtomically(files.evaluation, [JSON.stringify(result, null, 2) + '\n']);
}
