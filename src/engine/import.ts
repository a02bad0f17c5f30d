// The request `import`: any multilabel ONNX classifier as a model of ours, in a folder of its own.
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { toFloatWeights } from '../onnx/compress';
import { readModel } from '../onnx/files';
import { importClassifier } from '../onnx/import';
import { buildInferenceModel, type ModelCard } from '../onnx/inference';
import { LabelscopeError } from '../protocol/errors';
import type { ImportParams, ImportResult } from '../protocol/import';
import { type ImportRecord, RUN_FORMAT } from '../protocol/run';
import type { Context } from './context';
import { writeAtomically } from './client/atomic';
import { writeModel } from './run/model-file';
import { checkFree, exists, runPaths } from './run/folder';

/** @throws LabelscopeError 'model-missing', 'import-categories', 'run-exists', 'write-failed'; OnnxError 'onnx-unsupported' */
export async function importModel(params: ImportParams, { version }: Pick<Context, 'version'>): Promise<ImportResult> {
  const source = resolve(params.model);
  const paths = runPaths(resolve(params.folder));
  if (!(await exists(source))) throw new LabelscopeError('model-missing', `There is no model file ${source}.`);
  const imported = importClassifier(toFloatWeights(await readModel(source)), source);
  const categories = checked(source, params.categories ?? imported.card?.categories, imported.count);
  await checkFree(paths.folder);
  await mkdir(paths.folder, { recursive: true }).catch((error: unknown) => {
    const detail = error instanceof Error ? error.message : String(error);
    throw new LabelscopeError('write-failed', `The folder ${paths.folder} cannot be made (${detail}). Choose another.`);
  });
  const card = cardOf(imported.card, categories, { importedFrom: source, labelscope: version });
  await writeModel(paths.model, buildInferenceModel(imported.classifier, card));
  const created = new Date().toISOString();
  const record: ImportRecord = { format: RUN_FORMAT, labelscope: version, created, name: params.name, source, categories };
  await writeAtomically(paths.imported, [JSON.stringify(record, null, 2) + '\n']);
  return { folder: paths.folder, categories, notes: imported.notes, canExplain: imported.classifier.stage !== undefined };
}

/** Thresholds and calibration belong to the outputs: a file of ours brings its own, whatever the outputs are called now. */
function cardOf(own: ModelCard | undefined, categories: readonly string[], provenance: ModelCard['provenance']): ModelCard {
  if (own?.categories.length !== categories.length) return { categories, thresholds: categories.map(() => 0.5), provenance };
  return { ...own, categories, provenance: { ...own.provenance, ...provenance } };
}

function checked(source: string, categories: readonly string[] | undefined, count: number): readonly string[] {
  if (categories === undefined)
    throw new LabelscopeError(
      'import-categories',
      `${source} names no categories: name its ${count} with --categories, in the order of its outputs.`,
    );
  if (categories.length !== count)
    throw new LabelscopeError(
      'import-categories',
      `${source} has ${count} outputs, but ${categories.length} categories were named. Name one an output, in their order.`,
    );
  const repeated = categories.find((name, k) => name.trim() === '' || categories.indexOf(name) !== k);
  if (repeated === undefined) return categories;
  throw new LabelscopeError('import-categories', `The category "${repeated}" is empty or named twice. Name each output once.`);
}
