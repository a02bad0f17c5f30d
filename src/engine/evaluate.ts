// The request `evaluate`: a model's scores on an annotation file's images, and every metric of them.
import { takeRows } from '../dataset/labels';
import { evaluate } from '../metrics/evaluate';
import type { ScoredSet } from '../metrics/types';
import { LabelscopeError } from '../protocol/errors';
import type { CountProgress, EvaluateParams, EvaluateResult } from '../protocol/messages';
import type { Context } from './context';
import { openSplit, reopenSplit, type Split } from './data';
import { writeAtomically } from './run/atomic';
import { runPaths } from './run/folder';
import { openTrained, type Scores, scoreFiles, type Trained } from './trained';

export async function evaluateModel(
  params: EvaluateParams,
  context: Context,
  emit: (progress: CountProgress) => void,
): Promise<EvaluateResult> {
  const trained = await openTrained(params.model);
  const { split, name } = await splitOf(params, trained, context.signal);
  const device = await context.device(params.device);
  const total = split.paths.length;
  const { runtime, signal } = context;
  const scores = await scoreFiles(trained, split.paths, { runtime, device, signal, onProgress: (done) => emit({ done, total }) });
  const set = scoredSet(split, scores);
  if (set.images === 0)
    throw new LabelscopeError(
      'no-images',
      `No image of ${split.source.annotations} could be read. Name their folder with --images.`,
    );
  const evaluation = evaluate(set, { threshold: params.threshold ?? 0.5 });
  const result = {
    evaluation,
    annotations: split.source.annotations,
    model: trained.path,
    failed: [...split.failed, ...scores.failed],
  };
  if (!trained.run) return result;
  await keep(trained.run.folder, name, result, split, scores, set);
  return { ...result, savedTo: trained.run.folder };
}

interface NamedSplit {
  readonly split: Split;
  readonly name: string;
}

/** The annotation file that was given, else the run's own validation split. */
async function splitOf(
  { annotations, images, model }: EvaluateParams,
  { run, card }: Trained,
  signal: AbortSignal,
): Promise<NamedSplit> {
  if (annotations !== undefined) {
    const options = {
      annotations,
      images,
      categories: card.categories,
      includeUnlabeled: run?.record.recipe.includeUnlabeled ?? false,
    };
    return { split: await openSplit({ ...options, signal, say: () => undefined }), name: 'given' };
  }
  if (!run)
    throw new LabelscopeError(
      'annotations-missing',
      `${model} is a model file and knows no data set: name an annotation file to evaluate it on.`,
    );
  const { record } = run;
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

/** scores.<split>.json has the form of predictions that `evaluate --predictions` reads. */
async function keep(
  folder: string,
  name: string,
  result: EvaluateResult,
  { set }: Split,
  { scored }: Scores,
  { categories }: ScoredSet,
): Promise<void> {
  const files = runPaths(folder);
  const images = scored.map(({ row, scores }) => ({ file_name: set.images[row]!.fileName, scores: [...scores] }));
  await writeAtomically(files.scores(name), [JSON.stringify({ categories, images })]);
  await writeAtomically(files.evaluation, [JSON.stringify(result, null, 2) + '\n']);
}
