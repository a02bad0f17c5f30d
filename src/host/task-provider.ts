// Tasks of the type `labelscope`: the command line of the extension, run by the editor's task system, from tasks.json or as they are offered.
import { type ChildProcess, spawn } from 'node:child_process';
import { basename, isAbsolute, join } from 'node:path';
import * as vscode from 'vscode';
import type { Closable } from './closable';
import type { Services } from './services';
import { runsFolderOf } from './runs';
import { setting } from './settings';

const TYPE = 'labelscope';

const VERBS = ['train', 'inspect'] as const;

/** As package.json declares it. What a person wrote may be anything. */
interface Definition extends vscode.TaskDefinition {
  readonly verb?: unknown;
  readonly annotations?: unknown;
  readonly arguments?: unknown;
}

export function taskProvider(extension: vscode.Uri, { coco, runs }: Pick<Services, 'coco' | 'runs'>): Closable {
  // A run that another process makes in a folder of its own may be over before VS Code has begun to watch that folder.
  const ended = vscode.tasks.onDidEndTaskProcess(({ execution }) => {
    if (execution.task.definition.type === TYPE) runs.refresh();
  });
  const provider = vscode.tasks.registerTaskProvider(TYPE, {
    provideTasks: async () => {
      await coco.ready;
      const files = coco.paths.filter((path) => vscode.workspace.getWorkspaceFolder(vscode.Uri.file(path)) !== undefined);
      return files.flatMap((path) =>
        VERBS.map((verb) => taskFor(extension, { type: TYPE, verb, annotations: relativePath(path) }, path)),
      );
    },
    // VS Code takes only a task with the very definition that it asked about.
    resolveTask: ({ definition, scope }) => {
      const { annotations } = definition as Definition;
      if (typeof annotations !== 'string') return undefined;
      return taskFor(extension, definition, absolutePath(annotations, scope));
    },
  });
  return vscode.Disposable.from(ended, provider);
}

const relativePath = (path: string): string => vscode.workspace.asRelativePath(path, false);

function absolutePath(annotations: string, scope: vscode.Task['scope']): string {
  const folder = typeof scope === 'object' ? scope : vscode.workspace.workspaceFolders?.[0];
  return isAbsolute(annotations) || !folder ? annotations : join(folder.uri.fsPath, annotations);
}

function taskFor(extension: vscode.Uri, definition: Definition, annotations: string): vscode.Task {
  const { verb = 'train', arguments: more } = definition;
  const file = vscode.Uri.file(annotations);
  const folder = vscode.workspace.getWorkspaceFolder(file);
  const name = `${String(verb)} ${basename(annotations)}`;
  const given = Array.isArray(more) ? more.map(String) : [];
  const words = [String(verb), annotations, ...defaultsOf(String(verb), file, given), ...given, '--problems'];
  const script = join(extension.fsPath, 'dist', 'cli.js');
  const execution = new vscode.CustomExecution(() => Promise.resolve(terminalOf([script, ...words], folder?.uri.fsPath)));
  const task = new vscode.Task(definition, folder ?? vscode.TaskScope.Workspace, name, 'Labelscope', execution, '$labelscope');
  task.group = verb === 'inspect' ? vscode.TaskGroup.Test : vscode.TaskGroup.Build;
  return task;
}

/** The command line in a terminal of the editor's own: it needs no shell, and Ctrl-C saves what there is. */
function terminalOf(args: readonly string[], cwd: string | undefined): vscode.Pseudoterminal {
  const wrote = new vscode.EventEmitter<string>();
  const closed = new vscode.EventEmitter<number>();
  let child: ChildProcess | undefined;
  const write = (chunk: string) => wrote.fire(chunk.replace(/\r?\n/g, '\r\n'));
  return {
    onDidWrite: wrote.event,
    onDidClose: closed.event,
    open: () => {
      // Of Electron, which the desktop's extension host is, the variable makes a Node.
      const env = { ...process.env, ELECTRON_RUN_AS_NODE: '1' };
      child = spawn(process.execPath, [...args], { stdio: ['ignore', 'pipe', 'pipe'], env, ...(cwd !== undefined && { cwd }) });
      child.stdout?.setEncoding('utf8').on('data', write);
      child.stderr?.setEncoding('utf8').on('data', write);
      child.once('error', ({ message }) => write(`${message}\n`));
      child.once('close', (code) => closed.fire(code ?? 1));
    },
    close: () => child?.kill('SIGINT'),
    handleInput: (typed) => {
      if (typed === '\x03') child?.kill('SIGINT');
    },
  };
}

/** What the settings say, unless the task says it itself. */
function defaultsOf(verb: string, file: vscode.Uri, given: readonly string[]): string[] {
  if (verb !== 'train') return [];
  const has = (option: string) => given.some((word) => word === option || word.startsWith(`${option}=`));
  return [
    ...(has('--recipe') ? [] : ['--recipe', setting('recipe', file)]),
    ...(has('--device') ? [] : ['--device', setting('device')]),
    ...(has('--engine') ? [] : ['--engine', setting('engine.name')]),
    ...(has('--seed') ? [] : ['--seed', String(setting('seed', file))]),
    ...(has('--run') ? [] : ['--runs', runsFolderOf(file)]),
    ...Object.entries(setting('recipeSettings', file)).flatMap(([key, value]) => ['--set', `${key}=${value}`]),
  ];
}
