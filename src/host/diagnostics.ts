// What is wrong with the COCO files that are open as text, marked where it stands, with repairs into a new file where they are certain.
import * as vscode from 'vscode';
import type { DiagnoseResult, Diagnostic } from '../protocol/health';
import type { Closable } from './closable';
import type { CocoFiles } from './coco-files';
import type { Supervisor } from './engine';
import { isCancelled } from './problems';

const SOURCE = 'Labelscope';
/** Between the last event and the look, in milliseconds: several files are often opened or saved at once. */
const WAIT = 300;

const SEVERITIES = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
  info: vscode.DiagnosticSeverity.Information,
} as const;

/** A look under way or waited for. */
interface Look {
  readonly stop: AbortController;
  readonly timer: NodeJS.Timeout;
}

/** VS Code hands no text of more than 50 MB to extensions, so what comes here is small. The work is done in the engine. */
export function cocoDiagnostics(engine: Supervisor, coco: CocoFiles, log: vscode.LogOutputChannel): Closable {
  const collection = vscode.languages.createDiagnosticCollection('labelscope');
  const looks = new Map<string, Look>();
  const fixable = new WeakSet<vscode.Diagnostic>();

  const forget = ({ uri }: vscode.TextDocument) => {
    const look = looks.get(uri.toString());
    clearTimeout(look?.timer);
    look?.stop.abort();
    looks.delete(uri.toString());
    collection.delete(uri);
  };
  const look = (document: vscode.TextDocument) => {
    forget(document);
    if (document.uri.scheme !== 'file' || document.isDirty || !coco.paths.includes(document.uri.fsPath)) return;
    const stop = new AbortController();
    const timer = setTimeout(() => {
      void diagnose(engine, document.uri, stop.signal, log).then((result) => {
        // What was typed meanwhile has moved the places.
        if (result && !stop.signal.aborted && !document.isDirty) collection.set(document.uri, marksOf(result, fixable));
      });
    }, WAIT);
    looks.set(document.uri.toString(), { stop, timer });
  };
  const lookAtAll = () => vscode.workspace.textDocuments.forEach(look);
  const changed = ({ document, contentChanges }: vscode.TextDocumentChangeEvent) => {
    if (contentChanges.length > 0 && looks.has(document.uri.toString())) forget(document);
  };
  lookAtAll();
  const subscriptions = vscode.Disposable.from(
    collection,
    coco.onDidChange(lookAtAll),
    vscode.workspace.onDidOpenTextDocument(look),
    vscode.workspace.onDidSaveTextDocument(look),
    vscode.workspace.onDidChangeTextDocument(changed),
    vscode.workspace.onDidCloseTextDocument(forget),
    vscode.languages.registerCodeActionsProvider({ scheme: 'file', pattern: '**/*.json' }, fixes(fixable), {
      providedCodeActionKinds: [vscode.CodeActionKind.QuickFix],
    }),
  );
  return {
    dispose: () => {
      for (const { stop, timer } of looks.values()) {
        clearTimeout(timer);
        stop.abort();
      }
      subscriptions.dispose();
    },
  };
}

async function diagnose(
  engine: Supervisor,
  { fsPath }: vscode.Uri,
  signal: AbortSignal,
  log: vscode.LogOutputChannel,
): Promise<DiagnoseResult | undefined> {
  try {
    return await engine.request('diagnose', { annotations: fsPath }, { signal });
  } catch (error) {
    // Nobody asked for it: a notification would be in the way.
    if (!isCancelled(error)) log.warn(`diagnose ${fsPath}: ${String(error)}`);
    return undefined;
  }
}

/** Of a kind that has more cases than are marked, the last mark says how many. */
function marksOf({ diagnostics, counts }: DiagnoseResult, fixable: WeakSet<vscode.Diagnostic>): vscode.Diagnostic[] {
  return diagnostics.map((one, k) => {
    const shown = diagnostics.filter(({ code }) => code === one.code).length;
    const more = diagnostics.findLastIndex(({ code }) => code === one.code) === k ? counts[one.code]! - shown : 0;
    const words = more > 0 ? vscode.l10n.t('{0} ({1} more like this)', one.message, more) : one.message;
    const mark = markOf(one, words);
    if (one.fixable) fixable.add(mark);
    return mark;
  });
}

function markOf({ code, severity, start, end }: Diagnostic, words: string): vscode.Diagnostic {
  const range = new vscode.Range(start.line, start.character, end.line, end.character);
  const mark = new vscode.Diagnostic(range, words, SEVERITIES[severity]);
  mark.source = SOURCE;
  mark.code = code;
  return mark;
}

/** Repairs are made into a new file, so all of one kind, or all that are certain, are made at once. */
function fixes(fixable: WeakSet<vscode.Diagnostic>): vscode.CodeActionProvider {
  return {
    provideCodeActions: ({ uri }, _range, { diagnostics }) => {
      // There the command that they call writes nothing.
      if (!vscode.workspace.isTrusted) return [];
      const own = diagnostics.filter((one) => one.source === SOURCE && isFixable(uri, one, fixable));
      const codes = [...new Set(own.flatMap(({ code }) => (typeof code === 'string' ? [code] : [])))];
      const actions = codes.map((code) => {
        const title = vscode.l10n.t('Repair All of This Kind in a New File ({0})', code);
        const marks = own.filter((one) => one.code === code);
        return actionOf(title, uri, { codes: [code] }, marks);
      });
      if (own.length > 0) actions.push(actionOf(vscode.l10n.t('Repair Everything That Is Certain in a New File'), uri, {}, own));
      return actions;
    },
  };
}

/** The editor hands out copies of the marks: the one that was set is found by its place. */
function isFixable(uri: vscode.Uri, mark: vscode.Diagnostic, fixable: WeakSet<vscode.Diagnostic>): boolean {
  const all = vscode.languages.getDiagnostics(uri);
  return all.some((one) => one.code === mark.code && one.source === SOURCE && one.range.isEqual(mark.range) && fixable.has(one));
}

function actionOf(title: string, uri: vscode.Uri, options: object, marks: readonly vscode.Diagnostic[]): vscode.CodeAction {
  const action = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
  action.diagnostics = [...marks];
  action.command = { command: 'labelscope.fixAnnotations', title, arguments: [uri, options] };
  return action;
}
