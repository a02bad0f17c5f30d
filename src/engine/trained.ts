// A trained model, wherever it lies: in a run folder or in a file of its own.
import { stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { type Classifier, IMAGE, PROBABILITIES } from '../onnx/classifier';
import { toFloatWeights } from '../onnx/compress';
import { readModel } from '../onnx/files';
import { type ModelCard, readInferenceModel } from '../onnx/inference';
import type { Tensor } from '../onnx/model';
import { LabelscopeError } from '../protocol/errors';
import type { FailedFile } from '../protocol/messages';
import { copyInto } from './augment';
import { ahead } from './examples';
import { type Pixels, readPixels } from './images';
import type { RunRecord } from '../protocol/run';
import { IMPORT_RECORD, readImport, readRecord, RECORD } from './client/folder';
import { exists, runPaths } from './run/folder';
import type { Runtime } from './runtime/runtime';

export interface Trained {
  /** The model file. */
  readonly path: string;
  /** The run's or imported model's folder, where evaluations are kept; undefined for a file of its own. */
  readonly folder: string | undefined;
  /** What training wrote, where the model comes from a run. */
  readonly record: RunRecord | undefined;
  readonly classifier: Classifier;
  readonly card: ModelCard;
}

/** The model file of a run folder, of an imported model's folder, of their record, or the file itself. @throws LabelscopeError 'model-missing' */
export async function locateModel(place: string): Promise<string> {
  const given = resolve(place);
  const folder = [RECORD, IMPORT_RECORD].includes(basename(given)) ? dirname(given) : given;
  const found = await stat(folder).catch(() => undefined);
  if (!found)
    throw new LabelscopeError(
      'model-missing',
      `There is no run folder or model file ${folder}. Give the folder that training named, or an exported model.`,
    );
  if (!found.isDirectory()) return folder;
  const { model } = runPaths(folder);
  if (await exists(model)) return model;
  // A folder that is no run at all is told as such.
  if (!(await readImport(folder))) await readRecord(folder);
  throw new LabelscopeError(
    'model-missing',
    `${folder} has no model yet: its training stopped before the first validation. Continue it with --resume.`,
  );
}

/** The model file, and its folder unless the file itself was named. @throws LabelscopeError 'model-missing' */
async function placeOf(place: string): Promise<Pick<Trained, 'path' | 'folder'>> {
  const path = await locateModel(place);
  return { path, folder: path === resolve(place) ? undefined : dirname(path) };
}

/**
 * The folder of a run or an imported model.
 *
 * @throws LabelscopeError 'fit-outside-folder' where a model file was named, 'model-missing'
 */
export async function modelFolder(place: string): Promise<string> {
  const { path, folder } = await placeOf(place);
  if (folder !== undefined) return folder;
  throw new LabelscopeError(
    'fit-outside-folder',
    `${path} is a model file, but what is fitted belongs to a folder with scores: give the run's folder, or import the model first.`,
  );
}

/**
 * @param place a run folder, an imported model's folder, its record, or an exported model file
 * @throws LabelscopeError 'model-missing', 'run-missing'; OnnxError where the file is no model of ours
 */
export async function openTrained(place: string): Promise<Trained> {
  const { path, folder } = await placeOf(place);
  const model = await readTrained(path);
  if (folder === undefined) return { path, folder, record: undefined, ...model };
  const record = (await readImport(folder)) ? undefined : await readRecord(folder);
  return { path, folder, record, ...model };
}

async function readTrained(path: string): Promise<Pick<Trained, 'classifier' | 'card'>> {
  return readInferenceModel(toFloatWeights(await readModel(path)), path);
}

export interface ScoredFile {
  readonly path: string;
  /** Its place among the files that were asked for. */
  readonly row: number;
  /** One probability a category. */
  readonly scores: Float32Array;
}

export interface Scores {
  readonly scored: readonly ScoredFile[];
  readonly failed: readonly FailedFile[];
}

/** A model and the session that scores with it. */
interface Scoring {
  readonly trained: Trained;
  readonly session: number;
}

interface ScoreOptions {
  readonly runtime: Runtime;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number) => void;
  /** Means over image and mirror image. */
  readonly flip?: boolean;
}

const BATCH = 8;

/** Probabilities of every file that can be read, in the order given; the others are named with the reason. */
export async function scoreFiles(
  { trained: { classifier }, session }: Scoring,
  files: readonly string[],
  { runtime, signal, onProgress, flip = false }: ScoreOptions,
): Promise<Scores> {
  const scored: ScoredFile[] = [];
  const failed: FailedFile[] = [];
  const probabilitiesOf = scorer(runtime, session, classifier);
  // Time is taken from here on, where the model is loaded.
  onProgress(0);
  let next = ahead(readBatch(files, 0, classifier));
  for (let start = 0; start < files.length; start += BATCH) {
    signal.throwIfAborted();
    const batch = await next;
    next = ahead(readBatch(files, start + BATCH, classifier));
    failed.push(...batch.failed);
    if (batch.read.length > 0) scored.push(...(await scoreBatch(probabilitiesOf, batch.read, flip)));
    onProgress(Math.min(start + BATCH, files.length));
  }
  return { scored, failed };
}

interface ReadFile {
  readonly path: string;
  readonly row: number;
  readonly pixels: Pixels;
}

async function readBatch(
  files: readonly string[],
  start: number,
  { width, height }: Classifier,
): Promise<{ read: ReadFile[]; failed: FailedFile[] }> {
  const batch = files.slice(start, start + BATCH);
  const results = await Promise.allSettled(batch.map((path) => readPixels(path, width, height)));
  const read: ReadFile[] = [];
  const failed: FailedFile[] = [];
  for (const [k, result] of results.entries()) {
    const path = batch[k]!;
    if (result.status === 'fulfilled') read.push({ path, row: start + k, pixels: result.value });
    else failed.push({ file: path, error: result.reason instanceof Error ? result.reason.message : String(result.reason) });
  }
  return { read, failed };
}

type Scorer = (batch: readonly Pixels[], mirrored: boolean) => Promise<Tensor<'float32'>>;

function scorer(runtime: Runtime, session: number, { width, height }: Classifier): Scorer {
  return async (batch, mirrored) => {
    const stride = width * height * 3;
    const data = new Uint8Array(batch.length * stride);
    batch.forEach((pixels, k) => copyInto(data, k * stride, pixels, mirrored));
    const images: Tensor = { type: 'uint8', dims: [batch.length, height, width, 3], data };
    const outputs = await runtime.run(session, { [IMAGE]: images }, { outputs: [PROBABILITIES] });
    return outputs[PROBABILITIES] as Tensor<'float32'>;
  };
}

async function scoreBatch(probabilitiesOf: Scorer, batch: readonly ReadFile[], flip: boolean): Promise<ScoredFile[]> {
  const pixels = batch.map((file) => file.pixels);
  const { data, dims } = await probabilitiesOf(pixels, false);
  const mirrored = flip ? (await probabilitiesOf(pixels, true)).data : data;
  const scores = flip ? data.map((score, k) => (score + mirrored[k]!) / 2) : data;
  const count = dims[1]!;
  return batch.map(({ path, row }, k) => ({ path, row, scores: scores.slice(k * count, (k + 1) * count) }));
}
