// Work that takes a while, in a notification that can be cancelled.
import * as vscode from 'vscode';

/** What the work is told, and how it tells: `share` from 0 to 1. */
export interface Task {
  readonly signal: AbortSignal;
  readonly report: (share: number, message: string) => void;
}

export function inNotification<T>(title: string, work: (task: Task) => Promise<T>): Promise<T> {
  const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
  return Promise.resolve(
    vscode.window.withProgress(options, async (progress, token) => {
      const stop = new AbortController();
      token.onCancellationRequested(() => stop.abort());
      let told = 0;
      return work({
        signal: stop.signal,
        report: (share, message) => {
          progress.report({ message, increment: Math.max(0, 100 * (share - told)) });
          told = Math.max(told, share);
        },
      });
    }),
  );
}

/** Progress counted in images. */
export function counted(task: Task): (progress: { readonly done: number; readonly total: number }) => void {
  return ({ done, total }) => task.report(total > 0 ? done / total : 0, vscode.l10n.t('{0} of {1} images', done, total));
}

/** As `counted`, with the time that is left. */
export function timed(task: Task): (progress: { readonly done: number; readonly total: number }) => void {
  const started = performance.now();
  return ({ done, total }) => {
    const left = Math.round(((performance.now() - started) / 1000 / Math.max(1, done)) * (total - done));
    const words = vscode.l10n.t('{0} of {1} images, {2} left', done, total, durationOf(left));
    task.report(total > 0 ? done / total : 0, words);
  };
}

/** 75 → 1 min 15 s */
function durationOf(seconds: number): string {
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
