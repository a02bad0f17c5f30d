// The dataset report of an annotation file.
import { basename } from 'node:path';
import { l10n } from 'vscode';
import { toWireError } from '../../protocol/errors';
import type { DatasetData } from '../../protocol/windows';
import type { Supervisor } from '../engine';
import type { PanelKind } from './panels';
import type { OpenWindow } from './window';
import type { Closable } from '../closable';

/** Between two tellings of how much is read, in milliseconds. */
const INTERVAL = 100;

export function datasetPanel(engine: Supervisor): PanelKind<'dataset'> {
  const states = new Map<string, DatasetData>();
  return {
    name: 'dataset',
    title: (annotations) => l10n.t('Dataset: {0}', basename(annotations)),
    open: (annotations) => {
      const unread: DatasetData = { annotations, report: null, progress: 0, error: null };
      return Promise.resolve({ roots: [], calls: {}, data: () => states.get(annotations) ?? unread });
    },
    attach: (annotations, window) => read(engine, annotations, window, states),
  };
}

function read(
  engine: Supervisor,
  annotations: string,
  window: OpenWindow<'dataset'>,
  states: Map<string, DatasetData>,
): Closable {
  const stop = new AbortController();
  const tell = (change: Partial<DatasetData>) => {
    if (stop.signal.aborted) return;
    const before = states.get(annotations) ?? { annotations, report: null, progress: 0, error: null };
    states.set(annotations, { ...before, ...change });
    window.update();
  };
  let told = 0;
  const onProgress = ({ bytes, totalBytes }: { bytes: number; totalBytes: number }) => {
    if (Date.now() - told < INTERVAL) return;
    told = Date.now();
    tell({ progress: totalBytes > 0 ? bytes / totalBytes : 0 });
  };
  tell({ report: null, progress: 0, error: null });
  engine.request('inspect', { annotations }, { signal: stop.signal, onProgress }).then(
    (report) => tell({ report, progress: 1 }),
    (error: unknown) => tell({ error: toWireError(error) }),
  );
  return {
    dispose: () => {
      stop.abort();
      states.delete(annotations);
    },
  };
}
