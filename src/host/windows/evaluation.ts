// The evaluation panel of a run or an imported model: what lies in its folder, and where its images lie.
import { basename, join } from 'node:path';
import { l10n, type Webview } from 'vscode';
import { EVALUATION, readEvaluation, readImport, readRun, type StoredEvaluation } from '../../engine/client/folder';
import { POINTING, readLooking, SANITY } from '../../engine/client/looking';
import { readImageFacts } from '../../engine/client/image-facts';
import { LabelscopeError } from '../../protocol/errors';
import type { CalibrateParams, ResetParams, ThresholdsParams } from '../../protocol/fitting';
import type { EvaluateResult } from '../../protocol/messages';
import type { ScoresFile } from '../../protocol/run';
import type { EvaluatedImage, EvaluationData, ExplainedImage } from '../../protocol/windows';
import type { Supervisor } from '../engine';
import { mapSettings, mapsOf } from '../explain';
import { checkTrust } from '../problems';
import { onNewStamps, type Runs, stampOf } from '../runs';
import { inNotification, type Task, timedShare } from '../tasks';
import { lookingCalls, type Shower } from './looking';
import type { PanelKind } from './panels';
import { foldersOf, imageUri } from './window';

export function evaluationPanel(engine: Supervisor, runs: Runs, shower: Shower): PanelKind<'evaluation'> {
  const fit = async (request: () => Promise<unknown>) => {
    checkTrust();
    await request();
    // The panel of this model, the list of runs and the labels of images have to look again.
    runs.refresh();
    return null;
  };
  return {
    name: 'evaluation',
    title: (folder) => l10n.t('Evaluation: {0}', basename(folder)),
    open: async (folder) => {
      const stamp = await evaluationStamp(folder);
      let opened: StoredEvaluation | undefined = await evaluationOf(folder);
      let files = new Set(opened.scores.images.map(({ path }) => path));
      const roots = foldersOf([...files]);
      // What was read to open the panel is what it shows first, unless it was evaluated anew meanwhile.
      const current = async () => {
        const first = opened;
        opened = undefined;
        return first && stamp === (await evaluationStamp(folder)) ? first : evaluationOf(folder);
      };
      const data = async (webview: Webview): Promise<EvaluationData> => {
        const { result, scores: now } = await current();
        const looking = await readLooking(folder);
        const facts = (await readImageFacts(folder, result.split, now)) ?? null;
        files = new Set(now.images.map(({ path }) => path));
        return { folder, ...(await nameOf(folder)), result, images: imagesOf(webview, result, now), facts, looking };
      };
      const calls = {
        explain: async ({ file, category }: HeatKey): Promise<ExplainedImage> => {
          if (!files.has(file)) throw new LabelscopeError('image-unknown', l10n.t('{0} is no image of this evaluation.', file));
          const [map] = await mapsOf(engine, folder, file, [category]);
          return { map: map!, settings: mapSettings() };
        },
        saveThresholds: (params: Thresholds) =>
          fit(() =>
            inNotification(l10n.t('Fitting thresholds of {0}', basename(folder)), (task) =>
              engine.request('thresholds', { ...params, model: folder, save: true }, followed(task)),
            ),
          ),
        saveCalibration: (params: Calibration) =>
          fit(() =>
            inNotification(l10n.t('Calibrating {0}', basename(folder)), (task) =>
              engine.request('calibrate', { ...params, model: folder, save: true }, followed(task)),
            ),
          ),
        resetFitted: ({ what }: Reset) => fit(() => engine.request('reset', { model: folder, what })),
        ...lookingCalls(folder, { engine, shower, change: fit, evaluated: async () => (await evaluationOf(folder)).result }),
      };
      return { roots, calls, data };
    },
    attach: (folder, window) =>
      onNewStamps(
        runs,
        () => stampsOf(folder),
        () => window.update(),
      ),
  };
}

const followed = (task: Task) => ({ signal: task.signal, onProgress: timedShare(task) });

type HeatKey = { readonly file: string; readonly category: string };
type Thresholds = Omit<ThresholdsParams, 'model' | 'save'>;
type Calibration = Omit<CalibrateParams, 'model' | 'save'>;

type Reset = Pick<ResetParams, 'what'>;

async function stampsOf(folder: string): Promise<string> {
  return (await Promise.all([EVALUATION, POINTING, SANITY].map(async (name) => stampOf(join(folder, name))))).join();
}

const evaluationStamp = (folder: string) => stampOf(join(folder, EVALUATION));

/** @throws LabelscopeError 'evaluation-missing', 'evaluation-unreadable' */
export async function evaluationOf(folder: string): Promise<StoredEvaluation> {
  const evaluation = await readEvaluation(folder);
  if (evaluation) return evaluation;
  throw new LabelscopeError(
    'evaluation-missing',
    l10n.t('{0} has not been evaluated. Run "Labelscope: Evaluate Model" first.', folder),
  );
}

async function nameOf(folder: string): Promise<Pick<EvaluationData, 'name' | 'record'>> {
  const imported = await readImport(folder);
  if (imported) return { name: imported.name, record: null };
  const { record } = await readRun(folder);
  return { name: record.name ?? basename(folder), record };
}

/** In the order of the scores, with labels as indices of the evaluation's categories. */
function imagesOf(webview: Webview, { evaluation }: EvaluateResult, scores: ScoresFile): EvaluatedImage[] {
  const indices = new Map(evaluation.categories.map((name, k) => [name, k]));
  return scores.images.map(({ path, labels, scores: row, uncalibrated }) => ({
    file: path,
    uri: imageUri(webview, path),
    labels: labels.flatMap((name) => indices.get(name) ?? []),
    scores: row,
    ...(uncalibrated && { uncalibrated }),
  }));
}
