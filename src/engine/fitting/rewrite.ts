// Writing what was fitted: the model file anew, and with it the scores and the evaluation that lie beside it.
import { intervalsOf, replicated } from '../../metrics/bootstrap';
import { evaluate } from '../../metrics/evaluate';
import { mapped } from '../../metrics/scaling';
import type { Threshold } from '../../metrics/types';
import { buildInferenceModel, type LogitMap, type ModelCard } from '../../onnx/inference';
import type { Fitted } from '../../protocol/fitting';
import type { EvaluateResult } from '../../protocol/messages';
import type { ScoredImageRecord, ScoresFile } from '../../protocol/run';
import { readEvaluation, readScores } from '../client/folder';
import { scoredSetOf } from '../client/scores';
import { writeAtomically } from '../client/atomic';
import { writeModel } from '../run/model-file';
import { runPaths } from '../run/folder';
import { holdRun } from '../run/lock';
import type { Trained } from '../trained';
import { unhurried } from '../client/unhurried';
import { fittedOf, weightsOf } from './card';

/**
 * Holds a folder against training while `work` rewrites its model.
 *
 * @throws LabelscopeError 'run-busy'
 */
export async function holding<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const release = await holdRun(folder, (socket) => socket.destroy());
  try {
    return await work();
  } finally {
    release();
  }
}

/**
 * The model first: whatever happens in between, its scores can be made from those of the network, which stay in their file.
 *
 * @throws LabelscopeError 'write-failed'
 */
export async function rewriteModel(folder: string, trained: Trained, card: ModelCard): Promise<Fitted> {
  const has = fittedOf(card);
  await writeModel(trained.path, buildInferenceModel(trained.classifier, card));
  for (const split of ['validation', 'given'] as const) await rescore(folder, split, trained, card);
  await reevaluate(folder, trained, card);
  return has;
}

async function rescore(folder: string, split: EvaluateResult['split'], { classifier }: Trained, card: ModelCard): Promise<void> {
  const file = await readScores(folder, split);
  if (file?.weights !== weightsOf(classifier)) return;
  const images = file.images.map((image) => rescoredImage(image, card.calibration));
  const written: ScoresFile = { ...file, images };
  await writeAtomically(runPaths(folder).scores(split), [JSON.stringify(written)]);
}

function rescoredImage(image: ScoredImageRecord, calibration: LogitMap | undefined): ScoredImageRecord {
  const { uncalibrated = image.scores, ...rest } = image;
  if (!calibration) return { ...rest, scores: uncalibrated };
  return { ...rest, scores: uncalibrated.map((score, c) => mapped(calibration, c, score)), uncalibrated };
}

/** An evaluation at the model's own thresholds stays one. The model is written already: no longer to be cancelled. */
async function reevaluate(folder: string, { classifier }: Trained, card: ModelCard): Promise<void> {
  const kept = await readEvaluation(folder).catch(() => undefined);
  if (kept?.scores.weights !== weightsOf(classifier)) return;
  const { result, scores } = kept;
  const { threshold: before } = result.evaluation;
  const threshold: Threshold = typeof before === 'number' ? before : card.thresholds;
  const set = scoredSetOf(scores);
  const { intervals } = result.evaluation;
  const found = evaluate(set, { threshold });
  const resampled = intervals && (await unhurried(replicated(set, threshold, intervals)));
  const evaluation = { ...found, ...(resampled && { intervals: intervalsOf(found, resampled, intervals) }) };
  const written: EvaluateResult = { ...result, evaluation, has: fittedOf(card) };
  await writeAtomically(runPaths(folder).evaluation, [JSON.stringify(written, null, 2) + '\n']);
}
