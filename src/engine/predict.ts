// The request `predict`: labels and scores of images.
import type { CountProgress, PredictedImage, PredictParams, PredictResult } from '../protocol/messages';
import type { Context } from './context';
import { checkImages } from './health';
import { imageFiles } from './image-files';
import { type ScoredFile, scoreFiles } from './trained';

export async function predict(
  params: PredictParams,
  { runtime, models, signal, device }: Context,
  emit: (progress: CountProgress) => void,
): Promise<PredictResult> {
  const { files, failed: missing } = await imageFiles(params.files);
  return models.use(params.model, await device(params.device), async (model) => {
    const onProgress = (done: number) => emit({ done, total: files.length });
    const { scored, failed } = await scoreFiles({ trained: model.trained, session: await model.scoring() }, files, {
      runtime,
      signal,
      onProgress,
      flip: params.flip ?? false,
    });
    const sizes = params.sizes ? await sizesOf(scored, signal) : undefined;
    const { path, card } = model.trained;
    const applied = card.categories.map((_, k) => params.threshold ?? card.thresholds[k] ?? 0.5);
    return {
      model: path,
      threshold: new Set(applied).size === 1 ? applied[0]! : applied,
      thresholds: Object.fromEntries(card.categories.map((name, k) => [name, applied[k]!])),
      images: scored.map((file, k) => ({ ...predicted(file, card.categories, applied), ...(sizes?.[k] && { size: sizes[k] }) })),
      failed: [...missing, ...failed],
    };
  });
}

function predicted({ path, scores }: ScoredFile, categories: readonly string[], thresholds: readonly number[]): PredictedImage {
  const labels = categories.filter((_, k) => scores[k]! >= thresholds[k]!);
  return { file: path, labels, scores: Object.fromEntries(categories.map((name, k) => [name, scores[k]!])) };
}

/** Of files that were read before. */
async function sizesOf(files: readonly ScoredFile[], signal: AbortSignal): Promise<(PredictedImage['size'] | undefined)[]> {
  const paths = files.map(({ path }) => path);
  const checks = await checkImages(paths, 'headers', { signal, onProgress: () => undefined });
  return checks.map((check) => (check && check.width > 0 ? { width: check.width, height: check.height } : undefined));
}
