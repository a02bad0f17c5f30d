// What goes wrong, told to a person: one notification in the editor's words, with an action, never a stack trace.
import * as vscode from 'vscode';
import { LabelscopeError, toWireError, type WireError } from '../protocol/errors';

/** Remedies that the engine words for the command line, in the editor's words. */
const REMEDIES: Readonly<Record<string, () => string>> = {
  'image-folder-not-found': () => vscode.l10n.t('Choose their folder.'),
  'images-missing': () => vscode.l10n.t('Choose their folder.'),
  'image-folder-missing': () => vscode.l10n.t('Choose the folder that the images are in now.'),
  'run-exists': () => vscode.l10n.t('Resume it in the Runs view, or train a new run.'),
  'run-busy': () => vscode.l10n.t('Wait until it ends, or stop it in the Runs view.'),
  'model-missing': () => vscode.l10n.t('Resume it in the Runs view.'),
  'resume-settings': () => vscode.l10n.t('Train a new run for other settings.'),
  'backbone-changed': () => vscode.l10n.t('Train a new run.'),
  'device-unavailable': () =>
    vscode.l10n.t('Choose another with the setting labelscope.device, or run "Labelscope: Check Devices".'),
  'engine-died': () => vscode.l10n.t('What was saved is kept. A training run can be resumed in the Runs view.'),
  'training-diverged': () => vscode.l10n.t('Lower learnRate in the setting labelscope.recipeSettings.'),
  'evaluation-missing': () => vscode.l10n.t('Run "Labelscope: Evaluate Model" first.'),
  'evaluation-outdated': () => vscode.l10n.t('Run "Labelscope: Evaluate Model" again.'),
  'nothing-to-fix': () => vscode.l10n.t('The dataset report says what is left to a person.'),
  'images-differ': () => vscode.l10n.t('Evaluate all of them on the same annotation file.'),
};

/** The message without advice that only helps on a command line (`--images DIR`, `labelscope doctor`), and with ours. */
export function wordsOf({ code, message }: WireError): string {
  const sentences = message.split(/(?<=[.!?])\s+(?=[A-Z"'])/);
  const kept = sentences.filter(
    (sentence) => !/(^|\s)--[a-z]|labelscope (doctor|inspect|train|evaluate|import)|npm run/.test(sentence),
  );
  const told = kept.length > 0 ? kept : sentences;
  const remedy = REMEDIES[code]?.();
  return remedy === undefined || told.includes(remedy) ? told.join(' ') : [...told, remedy].join(' ');
}

/** An error as a window shows it. */
export function shownError(error: unknown): WireError {
  const wire = toWireError(error);
  return { ...wire, message: wordsOf(wire) };
}

export function isCancelled(error: unknown): boolean {
  return error instanceof vscode.CancellationError || (error instanceof LabelscopeError && error.code === 'cancelled');
}

/** Another way on than reading the log, such as choosing a folder. */
export interface ProblemAction {
  readonly title: string;
  readonly run: () => unknown;
}

/** Commands that lead on from an error, by its code, with their titles. */
const WAYS_ON: Readonly<Record<string, () => Readonly<Record<string, string>>>> = {
  'no-model': toTraining,
  'no-run': toTraining,
  'no-image': () => ({ 'workbench.action.quickOpen': vscode.l10n.t('Find an Image…') }),
  'evaluation-missing': toEvaluation,
  'evaluation-outdated': toEvaluation,
  'runs-too-few': toEvaluation,
  'device-unavailable': () => ({ 'labelscope.showDevices': vscode.l10n.t('Check Devices') }),
  untrusted: () => ({ 'workbench.trust.manage': vscode.l10n.t('Manage Trust') }),
};

function toTraining(): Readonly<Record<string, string>> {
  return {
    'labelscope.train': vscode.l10n.t('Train a Model'),
    'labelscope.trySample': vscode.l10n.t('Try It on a Sample'),
  };
}

function toEvaluation(): Readonly<Record<string, string>> {
  return { 'labelscope.evaluate': vscode.l10n.t('Evaluate Model') };
}

function waysOn(code: string): ProblemAction[] {
  return Object.entries(WAYS_ON[code]?.() ?? {}).map(([command, title]) => ({
    title,
    run: () => vscode.commands.executeCommand(command),
  }));
}

/** Errors that tell of nothing but what is not there yet: the log knows no more. */
const NOTHING_YET = new Set(['no-model', 'no-run', 'no-image', 'runs-too-few', 'untrusted']);

/** Shows an error and offers the actions, what leads on from it, and the log, without waiting for the person. A cancellation is no error. */
export function tellProblem(error: unknown, log: vscode.LogOutputChannel, ...actions: ProblemAction[]): void {
  if (isCancelled(error)) return;
  const wire = toWireError(error);
  log.error(`${wire.code}: ${wire.message}`);
  if (wire.code === 'internal' && error instanceof Error) log.debug(error.stack ?? '');
  const show: ProblemAction = { title: vscode.l10n.t('Show Output'), run: () => log.show() };
  const offered = [...actions, ...waysOn(wire.code), ...(NOTHING_YET.has(wire.code) ? [] : [show])];
  void vscode.window.showErrorMessage(wordsOf(wire), ...offered.map(({ title }) => title)).then(async (chosen) => {
    try {
      await offered.find(({ title }) => title === chosen)?.run();
    } catch (after) {
      tellProblem(after, log);
    }
  });
}

/** In a workspace that is not trusted nothing is trained, predicted or written. @throws LabelscopeError 'untrusted' */
export function checkTrust(): void {
  if (vscode.workspace.isTrusted) return;
  const words = vscode.l10n.t('Labelscope only looks at data in a workspace that is not trusted. Trust it first.');
  throw new LabelscopeError('untrusted', words);
}
