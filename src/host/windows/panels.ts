// Panels in the editor area, one for each resource: opened once, shown again, restored after a restart.
import * as vscode from 'vscode';
import type { WindowName } from '../../protocol/windows';
import { type OpenWindow, openWindow, type WindowOptions } from './window';
import type { Closable } from '../closable';

export type PanelName = Extract<WindowName, 'dataset' | 'training' | 'evaluation' | 'review' | 'compare'>;

/** How a kind of panel is made for a resource: a path, or what else names it. */
export interface PanelKind<W extends PanelName> {
  readonly name: W;
  title(resource: string): string;
  /** @throws LabelscopeError where there is nothing to show */
  open(resource: string): Promise<Pick<WindowOptions<W>, 'data' | 'calls' | 'roots'>>;
  /** Called when the window is filled; what it answers is disposed with the panel. */
  attach?(resource: string, window: OpenWindow<W>): Closable;
}

export interface Panels extends Closable {
  /** Shows the panel of a resource; one that is open already comes to the front, or with `renew` begins anew. */
  show(resource: string, renew?: boolean): Promise<void>;
}

export function panelsOf<W extends PanelName>(extension: vscode.Uri, kind: PanelKind<W>): Panels {
  const open = new Map<string, vscode.WebviewPanel>();
  const viewType = `labelscope.${kind.name}`;
  const fill = async (panel: vscode.WebviewPanel, resource: string) => {
    open.set(resource, panel);
    const attached: Closable[] = [];
    let closed = false;
    panel.onDidDispose(() => {
      closed = true;
      if (open.get(resource) === panel) open.delete(resource);
      for (const item of attached) item.dispose();
    });
    const icon = (file: string) => vscode.Uri.joinPath(extension, 'media', file);
    panel.iconPath = { light: icon('view.svg'), dark: icon('view-dark.svg') };
    panel.title = kind.title(resource);
    const opened = await kind.open(resource);
    // A person may have closed it meanwhile: then there is no page to fill, and nothing may begin to listen.
    if (closed) return;
    const window = openWindow<W>(panel.webview, { name: kind.name, extension, resource, ...opened });
    if (kind.attach) attached.push(kind.attach(resource, window));
  };
  const serializer = vscode.window.registerWebviewPanelSerializer(viewType, {
    deserializeWebviewPanel: async (panel, state: unknown) => {
      const resource = resourceOf(state);
      try {
        if (resource === undefined) throw new Error('no resource');
        await fill(panel, resource);
      } catch {
        // What it showed was deleted or moved meanwhile: an empty panel helps nobody.
        panel.dispose();
      }
    },
  });
  return {
    show: async (resource, renew = false) => {
      const shown = open.get(resource);
      if (shown && !renew) {
        shown.reveal();
        return;
      }
      const column = shown?.viewColumn ?? vscode.ViewColumn.Active;
      shown?.dispose();
      const options = { enableFindWidget: true };
      const panel = vscode.window.createWebviewPanel(viewType, kind.title(resource), column, options);
      try {
        await fill(panel, resource);
      } catch (error) {
        panel.dispose();
        throw error;
      }
    },
    dispose: () => {
      vscode.Disposable.from(serializer, ...open.values()).dispose();
    },
  };
}

function resourceOf(state: unknown): string | undefined {
  const resource = typeof state === 'object' && state !== null && 'resource' in state ? state.resource : undefined;
  return typeof resource === 'string' ? resource : undefined;
}
