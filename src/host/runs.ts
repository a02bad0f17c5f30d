// The runs and imported models of the workspace: found in its run folders, kept up to date, each run with its monitor.
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';
import * as vscode from 'vscode';
import { readEvaluationResult, readImport, readRecord } from '../engine/client/folder';
import type { EvaluateResult } from '../protocol/messages';
import type { ImportRecord, RunRecord } from '../protocol/run';
import type { ModelInfo, RunStatus } from '../protocol/windows';
import { isLive, type RunMonitor, runMonitor } from './monitor';
import { setting } from './settings';
import type { Closable } from './closable';

export interface RunInfo {
  readonly folder: string;
  readonly name: string;
  readonly created: string;
  readonly status: RunStatus | 'imported';
  readonly record: RunRecord | undefined;
  readonly imported: ImportRecord | undefined;
  readonly categories: readonly string[];
  readonly hasModel: boolean;
  /** Changes whenever the model file does. */
  readonly modelStamp: string;
  /** The newest evaluation, where there is one. */
  readonly evaluation: EvaluateResult['evaluation'] | undefined;
}

export interface Runs extends Closable {
  /** The newest first. */
  readonly list: () => Promise<readonly RunInfo[]>;
  readonly refresh: () => void;
  readonly onDidChange: vscode.Event<void>;
  readonly monitor: (folder: string) => RunMonitor;
  /** Runs at work, as far as this window has seen them. */
  readonly live: () => readonly RunMonitor[];
}

/** Where new runs go for an annotation file, and where those of any file of the workspace lie. */
export function runsFolderOf(file: vscode.Uri): string {
  const folder = setting('runsFolder', file);
  const root = vscode.workspace.getWorkspaceFolder(file)?.uri.fsPath ?? dirname(file.fsPath);
  return isAbsolute(folder) ? folder : join(root, folder);
}

/** A new folder in it: sorts by time, and has no character that a file system refuses. */
export function newRunFolder(annotations: vscode.Uri, name: string): string {
  const time = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
  return join(runsFolderOf(annotations), `${time}-${name}`);
}

export function runStore(): Runs {
  const changed = new vscode.EventEmitter<void>();
  const monitors = new Map<string, RunMonitor>();
  let listed: Promise<readonly RunInfo[]> | undefined;
  const refresh = () => {
    listed = undefined;
    changed.fire();
  };
  const monitor = (folder: string): RunMonitor => {
    const known = monitors.get(folder);
    if (known) return known;
    const made = runMonitor(folder);
    monitors.set(folder, made);
    let { status } = made.data;
    made.onDidChange(() => {
      const [before, now] = [status, made.data.status];
      status = now;
      // The list reads ended runs by itself; what begins, pauses or ends here is news to it.
      if (before !== now && (isLive(before) || isLive(now))) refresh();
    });
    return made;
  };
  const watchers = watchRunFolders(refresh);
  return {
    list: () => (listed ??= listRuns(monitor)),
    refresh,
    onDidChange: changed.event,
    monitor,
    live: () => [...monitors.values()].filter(({ data }) => isLive(data.status)),
    dispose: () => {
      vscode.Disposable.from(watchers, changed, ...monitors.values()).dispose();
    },
  };
}

/** Run folders of all workspace folders, and the one of a window without any. */
function parentFolders(): string[] {
  const folders = vscode.workspace.workspaceFolders ?? [];
  const places = folders.map(({ uri }) => {
    const folder = setting('runsFolder', uri);
    return isAbsolute(folder) ? folder : join(uri.fsPath, folder);
  });
  return [...new Set(places)];
}

function watchRunFolders(refresh: () => void): Closable {
  let timer: NodeJS.Timeout | undefined;
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, 200);
  };
  let watchers: vscode.FileSystemWatcher[] = [];
  const start = () => {
    for (const old of watchers) old.dispose();
    watchers = parentFolders().map((folder) => {
      const pattern = new vscode.RelativePattern(vscode.Uri.file(folder), '*/{run,import,evaluation,pointing,sanity}.json');
      const watcher = vscode.workspace.createFileSystemWatcher(pattern);
      for (const listen of [watcher.onDidChange, watcher.onDidCreate, watcher.onDidDelete]) listen(soon);
      return watcher;
    });
  };
  start();
  const again = () => {
    start();
    refresh();
  };
  const settings = vscode.workspace.onDidChangeConfiguration(
    (event) => event.affectsConfiguration('labelscope.runsFolder') && again(),
  );
  const folders = vscode.workspace.onDidChangeWorkspaceFolders(again);
  const stop = new vscode.Disposable(() => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.dispose();
  });
  return vscode.Disposable.from(settings, folders, stop);
}

async function listRuns(monitor: (folder: string) => RunMonitor): Promise<RunInfo[]> {
  const lists = await Promise.all(
    parentFolders().map(async (parent) => {
      const entries = await readdir(parent, { withFileTypes: true }).catch(() => []);
      const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(parent, name));
      return Promise.all(folders.map((folder) => infoOf(folder, monitor)));
    }),
  );
  const runs = lists.flat().filter((info) => info !== undefined);
  return runs.sort((a, b) => b.created.localeCompare(a.created));
}

/** Undefined for a folder that holds no run, or one that cannot be read. */
async function infoOf(folder: string, monitor: (folder: string) => RunMonitor): Promise<RunInfo | undefined> {
  const evaluated = await readEvaluationResult(folder).catch(() => undefined);
  const stamp = await stampOf(join(folder, 'model.onnx'));
  const common = { folder, hasModel: stamp !== '', modelStamp: stamp, evaluation: evaluated?.evaluation };
  const imported = await readImport(folder).catch(() => undefined);
  if (imported) {
    const { name, created, categories } = imported;
    return { ...common, name, created, categories, status: 'imported', record: undefined, imported };
  }
  const record = await readRecord(folder).catch(() => undefined);
  if (!record) return undefined;
  const { name = basename(folder), created, categories } = record;
  return { ...common, name, created, categories, status: await statusOf(record, monitor(folder)), record, imported: undefined };
}

/** Only a run that says it is running has to be asked whether it is. */
async function statusOf({ state }: RunRecord, watched: RunMonitor): Promise<RunStatus> {
  if (state !== 'running') return state;
  await watched.refresh();
  return watched.data.status;
}

/** '' where there is no such file. */
export async function stampOf(path: string): Promise<string> {
  return stat(path).then(
    (entry) => (entry.isFile() ? `${entry.mtimeMs} ${entry.size}` : ''),
    () => '',
  );
}

export function modelOf({ folder, name, categories, imported }: RunInfo): ModelInfo {
  return { folder, name, categories, kind: imported ? 'import' : 'run' };
}
