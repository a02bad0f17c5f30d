// Starts the engine before it is asked: in a window where a COCO file or an image is seen, the first labels and maps come at once.
import * as vscode from 'vscode';
import type { ActiveImage } from './active-image';
import type { Closable } from './closable';
import type { CocoFiles } from './coco-files';
import type { Supervisor } from './engine';
import type { Models } from './models';
import { setting } from './settings';

/** Opens the model in use, and each that takes its place. Failures are told when a person asks for something. */
export function earlyStart(engine: Supervisor, { coco, active, models }: Seen, log: vscode.LogOutputChannel): Closable {
  let prepared: string | undefined;
  const look = async () => {
    if (!setting('engine.startEarly') || !vscode.workspace.isTrusted) return;
    if (coco.paths.length === 0 && active.file === undefined) return;
    const current = await models.current();
    const key = current ? `${current.model.folder}\n${current.stamp}` : '';
    if (key === prepared) return;
    prepared = key;
    const model = current && { model: current.model.folder };
    await engine
      .request('prepare', { ...model, device: setting('device') })
      .catch((error: unknown) => log.debug(`engine: could not be started early: ${String(error)}`));
  };
  const events = [coco.onDidChange, active.onDidChange, models.onDidChange, vscode.workspace.onDidGrantWorkspaceTrust];
  const listening = events.map((event) => (event as vscode.Event<unknown>)(() => void look()));
  return vscode.Disposable.from(...listening);
}

interface Seen {
  readonly coco: CocoFiles;
  readonly active: ActiveImage;
  readonly models: Models;
}
