// What a command is meant for: what was clicked, what is open, or what the person chooses.
import { homedir } from 'node:os';
import * as vscode from 'vscode';
import { LabelscopeError } from '../protocol/errors';
import { isImage } from './active-image';
import { fileOf } from './coco-files';
import { modelChoiceOf, noModel } from './flows/evaluate';
import { type Choice, chooseOne, inTurn } from './flows/steps';
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
  await coco.ready;
  const { activeTab } = vscode.window.tabGroups.activeTabGroup;
  const open = activeTab && fileOf(activeTab);
  if (open && coco.paths.includes(open.fsPath)) return open;
  if (coco.paths.length === 1) return vscode.Uri.file(coco.paths[0]!);
  return coco.paths.length === 0 ? chooseFirst() : chooseKnown(coco.paths);
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

/** Where the workspace has none: one from elsewhere, or a command that leads to one. */
async function chooseFirst(): Promise<vscode.Uri> {
  const { t } = vscode.l10n;
  const isEmpty = vscode.workspace.workspaceFolders === undefined;
  const openFolder = { label: t('Open Folder…'), detail: t('Finds every annotation file in it, and keeps runs there') };
  const choices: readonly Choice<string | undefined>[] = [
    { label: t('Choose an Annotation File…'), detail: t('COCO: .json or .json.gz'), value: undefined },
    ...(isEmpty ? [{ ...openFolder, value: 'workbench.action.files.openFolder' }] : []),
    {
      label: t('Create Sample Data Set'),
      detail: t('Drawn images of twelve categories, without a download'),
      value: 'labelscope.createSample',
    },
  ];
  const found = isEmpty ? t('No folder is open') : t('No COCO annotation file was found in this workspace');
  let command: string | undefined;
  await inTurn(t('Labelscope'), [
    async (place) => {
      command = await chooseOne(place, { placeholder: found, choices });
    },
  ]);
  if (command === undefined) return browse();
  await vscode.commands.executeCommand(command);
  throw new vscode.CancellationError();
}

async function browse(): Promise<vscode.Uri> {
  const title = vscode.l10n.t('Choose a COCO annotation file');
  const filters = { [vscode.l10n.t('COCO annotation files')]: ['json', 'gz'] };
  const [chosen] = (await vscode.window.showOpenDialog({ title, filters })) ?? [];
  if (!chosen) throw new vscode.CancellationError();
  return chosen;
}

/** Runs that a command is for, and what is said where there is none of them. */
export interface RunKind {
  readonly fits: (run: RunInfo) => boolean;
  readonly none: (all: readonly RunInfo[]) => LabelscopeError;
}

/** The run that is meant, among those of its kind; with one candidate nothing is asked. @throws LabelscopeError where there is none */
export async function runOf({ runs }: Services, target: Target, { fits, none }: RunKind): Promise<RunInfo> {
  if (isRun(target)) return target;
  const all = await runs.list();
  const path = target?.fsPath;
  const named = all.find(({ folder }) => folder === path);
  if (named) return named;
  const candidates = all.filter(fits);
  if (candidates.length === 0) throw none(all);
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

const noRun = (words: string) => new LabelscopeError('no-run', words);
const isEvaluated = ({ evaluation }: RunInfo): boolean => evaluation !== undefined;

/** Runs and imported models alike. */
export const ANY: RunKind = { fits: () => true, none: noModel };
export const WITH_MODEL: RunKind = { fits: ({ hasModel }) => hasModel, none: noModel };
export const TRAINED: RunKind = {
  fits: ({ imported }) => imported === undefined,
  none: () =>
    noRun(vscode.l10n.t('There is no training run yet. Right-click a COCO annotation file and choose Train Multilabel Model.')),
};
export const EVALUATED: RunKind = {
  fits: isEvaluated,
  none: (all) =>
    all.some(WITH_MODEL.fits)
      ? new LabelscopeError('evaluation-missing', vscode.l10n.t('No model has been evaluated yet.'))
      : noModel(),
};
export const AT_WORK: RunKind = {
  fits: ({ status }) => status !== 'imported' && isLive(status),
  none: () => noRun(vscode.l10n.t('No run is at work.')),
};
export const TRAINING: RunKind = {
  fits: ({ status }) => status === 'training' || status === 'preparing',
  none: () => noRun(vscode.l10n.t('No run is training.')),
};
export const PAUSED: RunKind = {
  fits: ({ status }) => status === 'paused',
  none: () => noRun(vscode.l10n.t('No run is paused.')),
};
export const RESUMABLE: RunKind = {
  fits: ({ status }) => status === 'stopped' || status === 'interrupted' || status === 'failed',
  none: () => noRun(vscode.l10n.t('No run was stopped or cut off: there is none to resume.')),
};

/** More are hard to tell apart. */
const MOST_COMPARED = 5;

/**
 * Folders of the runs to compare, the oldest first: those that were chosen; with one or none, the newest evaluated ones besides.
 * @throws LabelscopeError where there are fewer than two
 */
export async function comparedRuns({ runs }: Services, chosen: readonly RunInfo[]): Promise<readonly string[]> {
  const all = await runs.list();
  if (!all.some(WITH_MODEL.fits)) throw noModel();
  const others = all.filter((run) => isEvaluated(run) && !chosen.some(({ folder }) => folder === run.folder));
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
