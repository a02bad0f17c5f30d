// The scores of a model's last evaluation, as they lie in its folder: what thresholds and calibration are fitted to.
import type { ScoredSet } from '../../metrics/types';
import { LabelscopeError } from '../../protocol/errors';
import type { EvaluateResult } from '../../protocol/messages';
import { readEvaluation } from '../client/folder';
import { scoredSetOf } from '../client/scores';
import { modelFolder, openTrained, type Trained } from '../trained';
import { weightsOf } from './card';

export interface KeptScores {
  readonly folder: string;
  readonly trained: Trained;
  readonly result: EvaluateResult;
  /** What the network says without its calibration. */
  readonly uncalibrated: ScoredSet;
}

/**
 * @throws LabelscopeError 'fit-outside-folder', 'evaluation-missing', 'evaluation-outdated', and what opening the model and
 * reading its evaluation throw
 */
export async function openKept(model: string): Promise<KeptScores> {
  const folder = await modelFolder(model);
  const trained = await openTrained(model);
  const evaluation = await readEvaluation(folder);
  if (!evaluation)
    throw new LabelscopeError(
      'evaluation-missing',
      `${folder} has not been evaluated, so there are no scores to fit to. Run 'labelscope evaluate ${model}' first.`,
    );
  const { result, scores } = evaluation;
  if (scores.weights !== weightsOf(trained.classifier))
    throw new LabelscopeError(
      'evaluation-outdated',
      `The scores in ${folder} are not of the model that lies there now, or of an older version. Run 'labelscope evaluate ${model}' again.`,
    );
  return { folder, trained, result, uncalibrated: scoredSetOf(scores, ({ scores: own, uncalibrated }) => uncalibrated ?? own) };
}
