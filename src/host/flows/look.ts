// From an evaluation to what the model looked at: one of its images in the image editor, with a map over it.
import * as vscode from 'vscode';
import { LabelscopeError } from '../../protocol/errors';
import { firstLook } from '../first-look';
import type { Services } from '../services';
import { evaluationOf } from '../windows/evaluation';
import { showOwnMap } from '../windows/looking';

/** Answers the image. @throws LabelscopeError where the model was not evaluated, or none of the images is where it was */
export async function seeWhereItLooks({ models, images }: Services, folder: string): Promise<string> {
  const evaluation = await evaluationOf(folder);
  const look = await firstLook(evaluation);
  if (!look) {
    const { annotations } = evaluation.result;
    throw new LabelscopeError(
      'evaluation-outdated',
      vscode.l10n.t('No image that {0} was evaluated on ({1}) is where it was.', folder, annotations),
    );
  }
  await showOwnMap(folder, { models, show: images.show }, look);
  return look.file;
}
