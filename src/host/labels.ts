// What the chosen model and the annotation files say of an image: one answer for the side view and the image editor.
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { ModelInfo, LabelsData } from '../protocol/windows';
import type { CocoFiles } from './coco-files';
import type { Supervisor } from './engine';
import type { Models } from './models';
import { isCancelled, shownError } from './problems';
import { setting } from './settings';
import { sharedWork } from './shared-work';
import type { Closable } from './closable';

/** Images whose answers are kept. */
const MOST_KEPT = 600;

type Answer = Pick<LabelsData, 'predicted' | 'thresholds' | 'truth' | 'error'>;

export interface Labels extends Closable {
  /** Tells what is known at once, and again when the engine has answered; nothing more once the signal is aborted. */
  of(file: string, tell: (data: LabelsData & { readonly file: string }) => void, signal: AbortSignal): Promise<void>;
  /** The model, another run, or an annotation file has changed: what was told may be old. */
  readonly onDidChange: vscode.Event<void>;
}

export function labelsOf(engine: Supervisor, models: Models, coco: CocoFiles): Labels {
  const kept = new Map<string, Answer>();
  // The side view and the image editor ask for the same image.
  const share = sharedWork<Answer>();
  const changed = new vscode.EventEmitter<void>();
  const listening = [
    models.onDidChange(() => changed.fire()),
    vscode.workspace.onDidGrantWorkspaceTrust(() => changed.fire()),
    coco.onDidChange(() => {
      kept.clear();
      changed.fire();
    }),
  ];
  const keep = (key: string, answer: Answer) => {
    kept.set(key, answer);
    const [oldest] = kept.keys();
    if (kept.size > MOST_KEPT && oldest !== undefined) kept.delete(oldest);
  };
  const ask = async (file: string, model: ModelInfo, signal: AbortSignal): Promise<Answer> => {
    const [predicted, truth] = await Promise.all([predict(engine, file, model, signal), truthOf(engine, file, coco, signal)]);
    return { ...predicted, truth };
  };
  return {
    of: async (file, tell, signal) => {
      const current = await models.current();
      const nothing: Answer = { predicted: null, thresholds: {}, truth: null, error: null };
      const base = { file, model: current?.model ?? null, pinned: current?.pinned ?? false };
      if (signal.aborted) return;
      if (!current || !vscode.workspace.isTrusted) {
        tell({ ...base, ...nothing, error: untrusted() });
        return;
      }
      const key = `${current.model.folder}\n${current.stamp}\n${file}\n${await stamp(file)}`;
      const known = kept.get(key);
      tell({ ...base, ...(known ?? nothing) });
      if (known) return;
      try {
        const answer = await share(key, signal, (own) => ask(file, current.model, own));
        keep(key, answer);
        if (!signal.aborted) tell({ ...base, ...answer });
      } catch (error) {
        if (!signal.aborted && !isCancelled(error)) tell({ ...base, ...nothing, error: shownError(error) });
      }
    },
    onDidChange: changed.event,
    dispose: () => {
      vscode.Disposable.from(...listening, changed).dispose();
    },
  };
}

function untrusted(): LabelsData['error'] {
  if (vscode.workspace.isTrusted) return null;
  return {
    code: 'untrusted',
    message: vscode.l10n.t('Models are used in trusted workspaces only. Trust this one to see predicted labels.'),
  };
}

/** An image that is written anew is asked for anew. */
async function stamp(file: string): Promise<string> {
  const entry = await vscode.workspace.fs.stat(vscode.Uri.file(file)).then(
    ({ mtime, size }) => `${mtime} ${size}`,
    () => 'missing',
  );
  return entry;
}

async function predict(engine: Supervisor, file: string, model: ModelInfo, signal: AbortSignal): Promise<Omit<Answer, 'truth'>> {
  const device = setting('device');
  const { images, thresholds, failed } = await engine.request(
    'predict',
    { model: model.folder, files: [file], device },
    { signal },
  );
  const failure = failed[0] && { code: 'image-unreadable', message: failed[0].error };
  return { predicted: images[0] ?? null, thresholds, error: failure ?? null };
}

async function truthOf(engine: Supervisor, file: string, coco: CocoFiles, signal: AbortSignal): Promise<LabelsData['truth']> {
  if (!setting('labels.compareWithAnnotations', vscode.Uri.file(file)) || coco.paths.length === 0) return null;
  const annotations = [...coco.paths].sort((a, b) => nearness(b, file) - nearness(a, file));
  // The prediction is worth showing without it.
  const answer = await engine.request('truth', { annotations, file }, { signal }).catch(() => undefined);
  return answer?.truth ?? null;
}

/** How many leading characters two paths share, and whether the file's folder names the split (val2017 and instances_val2017). */
function nearness(annotations: string, file: string): number {
  let shared = 0;
  while (shared < file.length && annotations[shared] === file[shared]) shared++;
  const folder = basename(vscode.Uri.joinPath(vscode.Uri.file(file), '..').fsPath);
  return shared + (basename(annotations).includes(folder) ? 1000 : 0);
}
