// The requests `thresholds`, `calibrate` and `reset`: fitting to a model's kept scores, and writing the result into the model file.
import { judgingScaling } from '../../metrics/calibrate';
import { MetricsError } from '../../metrics/check';
import { type Calibration, inverseOf, mappedThresholds } from '../../metrics/scaling';
import { judgingThresholds, type ThresholdFit } from '../../metrics/thresholds';
import { type ModelCard, withoutCalibration } from '../../onnx/inference';
import { LabelscopeError } from '../../protocol/errors';
import type {
  CalibrateParams,
  CalibrateResult,
  CalibrationRecord,
  FittingRequests,
  ResetParams,
  ThresholdsParams,
  ThresholdsRecord,
  ThresholdsResult,
} from '../../protocol/fitting';
import type { CountProgress } from '../../protocol/messages';
import { isDone, sparingly } from '../../protocol/sparingly';
import type { Context } from '../context';
import { modelFolder, openTrained } from '../trained';
import { unhurried } from '../client/unhurried';
import { CALIBRATION_RECORD, calibratedBy, fittedOf, THRESHOLDS_RECORD } from './card';
import { type KeptScores, openKept } from './kept';
import { holding, rewriteModel } from './rewrite';

/**
 * @throws LabelscopeError as `openKept`, 'fit-impossible', and where it is to save 'run-busy' and 'write-failed'; the signal's reason
 * until something is written
 */
export async function thresholds(
  { model, seed, save, division, mode, objective }: ThresholdsParams,
  { signal }: Pick<Context, 'signal'>,
  emit: Emit,
): Promise<ThresholdsResult> {
  return fitted(model, save, async (kept) => {
    const set = calibratedBy(kept.trained.card, kept.uncalibrated);
    const fit = await possible(judgingThresholds(set, { mode, objective }, division, seed), signal, emit);
    return { fit, card: withThresholds(kept.trained.card, fit, kept.result.annotations) };
  });
}

/** @throws LabelscopeError as `thresholds` */
export async function calibrate(
  { model, seed, save, method, folds }: CalibrateParams,
  { signal }: Pick<Context, 'signal'>,
  emit: Emit,
): Promise<CalibrateResult> {
  return fitted(model, save, async ({ trained, uncalibrated, result: { annotations } }) => {
    const { scaling, ...judged } = await possible(judgingScaling(uncalibrated, method, folds, seed), signal, emit);
    // What the graph holds: scores that are mapped here and there must agree.
    const [scale, shift] = [scaling.scale.map(Math.fround), scaling.shift.map(Math.fround)];
    const fit = { ...judged, scaling: { ...scaling, scale, shift } };
    const { images, before, after } = judged;
    const { temperature } = scaling;
    const record = { method, temperature, folds, seed, images, annotations, before: before.mean, after: after.mean };
    return { fit, card: withCalibration(trained.card, { scale, shift }, record) };
  });
}

/** Hears how much of the fitting is done, of a hundred. */
type Emit = (progress: CountProgress) => void;

/** @throws LabelscopeError 'fit-outside-folder', 'run-busy', 'write-failed', and what opening the model throws */
export async function reset({ model, what }: ResetParams): Promise<FittingRequests['reset']['result']> {
  const folder = await modelFolder(model);
  return holding(folder, async () => {
    const trained = await openTrained(model);
    const card = what === 'thresholds' ? withoutThresholds(trained.card) : withCalibration(trained.card, undefined, undefined);
    return { model: trained.path, has: await rewriteModel(folder, trained, card) };
  });
}

/** Fits, and where it is to be saved holds the folder meanwhile. */
async function fitted<T>(
  model: string,
  save: boolean,
  fit: (kept: KeptScores) => Promise<{ readonly fit: T; readonly card: ModelCard }>,
): Promise<T & Pick<ThresholdsResult, 'model' | 'annotations' | 'split' | 'saved' | 'has'>> {
  const work = async () => {
    const kept = await openKept(model);
    const { trained, result, folder } = kept;
    const { fit: found, card } = await fit(kept);
    const has = save ? await rewriteModel(folder, trained, card) : fittedOf(trained.card);
    return { model: trained.path, annotations: result.annotations, split: result.split, saved: save, ...found, has };
  };
  return save ? holding(await modelFolder(model), work) : work();
}

/** What the metrics refuse (too few images for so many folds, a share beyond 1) is the person's to change. */
async function possible<T>(fit: Generator<number, T>, signal: AbortSignal, emit: Emit): Promise<T> {
  const tell = sparingly(emit, isDone);
  try {
    const found = await unhurried(fit, signal, (share) => tell({ done: Math.floor(100 * share), total: 100 }));
    signal.throwIfAborted();
    return found;
  } catch (error) {
    if (error instanceof MetricsError) throw new LabelscopeError('fit-impossible', error.message);
    throw error;
  }
}

function withThresholds(card: ModelCard, fit: ThresholdFit, annotations: string): ModelCard {
  const { mode, objective, division, seed, images, micro, macro, perCategory } = fit;
  const { fitted, heldOut } = mode === 'global' ? { fitted: micro.fitted.value, heldOut: micro.heldOut.value } : macro;
  const record: ThresholdsRecord = { mode, objective, division, seed, images, annotations, fitted, heldOut };
  const provenance = { ...card.provenance, [THRESHOLDS_RECORD]: record };
  return { ...card, thresholds: perCategory.map(({ threshold }) => threshold), provenance };
}

function withoutThresholds(card: ModelCard): ModelCard {
  const provenance = without(card.provenance, THRESHOLDS_RECORD);
  return { ...card, thresholds: card.thresholds.map(() => 0.5), provenance };
}

/** Thresholds that were fitted go the way of the scores, and decide as before; 0.5 where nobody fitted any stays 0.5. */
function withCalibration(
  card: ModelCard,
  calibration: Calibration | undefined,
  record: CalibrationRecord | undefined,
): ModelCard {
  const rest = without(card.provenance, CALIBRATION_RECORD);
  const provenance = record ? { ...rest, [CALIBRATION_RECORD]: record } : rest;
  const thresholds = fittedOf(card).thresholdsRecord ? remapped(card, calibration) : card.thresholds;
  return { ...withoutCalibration(card), thresholds, provenance, ...(calibration && { calibration }) };
}

function without(provenance: ModelCard['provenance'], key: string): ModelCard['provenance'] {
  return Object.fromEntries(Object.entries(provenance).filter(([name]) => name !== key));
}

/** By way of the network's own scores. */
function remapped({ thresholds, calibration: old }: ModelCard, calibration: Calibration | undefined): readonly number[] {
  const own = old ? mappedThresholds(inverseOf(old), thresholds) : thresholds;
  return calibration ? mappedThresholds(calibration, own) : own;
}
