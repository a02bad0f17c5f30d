// An annotation file divided into training and validation files, or repaired: always into new files.
import { basename, dirname, join, resolve } from 'node:path';
import * as vscode from 'vscode';
import type { FixResult, SplitParams, SplitResult } from '../../protocol/health';
import type { InspectProgress } from '../../protocol/messages';
import type { Services } from '../services';
import { inNotification, type Task, timed, timedBytes } from '../tasks';
import { chooseOne, inTurn } from './steps';

/** What tests and other extensions answer in place of the person. */
export interface SplitOptions {
  readonly parts?: SplitParams['parts'];
  readonly out?: string;
}

/** @throws CancellationError; LabelscopeError */
export async function splitDataset(
  { engine, folders }: Services,
  annotations: vscode.Uri,
  options: SplitOptions,
): Promise<SplitResult> {
  const parts = options.parts ?? (await askForParts());
  const out = resolve(baseOf(annotations), options.out ?? (await askForFolder(annotations)));
  const params = { annotations: annotations.fsPath, out, parts, seed: 0 };
  const result = await inNotification(vscode.l10n.t('Splitting {0}', basename(annotations.fsPath)), (task) =>
    engine.request('split', params, { signal: task.signal, onProgress: told(task) }),
  );
  const { imageFolder } = result;
  if (imageFolder !== null) for (const { path } of result.files) await folders.remember(path, imageFolder);
  tellParts(result, out);
  return result;
}

function tellParts({ files, imageFolder }: SplitResult, out: string): void {
  const [train, validation] = files;
  const open = vscode.l10n.t('Show Dataset Report');
  const words = vscode.l10n.t(
    '{0} files are in {1}. The first two: {2} images to train on, {3} for validation.',
    files.length,
    out,
    train!.images,
    validation!.images,
  );
  const unseen = vscode.l10n.t('Their images were not found, so nobody looked whether some come twice.');
  void vscode.window.showInformationMessage(imageFolder === null ? `${words} ${unseen}` : words, open).then(async (chosen) => {
    if (chosen === open) await vscode.commands.executeCommand('labelscope.showDatasetReport', vscode.Uri.file(train!.path));
  });
}

/** What a relative path is relative to: in a window there is no current folder. */
function baseOf(annotations: vscode.Uri): string {
  return vscode.workspace.getWorkspaceFolder(annotations)?.uri.fsPath ?? dirname(annotations.fsPath);
}

async function askForParts(): Promise<SplitParams['parts']> {
  let parts: SplitParams['parts'] = { kind: 'fraction', fraction: 0.2 };
  const share = (fraction: number) => ({
    label: vscode.l10n.t('{0} % for validation', Math.round(100 * fraction)),
    value: { kind: 'fraction', fraction } as const,
  });
  const folds = (count: number) => ({
    label: vscode.l10n.t('{0} folds', count),
    description: vscode.l10n.t('each with a training and a validation file'),
    value: { kind: 'folds', folds: count } as const,
  });
  const choices = [...[0.2, 0.1, 0.15, 0.3].map(share), ...[5, 10, 3].map(folds)];
  await inTurn(vscode.l10n.t('Split Data Set'), [
    async (place) => {
      const placeholder = vscode.l10n.t('How? Every category is divided in proportion; nearly the same images stay on one side.');
      parts = await chooseOne<SplitParams['parts']>(place, { placeholder, choices });
    },
  ]);
  return parts;
}

/** Beside the file, under the name from which the look-up knows whose images they are. */
async function askForFolder(annotations: vscode.Uri): Promise<string> {
  const stem = basename(annotations.fsPath).replace(/(\.json)?(\.gz)?$/i, '');
  const value = join(dirname(annotations.fsPath), `${stem}-split`);
  const prompt = vscode.l10n.t('Folder for the new files');
  const out = await vscode.window.showInputBox({
    prompt,
    value,
    valueSelection: [value.length, value.length],
    ignoreFocusOut: true,
  });
  if (out === undefined || out.trim() === '') throw new vscode.CancellationError();
  return out.trim();
}

/** Repairs what is certain, of the findings named or of all, into a new file beside the old one, and opens it. */
export async function fixAnnotations(
  { engine }: Services,
  annotations: vscode.Uri,
  codes: readonly string[] | undefined,
): Promise<FixResult> {
  const params = { annotations: annotations.fsPath, ...(codes && { codes }) };
  const result = await inNotification(vscode.l10n.t('Repairing {0}', basename(annotations.fsPath)), (task) =>
    engine.request('fix', params, { signal: task.signal, onProgress: told(task) }),
  );
  const count = Object.values(result.fixed).reduce((sum, one) => sum + one, 0);
  void vscode.window.showInformationMessage(vscode.l10n.t('{0} faults are repaired in {1}.', count, basename(result.path)));
  await vscode.commands.executeCommand('vscode.open', vscode.Uri.file(result.path));
  return result;
}

/** Reading moves no bar where images follow: it is a small part of the whole. */
function told(task: Task): (progress: InspectProgress) => void {
  const onBytes = timedBytes({ ...task, report: (_, message) => task.report(0, message) });
  let onImages: ReturnType<typeof timed> | undefined;
  return ({ bytes, totalBytes, images }) => {
    if (images) (onImages ??= timed(task))(images);
    else onBytes({ done: bytes, total: totalBytes });
  };
}
