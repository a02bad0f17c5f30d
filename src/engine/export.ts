// The request `export`: the run's best model as a file that runs anywhere ONNX runs.
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { evaluate } from '../metrics/evaluate';
import type { ScoredSet } from '../metrics/types';
import { toByteWeights, toHalfWeights } from '../onnx/compress';
import { encodeModel } from '../onnx/encode';
import { writeModel } from './run/model-file';
import { buildInferenceModel } from '../onnx/inference';
import type { Model } from '../onnx/model';
import { LabelscopeError } from '../protocol/errors';
import {
  type ExportParams,
  type ExportProgress,
  type ExportResult,
  WEIGHT_FORMATS,
  type WeightFormat,
  type WeightLoss,
} from '../protocol/export';
import { isDone, sparingly } from '../protocol/sparingly';
import type { Context } from './context';
import { scoredSet, splitOf } from './evaluate';
import { openTrained, scoreFiles, type Trained } from './trained';
import { breathe } from './client/unhurried';

const STORED: Readonly<Record<WeightFormat, (model: Model) => Model>> = {
  float32: (model) => model,
  float16: toHalfWeights,
  int8: toByteWeights,
};

/**
 * What smaller weights cost is measured before the file is written: who stops it has no file.
 *
 * @throws the signal's reason; LabelscopeError 'weights-invalid', 'write-failed', and as `evaluate` where an annotation file is named that cannot be used
 */
export async function exportModel(
  params: ExportParams,
  context: Context,
  emit: (progress: ExportProgress) => void,
): Promise<ExportResult> {
  const { run, out, weights = 'float32' } = params;
  if (!WEIGHT_FORMATS.includes(weights))
    throw new LabelscopeError(
      'weights-invalid',
      `Weights are stored as ${WEIGHT_FORMATS.join(', ')}, not as ${weights as string}.`,
    );
  const trained = await openTrained(run);
  const exact = buildInferenceModel(trained.classifier, trained.card);
  const model = STORED[weights](exact);
  const measured = weights === 'float32' ? {} : await measure([exact, model], params, { trained, context, emit });
  const path = resolve(out);
  await breathe(context.signal);
  const onWritten = sparingly(emit, isDone);
  await writeModel(path, model, context.signal, (count) => onWritten({ stage: 'writing', ...count }));
  return { path, bytes: (await stat(path)).size, categories: trained.card.categories, weights, ...measured };
}

interface Measuring {
  readonly trained: Trained;
  readonly context: Context;
  readonly emit: (progress: ExportProgress) => void;
}

/** Images that are gone, or a model that was never in a run, are no reason not to export it; a file that was named is. */
async function measure(
  models: readonly [Model, Model],
  params: ExportParams,
  measuring: Measuring,
): Promise<Pick<ExportResult, 'loss' | 'unmeasured'>> {
  try {
    return { loss: await lossOf(models, params, measuring) };
  } catch (error) {
    const { signal } = measuring.context;
    if (signal.aborted || params.annotations !== undefined || !(error instanceof LabelscopeError)) throw error;
    return { unmeasured: error.message };
  }
}

async function lossOf(models: readonly [Model, Model], params: ExportParams, measuring: Measuring): Promise<WeightLoss> {
  const { trained, context, emit } = measuring;
  const { split } = await splitOf({ ...params, model: params.run }, trained, context);
  const device = await context.device(params.device ?? 'auto');
  const total = models.length * split.paths.length;
  const sets: ScoredSet[] = [];
  for (const [k, model] of models.entries()) {
    const session = await context.runtime.load(encodeModel(model), device);
    try {
      const onProgress = (done: number) => emit({ stage: 'measuring', done: k * split.paths.length + done, total });
      sets.push(scoredSet(split, await scoreFiles({ trained, session }, split.paths, { ...context, onProgress })));
    } finally {
      await context.runtime.release({ session });
    }
  }
  const [before, after] = sets as [ScoredSet, ScoredSet];
  if (before.images === 0) throw new LabelscopeError('no-images', `No image of ${split.source.annotations} could be read.`);
  return { annotations: split.source.annotations, ...differencesOf(before, after, trained.card.thresholds) };
}

/** @param after scores of the same images and categories */
function differencesOf(before: ScoredSet, after: ScoredSet, thresholds: readonly number[]): Omit<WeightLoss, 'annotations'> {
  const [old, now] = [evaluate(before, { threshold: thresholds }), evaluate(after, { threshold: thresholds })];
  let [largestDifference, changedLabels] = [0, 0];
  before.scores.forEach((score, k) => {
    const threshold = thresholds[k % thresholds.length]!;
    largestDifference = Math.max(largestDifference, Math.abs(score - after.scores[k]!));
    if (score >= threshold !== after.scores[k]! >= threshold) changedLabels++;
  });
  return {
    images: before.images,
    mAP: { before: old.mAP, after: now.mAP },
    microF1: { before: old.micro.f1, after: now.micro.f1 },
    ...{ largestDifference, changedLabels, decisions: before.scores.length },
  };
}
