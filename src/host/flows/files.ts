// What is done with a run's folder: a name, another place, the trash, a model file, a report.
import { fork } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as vscode from 'vscode';
import { writeAtomically } from '../../engine/client/atomic';
import { LabelscopeError } from '../../protocol/errors';
import type { ExportProgress, ExportResult, WeightFormat } from '../../protocol/export';
import type { CountProgress } from '../../protocol/messages';
import { isLive } from '../monitor';
import type { RunInfo } from '../runs';
import type { Services } from '../services';
import { checkTrust } from '../problems';
import { setting } from '../settings';
import { inNotification, type Task, timed, timedBytes, timedShare } from '../tasks';
import { type Choice, chooseOne } from './steps';

/** Writes the name into run.json or import.json; the folder stays where it is. */
export async function renameRun(services: Services, run: RunInfo): Promise<void> {
  if (run.status !== 'imported' && isLive(run.status))
    throw new LabelscopeError('run-busy', vscode.l10n.t('{0} is at work. Rename it when it has ended.', run.name));
  const name = await vscode.window.showInputBox({ value: run.name, prompt: vscode.l10n.t('New name') });
  if (name === undefined || name.trim() === '') throw new vscode.CancellationError();
  const file = join(run.folder, run.imported ? 'import.json' : 'run.json');
  const record = JSON.parse(await readFile(file, 'utf8')) as object;
  await writeAtomically(file, [JSON.stringify({ ...record, name: name.trim() }, null, 2) + '\n']);
  services.runs.refresh();
}

export async function deleteRuns(services: Services, runs: readonly RunInfo[]): Promise<void> {
  const busy = runs.find(({ status }) => status !== 'imported' && isLive(status));
  if (busy) throw new LabelscopeError('run-busy', vscode.l10n.t('{0} is at work. Stop it first.', busy.name));
  const remove = vscode.l10n.t('Move to Trash');
  const message =
    runs.length === 1
      ? vscode.l10n.t('Move {0} with its model to the trash?', runs[0]!.name)
      : vscode.l10n.t('Move {0} runs with their models to the trash?', runs.length);
  if ((await vscode.window.showWarningMessage(message, { modal: true }, remove)) !== remove) return;
  for (const { folder } of runs) await moveToTrash(vscode.Uri.file(folder));
  services.runs.refresh();
}

/** Remote machines and browsers have no trash: there it is asked once more. */
async function moveToTrash(uri: vscode.Uri): Promise<void> {
  try {
    await vscode.workspace.fs.delete(uri, { recursive: true, useTrash: true });
  } catch {
    const remove = vscode.l10n.t('Delete for Good');
    const question = vscode.l10n.t('{0} cannot be moved to a trash here. Delete it for good?', basename(uri.fsPath));
    if ((await vscode.window.showWarningMessage(question, { modal: true }, remove)) !== remove) return;
    await vscode.workspace.fs.delete(uri, { recursive: true });
  }
}

/** @throws CancellationError */
export async function exportModel(services: Services, run: RunInfo, to?: string): Promise<ExportResult> {
  const weights = to === undefined ? await chooseWeights() : 'float32';
  const out = to ?? (await saveAs(run, 'onnx', vscode.l10n.t('Export Model')));
  const title = vscode.l10n.t('Exporting {0}', run.name);
  const params = { run: run.folder, out, weights, device: setting('device') };
  return inNotification(title, (task) => {
    // Where images were scored for it, the bar is full by then: writing is the small part.
    const [measured, written] = [timed(task), timedBytes(task)];
    const onProgress = ({ stage, ...count }: ExportProgress) => (stage === 'measuring' ? measured : written)(count);
    return services.engine.request('export', params, { signal: task.signal, onProgress });
  });
}

async function chooseWeights(): Promise<WeightFormat> {
  const place = { title: vscode.l10n.t('Export Model'), step: 1, steps: 1 };
  const detail = vscode.l10n.t('What that costs is measured on the validation images.');
  const choices: readonly Choice<WeightFormat>[] = [
    { value: 'float32', label: vscode.l10n.t('As trained'), description: 'float32' },
    { value: 'float16', label: vscode.l10n.t('Half the size'), description: 'float16', detail },
    { value: 'int8', label: vscode.l10n.t('A quarter of the size'), description: 'int8', detail },
  ];
  return chooseOne(place, { placeholder: vscode.l10n.t('How weights are stored'), choices }, 'float32');
}

/** What a person wants to know of the file: where it is, and what smaller weights cost. */
export function exportedInWords({ path, loss, unmeasured }: ExportResult): string {
  const where = vscode.l10n.t('The model is in {0}.', path);
  if (unmeasured !== undefined)
    return `${where} ${vscode.l10n.t('What the smaller weights cost was not measured: {0}', unmeasured)}`;
  if (!loss) return where;
  const [before, after] = [loss.mAP.before, loss.mAP.after].map((value) => value?.toFixed(3) ?? '–');
  return `${where} ${vscode.l10n.t(
    'On {0} images mAP {1} → {2}; {3} of {4} labels differ.',
    ...[loss.images, before!, after!, loss.changedLabels, loss.decisions],
  )}`;
}

/** A page with the run's curves and evaluation that needs no VS Code. Answers its path. @throws CancellationError */
export async function exportReport({ context, log }: Services, run: RunInfo, to?: string): Promise<string> {
  const out = to ?? (await saveAs(run, 'html', vscode.l10n.t('Export Report')));
  const cli = join(context.extensionPath, 'dist', 'cli.js');
  await inNotification(vscode.l10n.t('Writing the report'), (task) =>
    runCli(cli, ['report', run.folder, '--out', out], log, task),
  );
  return out;
}

/** Runs compared with the first of them, as a page of the same kind. @throws CancellationError */
export async function exportComparison(
  { context, log }: Pick<Services, 'context' | 'log'>,
  folders: readonly string[],
  threshold: number | null,
): Promise<void> {
  checkTrust();
  const folder = join(folders[0]!, '..');
  const out = await saveAs({ folder, name: 'comparison' }, 'html', vscode.l10n.t('Export Comparison'));
  const cli = join(context.extensionPath, 'dist', 'cli.js');
  const at = threshold === null ? [] : ['--threshold', String(threshold)];
  await inNotification(vscode.l10n.t('Writing the report'), (task) =>
    runCli(cli, ['compare', ...folders, ...at, '--html', out], log, task),
  );
  await offerToReveal(vscode.l10n.t('The report is in {0}.', out), out);
}

export async function offerToReveal(words: string, path: string): Promise<void> {
  const title = vscode.l10n.t('Reveal');
  void vscode.window.showInformationMessage(words, title).then(async (chosen) => {
    if (chosen === title) await reveal(vscode.Uri.file(path));
  });
  return Promise.resolve();
}

/** In the file manager. A far machine and a browser have none: there in the Explorer, or, outside the folders that are open, by its path. */
export async function reveal(uri: vscode.Uri): Promise<void> {
  const isHere = vscode.env.remoteName === undefined && vscode.env.uiKind === vscode.UIKind.Desktop;
  if (isHere) await vscode.commands.executeCommand('revealFileInOS', uri);
  else if (vscode.workspace.getWorkspaceFolder(uri)) await vscode.commands.executeCommand('revealInExplorer', uri);
  else tellPath(uri);
}

function tellPath(uri: vscode.Uri): void {
  const [copy, open] = [vscode.l10n.t('Copy Path'), vscode.l10n.t('Open Its Folder')];
  const words = vscode.l10n.t('{0} lies outside the folders that are open.', uri.fsPath);
  void vscode.window.showInformationMessage(words, copy, open).then(async (chosen) => {
    if (chosen === copy) await vscode.env.clipboard.writeText(uri.fsPath);
    if (chosen === open) await vscode.commands.executeCommand('vscode.openFolder', vscode.Uri.joinPath(uri, '..'), true);
  });
}

async function saveAs(run: Pick<RunInfo, 'folder' | 'name'>, extension: string, title: string): Promise<string> {
  const name = `${run.name.replace(/[^\p{L}\p{N}. _-]+/gu, '_')}.${extension}`;
  const defaultUri = vscode.Uri.file(join(run.folder, name));
  const target = await vscode.window.showSaveDialog({ defaultUri, title, filters: { [extension.toUpperCase()]: [extension] } });
  if (!target) throw new vscode.CancellationError();
  return target.fsPath;
}

/** The command line does it, in a process of its own, and sends how far it is. @throws CancellationError once it is cancelled */
function runCli(script: string, args: readonly string[], log: vscode.LogOutputChannel, task: Task): Promise<void> {
  const { signal } = task;
  const tell = timedShare(task);
  return new Promise((resolve, reject) => {
    const child = fork(script, args, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], execArgv: [] });
    let told = '';
    child.on('message', (message) => {
      const { done, total } = message as CountProgress;
      tell({ done: Math.round((100 * done) / total), total: 100 });
    });
    child.stdout?.on('data', (text: Buffer) => log.debug(text.toString().trimEnd()));
    child.stderr?.on('data', (text: Buffer) => (told += text.toString()));
    const stop = () => child.kill('SIGINT');
    signal.addEventListener('abort', stop);
    child.on('error', reject);
    child.on('close', (code) => {
      signal.removeEventListener('abort', stop);
      // A file that had its name when the stop came is there, and is told of: what obeys a stop ends with another status.
      if (code === 0) resolve();
      else if (signal.aborted) reject(new vscode.CancellationError());
      else reject(new LabelscopeError('report-failed', told.trim() || vscode.l10n.t('The report could not be written.')));
    });
  });
}
