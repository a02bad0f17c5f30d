// The request `import`: any multilabel ONNX classifier as a model of ours, in a folder of its own.
import { readdir, rmdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { toFloatWeights } from '../onnx/compress';
import { readModel } from '../onnx/files';
import { importClassifier } from '../onnx/import';
import { buildInferenceModel, type ModelCard } from '../onnx/inference';
import { LabelscopeError } from '../protocol/errors';
import type { ImportParams, ImportProgress, ImportResult } from '../protocol/import';
import { type ImportRecord, RUN_FORMAT } from '../protocol/run';
import { isDone, sparingly } from '../protocol/sparingly';
import type { Context } from './context';
import { makeFolder, TEMPORARY, writeAtomically } from './client/atomic';
import { writeModel } from './run/model-file';
import { exists, runPaths } from './run/folder';
import { breathe } from './client/unhurried';

/** @throws LabelscopeError 'model-missing', 'import-categories', 'import-folder', 'write-failed'; OnnxError 'onnx-unsupported'; the signal's reason */
export async function importModel(
  params: ImportParams,
  { version, signal }: Pick<Context, 'version' | 'signal'>,
  emit: (progress: ImportProgress) => void,
): Promise<ImportResult> {
  const tell = sparingly(emit, isDone);
  const source = resolve(params.model);
  const paths = runPaths(resolve(params.folder));
  if (!(await exists(source))) throw new LabelscopeError('model-missing', `There is no model file ${source}.`);
  await checkEmpty(paths.folder);
  const imported = importClassifier(
    toFloatWeights(await readModel(source, { signal, onRead: (count) => tell({ stage: 'reading', ...count }) })),
    source,
  );
  const categories = checked(source, params.categories ?? imported.card?.categories, imported.count);
  const card = cardOf(imported.card, categories, { importedFrom: source, labelscope: version });
  const model = buildInferenceModel(imported.classifier, card);
  await breathe(signal);
  const created = new Date().toISOString();
  const record: ImportRecord = { format: RUN_FORMAT, labelscope: version, created, name: params.name, source, categories };
  const isNew = !(await exists(paths.folder));
  await makeFolder(paths.folder);
  try {
    await writeModel(paths.model, model, signal, (count) => tell({ stage: 'writing', ...count }));
    await writeAtomically(paths.imported, [JSON.stringify(record, null, 2) + '\n']);
  } catch (error) {
    // Only where it is empty: nothing of a model is left there then.
    if (isNew) await rmdir(paths.folder).catch(() => undefined);
    throw error;
  }
  return { folder: paths.folder, categories, notes: imported.notes, canExplain: imported.classifier.stage !== undefined };
}

/** What file managers put into every folder that they show. */
const LITTER: ReadonlySet<string> = new Set(['.DS_Store', 'Thumbs.db', 'desktop.ini']);

/** What lies there is somebody else's, and would be mixed with the model's; but for litter, and what an import left that was killed. */
async function checkEmpty(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  const first = names.find((name) => !TEMPORARY.test(name) && !LITTER.has(name));
  if (first === undefined) return;
  throw new LabelscopeError(
    'import-folder',
    `${folder} is not empty (${first} is in it), and a model gets a folder of its own. Name a new or an empty folder.`,
  );
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
