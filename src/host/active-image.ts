// Which image is open in front of the person, in whatever editor: the preview of VS Code, ours, or its text or bytes.
import * as vscode from 'vscode';
import { IMAGE } from './beside';
import type { Closable } from './closable';

export interface ActiveImage extends Closable {
  readonly file: string | undefined;
  readonly onDidChange: vscode.Event<void>;
}

export function activeImage(): ActiveImage {
  const changed = new vscode.EventEmitter<void>();
  let file = fileInFront();
  const tell = () => void vscode.commands.executeCommand('setContext', 'labelscope.imageOpen', file !== undefined);
  const look = () => {
    const now = fileInFront();
    if (now === file) return;
    file = now;
    tell();
    changed.fire();
  };
  tell();
  const listening = [vscode.window.tabGroups.onDidChangeTabs(look), vscode.window.tabGroups.onDidChangeTabGroups(look)];
  return {
    get file() {
      return file;
    },
    onDidChange: changed.event,
    dispose: () => {
      vscode.Disposable.from(...listening, changed).dispose();
    },
  };
}

function fileInFront(): string | undefined {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  const hasUri = input instanceof vscode.TabInputCustom || input instanceof vscode.TabInputText;
  return hasUri && isImage(input.uri) ? input.uri.fsPath : undefined;
}

/** Files of the machine that this extension runs on; the scheme is 'file' there also when the window is a remote one. */
export function isImage(uri: vscode.Uri): boolean {
  return uri.scheme === 'file' && IMAGE.test(uri.path);
}
