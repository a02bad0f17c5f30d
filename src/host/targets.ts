// What a command is meant for: what was clicked, what is open, or what the person chooses.
import { homedir } from 'node:os';
import * as vscode from 'vscode';
import { LabelscopeError } from '../protocol/errors';
import { isImage } from './active-image';
import { modelChoiceOf, noModel } from './flows/evaluate';
import { chooseOne, inTurn } from './flows/steps';
import { isLive } from './monitor';
import type { RunInfo } from './runs';
import type { Services } from './services';
import { statusWord } from './views/trees';

/** What a command was called with: a file, a row of a tree, or nothing. */
export type Target = vscode.Uri | RunInfo | undefined;

export function isRun(target: unknown): target is RunInfo {
  return typeof target === 'object' && target !== null && 'folder' in target && 'hasModel' in target;
}

/** The annotation file that is meant. @throws CancellationError; LabelscopeError where the workspace has none and none is chosen */
export async function annotationFile({ coco }: Services, target: Target): Promise<vscode.Uri> {
  if (target instanceof vscode.Uri) return target;
  const open = vscode.window.activeTextEditor?.document.uri;
  await coco.ready;
  if (open && coco.paths.includes(open.fsPath)) return open;
  if (coco.paths.length === 1) return vscode.Uri.file(coco.paths[0]!);
  return coco.paths.length === 0 ? browse() : chooseKnown(coco.paths);
}

async function chooseKnown(paths: readonly string[]): Promise<vscode.Uri> {
  let chosen = '';
  const choices = paths.map((path) => ({ label: vscode.workspace.asRelativePath(path), value: path }));
  await inTurn(vscode.l10n.t('Labelscope'), [
    async (place) => {
      chosen = await chooseOne(place, { placeholder: vscode.l10n.t('Which annotation file?'), choices });
    },
  ]);
  return vscode.Uri.file(chosen);
}

async function browse(): Promise<vscode.Uri> {
  const title = vscode.l10n.t('Choose a COCO annotation file');
  const filters = { [vscode.l10n.t('COCO annotation files')]: ['json', 'gz'] };
  const [chosen] = (await vscode.window.showOpenDialog({ title, filters })) ?? [];
  if (!chosen) throw new vscode.CancellationError();
  return chosen;
}

/** The run that is meant, among those that `fits`; with one candidate nothing is asked. */
export async function runOf({ runs }: Services, target: Target, fits: (run: RunInfo) => boolean): Promise<RunInfo> {
  if (isRun(target)) return target;
  const all = await runs.list();
  const path = target?.fsPath;
  const named = all.find(({ folder }) => folder === path);
  if (named) return named;
  const candidates = all.filter(fits);
  if (candidates.length === 0) throw noModel();
  if (candidates.length === 1) return candidates[0]!;
  return chooseRun(candidates);
}

async function chooseRun(candidates: readonly RunInfo[]): Promise<RunInfo> {
  let folder = '';
  await inTurn(vscode.l10n.t('Labelscope'), [
    async (place) => {
      const choices = candidates.map((run) => ({ ...modelChoiceOf(run), description: statusWord(run.status) }));
      folder = await chooseOne(place, { placeholder: vscode.l10n.t('Which run?'), choices });
    },
  ]);
  return candidates.find((run) => run.folder === folder)!;
}

export const isAtWork = ({ status }: RunInfo): boolean => status !== 'imported' && isLive(status);
export const isTraining = ({ status }: RunInfo): boolean => status === 'training' || status === 'preparing';
export const isPaused = ({ status }: RunInfo): boolean => status === 'paused';
export const isResumable = ({ status }: RunInfo): boolean =>
  status === 'stopped' || status === 'interrupted' || status === 'failed';
export const isTrained = ({ imported }: RunInfo): boolean => imported === undefined;
export const hasModel = (run: RunInfo): boolean => run.hasModel;
export const isEvaluated = ({ evaluation }: RunInfo): boolean => evaluation !== undefined;

/** More are hard to tell apart. */
const MOST_COMPARED = 5;

/**
 * Folders of the runs to compare, the oldest first: those that were chosen; with one or none, the newest evaluated ones besides.
 * @throws LabelscopeError where there are fewer than two
 */
export async function comparedRuns({ runs }: Services, chosen: readonly RunInfo[]): Promise<readonly string[]> {
  const others = (await runs.list()).filter((run) => isEvaluated(run) && !chosen.some(({ folder }) => folder === run.folder));
  const compared = chosen.length > 1 ? [...chosen] : [...chosen, ...others].slice(0, MOST_COMPARED);
  if (compared.length < 2)
    throw new LabelscopeError('runs-too-few', vscode.l10n.t('There are no two evaluated runs to compare. Evaluate them first.'));
  return compared.sort((a, b) => a.created.localeCompare(b.created)).map(({ folder }) => folder);
}

/** The image that is meant. @throws LabelscopeError where none is open */
export function imageFile({ active }: Services, target: Target): string {
  if (target instanceof vscode.Uri && isImage(target)) return target.fsPath;
  if (active.file !== undefined) return active.file;
  throw new LabelscopeError('no-image', vscode.l10n.t('Open an image first, or right-click one in the Explorer.'));
}

/** Where the sample is made: in the workspace, else where the person says. @throws CancellationError */
export async function sampleFolder(): Promise<vscode.Uri> {
  const root = vscode.workspace.workspaceFolders?.[0]?.uri;
  if (root) return vscode.Uri.joinPath(root, 'labelscope-sample');
  const title = vscode.l10n.t('Where shall the sample data set lie?');
  const options = { canSelectFolders: true, canSelectFiles: false, title, defaultUri: vscode.Uri.file(homedir()) };
  const [chosen] = (await vscode.window.showOpenDialog(options)) ?? [];
  if (!chosen) throw new vscode.CancellationError();
  return vscode.Uri.joinPath(chosen, 'labelscope-sample');
}
