// A webview and its host side: the page with its strict policy, the data it is told, and the calls it makes.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import * as vscode from 'vscode';
import type { ToWindow, WindowCalls, WindowData, WindowEvent, WindowName } from '../../protocol/windows';
import { policyOf } from '../../protocol/policy';
import { understood } from '../../protocol/window-shapes';
import { isCancelled, shownError } from '../problems';

type Handlers<W extends WindowName> = {
  readonly [C in keyof WindowCalls<W>]: WindowCalls<W>[C] extends { readonly params: infer P; readonly result: infer R }
    ? (params: P) => Promise<R>
    : never;
};

type CommonCall = 'save' | 'open' | 'command';

export interface WindowOptions<W extends WindowName> {
  readonly name: W;
  readonly extension: vscode.Uri;
  /** What the window shows: a path. It is how a window is found again after a restart. */
  readonly resource: string;
  /** Folders of images that it may load. */
  readonly roots: readonly string[];
  readonly data: (webview: vscode.Webview) => WindowData<W> | Promise<WindowData<W>>;
  readonly calls: Omit<Handlers<W>, CommonCall>;
}

export interface OpenWindow<W extends WindowName> {
  /** Tells everything anew. While the page is not there, nothing is sent: it asks for all of it when it comes. */
  update(): void;
  /** False where the page is not there yet: nothing was told. */
  tell(event: WindowEvent<W>): boolean;
}

/** Fills a webview. The page asks for its data with 'ready' whenever it is loaded, also when a hidden one is shown again. */
export function openWindow<W extends WindowName>(webview: vscode.Webview, options: WindowOptions<W>): OpenWindow<W> {
  const { name, extension, resource, roots } = options;
  const dist = vscode.Uri.joinPath(extension, 'dist', 'webview');
  webview.options = { enableScripts: true, localResourceRoots: [dist, ...roots.map((root) => vscode.Uri.file(root))] };
  const post = (message: ToWindow<W>) => void webview.postMessage(message);
  let ready = false;
  const strings = vscode.l10n.bundle ?? {};
  const update = async () => {
    if (!ready) return;
    post({ kind: 'data', data: await options.data(webview), resource, strings });
  };
  const calls = { ...commonCalls(resource), ...options.calls } as unknown as Record<
    string,
    (params: unknown) => Promise<unknown>
  >;
  webview.onDidReceiveMessage(async (message: unknown) => {
    const said = understood(name, message);
    if (said === undefined) return;
    if (said === 'ready') {
      ready = true;
      await update();
      return;
    }
    try {
      if ('wrong' in said) throw new Error(said.wrong);
      post({ kind: 'result', id: said.id, result: await calls[said.call]!(said.params) });
    } catch (error) {
      post({ kind: 'failed', id: said.id, error: isCancelled(error) ? { code: 'cancelled', message: '' } : shownError(error) });
    }
  });
  webview.html = page(webview, dist, name);
  const tell = (event: WindowEvent<W>) => {
    if (ready) post({ kind: 'event', event });
    return ready;
  };
  return { update: () => void update(), tell };
}

function commonCalls(resource: string): Pick<Handlers<'dataset'>, CommonCall> {
  return {
    save: async ({ name, content }) => saveFile(name, content),
    open: async ({ file }) => {
      await vscode.commands.executeCommand('vscode.open', vscode.Uri.file(file));
      return null;
    },
    command: async ({ command }) => {
      await vscode.commands.executeCommand(`labelscope.${command}`, vscode.Uri.file(resource));
      return null;
    },
  };
}

/** The last folder that something was saved to in this session. */
let lastFolder: vscode.Uri | undefined;

async function saveFile(name: string, content: string | Uint8Array): Promise<string | null> {
  const folder = lastFolder ?? vscode.workspace.workspaceFolders?.[0]?.uri ?? vscode.Uri.file(homedir());
  const safe = basename(name).replace(/[^\p{L}\p{N}. _-]+/gu, '_');
  const target = await vscode.window.showSaveDialog({ defaultUri: vscode.Uri.joinPath(folder, safe) });
  if (!target) return null;
  lastFolder = vscode.Uri.joinPath(target, '..');
  await vscode.workspace.fs.writeFile(
    target,
    typeof content === 'string' ? Buffer.from(content, 'utf8') : new Uint8Array(content),
  );
  return target.fsPath;
}

/** The script of the evaluation's worker, as data: a worker of a page that is nobody's origin is made of text. */
function fittingWorker(dist: vscode.Uri): string {
  const script = readFileSync(join(dist.fsPath, 'fitting-worker.js'), 'utf8');
  return `<script type="application/json" id="fitting-worker">${JSON.stringify(script).replaceAll('<', '\\u003c')}</script>`;
}

function page(webview: vscode.Webview, dist: vscode.Uri, name: WindowName): string {
  const nonce = randomBytes(16).toString('base64');
  const at = (file: string) => webview.asWebviewUri(vscode.Uri.joinPath(dist, file)).toString();
  const policy = policyOf(name, webview.cspSource, nonce);
  return `<!doctype html>
<html lang="${vscode.env.language}">
  <head>
    <meta charset="utf-8" />
    <meta http-equiv="Content-Security-Policy" content="${policy}" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <link rel="stylesheet" href="${at(`${name}.css`)}" />
    <title>Labelscope</title>
  </head>
  <body>
    <main id="root"></main>${name === 'evaluation' ? fittingWorker(dist) : ''}
    <script nonce="${nonce}" src="${at(`${name}.js`)}"></script>
  </body>
</html>`;
}

const SHOWN_BY_BROWSERS = /\.(jpe?g|png|webp|gif|avif|bmp|svg)$/i;

/** What a window loads an image from; '' where browsers cannot show the format. */
export function imageUri(webview: vscode.Webview, file: string): string {
  return SHOWN_BY_BROWSERS.test(file) ? webview.asWebviewUri(vscode.Uri.file(file)).toString() : '';
}

/** The folders of files, without those that lie in another of them. */
export function foldersOf(files: readonly string[]): string[] {
  const folders = [...new Set(files.map((file) => dirname(file)))].sort();
  return folders.filter((folder, k) => !folders.slice(0, k).some((outer) => join(folder, '').startsWith(join(outer, '/'))));
}
