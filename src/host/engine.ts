// The engine's supervisor: one process for questions, which stops when idle, and one for each training run, which may outlive the window.
import { join } from 'node:path';
import * as vscode from 'vscode';
import { type EngineClient, engineClient, type RequestOptions } from '../engine/client/engine';
import type { LogLine, Method, Params, Result, TrainParams, TrainResult } from '../protocol/messages';
import { setting } from './settings';
import type { Closable } from './closable';

export interface Supervisor extends Closable {
  /** @throws LabelscopeError with the engine's code and words */
  request<M extends Method>(method: M, params: Params<M>, options?: RequestOptions<M>): Promise<Result<M>>;
  /** Trains in a process of its own. Its progress is heard by joining the run. */
  train(params: TrainParams): Promise<TrainResult>;
}

export function supervisor(extension: vscode.Uri, log: vscode.LogOutputChannel): Supervisor {
  const script = join(extension.fsPath, 'dist', 'engine.js');
  const onLog = (line: LogLine) => logLine(log, line);
  const client = engineClient({ script, onLog });
  const idle = idleStop(client, log);
  return {
    request: async (method, params, options) => {
      log.debug(`engine: ${method}`);
      idle.busy();
      try {
        return await client.request(method, params, options);
      } finally {
        idle.free();
      }
    },
    train: async (params) => {
      const trainer = engineClient({ script, onLog, detached: params.outlive ?? false });
      try {
        return await trainer.request('train', params);
      } finally {
        await trainer.stop();
      }
    },
    dispose: () => {
      idle.dispose();
      void client.stop();
    },
  };
}

/** Stops the engine, and so gives its memory back, when nobody has asked it anything for a while. */
function idleStop(client: EngineClient, log: vscode.LogOutputChannel) {
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
          void client.stop();
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
