// Which model, on which images: then its evaluation, in its panel.
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { EvaluateParams, EvaluateResult } from '../../protocol/messages';
import { LabelscopeError } from '../../protocol/errors';
import type { RunInfo } from '../runs';
import type { Services } from '../services';
import { setting } from '../settings';
import { timed, inNotification } from '../tasks';
import { chooseOne, type Choice, inTurn } from './steps';

export interface EvaluateOptions {
  /** Without it, the run's own validation images. */
  readonly annotations?: string;
  readonly images?: string;
  readonly threshold?: number;
  /** Scores are means over image and mirror image; the result is told and not kept. */
  readonly flip?: boolean;
}

type Data = Pick<EvaluateOptions, 'annotations' | 'flip'>;

/** @throws CancellationError; LabelscopeError where there is no model */
export async function askForEvaluation(
  services: Services,
  folder?: string,
): Promise<{ readonly folder: string } & EvaluateOptions> {
  const models = await services.models.usable();
  if (models.length === 0) throw noModel();
  let chosen = folder;
  let data: Data | undefined;
  const model = async (place: Parameters<typeof chooseOne>[0]) => {
    const current = await services.models.current();
    const question = { placeholder: vscode.l10n.t('Which model?'), choices: models.map(modelChoiceOf) };
    chosen = await chooseOne(place, question, chosen ?? current?.model.folder);
  };
  const images = async (place: Parameters<typeof chooseOne>[0]) => {
    const info = models.find((run) => run.folder === chosen);
    const question = { placeholder: vscode.l10n.t('On which images?'), choices: dataChoices(services, info) };
    data = await chooseOne(place, question);
  };
  await inTurn(vscode.l10n.t('Evaluate Model'), folder === undefined ? [model, images] : [images]);
  return { folder: chosen!, ...data };
}

export function noModel(): LabelscopeError {
  return new LabelscopeError(
    'no-model',
    vscode.l10n.t(
      'There is no model yet. Right-click a COCO annotation file and choose Train Multilabel Model, or import a model.',
    ),
  );
}

export function modelChoiceOf({ folder, name, categories, status, evaluation }: RunInfo): Choice<string> {
  const score = evaluation ? `F1 ${evaluation.micro.f1.toFixed(3)}` : vscode.l10n.t('not evaluated');
  return {
    label: name,
    description: `${status} · ${score}`,
    detail: vscode.l10n.t(
      '{0} categories: {1}',
      categories.length,
      categories.slice(0, 8).join(', ') + (categories.length > 8 ? ' …' : ''),
    ),
    value: folder,
  };
}

function dataChoices({ coco }: Services, info: RunInfo | undefined): Choice<Data>[] {
  const others = coco.paths.map((path) => ({ label: basename(path), detail: path, value: { annotations: path } }));
  const validation = info?.record?.validation;
  if (!validation) return others;
  const description = vscode.l10n.t('{0} images', validation.count);
  const own = { label: vscode.l10n.t('Its validation images'), description, detail: validation.annotations, value: {} };
  const mirrored = {
    label: vscode.l10n.t('Its validation images and their mirror images'),
    description,
    detail: vscode.l10n.t('Scores are means of both, at twice the time: the numbers are told and not kept'),
    value: { flip: true },
  };
  return [own, ...others, mirrored];
}

/** Evaluates in the background, keeps the result in the model's folder unless mirror images count too, and answers it. */
export async function evaluateModel(services: Services, folder: string, options: EvaluateOptions): Promise<EvaluateResult> {
  const params: EvaluateParams = { model: folder, device: setting('device'), ...options };
  const title = vscode.l10n.t('Evaluating {0}', basename(folder));
  const result = await inNotification(title, (task) =>
    services.engine.request('evaluate', params, { signal: task.signal, onProgress: timed(task) }),
  );
  services.runs.refresh();
  return result;
}
