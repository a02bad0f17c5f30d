// Which JSON files of the workspace, and which others that are open, are COCO annotation files: a look at the head and the tail of each, kept up to date, told as a context key.
import { open } from 'node:fs/promises';
import { sep } from 'node:path';
import { constants, gunzip } from 'node:zlib';
import { promisify } from 'node:util';
import * as vscode from 'vscode';
import type { Closable } from './closable';

/** Bytes looked at on either end. COCO's lists of categories and the beginnings of the others fit. */
const PEEK = 1 << 16;
const MOST_FILES = 2000;
const PATTERN = '**/*.{json,json.gz}';
const EXCLUDED = '**/{node_modules,.git,labelscope-runs,.labelscope-sample-unfinished}/**';
/** What the pattern says, for files that a watcher names. */
const EXCLUDED_PATH = /[\\/](node_modules|\.git|labelscope-runs|\.labelscope-sample-unfinished)[\\/]/;
const KEYS = ['images', 'annotations', 'categories'].map((key) => new RegExp(`"${key}"\\s*:\\s*\\[`));

export interface CocoFiles extends Closable {
  /** Paths of the annotation files that are known so far, sorted. */
  readonly paths: readonly string[];
  readonly onDidChange: vscode.Event<void>;
  /** Resolves when the workspace has been looked through. */
  readonly ready: Promise<void>;
}

export function cocoFiles(log: vscode.LogOutputChannel): CocoFiles {
  const known = new Set<string>();
  const changed = new vscode.EventEmitter<void>();
  const tell = () => {
    // The explorer compares with the path in the form of the file system, or of the URI where the window is a remote one.
    const keys = [...known].flatMap((path) => [path, vscode.Uri.file(path).path]);
    void vscode.commands.executeCommand('setContext', 'labelscope.cocoFiles', Object.fromEntries(keys.map((key) => [key, true])));
    void vscode.commands.executeCommand('setContext', 'labelscope.hasCocoFiles', known.size > 0);
    changed.fire();
  };
  const look = async ({ fsPath }: vscode.Uri): Promise<boolean> => {
    const before = known.has(fsPath);
    if (!EXCLUDED_PATH.test(fsPath) && (await looksLikeCoco(fsPath))) known.add(fsPath);
    else known.delete(fsPath);
    return before !== known.has(fsPath);
  };
  const watcher = vscode.workspace.createFileSystemWatcher(PATTERN);
  const again = (uri: vscode.Uri) => void look(uri).then((different) => different && tell());
  watcher.onDidCreate(again);
  watcher.onDidChange(again);
  watcher.onDidDelete(({ fsPath }) => known.delete(fsPath) && tell());
  const search = async () => {
    const files = await vscode.workspace.findFiles(PATTERN, EXCLUDED, MOST_FILES);
    for (const uri of files) await look(uri);
    log.debug(`${known.size} of ${files.length} JSON files of the workspace are COCO annotation files`);
    tell();
  };
  const folders = vscode.workspace.onDidChangeWorkspaceFolders(() => void search());
  // A folder that is moved here, or renamed, is told alone, without its files.
  const moved = vscode.workspace.createFileSystemWatcher('**/*', false, true, false);
  const lookInto = async (uri: vscode.Uri): Promise<void> => {
    if (EXCLUDED_PATH.test(`${uri.path}/`) || !(await isFolder(uri))) return;
    const files = await vscode.workspace.findFiles(new vscode.RelativePattern(uri, PATTERN), EXCLUDED, MOST_FILES);
    let different = false;
    for (const file of files) different = (await look(file)) || different;
    if (different) tell();
  };
  moved.onDidCreate((uri) => void lookInto(uri));
  moved.onDidDelete(({ fsPath }) => {
    const gone = [...known].filter((path) => path.startsWith(fsPath + sep));
    for (const path of gone) known.delete(path);
    if (gone.length > 0) tell();
  });
  const opened = openedFromElsewhere({ look, forget: (path) => known.delete(path), tell });
  return {
    get paths() {
      return [...known].sort();
    },
    onDidChange: changed.event,
    ready: opened.ready.then(search),
    dispose: () => {
      vscode.Disposable.from(watcher, moved, folders, opened, changed).dispose();
    },
  };
}

interface Known {
  /** Answers whether something has changed. */
  readonly look: (uri: vscode.Uri) => Promise<boolean>;
  readonly forget: (path: string) => boolean;
  readonly tell: () => void;
}

/** JSON files in tabs that lie outside the workspace, as all do where no folder is open: no search finds them, no watcher tells of them. */
function openedFromElsewhere({ look, forget, tell }: Known): Closable & { readonly ready: Promise<void> } {
  let open: readonly string[] = [];
  const lookAtAll = async () => {
    const before = open;
    open = strangersInTabs();
    let different = false;
    for (const path of before) if (!open.includes(path)) different = forget(path) || different;
    for (const path of open) if (!before.includes(path)) different = (await look(vscode.Uri.file(path))) || different;
    if (different) tell();
  };
  const tabs = vscode.window.tabGroups.onDidChangeTabs(() => void lookAtAll());
  const saved = vscode.workspace.onDidSaveTextDocument(({ uri }) => {
    if (open.includes(uri.fsPath)) void look(uri).then((different) => different && tell());
  });
  const dispose = () => {
    vscode.Disposable.from(tabs, saved).dispose();
  };
  return { ready: lookAtAll(), dispose };
}

function strangersInTabs(): string[] {
  const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
  const uris = tabs.map(fileOf).filter((uri) => uri !== undefined);
  return [...new Set(uris.filter((uri) => !vscode.workspace.getWorkspaceFolder(uri)).map(({ fsPath }) => fsPath))];
}

/** The JSON file in a tab: also one that is too large to be handed to extensions as a text. */
export function fileOf({ input }: vscode.Tab): vscode.Uri | undefined {
  const isFile = input instanceof vscode.TabInputText && input.uri.scheme === 'file';
  return isFile && /\.json(\.gz)?$/i.test(input.uri.path) ? input.uri : undefined;
}

async function isFolder(uri: vscode.Uri): Promise<boolean> {
  return vscode.workspace.fs.stat(uri).then(
    ({ type }) => (type & vscode.FileType.Directory) !== 0,
    () => false,
  );
}

/** Two of COCO's three lists are begun within the first or the last 64 KiB. A file that cannot be read is none. */
async function looksLikeCoco(path: string): Promise<boolean> {
  const text = await peek(path).catch(() => '');
  // Predictions have lists of the same names, with scores.
  if (/"scores"\s*:\s*\[/.test(text)) return false;
  return /^\uFEFF?\s*\{/.test(text) && KEYS.filter((key) => key.test(text)).length >= 2;
}

async function peek(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const head = await file.read(Buffer.alloc(Math.min(PEEK, size)), 0, Math.min(PEEK, size), 0);
    if (path.endsWith('.gz')) return await unzippedHead(head.buffer);
    const tailSize = Math.min(PEEK, Math.max(0, size - PEEK));
    const tail = await file.read(Buffer.alloc(tailSize), 0, tailSize, size - tailSize);
    return head.buffer.toString('utf8') + tail.buffer.toString('utf8');
  } finally {
    await file.close();
  }
}

async function unzippedHead(bytes: Buffer): Promise<string> {
  // The head of an archive ends in the middle of it: whatever can be unpacked is enough.
  const text = await promisify(gunzip)(bytes, { finishFlush: constants.Z_SYNC_FLUSH });
  return (text as Buffer).toString('utf8');
}
