// The drawn sample data set, and the word that it is there: also where its folder has to be opened first, which begins a new window.
import * as vscode from 'vscode';
import type { SampleResult } from '../../protocol/messages';
import type { Services } from '../services';
import { timed, inNotification } from '../tasks';

const DRAWN = 'sample:drawn';

/** What follows in the window that shows the sample: the person is asked, or a model is trained and evaluated. */
type Then = 'ask' | 'train';

/** What that window has to know. */
interface Drawn {
  readonly directory: string;
  readonly annotations: string;
  readonly images: number;
  readonly then: Then;
}

/** Folders that a sample is being drawn into: a button that is pressed twice is meant once. */
const drawing = new Set<string>();

/** Draws it into a folder, which is opened where no open folder holds it. @throws CancellationError; LabelscopeError */
export async function createSample(services: Services, directory: vscode.Uri, then: Then = 'ask'): Promise<SampleResult> {
  const { context } = services;
  const result = await draw(services, directory.fsPath);
  const drawn = { directory: directory.fsPath, annotations: result.trainAnnotations, images: result.trainImages, then };
  const annotations = vscode.Uri.file(drawn.annotations);
  if (!vscode.workspace.getWorkspaceFolder(annotations)) {
    await context.globalState.update(DRAWN, drawn);
    await vscode.commands.executeCommand('vscode.openFolder', directory);
    return result;
  }
  // Whoever goes on by hand finds the annotation file; whoever does not keeps the view that shows the run.
  if (then === 'ask') await vscode.commands.executeCommand('revealInExplorer', annotations);
  await goOn(drawn);
  return result;
}

async function draw({ engine }: Services, directory: string): Promise<SampleResult> {
  if (drawing.has(directory)) throw new vscode.CancellationError();
  drawing.add(directory);
  const title = vscode.l10n.t('Drawing the sample data set');
  return inNotification(title, (task) =>
    engine.request('sample', { directory }, { signal: task.signal, onProgress: timed(task) }),
  ).finally(() => drawing.delete(directory));
}

/** In the window that was opened for it. */
export async function tellDrawnSample({ globalState }: vscode.ExtensionContext): Promise<void> {
  const drawn = globalState.get<Drawn>(DRAWN);
  if (!drawn || !vscode.workspace.getWorkspaceFolder(vscode.Uri.file(drawn.annotations))) return;
  await globalState.update(DRAWN, undefined);
  await goOn(drawn);
}

async function goOn(drawn: Drawn): Promise<void> {
  // The window of a folder that was just opened may not be trusted yet: then the person is asked, and can answer when it is.
  if (drawn.then === 'train' && vscode.workspace.isTrusted) await train(drawn);
  else tellSample(drawn);
}

/** Nobody is asked anything: with the evaluation it ends where there is something to see. */
async function train({ annotations }: Drawn): Promise<void> {
  await vscode.commands.executeCommand('labelscope.train', vscode.Uri.file(annotations), { thenEvaluate: true });
}

function tellSample(drawn: Drawn): void {
  const { directory, annotations, images } = drawn;
  const [begin, choose] = [vscode.l10n.t('Train a Model'), vscode.l10n.t('Choose What to Train…')];
  const words = vscode.l10n.t('The sample lies in {0}: {1} images to train on.', directory, images);
  void vscode.window.showInformationMessage(words, begin, choose).then(async (chosen) => {
    if (chosen === begin) await train(drawn);
    if (chosen === choose) await vscode.commands.executeCommand('labelscope.train', vscode.Uri.file(annotations));
  });
}
