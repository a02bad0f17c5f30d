// The trees of runs and of models: state, recipe and score of each, with what can be done to it.
import * as vscode from 'vscode';
import type { RunStatus } from '../../protocol/windows';
import type { Models } from '../models';
import { isLive } from '../monitor';
import type { RunInfo, Runs } from '../runs';
import type { Closable } from '../closable';

const ICONS: Readonly<Record<RunInfo['status'], string>> = {
  preparing: 'loading~spin',
  training: 'loading~spin',
  paused: 'debug-pause',
  stopping: 'loading~spin',
  finished: 'pass',
  stopped: 'debug-stop',
  failed: 'error',
  interrupted: 'warning',
  imported: 'package',
};

/** The words for how a run stands. */
export function statusWord(status: RunInfo['status']): string {
  const { t } = vscode.l10n;
  const words: Record<RunInfo['status'], string> = {
    preparing: t('preparing'),
    training: t('training'),
    paused: t('paused'),
    stopping: t('stopping'),
    finished: t('finished'),
    stopped: t('stopped'),
    failed: t('failed'),
    interrupted: t('interrupted'),
    imported: t('imported'),
  };
  return words[status];
}

export interface RunTrees extends Closable {
  /** Runs that are selected in the tree. */
  selected(): readonly RunInfo[];
}

export function runTrees(runs: Runs, models: Models): RunTrees {
  const runTree = vscode.window.createTreeView('labelscope.runs', {
    treeDataProvider: provider(runs.onDidChange, async () => (await runs.list()).filter(({ imported }) => !imported), runItem),
    canSelectMany: true,
  });
  // A model that comes or goes need not be the one in use, which alone the choice tells of.
  const changesOfModels: vscode.Event<void> = (...listener) =>
    vscode.Disposable.from(runs.onDidChange(...listener), models.onDidChange(...listener));
  const modelTree = vscode.window.createTreeView('labelscope.models', {
    treeDataProvider: provider(changesOfModels, models.usable, async (info) =>
      modelItem(info, (await models.current())?.model.folder),
    ),
  });
  return {
    selected: () => runTree.selection,
    dispose: () => {
      vscode.Disposable.from(runTree, modelTree).dispose();
    },
  };
}

function provider(
  onDidChangeTreeData: vscode.Event<void>,
  list: () => Promise<readonly RunInfo[]>,
  item: (info: RunInfo) => vscode.TreeItem | Promise<vscode.TreeItem>,
): vscode.TreeDataProvider<RunInfo> {
  return {
    onDidChangeTreeData,
    getChildren: async (parent) => (parent ? [] : [...(await list())]),
    getTreeItem: item,
  };
}

function runItem(info: RunInfo): vscode.TreeItem {
  const { status, record, name, folder } = info;
  const item = baseItem(
    info,
    `run${isLive(status as RunStatus) ? ` live ${status}` : ''}${isResumable(info) ? ' resumable' : ''}`,
  );
  item.iconPath = new vscode.ThemeIcon(ICONS[status], iconColour(status));
  item.description = [statusWord(status), record?.recipe.recipe, scoreOf(info)].filter(Boolean).join(' · ');
  item.command = {
    command: 'labelscope.openTraining',
    title: vscode.l10n.t('Open Training Panel'),
    arguments: [vscode.Uri.file(folder)],
  };
  item.accessibilityInformation = { label: `${name}, ${item.description}` };
  return item;
}

function modelItem(info: RunInfo, current: string | undefined): vscode.TreeItem {
  const inUse = info.folder === current;
  const item = baseItem(info, 'model');
  item.iconPath = new vscode.ThemeIcon(inUse ? 'eye' : 'symbol-misc');
  const count = vscode.l10n.t('{0} categories', info.categories.length);
  item.description = [inUse ? vscode.l10n.t('in use') : '', scoreOf(info), count].filter(Boolean).join(' · ');
  item.command = {
    command: 'labelscope.pinModel',
    title: vscode.l10n.t('Use This Model'),
    arguments: [vscode.Uri.file(info.folder)],
  };
  item.accessibilityInformation = { label: `${info.name}, ${item.description}` };
  return item;
}

function baseItem(info: RunInfo, kind: string): vscode.TreeItem {
  const item = new vscode.TreeItem(info.name);
  item.id = `${kind.split(' ')[0]!}:${info.folder}`;
  item.contextValue = [kind, info.hasModel ? 'model' : '', info.evaluation ? 'evaluated' : ''].filter(Boolean).join(' ');
  item.tooltip = tooltipOf(info);
  return item;
}

function isResumable({ status }: RunInfo): boolean {
  return status === 'stopped' || status === 'interrupted' || status === 'failed';
}

function iconColour(status: RunInfo['status']): vscode.ThemeColor | undefined {
  const colours: Partial<Record<RunInfo['status'], string>> = {
    finished: 'testing.iconPassed',
    failed: 'testing.iconFailed',
    interrupted: 'list.warningForeground',
  };
  const colour = colours[status];
  return colour === undefined ? undefined : new vscode.ThemeColor(colour);
}

/** Micro F1 where it was evaluated, else the best validation loss. */
function scoreOf({ evaluation, record }: RunInfo): string {
  if (evaluation) return `F1 ${evaluation.micro.f1.toFixed(3)}`;
  const best = record?.result?.best;
  return best ? vscode.l10n.t('loss {0}', best.validationLoss.toFixed(3)) : '';
}

function tooltipOf({ name, folder, record, imported, categories, created }: RunInfo): vscode.MarkdownString {
  const text = new vscode.MarkdownString();
  // appendText escapes: names come from strangers' files.
  const line = (what: string, value: string) => text.appendText(`${what}: ${value}`).appendMarkdown('\n\n');
  text.appendText(name).appendMarkdown('\n\n');
  line(vscode.l10n.t('Folder'), folder);
  line(vscode.l10n.t('Created'), new Date(created).toLocaleString());
  if (record) line(vscode.l10n.t('Data'), record.train.annotations);
  if (record) line(vscode.l10n.t('Device'), record.device.device);
  if (imported) line(vscode.l10n.t('Imported from'), imported.source);
  line(vscode.l10n.t('Categories'), categories.slice(0, 20).join(', ') + (categories.length > 20 ? ' …' : ''));
  if (record?.error !== undefined) line(vscode.l10n.t('Error'), record.error);
  return text;
}
