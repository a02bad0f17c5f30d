// The dataset report of an annotation file, and the images behind its numbers.
import { basename } from 'node:path';
import { l10n } from 'vscode';
import { LabelscopeError, toWireError } from '../../protocol/errors';
import type { DatasetKey } from '../../protocol/browse';
import type { DatasetReport, InspectProgress } from '../../protocol/messages';
import type { DatasetData } from '../../protocol/windows';
import type { Supervisor } from '../engine';
import type { PanelKind } from './panels';
import type { OpenWindow, WindowOptions } from './window';
import type { Closable } from '../closable';

/** Between two tellings of how much is read, in milliseconds. */
const INTERVAL = 100;

/** So long after the last question the engine has forgotten the file by itself; it is not started to be told so. */
const FORGOTTEN_MS = 60_000;

/** What is shown of an annotation file, and when the engine was last asked about it. */
interface Shown {
  data: DatasetData;
  asked: number;
  /** Begins to look into the image files. */
  check: () => void;
}

export function datasetPanel(engine: Supervisor): PanelKind<'dataset'> {
  const shown = new Map<string, Shown>();
  const of = (annotations: string): Shown => {
    const known = shown.get(annotations);
    const made = known ?? {
      data: { annotations, report: null, progress: 0, checking: null, error: null },
      asked: 0,
      check: () => undefined,
    };
    if (!known) shown.set(annotations, made);
    return made;
  };
  return {
    name: 'dataset',
    title: (annotations) => l10n.t('Dataset: {0}', basename(annotations)),
    open: (annotations) =>
      Promise.resolve({ roots: [], calls: callsOf(engine, () => of(annotations)), data: () => of(annotations).data }),
    attach: (annotations, window) => {
      const reading = read(engine, of(annotations), window);
      return {
        dispose: () => {
          reading.dispose();
          const { asked } = of(annotations);
          shown.delete(annotations);
          if (Date.now() - asked < FORGOTTEN_MS) void engine.request('release', { annotations }).catch(() => undefined);
        },
      };
    },
  };
}

function read(engine: Supervisor, state: Shown, window: OpenWindow<'dataset'>): Closable {
  const stop = new AbortController();
  const { annotations } = state.data;
  const tell = (change: Partial<DatasetData>) => {
    if (stop.signal.aborted) return;
    state.data = { ...state.data, ...change };
    state.asked = Date.now();
    window.update();
  };
  const fail = (error: unknown) => tell({ checking: null, error: toWireError(error) });
  const { signal } = stop;
  state.check = () => {
    if (state.data.checking) return;
    const onProgress = sparingly(({ images }: InspectProgress) => images && tell({ checking: images }));
    tell({ checking: { done: 0, total: state.data.report?.images ?? 0 }, error: null });
    engine
      .request('inspect', { annotations, keep: true, checkImages: 'pixels' }, { signal, onProgress })
      .then((report) => tell({ report, checking: null }), fail);
  };
  const onProgress = sparingly(({ bytes, totalBytes }: InspectProgress) =>
    tell({ progress: totalBytes > 0 ? bytes / totalBytes : 0 }),
  );
  tell({ report: null, progress: 0, checking: null, error: null });
  // What the file says is there long before its images are looked at.
  engine.request('inspect', { annotations, keep: true, checkImages: 'none' }, { signal, onProgress }).then((report) => {
    tell({ report, progress: 1 });
    if (report.suggestedCheck !== 'none' && report.imageFolder !== null) state.check();
  }, fail);
  return { dispose: () => stop.abort() };
}

function sparingly<T>(tell: (progress: T) => void): (progress: T) => void {
  let told = 0;
  return (progress) => {
    if (Date.now() - told < INTERVAL) return;
    told = Date.now();
    tell(progress);
  };
}

function callsOf(engine: Supervisor, stateOf: () => Shown): WindowOptions<'dataset'>['calls'] {
  const tickets = new Map<number, AbortController>();
  const ask = (): DatasetReport => {
    const state = stateOf();
    state.asked = Date.now();
    if (state.data.report) return state.data.report;
    throw new LabelscopeError('report-missing', l10n.t('The annotation file has not been read yet.'));
  };
  return {
    browse: async ({ finding, filter, order, descending, offset, limit }) => {
      const report = ask();
      const images = finding === null ? undefined : (report.findings.find(({ code }) => code === finding)?.images ?? []);
      const query = { filter, order, descending, offset, limit, ...(images && { images }) };
      return engine.request('browse', { ...keyOf(report), ...query });
    },
    thumbnails: async ({ ticket, rows }) => {
      const stop = new AbortController();
      tickets.set(ticket, stop);
      try {
        const found = await engine.request('thumbnails', { ...keyOf(ask()), rows }, { signal: stop.signal });
        // Node's buffers do not reach windows as bytes.
        return found.map((one) => ('jpeg' in one ? { ...one, jpeg: new Uint8Array(one.jpeg) } : one));
      } finally {
        tickets.delete(ticket);
      }
    },
    checkImages: () => {
      stateOf().check();
      return Promise.resolve(null);
    },
    giveUp: ({ ticket }) => {
      tickets.get(ticket)?.abort();
      return Promise.resolve(null);
    },
  };
}

function keyOf({ path, fingerprint, imageFolder }: DatasetReport): DatasetKey {
  return { annotations: path, fingerprint, imageFolder };
}
