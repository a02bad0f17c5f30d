// The request `compare`: runs judged on the images that their evaluations share, and compared with the first by the paired bootstrap.
import { BOOTSTRAP, LEVEL } from '../metrics/bootstrap';
import { checkThreshold, MetricsError } from '../metrics/check';
import { compared, type ComparedScores, type Judged } from '../metrics/compare';
import type { Threshold } from '../metrics/types';
import type { ComparedRun, CompareParams, CompareResult } from '../protocol/compare';
import { LabelscopeError } from '../protocol/errors';
import type { CountProgress } from '../protocol/messages';
import { isDone, sparingly } from '../protocol/sparingly';
import { readEvaluation, type StoredEvaluation } from './client/folder';
import { judgedThreshold } from './client/scores';
import { type SharedSets, sharedSets } from './client/shared-images';
import { differingSettings, readSideBySide, type RunBeside } from './client/side-by-side';
import type { Context } from './context';
import { unhurried } from './client/unhurried';

interface Evaluated extends RunBeside, StoredEvaluation {}

/**
 * @throws LabelscopeError as `readSideBySide` and `judgedThreshold`, and 'evaluation-missing', 'evaluation-unreadable', 'categories-differ', 'images-differ',
 * 'labels-differ'; the signal's reason
 */
export async function compare(
  { runs: folders, threshold, bootstrap = BOOTSTRAP }: CompareParams,
  { signal }: Pick<Context, 'signal'>,
  emit: (progress: CountProgress) => void,
): Promise<CompareResult> {
  const runs: Evaluated[] = [];
  for (const run of await readSideBySide(folders)) runs.push({ ...run, ...(await evaluationOf(run)) });
  const shared = sharedSets(runs.map(({ scores }) => scores));
  checkShared(runs, shared);
  const judged = runs.map((run, k): Judged => ({
    set: shared.sets[k]!,
    threshold: thresholdAmong(judgedThreshold(run.folder, run, threshold), run.scores.categories, shared.categories),
  }));
  const total = judged.length * bootstrap.replicates;
  const tell = sparingly(emit, isDone);
  const scores = await unhurried(compared(judged, bootstrap), signal, (done) => {
    if (total > 0) tell({ done: Math.floor(done), total });
  });
  const { labels, images } = shared.sets[0]!;
  return {
    images,
    categories: shared.categories.map((category, c) => ({
      category,
      images: labels.reduce((sum, label, at) => sum + (at % shared.categories.length === c ? label : 0), 0),
    })),
    level: LEVEL,
    ...bootstrap,
    runs: runs.map((run, k) => ({ ...aboutRun(run, judged[k]!.threshold, shared), ...scores[k]! })),
    settings: differingSettings(runs),
  };
}

async function evaluationOf({ folder }: RunBeside): Promise<StoredEvaluation> {
  const stored = await readEvaluation(folder);
  if (!stored)
    throw new LabelscopeError(
      'evaluation-missing',
      `${folder} has not been evaluated. Evaluate it first: labelscope evaluate "${folder}"`,
    );
  checkTogether(folder, stored);
  return stored;
}

/** The threshold is one file's and the scores are another's. @throws LabelscopeError 'evaluation-unreadable' */
function checkTogether(folder: string, { result: { evaluation }, scores }: StoredEvaluation): void {
  const set = { categories: scores.categories, images: 0, labels: new Uint8Array(), scores: new Float64Array() };
  try {
    checkThreshold(set, evaluation.threshold);
    if (evaluation.categories.join('\n') === scores.categories.join('\n')) return;
  } catch (error) {
    if (!(error instanceof MetricsError)) throw error;
  }
  throw new LabelscopeError(
    'evaluation-unreadable',
    `The evaluation in ${folder} and its scores do not belong together. Evaluate the model again.`,
  );
}

function thresholdAmong(threshold: Threshold, categories: readonly string[], wanted: readonly string[]): Threshold {
  return typeof threshold === 'number' ? threshold : wanted.map((name) => threshold[categories.indexOf(name)]!);
}

/** @throws LabelscopeError 'categories-differ', 'images-differ', 'labels-differ' */
function checkShared(runs: readonly Evaluated[], { categories, sets, otherLabels }: SharedSets): void {
  const each = (words: (run: Evaluated) => string) => runs.map((run) => `${run.name} ${words(run)}`).join('; ');
  if (categories.length === 0) {
    const known = each(({ scores }) => `knows ${shortList(scores.categories)}`);
    throw new LabelscopeError(
      'categories-differ',
      `The runs have no category in common: ${known}. Compare runs of the same categories.`,
    );
  }
  if (sets[0]!.images > 0) return;
  if (otherLabels > 0)
    throw new LabelscopeError(
      'labels-differ',
      `All ${otherLabels} images that the evaluations share have other labels in one than in another. Evaluate all runs with the same annotation file.`,
    );
  const seen = each(({ result, scores }) => `on ${scores.images.length} images of ${result.annotations}`);
  throw new LabelscopeError(
    'images-differ',
    `The runs were evaluated on different images: ${seen}. Evaluate all of them on the same: labelscope evaluate RUN ANNOTATIONS`,
  );
}

function shortList(names: readonly string[]): string {
  return names.slice(0, 5).join(', ') + (names.length > 5 ? ' …' : '');
}

type About = Omit<ComparedRun, keyof ComparedScores>;

function aboutRun({ folder, name, record, result, scores }: Evaluated, threshold: Threshold, shared: SharedSets): About {
  const { otherLabels, categories, sets } = shared;
  const { annotations, split } = result;
  return {
    run: folder,
    name,
    annotations,
    split,
    threshold,
    evaluated: scores.images.length,
    leftOut: { notShared: scores.images.length - sets[0]!.images - otherLabels, otherLabels },
    categoriesLeftOut: scores.categories.filter((category) => !categories.includes(category)),
    trainedOnThem: split === 'given' && record?.train.annotations === annotations,
  };
}
