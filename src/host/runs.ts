// The runs and imported models of the workspace, and those made from this window elsewhere: found in their folders, kept up to date, each run with its monitor.
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';
import * as vscode from 'vscode';
import { readEvaluationResult, readImport, readRecord } from '../engine/client/folder';
import type { EvaluateResult } from '../protocol/messages';
import type { ImportRecord, RunRecord } from '../protocol/run';
import type { ModelInfo, RunStatus } from '../protocol/windows';
import { isLive, type RunMonitor, runMonitor } from './monitor';
import type { CocoFiles } from './coco-files';
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
  /** A new folder for a file: sorts by time, has no character that a file system refuses, and is looked into from now on wherever it lies. */
  readonly newFolder: (file: vscode.Uri, name: string) => string;
}

/** Where new runs go for an annotation file, and where those of any file of the workspace lie. */
export function runsFolderOf(file: vscode.Uri): string {
  const folder = setting('runsFolder', file);
  const root = vscode.workspace.getWorkspaceFolder(file)?.uri.fsPath ?? dirname(file.fsPath);
  return isAbsolute(folder) ? folder : join(root, folder);
}

/** @param memory where folders outside the workspace are kept in which runs were made */
export function runStore(coco: CocoFiles, memory: vscode.Memento): Runs {
  const parents = () => parentFolders(coco, memory);
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
    let { status, record } = made.data;
    made.onDidChange(() => {
      const [before, now] = [status, made.data.status];
      // A run that prepares is in the list from the moment on when its record is written.
      const isNew = record === null && made.data.record !== null;
      ({ status, record } = made.data);
      // The list reads ended runs by itself; what begins, pauses or ends here is news to it.
      if ((before !== now && (isLive(before) || isLive(now))) || (isNew && isLive(now))) refresh();
    });
    return made;
  };
  const watchers = watchRunFolders(parents, refresh);
  const look = () => {
    watchers.again();
    refresh();
  };
  // A file that is opened from elsewhere brings its runs along; most changes bring none.
  const changes = vscode.Disposable.from(
    vscode.workspace.onDidChangeWorkspaceFolders(look),
    vscode.workspace.onDidChangeConfiguration((event) => event.affectsConfiguration('labelscope.runsFolder') && look()),
    coco.onDidChange(() => watchers.again() && refresh()),
  );
  return {
    list: () => (listed ??= listRuns(parents(), monitor)),
    refresh,
    onDidChange: changed.event,
    monitor,
    live: () => [...monitors.values()].filter(({ data }) => isLive(data.status)),
    newFolder: (file, name) => {
      const parent = runsFolderOf(file);
      if (!parents().includes(parent)) {
        void memory.update(ELSEWHERE, [parent, ...remembered(memory)].slice(0, MOST_REMEMBERED));
        watchers.again();
      }
      const time = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
      return join(parent, `${time}-${name}`);
    },
    dispose: () => {
      vscode.Disposable.from(changes, watchers, changed, ...monitors.values()).dispose();
    },
  };
}

const ELSEWHERE = 'runs:elsewhere';
const MOST_REMEMBERED = 16;

function remembered(memory: vscode.Memento): readonly string[] {
  return memory.get<readonly string[]>(ELSEWHERE, []);
}

/** Run folders of all workspace folders, those in which runs were made elsewhere, and in a window without a folder those of the files that are open. */
function parentFolders(coco: CocoFiles, memory: vscode.Memento): string[] {
  const folders = vscode.workspace.workspaceFolders?.map(({ uri }) => uri);
  const places = (folders ?? coco.paths.map((path) => vscode.Uri.file(path))).map(runsFolderOf);
  const always = setting('runsFolder');
  return [...new Set([...places, ...(isAbsolute(always) ? [always] : []), ...remembered(memory)])];
}

interface Watchers extends Closable {
  /** Watches the folders that there are now; answers whether they are others than before. */
  readonly again: () => boolean;
}

function watchRunFolders(parents: () => readonly string[], refresh: () => void): Watchers {
  let timer: NodeJS.Timeout | undefined;
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, 200);
  };
  const watch = (folder: string) => {
    const pattern = new vscode.RelativePattern(vscode.Uri.file(folder), '*/{run,import,evaluation,pointing,sanity}.json');
    const watcher = vscode.workspace.createFileSystemWatcher(pattern);
    for (const listen of [watcher.onDidChange, watcher.onDidCreate, watcher.onDidDelete]) listen(soon);
    return watcher;
  };
  const watched = new Map<string, vscode.FileSystemWatcher>();
  const again = () => {
    const now = parents();
    const gone = [...watched.keys()].filter((folder) => !now.includes(folder));
    const come = now.filter((folder) => !watched.has(folder));
    for (const folder of gone) {
      watched.get(folder)?.dispose();
      watched.delete(folder);
    }
    for (const folder of come) watched.set(folder, watch(folder));
    return gone.length + come.length > 0;
  };
  again();
  const dispose = () => {
    clearTimeout(timer);
    for (const watcher of watched.values()) watcher.dispose();
  };
  return { again, dispose };
}

async function listRuns(parents: readonly string[], monitor: (folder: string) => RunMonitor): Promise<RunInfo[]> {
  const lists = await Promise.all(
    parents.map(async (parent) => {
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

/** Acts where what `stampsOf` says has changed when there is news of the runs: also where the command line has written it. */
export function onNewStamps(
  runs: Pick<Runs, 'onDidChange'>,
  stampsOf: () => Promise<string>,
  act: () => unknown,
): vscode.Disposable {
  let known = stampsOf();
  return runs.onDidChange(async () => {
    const [before, now] = [await known, await stampsOf()];
    known = Promise.resolve(now);
    if (now !== before) await act();
  });
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
