// Work that takes a while, in a notification that can be cancelled.
import * as vscode from 'vscode';
import { paced } from '../protocol/pace';

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

/** A part of a task, between two shares of the whole. */
export function partOf({ signal, report }: Task, from: number, to: number): Task {
  return { signal, report: (share, message) => report(from + share * (to - from), message) };
}

/** Progress counted in images, with the time that is left once it can be said. */
export function timed(task: Task): Count {
  return counted(task, (done, total) => vscode.l10n.t('{0} of {1} images', done, total));
}

/** Progress counted in bytes. */
export function timedBytes(task: Task): Count {
  const mega = (bytes: number) => Math.round(bytes / 1e6);
  return counted(task, (done, total) => vscode.l10n.t('{0} of {1} MB', mega(done), mega(total)));
}

/** Progress counted in hundredths. */
export function timedShare(task: Task): Count {
  return counted(task, (done) => vscode.l10n.t('{0} %', done));
}

function counted(task: Task, words: (done: number, total: number) => string): Count {
  return paced(({ done, total }, left) => task.report(total > 0 ? done / total : 0, withRest(words(done, total), left)));
}

/** @param left in words, where something can be said of it */
export function withRest(amount: string, left: string | undefined): string {
  return left === undefined ? amount : vscode.l10n.t('{0}, {1} left', amount, left);
}
