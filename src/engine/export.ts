// The request `export`: the run's best model as a file that runs anywhere ONNX runs.
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { writeModel } from '../onnx/files';
import { buildInferenceModel } from '../onnx/inference';
import type { ExportParams, ExportResult } from '../protocol/messages';
import { openTrained } from './trained';

export async function exportModel({ run, out }: ExportParams): Promise<ExportResult> {
  const { classifier, card } = await openTrained(run);
  const path = resolve(out);
  await writeModel(path, buildInferenceModel(classifier, card));
  return { path, bytes: (await stat(path)).size, categories: card.categories };
}
