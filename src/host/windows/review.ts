// The review of an annotation file's labels: suspects are found, a person decides, and what was decided is kept at once and written into a copy.
import { basename, join } from 'node:path';
import * as vscode from 'vscode';
import { REVIEWS } from '../../engine/client/reviews';
import { LabelscopeError } from '../../protocol/errors';
import type { BrowsedImage, DatasetKey } from '../../protocol/browse';
import {
  decidedAfter,
  type DecideParams,
  labelOf,
  type ReviewKey,
  type SuspectsProgress,
  type SuspectsResult,
} from '../../protocol/review';
import { isDone, sparingly } from '../../protocol/sparingly';
import type { ModelsMap, ReviewData, ReviewEvent } from '../../protocol/windows';
import type { Supervisor } from '../engine';
import { mapSettings, mapsOf } from '../explain';
import type { Models } from '../models';
import { shownError } from '../problems';
import { runsFolderOf } from '../runs';
import { setting } from '../settings';
import type { PanelKind } from './panels';
import { inNotification, timedBytes } from '../tasks';
import { thumbnailCalls } from './thumbnails';
import type { OpenWindow, WindowOptions } from './window';

const FOLDS = 5;
/** More than a person looks through. */
const MOST_SUSPECTS = 5000;
/** Pixels of a picture's longer side. */
const SIDE = 1024;

interface Shown {
  data: ReviewData;
  tell: (change: ReviewEvent) => void;
  /** Ends the search for suspects. */
  searching: AbortController | undefined;
}

const nothing = () => undefined;

export function reviewPanel(engine: Supervisor, models: Models): PanelKind<'review'> {
  const shown = new Map<string, Shown>();
  const of = (annotations: string): Shown => {
    const data = { annotations, review: null, working: null, changed: false, error: null };
    const made = shown.get(annotations) ?? { data, tell: nothing, searching: undefined };
    shown.set(annotations, made);
    return made;
  };
  return {
    name: 'review',
    title: (annotations) => vscode.l10n.t('Labels: {0}', basename(annotations)),
    open: (annotations) => {
      checkTrust();
      return Promise.resolve({
        roots: [],
        calls: callsOf(engine, models, () => of(annotations)),
        data: () => of(annotations).data,
      });
    },
    attach: (annotations, window) => {
      const state = of(annotations);
      state.tell = tellerOf(state, window);
      void openReview(engine, state);
      const watcher = watch(engine, state);
      return {
        dispose: () => {
          watcher.dispose();
          state.searching?.abort();
          state.tell = nothing;
          shown.delete(annotations);
        },
      };
    },
  };
}

/** A panel that is restored after a restart does not come through a command. */
function checkTrust(): void {
  if (vscode.workspace.isTrusted) return;
  throw new LabelscopeError('untrusted', vscode.l10n.t('Labels are reviewed with models, in trusted workspaces only.'));
}

function tellerOf(state: Shown, window: OpenWindow<'review'>): Shown['tell'] {
  return (change) => {
    state.data = { ...state.data, ...change };
    window.tell(change);
  };
}

/** Beside the runs, and not among what may be deleted at any time: it is a person's work. */
function keyOf(annotations: string): ReviewKey {
  return { annotations, folder: join(runsFolderOf(vscode.Uri.file(annotations)), REVIEWS) };
}

async function openReview(engine: Supervisor, { data, tell }: Shown): Promise<void> {
  try {
    tell({ review: await engine.request('openReview', keyOf(data.annotations)), working: null, changed: false, error: null });
  } catch (error) {
    fail({ tell }, error);
  }
}

function fail({ tell }: Pick<Shown, 'tell'>, error: unknown): void {
  const shown = shownError(error);
  tell({ working: null, error: shown.code === 'cancelled' ? null : shown });
}

/** A list of suspects is of one content of the file. */
function watch(engine: Supervisor, state: Shown): vscode.Disposable {
  const file = vscode.Uri.file(state.data.annotations);
  const pattern = new vscode.RelativePattern(vscode.Uri.joinPath(file, '..'), basename(file.fsPath));
  const watcher = vscode.workspace.createFileSystemWatcher(pattern);
  const look = async () => {
    const { review } = state.data;
    if (!review) return;
    const now = await engine.request('openReview', keyOf(state.data.annotations)).catch(nothing);
    if (now) state.tell({ changed: now.fingerprint !== review.fingerprint });
  };
  watcher.onDidChange(() => void look());
  watcher.onDidCreate(() => void look());
  return watcher;
}

async function find(engine: Supervisor, state: Shown, includeUnlabeled: boolean): Promise<void> {
  state.searching?.abort();
  const searching = new AbortController();
  state.searching = searching;
  const { signal } = searching;
  const { annotations } = state.data;
  const { folder: keepIn } = keyOf(annotations);
  const { tell } = state;
  const options = { folds: FOLDS, seed: setting('seed'), device: setting('device'), limit: MOST_SUSPECTS };
  const onProgress = sparingly((working: SuspectsProgress) => !signal.aborted && tell({ working }), isDone);
  tell({ working: { stage: 'reading', done: 0, total: 1 }, error: null });
  try {
    await engine.request('suspects', { annotations, includeUnlabeled, keepIn, ...options }, { signal, onProgress });
    if (!signal.aborted) await openReview(engine, state);
  } catch (error) {
    if (state.searching === searching) fail(state, error);
  }
}

function callsOf(engine: Supervisor, models: Models, stateOf: () => Shown): WindowOptions<'review'>['calls'] {
  return {
    find: ({ includeUnlabeled }) => {
      void find(engine, stateOf(), includeUnlabeled);
      return Promise.resolve(null);
    },
    stop: () => {
      stateOf().searching?.abort();
      stateOf().tell({ working: null });
      return Promise.resolve(null);
    },
    decide: async ({ changes }) => decide(engine, stateOf(), changes),
    carryOver: async () => carryOver(engine, stateOf()),
    image: ({ row }) => imageOf(engine, stateOf(), row),
    explain: async ({ row, category }) => explain(engine, models, await imageOf(engine, stateOf(), row), category),
    ...thumbnailCalls((rows, signal) => engine.request('thumbnails', { ...datasetOf(stateOf()), rows, side: SIDE }, { signal })),
    correct: async () => {
      const { annotations, decisions, fingerprint } = { ...stateOf().data, ...reviewOf(stateOf()) };
      return inNotification(vscode.l10n.t('Writing a corrected copy of {0}', basename(annotations)), (task) =>
        engine.request('correct', { annotations, decisions, fingerprint }, { signal: task.signal, onProgress: timedBytes(task) }),
      );
    },
  };
}

function reviewOf({ data: { review } }: Shown) {
  if (review) return review;
  throw new LabelscopeError('review-missing', vscode.l10n.t('The annotation file has not been read yet.'));
}

function resultOf(state: Shown): SuspectsResult {
  const { result } = reviewOf(state);
  if (result) return result;
  throw new LabelscopeError('review-missing', vscode.l10n.t('No suspect labels have been looked for yet.'));
}

function datasetOf(state: Shown): DatasetKey {
  const { annotations, fingerprint, imageFolder } = resultOf(state);
  return { annotations, fingerprint, imageFolder };
}

async function imageOf(engine: Supervisor, state: Shown, row: number): Promise<BrowsedImage | null> {
  const query = { filter: {}, images: [row], order: 'file', descending: false, offset: 0, limit: 1 } as const;
  const { images } = await engine.request('browse', { ...datasetOf(state), ...query });
  return images[0] ?? null;
}

/** The models that found the suspects are not kept: where others look is what can be seen. */
async function explain(engine: Supervisor, models: Models, image: BrowsedImage | null, category: string): Promise<ModelsMap> {
  if (!image?.file) throw new LabelscopeError('image-unknown', vscode.l10n.t('The image was not found.'));
  const model = await models.knowing(category);
  if (!model) throw new LabelscopeError('no-model', vscode.l10n.t('No model knows “{0}”: train one on it first.', category));
  const [map] = await mapsOf(engine, model.folder, image.file, [category]);
  return { map: map!, settings: mapSettings(), model: model.name };
}

/** The window knows already what it asked for; the data are for the next time that it is shown. */
async function decide(engine: Supervisor, state: Shown, changes: DecideParams['changes']): Promise<null> {
  const { annotations } = state.data;
  const { fingerprint } = reviewOf(state);
  await engine.request('decide', { ...keyOf(annotations), fingerprint, changes });
  const review = reviewOf(state);
  state.data = { ...state.data, review: { ...review, decisions: decidedAfter(review.decisions, changes) } };
  return null;
}

async function carryOver(engine: Supervisor, state: Shown): Promise<null> {
  const { earlier, decisions } = reviewOf(state);
  const suspects = new Map(resultOf(state).suspects.map((suspect) => [labelOf(suspect), suspect]));
  const decided = new Set(decisions.map(labelOf));
  const changes = (earlier?.decisions ?? []).filter((decision) => {
    const suspect = suspects.get(labelOf(decision));
    return suspect !== undefined && suspect.kind === decision.kind && !decided.has(labelOf(decision));
  });
  await decide(engine, state, changes);
  state.tell({ review: state.data.review });
  return null;
}
