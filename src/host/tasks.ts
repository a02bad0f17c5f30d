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

type Count = (progress: { readonly done: number; readonly total: number }) => void;

/** Progress counted in images, with the time that is left. */
export function timed(task: Task): Count {
  return counted(task, (done, total, left) => vscode.l10n.t('{0} of {1} images, {2} left', done, total, left));
}

/** Progress counted in bytes. */
export function timedBytes(task: Task): Count {
  const mega = (bytes: number) => Math.round(bytes / 1e6);
  return counted(task, (done, total, left) => vscode.l10n.t('{0} of {1} MB, {2} left', mega(done), mega(total), left));
}

/** Progress counted in hundredths. */
export function timedShare(task: Task): Count {
  return counted(task, (done, _, left) => vscode.l10n.t('{0} %, {1} left', done, left));
}

function counted(task: Task, words: (done: number, total: number, left: string) => string): Count {
  const started = performance.now();
  return ({ done, total }) => {
    // Nothing says yet how long it takes.
    if (done > 0) task.report(total > 0 ? done / total : 0, words(done, total, durationOf(secondsLeft(started, done, total))));
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
