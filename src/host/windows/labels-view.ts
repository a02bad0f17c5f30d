// The side view of predicted labels: follows the image in front.
import * as vscode from 'vscode';
import type { LabelsData } from '../../protocol/windows';
import type { ActiveImage } from '../active-image';
import { asksAhead } from '../ahead';
import type { Labels } from '../labels';
import type { Models } from '../models';
import { setting } from '../settings';
import { openWindow } from './window';
import type { Closable } from '../closable';

/** Opens an image in the image editor and shows the maps of some categories. */
export type ShowMaps = (file: string, categories: readonly string[]) => Promise<void>;

export function labelsView(
  extension: vscode.Uri,
  active: ActiveImage,
  labels: Labels,
  models: Models,
  showMaps: ShowMaps,
): Closable {
  let data: LabelsData = { file: null, model: null, pinned: false, predicted: null, thresholds: {}, truth: null, error: null };
  const resolveWebviewView = (view: vscode.WebviewView) => {
    let asking = new AbortController();
    const ahead = asksAhead(labels, () => setting('engine.startEarly'));
    const window = openWindow(view.webview, {
      name: 'labels',
      extension,
      resource: 'labels',
      roots: [],
      data: () => data,
      calls: {
        explain: async ({ categories }) => {
          if (data.file !== null) await showMaps(data.file, categories);
          return null;
        },
      },
    });
    const tell = (told: LabelsData) => {
      data = told;
      window.update();
    };
    const look = async () => {
      asking.abort();
      ahead.leave(view.visible ? active.file : undefined);
      if (!view.visible) return;
      asking = new AbortController();
      const { signal } = asking;
      const { file } = active;
      if (file !== undefined) {
        await labels.of(file, tell, signal);
        if (!signal.aborted && data.predicted) await ahead.beside(file);
        return;
      }
      const current = await models.current();
      const none = { file: null, predicted: null, thresholds: {}, truth: null, error: null };
      if (!signal.aborted) tell({ ...none, model: current?.model ?? null, pinned: current?.pinned ?? false });
    };
    const listening = [active.onDidChange(look), labels.onDidChange(look), view.onDidChangeVisibility(look)];
    view.onDidDispose(() => {
      asking.abort();
      ahead.leave(undefined);
      for (const item of listening) item.dispose();
    });
    void look();
  };
  return vscode.window.registerWebviewViewProvider('labelscope.labels', { resolveWebviewView });
}
