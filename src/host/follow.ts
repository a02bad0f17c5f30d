// A run that was started in this window: its progress as a notification that can be cancelled, and its end in words.
import * as vscode from 'vscode';
import type { TrainResult } from '../protocol/messages';
import { duration, Pace } from '../protocol/pace';
import type { TrainingData } from '../protocol/windows';
import { otherFolder } from './flows/folder';
import { resumeTraining, type StartedRun, startTraining, type TrainOptions } from './flows/train';
import { type ProblemAction, tellProblem } from './problems';
import type { Services } from './services';
import { inNotification, withRest } from './tasks';

export interface FollowOptions extends TrainOptions {
  /** What is trained to the end is evaluated on its validation images, and that is shown: nobody is asked. */
  readonly thenEvaluate?: boolean;
}

/** Starts, opens the panel, and answers the run's folder as soon as it is at work. */
export async function trainAndFollow(services: Services, annotations: vscode.Uri, options: FollowOptions): Promise<string> {
  const started = startTraining(services, annotations, options);
  const files = [annotations.fsPath, ...(typeof options.validation === 'string' ? [options.validation] : [])].map((path) => ({
    annotations: path,
  }));
  const actionsFor = (error: unknown) =>
    otherFolder(error, services, files, (found) => trainAndFollow(services, annotations, { ...options, ...found }));
  void follow(services, started, { actionsFor, thenEvaluate: options.thenEvaluate ?? false });
  await services.trainings.show(started.run);
  return started.run;
}

export async function resumeAndFollow(services: Services, folder: string): Promise<string> {
  const started = await resumeTraining(services, folder);
  const { record } = services.runs.monitor(folder).data;
  const files = record ? [record.train, record.validation] : [];
  // The folder that is chosen is remembered for its annotation file, and found there.
  const actionsFor = (error: unknown) => otherFolder(error, services, files, () => resumeAndFollow(services, folder));
  void follow(services, started, { actionsFor, thenEvaluate: false });
  await services.trainings.show(folder);
  return folder;
}

interface Following {
  readonly actionsFor: (error: unknown) => ProblemAction[];
  readonly thenEvaluate: boolean;
}

async function follow(services: Services, started: StartedRun, { actionsFor, thenEvaluate }: Following): Promise<void> {
  try {
    const result = await notified(services, started, thenEvaluate);
    // An evaluation that failed or was cancelled leaves a trained model: then it is said as after any training.
    if (thenEvaluate && result.best && result.stopped !== 'person' && (await evaluated(result.run))) return;
    await tellEnd(services, result);
  } catch (error) {
    tellProblem(error, services.log, ...actionsFor(error));
  }
}

function notified({ runs }: Services, { run, done }: StartedRun, thenEvaluate: boolean): Promise<TrainResult> {
  const monitor = runs.monitor(run);
  const title = thenEvaluate ? vscode.l10n.t('Training, then evaluating') : vscode.l10n.t('Training');
  return inNotification(title, async ({ signal, report }) => {
    signal.addEventListener('abort', () => void monitor.control('stop'));
    const pace = new Pace();
    const listening = monitor.onDidChange(() => report(shareOf(monitor.data), wordsOf(monitor.data, pace)));
    try {
      return await done;
    } finally {
      listening.dispose();
    }
  });
}

function shareOf({ points, totalIterations }: TrainingData): number {
  return totalIterations > 0 ? (points.at(-1)?.iteration ?? 0) / totalIterations : 0;
}

function wordsOf({ features, points, totalIterations, secondsLeft: left, messages }: TrainingData, pace: Pace): string {
  const last = points.at(-1);
  if (last) return withRest(vscode.l10n.t('{0} of {1} iterations', last.iteration, totalIterations), duration(left));
  if (features) {
    const { done, total } = features;
    const rest = pace.secondsLeft('features', done, total);
    const amount = vscode.l10n.t('Features of {0} of {1} images', done, total);
    return withRest(amount, rest === undefined ? undefined : duration(rest));
  }
  return messages.at(-1)?.text ?? '';
}

async function tellEnd({ trainings }: Services, { run, stopped, best, iterations }: TrainResult): Promise<void> {
  const { t } = vscode.l10n;
  const [evaluate, open] = [t('Evaluate'), t('Open Panel')];
  const loss = best ? t('best validation loss {0}', best.validationLoss.toFixed(3)) : t('no validation yet');
  const words =
    stopped === 'person'
      ? t('Training was stopped after {0} iterations ({1}). It can be resumed.', iterations, loss)
      : t('Training is finished: {0} iterations, {1}.', iterations, loss);
  const chosen = await vscode.window.showInformationMessage(words, ...(best ? [evaluate, open] : [open]));
  if (chosen === evaluate) await evaluated(run);
  if (chosen === open) await trainings.show(run);
}

/** On its validation images, as most want it: the command asks on which. Says whether it came to an end. */
async function evaluated(run: string): Promise<boolean> {
  return (await vscode.commands.executeCommand('labelscope.evaluate', vscode.Uri.file(run), {})) !== undefined;
}
