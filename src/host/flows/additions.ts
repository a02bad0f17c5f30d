// What can be added to Labelscope and taken away again: asked before, told while, undone on request.
import * as vscode from 'vscode';
import {
  fetchedInWords,
  type Installable,
  type InstallParams,
  type InstallProgress,
  type InstallResult,
  type RemoveResult,
} from '../../protocol/install';
import type { Services } from '../services';
import { inNotification, timedBytes } from '../tasks';

/** @throws CancellationError; LabelscopeError */
export async function add({ engine, log }: Services, title: string, params: InstallParams): Promise<InstallResult> {
  const result = await inNotification(title, (task) => {
    const onBytes = timedBytes(task);
    const onProgress = ({ stage, bytes, total }: InstallProgress) => {
      if (total === undefined) task.report(0, wordsOf(stage, bytes));
      else onBytes({ done: bytes, total });
    };
    return engine.request('install', params, { signal: task.signal, onProgress });
  });
  if (result.package) log[result.package.listed ? 'info' : 'warn'](fetchedInWords(result.package));
  await engine.restart();
  return result;
}

interface Removal {
  readonly what: Installable;
  readonly question: string;
  /** What is used then. */
  readonly detail: string;
}

/** @throws CancellationError; LabelscopeError */
export async function takeAway({ engine }: Services, { what, question, detail }: Removal): Promise<RemoveResult> {
  const yes = vscode.l10n.t('Remove');
  const answer = await vscode.window.showWarningMessage(question, { modal: true, detail }, yes);
  if (answer !== yes) throw new vscode.CancellationError();
  // A library that is loaded cannot be deleted on Windows.
  await engine.restart();
  const result = await engine.request('remove', { what });
  await engine.restart();
  return result;
}

function wordsOf(stage: InstallProgress['stage'], bytes: number): string {
  const { t } = vscode.l10n;
  const words = {
    fetching: t('{0} MB fetched', (bytes / 1e6).toFixed(0)),
    unpacking: t('unpacking'),
    building: t('compiling'),
    checking: t('checking'),
  };
  return words[stage];
}
