// The drawn sample data set, and the word that it is there: also where its folder has to be opened first, which begins a new window.
import * as vscode from 'vscode';
import type { SampleResult } from '../../protocol/messages';
import type { Services } from '../services';
import { timed, inNotification } from '../tasks';

const DRAWN = 'sample:drawn';

/** What the window that shows the sample is to tell. */
interface Drawn {
  readonly directory: string;
  readonly annotations: string;
  readonly images: number;
}

/** Draws it into a folder, which is opened where no open folder holds it. @throws CancellationError; LabelscopeError */
export async function createSample({ engine, context }: Services, directory: vscode.Uri): Promise<SampleResult> {
  const result = await inNotification(vscode.l10n.t('Drawing the sample data set'), (task) =>
    engine.request('sample', { directory: directory.fsPath }, { signal: task.signal, onProgress: timed(task) }),
  );
  const drawn = { directory: directory.fsPath, annotations: result.trainAnnotations, images: result.trainImages };
  const annotations = vscode.Uri.file(drawn.annotations);
  if (!vscode.workspace.getWorkspaceFolder(annotations)) {
    await context.globalState.update(DRAWN, drawn);
    await vscode.commands.executeCommand('vscode.openFolder', directory);
    return result;
  }
  await vscode.commands.executeCommand('revealInExplorer', annotations);
  tellSample(drawn);
  return result;
}

/** In the window that was opened for it. */
export async function tellDrawnSample({ globalState }: vscode.ExtensionContext): Promise<void> {
  const drawn = globalState.get<Drawn>(DRAWN);
  if (!drawn || !vscode.workspace.getWorkspaceFolder(vscode.Uri.file(drawn.annotations))) return;
  await globalState.update(DRAWN, undefined);
  tellSample(drawn);
}

function tellSample({ directory, annotations, images }: Drawn): void {
  const [train, choose] = [vscode.l10n.t('Train a Model'), vscode.l10n.t('Choose What to Train…')];
  const words = vscode.l10n.t('The sample lies in {0}: {1} images to train on.', directory, images);
  void vscode.window.showInformationMessage(words, train, choose).then(async (chosen) => {
    const answers = chosen === train ? [{}] : [];
    if (chosen !== undefined) await vscode.commands.executeCommand('labelscope.train', vscode.Uri.file(annotations), ...answers);
  });
}
