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

/** Progress counted in images, with the time that is left. */
export function timed(task: Task): (progress: { readonly done: number; readonly total: number }) => void {
  const started = performance.now();
  return ({ done, total }) => {
    const left = secondsLeft(started, done, total);
    const words = vscode.l10n.t('{0} of {1} images, {2} left', done, total, durationOf(left));
    task.report(total > 0 ? done / total : 0, words);
  };
}

/** Where the rest takes as long as what is done. @param started by `performance.now()` */
export function secondsLeft(started: number, done: number, total: number): number {
  return ((performance.now() - started) / 1000 / Math.max(1, done)) * (total - done);
}

/** 75 → 1 min 15 s */
export function durationOf(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
