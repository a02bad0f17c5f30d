// The dataset report of an annotation file, and the images behind its numbers.
import { basename } from 'node:path';
import { l10n } from 'vscode';
import { LabelscopeError } from '../../protocol/errors';
import type { DatasetKey } from '../../protocol/browse';
import type { BytesProgress, DatasetReport, InspectProgress } from '../../protocol/messages';
import { sparingly } from '../../protocol/sparingly';
import type { DatasetData, DatasetEvent } from '../../protocol/windows';
import type { Supervisor } from '../engine';
import type { ImageFolders } from '../image-folders';
import { shownError } from '../problems';
import type { PanelKind } from './panels';
import { thumbnailCalls } from './thumbnails';
import type { OpenWindow, WindowOptions } from './window';

/** So long after the last question the engine has forgotten the file by itself; it is not started to be told so. */
const FORGOTTEN_MS = 60_000;

/** What is shown of an annotation file, and when the engine was last asked about it. */
interface Shown {
  data: DatasetData;
  asked: number;
  /** Tells what has changed. */
  tell: (change: DatasetEvent) => void;
  /** Begins to look into the image files. */
  check: () => void;
  /** Ends that. */
  checking: AbortController | undefined;
  /** Reads the file anew. */
  read: () => void;
}

const nothing = () => undefined;
const NOTHING_READ = { report: null, progress: 0, checking: null, error: null } as const;

export function datasetPanel(engine: Supervisor, folders: ImageFolders): PanelKind<'dataset'> {
  const shown = new Map<string, Shown>();
  const of = (annotations: string): Shown => {
    const known = shown.get(annotations);
    const data = { annotations, ...NOTHING_READ };
    const made = known ?? { data, asked: 0, tell: nothing, check: nothing, checking: undefined, read: nothing };
    if (!known) shown.set(annotations, made);
    return made;
  };
  return {
    name: 'dataset',
    title: (annotations) => l10n.t('Dataset: {0}', basename(annotations)),
    open: (annotations) =>
      Promise.resolve({ roots: [], calls: callsOf(engine, folders, () => of(annotations)), data: () => of(annotations).data }),
    attach: (annotations, window) => {
      const stop = new AbortController();
      follow(engine, of(annotations), window, stop.signal);
      return {
        dispose: () => {
          stop.abort();
          const { asked } = of(annotations);
          shown.delete(annotations);
          if (Date.now() - asked < FORGOTTEN_MS) void engine.request('release', { annotations }).catch(() => undefined);
        },
      };
    },
  };
}

function follow(engine: Supervisor, state: Shown, window: OpenWindow<'dataset'>, closed: AbortSignal): void {
  let reading = new AbortController();
  const tell = (change: DatasetEvent) => {
    if (closed.aborted) return;
    state.data = { ...state.data, ...change };
    state.asked = Date.now();
    // A page that is not there asks for all of it when it comes.
    window.tell(change);
  };
  const read = () => {
    reading.abort();
    reading = new AbortController();
    tell(NOTHING_READ);
    readReport(engine, state, AbortSignal.any([closed, reading.signal]));
  };
  Object.assign(state, { tell, read, check: () => checkImages(engine, state, AbortSignal.any([closed, reading.signal])) });
  read();
}

/** What the file says is there long before its images are looked at. */
function readReport(engine: Supervisor, state: Shown, signal: AbortSignal): void {
  const { annotations } = state.data;
  const onProgress = sparingly((progress: BytesProgress) => state.tell({ progress: shareOf(progress) }), isRead);
  engine.request('inspect', { annotations, keep: true, checkImages: 'none' }, { signal, onProgress }).then(
    (report) => {
      if (signal.aborted) return;
      state.tell({ report, progress: 1 });
      if (report.suggestedCheck !== 'none' && report.imageFolder !== null) state.check();
    },
    failing(state, signal),
  );
}

function checkImages(engine: Supervisor, state: Shown, signal: AbortSignal): void {
  const { annotations, report, checking } = state.data;
  if (checking || !report) return;
  const stop = (state.checking = new AbortController());
  const onProgress = ({ images }: InspectProgress) => images && !stop.signal.aborted && state.tell({ checking: images });
  state.tell({ checking: { done: 0, total: report.images }, error: null });
  const either = AbortSignal.any([signal, stop.signal]);
  engine.request('check', { annotations, checkImages: 'pixels' }, { signal: either, onProgress }).then(
    (checked) => {
      if (either.aborted) return;
      // Findings name rows of the file as it was read.
      if (checked.fingerprint !== report.fingerprint) state.read();
      else state.tell({ report: { ...report, ...checked }, checking: null });
    },
    failing(state, either),
  );
}

function failing({ tell }: Pick<Shown, 'tell'>, signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (signal.aborted) return;
    tell({ checking: null, error: shownError(error) });
  };
}

const shareOf = ({ bytes, totalBytes }: BytesProgress): number => (totalBytes > 0 ? bytes / totalBytes : 0);
const isRead = ({ bytes, totalBytes }: BytesProgress): boolean => bytes >= totalBytes;

function callsOf(engine: Supervisor, folders: ImageFolders, stateOf: () => Shown): WindowOptions<'dataset'>['calls'] {
  const ask = (): DatasetReport => {
    const state = stateOf();
    state.asked = Date.now();
    if (state.data.report) return state.data.report;
    throw new LabelscopeError('report-missing', l10n.t('The annotation file has not been read yet.'));
  };
  /** A file that the engine has forgotten is read again, which takes a while. */
  const following = async <T>(work: (onProgress: (progress: BytesProgress) => void) => Promise<T>): Promise<T> => {
    try {
      return await work(sparingly((progress) => stateOf().tell({ progress: shareOf(progress) }), isRead));
    } finally {
      const { data, tell } = stateOf();
      if (data.report && data.progress < 1) tell({ progress: 1 });
    }
  };
  return {
    browse: async ({ finding, filter, order, descending, offset, limit }) => {
      const report = ask();
      const images = finding === null ? undefined : (report.findings.find(({ code }) => code === finding)?.images ?? []);
      const query = { filter, order, descending, offset, limit, ...(images && { images }) };
      return following((onProgress) => engine.request('browse', { ...keyOf(report), ...query }, { onProgress }));
    },
    ...thumbnailCalls((rows, signal) => {
      const key = keyOf(ask());
      return following((onProgress) => engine.request('thumbnails', { ...key, rows }, { signal, onProgress }));
    }),
    checkImages: () => {
      stateOf().check();
      return Promise.resolve(null);
    },
    stopCheck: () => {
      const { checking, tell } = stateOf();
      checking?.abort();
      tell({ checking: null });
      return Promise.resolve(null);
    },
    chooseFolder: async () => {
      const { data, read } = stateOf();
      await folders.ask(data.annotations);
      read();
      return null;
    },
  };
}

function keyOf({ path, fingerprint, imageFolder }: DatasetReport): DatasetKey {
  return { annotations: path, fingerprint, imageFolder };
}
