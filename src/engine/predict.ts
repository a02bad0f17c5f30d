// The request `predict`: labels and scores of images.
import type { CountProgress, PredictedImage, PredictParams, PredictResult } from '../protocol/messages';
import type { Context } from './context';
import { imageFiles } from './image-files';
import { openTrained, type ScoredFile, scoreFiles } from './trained';

export async function predict(
  params: PredictParams,
  context: Context,
  emit: (progress: CountProgress) => void,
): Promise<PredictResult> {
  const files = await imageFiles(params.files);
  const trained = await openTrained(params.model);
  const device = await context.device(params.device);
  const { runtime, signal } = context;
  const { scored, failed } = await scoreFiles(trained, files, {
    runtime,
    device,
    signal,
    onProgress: (done) => emit({ done, total: files.length }),
  });
  const { categories, thresholds } = trained.card;
  const applied = categories.map((_, k) => params.threshold ?? thresholds[k] ?? 0.5);
  return {
    model: trained.path,
    threshold: params.threshold ?? thresholds[0] ?? 0.5,
    images: scored.map((file) => predicted(file, categories, applied)),
    failed,
  };
}

function predicted({ path, scores }: ScoredFile, categories: readonly string[], thresholds: readonly number[]): PredictedImage {
  const labels = categories.filter((_, k) => scores[k]! >= thresholds[k]!);
  return { file: path, labels, scores: Object.fromEntries(categories.map((name, k) => [name, scores[k]!])) };
}
