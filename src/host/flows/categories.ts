// What an annotation file holds, for questions that offer its categories.
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { BytesProgress, DatasetReport } from '../../protocol/messages';
import type { Supervisor } from '../engine';
import { inNotification, timedBytes } from '../tasks';

/** The images are looked at by whoever asks for a report. @throws LabelscopeError */
export function readCategories(engine: Supervisor, annotations: string, images?: string): Promise<DatasetReport> {
  return inNotification(vscode.l10n.t('Reading {0}', basename(annotations)), (task) => {
    const onBytes = timedBytes(task);
    const params = { annotations, checkImages: 'none' as const, ...(images !== undefined && { images }) };
    const onProgress = ({ bytes, totalBytes }: BytesProgress) => onBytes({ done: bytes, total: totalBytes });
    return engine.request('inspect', params, { signal: task.signal, onProgress });
  });
}
