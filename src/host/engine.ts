// The engine's supervisor: one process for questions, which stops when idle, and one for each training run, which may outlive the window.
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { EngineClient, EngineOptions, RequestOptions } from '../engine/client/engine';
import type { LogLine, Method, Params, Result, RunsFolder, TrainParams, TrainResult } from '../protocol/messages';
import { type ImageFolders, withFolders } from './image-folders';
import { checkTrust } from './problems';
import { runsFolderOf } from './runs';
import { setting } from './settings';
import type { Closable } from './closable';

export interface Supervisor extends Closable {
  /** @throws LabelscopeError with the engine's code and words */
  request<M extends Method>(method: M, params: Params<M>, options?: RequestOptions<M>): Promise<Result<M>>;
  /** Trains in a process of its own. Its progress is heard by joining the run. */
  train(params: TrainParams): Promise<TrainResult>;
  /** The next question is asked of a new process; trainings go on. */
  restart(): Promise<void>;
}

export function supervisor(extension: vscode.Uri, log: vscode.LogOutputChannel, folders: ImageFolders): Supervisor {
  const script = join(extension.fsPath, 'dist', 'engine.js');
  const onLog = (line: LogLine) => logLine(log, line);
  let client: Promise<EngineClient> | undefined;
  const engine = () => setting('engine.name');
  const stop = async () => (await client)?.stop();
  // Questions are asked of the engine that is set now; trainings go on with theirs.
  const changes = vscode.workspace.onDidChangeConfiguration((event) => {
    if (event.affectsConfiguration('labelscope.engine.name')) void stop();
  });
  const idle = idleStop(stop, log);
  return {
    request: async (method, params, options) => {
      checkAllowed(method);
      log.debug(`engine: ${method}`);
      idle.busy();
      try {
        client ??= makeClient({ script, onLog, engine });
        const told = { ...options, runsFolder: runsFolderFor(params) };
        return await (await client).request(method, await withFolders(method, params, folders), told);
      } finally {
        idle.free();
      }
    },
    train: async (params) => {
      checkAllowed('train');
      const trainer = await makeClient({ script, onLog, engine, detached: params.outlive ?? false });
      try {
        const told = { runsFolder: runsFolderFor(params) };
        return await trainer.request('train', await withFolders('train', params, folders), told);
      } finally {
        await trainer.stop();
      }
    },
    restart: stop,
    dispose: () => {
      changes.dispose();
      idle.dispose();
      void stop();
    },
  };
}

/** What only looks at data, and at numbers that lie in folders. All else opens models, which are a stranger's too, or writes. */
const HARMLESS: ReadonlySet<Method> = new Set<Method>([
  'inspect',
  'check',
  'browse',
  'thumbnails',
  'release',
  'diagnose',
  'truth',
  'picture',
  'compare',
  'doctor',
]);

/** Whoever asks: commands, windows, other extensions. @throws LabelscopeError 'untrusted' */
function checkAllowed(method: Method): void {
  if (!HARMLESS.has(method)) checkTrust();
}

/** Of the workspace folder that the request is about. In a workspace that is not trusted nothing is written into it. */
function runsFolderFor(params: object): RunsFolder | undefined {
  if (!vscode.workspace.isTrusted) return null;
  const { annotations, run, model } = params as Readonly<Record<string, unknown>>;
  const [about] = [annotations, run, model].flat().filter((path) => typeof path === 'string');
  return about === undefined ? undefined : runsFolderOf(vscode.Uri.file(about));
}

/** Loaded at the first request: what it speaks with is half of the extension's code, and activation is to be short. */
async function makeClient(options: EngineOptions): Promise<EngineClient> {
  const { engineClient } = await import('../engine/client/engine');
  return engineClient(options);
}

/** Stops the engine, and so gives its memory back, when nobody has asked it anything for a while. */
function idleStop(stop: () => Promise<void>, log: vscode.LogOutputChannel) {
  let pending = 0;
  let timer: NodeJS.Timeout | undefined;
  return {
    busy: () => {
      pending++;
      clearTimeout(timer);
    },
    free: () => {
      if (--pending > 0) return;
      timer = setTimeout(
        () => {
          log.debug('engine: stopped, because it was idle');
          void stop();
        },
        setting('engine.idleMinutes') * 60_000,
      );
    },
    dispose: () => clearTimeout(timer),
  };
}

const LEVELS = { debug: 'debug', info: 'info', warning: 'warn', error: 'error' } as const;

function logLine(log: vscode.LogOutputChannel, { level, message }: LogLine): void {
  log[LEVELS[level]](message);
}
