// Which model predicts: the one that the person chose, or else the newest finished run.
import * as vscode from 'vscode';
import type { ModelInfo } from '../protocol/windows';
import { modelOf, type RunInfo, type Runs } from './runs';
import type { Closable } from './closable';

const PINNED = 'labelscope.pinnedModel';

interface CurrentModel {
  readonly model: ModelInfo;
  readonly pinned: boolean;
  /** Changes whenever its file does: what it has predicted may be old then. */
  readonly stamp: string;
}

export interface Models extends Closable {
  /** Undefined where there is none yet. */
  readonly current: () => Promise<CurrentModel | undefined>;
  /** The current one where it knows the category, else the newest that does. */
  readonly knowing: (category: string) => Promise<ModelInfo | undefined>;
  readonly usable: () => Promise<readonly RunInfo[]>;
  /** Undefined goes back to the newest. */
  readonly pin: (folder: string | undefined) => Promise<void>;
  readonly onDidChange: vscode.Event<void>;
}

export function modelChoice(runs: Runs, memory: vscode.Memento): Models {
  const changed = new vscode.EventEmitter<void>();
  const usable = async () => (await runs.list()).filter(({ hasModel }) => hasModel);
  const current = async () => {
    const all = await usable();
    const chosen = all.find(({ folder }) => folder === memory.get<string>(PINNED));
    const newest = all.find(({ status }) => status === 'finished') ?? all.find(({ status }) => status === 'imported') ?? all[0];
    const info = chosen ?? newest;
    return info && { model: modelOf(info), pinned: chosen !== undefined, stamp: info.modelStamp };
  };
  let told = '';
  const tell = async () => {
    const now = await current();
    const isEvaluated = (await runs.list()).some(({ evaluation }) => evaluation !== undefined);
    void vscode.commands.executeCommand('setContext', 'labelscope.hasModel', now !== undefined);
    void vscode.commands.executeCommand('setContext', 'labelscope.hasEvaluation', isEvaluated);
    void vscode.commands.executeCommand('setContext', 'labelscope.modelPinned', now?.pinned ?? false);
    const key = JSON.stringify(now ?? null);
    if (key !== told) changed.fire();
    told = key;
  };
  const listening = runs.onDidChange(() => void tell());
  return {
    current,
    knowing: async (category) => {
      const all = [(await current())?.model, ...(await usable()).map(modelOf)];
      return all.find((model) => model?.categories.includes(category));
    },
    usable,
    pin: async (folder) => {
      await memory.update(PINNED, folder);
      await tell();
    },
    onDidChange: changed.event,
    dispose: () => {
      vscode.Disposable.from(listening, changed).dispose();
    },
  };
}
