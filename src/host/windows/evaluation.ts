// The evaluation panel of a run or an imported model: what lies in its folder, and where its images lie.
import { basename } from 'node:path';
import { l10n, type Webview } from 'vscode';
import { readEvaluation, readImport, readRun } from '../../engine/client/folder';
import { LabelscopeError } from '../../protocol/errors';
import type { EvaluateResult } from '../../protocol/messages';
import type { ScoresFile } from '../../protocol/run';
import type { EvaluatedImage, EvaluationData } from '../../protocol/windows';
import type { PanelKind } from './panels';
import { foldersOf, imageUri } from './window';

export function evaluationPanel(): PanelKind<'evaluation'> {
  return {
    name: 'evaluation',
    title: (folder) => l10n.t('Evaluation: {0}', basename(folder)),
    open: async (folder) => {
      const { result, scores } = await evaluationOf(folder);
      const named = await nameOf(folder);
      const data = (webview: Webview): EvaluationData => ({
        folder,
        ...named,
        result,
        images: imagesOf(webview, result, scores),
      });
      return { roots: foldersOf(scores.images.map(({ path }) => path)), calls: {}, data };
    },
  };
}

async function evaluationOf(folder: string): Promise<{ readonly result: EvaluateResult; readonly scores: ScoresFile }> {
  const evaluation = await readEvaluation(folder);
  if (evaluation) return evaluation;
  throw new LabelscopeError(
    'evaluation-missing',
    l10n.t('{0} has not been evaluated. Run "Labelscope: Evaluate Model" first.', folder),
  );
}

async function nameOf(folder: string): Promise<Pick<EvaluationData, 'name' | 'record'>> {
  const imported = await readImport(folder);
  if (imported) return { name: imported.name, record: null };
  const { record } = await readRun(folder);
  return { name: record.name ?? basename(folder), record };
}

/** In the order of the scores, with labels as indices of the evaluation's categories. */
function imagesOf(webview: Webview, { evaluation }: EvaluateResult, scores: ScoresFile): EvaluatedImage[] {
  const indices = new Map(evaluation.categories.map((name, k) => [name, k]));
  return scores.images.map(({ path, labels, scores: row }) => ({
    file: path,
    uri: imageUri(webview, path),
    labels: labels.flatMap((name) => indices.get(name) ?? []),
    scores: row,
  }));
}
