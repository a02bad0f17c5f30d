// The image editor: any image file with its predicted labels and Grad-CAM maps.
import { dirname } from 'node:path';
import * as vscode from 'vscode';
import { LabelscopeError } from '../../protocol/errors';
import type { ExplainedMap } from '../../protocol/messages';
import type { ImageEditorData, LabelsData } from '../../protocol/windows';
import type { Supervisor } from '../engine';
import type { Labels } from '../labels';
import { mapSettings, mapsOf } from '../explain';
import { changeSetting } from '../settings';
import type { ShowMaps } from './labels-view';
import { imageUri, openWindow, type OpenWindow } from './window';
import type { Closable } from '../closable';

const VIEW_TYPE = 'labelscope.image';

export interface ImageEditors extends Closable {
  readonly show: ShowMaps;
}

interface Shown {
  readonly window: OpenWindow<'image'>;
  readonly panel: vscode.WebviewPanel;
}

export function imageEditors(extension: vscode.Uri, engine: Supervisor, labels: Labels): ImageEditors {
  const open = new Map<string, Shown>();
  /** What to show in an editor whose page is not there yet. */
  const wanted = new Map<string, readonly string[]>();
  const resolve = (document: vscode.CustomDocument, panel: vscode.WebviewPanel) => {
    const file = document.uri.fsPath;
    const window = fill(panel, file, { extension, engine, labels }, () => {
      const show = wanted.get(file);
      wanted.delete(file);
      if (show) window.tell({ show });
    });
    open.set(file, { window, panel });
    panel.onDidDispose(() => open.delete(file));
  };
  const provider: vscode.CustomReadonlyEditorProvider = {
    openCustomDocument: (uri) => ({ uri, dispose: () => undefined }),
    resolveCustomEditor: resolve,
  };
  const registered = vscode.window.registerCustomEditorProvider(VIEW_TYPE, provider, {
    supportsMultipleEditorsPerDocument: false,
  });
  return {
    show: async (file, categories) => {
      const shown = open.get(file);
      if (shown) {
        // A hidden page is gone, and asks for its data when it comes back.
        const told = shown.panel.visible && shown.window.tell({ show: categories });
        if (!told) wanted.set(file, categories);
        shown.panel.reveal();
        return;
      }
      wanted.set(file, categories);
      await vscode.commands.executeCommand('vscode.openWith', vscode.Uri.file(file), VIEW_TYPE);
    },
    dispose: () => {
      registered.dispose();
    },
  };
}

interface Makings {
  readonly extension: vscode.Uri;
  readonly engine: Supervisor;
  readonly labels: Labels;
}

function fill(
  panel: vscode.WebviewPanel,
  file: string,
  { extension, engine, labels }: Makings,
  onTold: () => void,
): OpenWindow<'image'> {
  let known: LabelsData = { file, model: null, pinned: false, predicted: null, thresholds: {}, truth: null, error: null };
  const png = pngOf(engine, file);
  const window = openWindow(panel.webview, {
    name: 'image',
    extension,
    resource: file,
    roots: [dirname(file)],
    data: async (webview): Promise<ImageEditorData> => {
      const settings = mapSettings();
      const uri = imageUri(webview, file);
      const picture = uri === '' ? await png() : null;
      // What the person asked to see follows the data.
      setTimeout(onTold);
      return { ...known, file, uri, png: picture, settings };
    },
    calls: {
      explain: async ({ categories }) => {
        const maps = await mapsWith(engine, known, file, categories);
        // Ticks off the last step of the walkthrough.
        void vscode.commands.executeCommand('setContext', 'labelscope.hasShownMap', true);
        return maps;
      },
      keepSettings: async ({ colormap, opacity }) => {
        await changeSetting('gradcam.colormap', colormap);
        await changeSetting('gradcam.opacity', opacity);
        return null;
      },
    },
  });
  let asking = new AbortController();
  const ask = () => {
    asking.abort();
    asking = new AbortController();
    const tell = (data: LabelsData) => {
      known = data;
      window.update();
    };
    void labels.of(file, tell, asking.signal);
  };
  const listening = labels.onDidChange(ask);
  panel.onDidDispose(() => {
    asking.abort();
    listening.dispose();
  });
  ask();
  return window;
}

async function mapsWith(
  engine: Supervisor,
  { model }: LabelsData,
  file: string,
  categories: readonly string[],
): Promise<readonly ExplainedMap[]> {
  if (!model) throw new LabelscopeError('model-missing', vscode.l10n.t('There is no model yet: train or import one.'));
  return mapsOf(engine, model.folder, file, categories);
}

/** A picture in a format that browsers know, asked for once. */
function pngOf(engine: Supervisor, file: string): () => Promise<Uint8Array | null> {
  let asked: Promise<Uint8Array | null> | undefined;
  return () =>
    (asked ??= engine.request('picture', { file }).then(
      // A Buffer, which is what comes from another process, would reach a window as JSON.
      ({ png }) => new Uint8Array(png),
      () => null,
    ));
}
