// Pooled features of every image of a split: computed once, kept block by block, so that training the head alone takes seconds.
import { takeRows } from '../dataset/labels';
import type { LabelledSet } from '../dataset/types';
import { bodyOnly, type Classifier, IMAGE } from '../onnx/classifier';
import { encodeModel } from '../onnx/encode';
import type { Tensor } from '../onnx/model';
import { transformInto } from './augment';
import { ahead, unreadableCounter } from './examples';
import { type Pixels, readPixels } from './images';
import { exists } from './run/folder';
import { readTensors, writeTensors } from './run/safetensors';
import type { LoadOptions } from './runtime/messages';
import type { Runtime } from './runtime/runtime';

export interface FeatureTable {
  /** The images that could be read. */
  readonly set: LabelledSet;
  /** One matrix of images × F for each variant: the images as they are, then, if asked for, mirrored. */
  readonly variants: readonly Float32Array[];
}

export interface FeatureJob {
  readonly set: LabelledSet;
  readonly paths: readonly string[];
  readonly mirrored: boolean;
  /** The file of a block by its number: what it holds is not computed again. */
  readonly blockPath: (block: number) => string;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number) => void;
  readonly onUnreadable: (message: string) => void;
}

const BATCH = 8;

/** Images of a block: some seconds' work on two cores, which is what a killed process loses. */
const BLOCK = 256;

/** @throws LabelscopeError 'images-unreadable' where more than a fifth of the images cannot be read, 'write-failed' */
export async function computeFeatures(
  runtime: Runtime,
  classifier: Classifier,
  options: LoadOptions,
  job: FeatureJob,
): Promise<FeatureTable> {
  const { featureCount } = classifier;
  const network = lazyNetwork(runtime, classifier, options);
  const bad = unreadableCounter(job.paths.length, job.onUnreadable);
  const matrices = (job.mirrored ? [0, 1] : [0]).map(() => new Float32Array(job.paths.length * featureCount));
  const rows: number[] = [];
  try {
    for (let start = 0; start < job.paths.length; start += BLOCK) {
      const path = job.blockPath(start / BLOCK);
      const kept = await readBlock(path, start, job);
      const block = kept ?? (await computeBlock(network.pooled, classifier, job, start, bad));
      matrices.forEach((matrix, k) => matrix.set(block.variants[k]!, rows.length * featureCount));
      rows.push(...block.rows);
      if (!kept) await writeBlock(path, block, job, featureCount);
    }
  } finally {
    await network.release();
  }
  return { set: takeRows(job.set, rows), variants: matrices.map((matrix) => matrix.subarray(0, rows.length * featureCount)) };
}

interface Block {
  /** Rows of the split whose images could be read. */
  readonly rows: readonly number[];
  /** Matrices of rows × F. */
  readonly variants: readonly Float32Array[];
}

/** Undefined where the block is not kept, damaged, or of other images. */
async function readBlock(path: string, start: number, { set, mirrored }: FeatureJob): Promise<Block | undefined> {
  const file = (await exists(path)) ? await readTensors(path).catch(() => undefined) : undefined;
  const rowOf = new Map(set.images.slice(start, start + BLOCK).map(({ id }, k) => [id, start + k]));
  const ids = JSON.parse(file?.metadata.ids ?? '[]') as string[];
  const rows = ids.flatMap((id) => rowOf.get(id) ?? []);
  const variants = Object.values(file?.tensors ?? {}).map(({ data }) => data);
  const complete = file !== undefined && rows.length === ids.length && variants.length === (mirrored ? 2 : 1);
  return complete ? { rows, variants } : undefined;
}

async function writeBlock(path: string, { rows, variants }: Block, { set }: FeatureJob, width: number): Promise<void> {
  const tensors = variants.map((data, k) => [`variant-${k}`, { type: 'float32', dims: [rows.length, width], data }] as const);
  const ids = rows.map((row) => set.images[row]!.id);
  await writeTensors(path, { tensors: Object.fromEntries(tensors), metadata: { ids: JSON.stringify(ids) } });
}

async function computeBlock(
  pooled: Pooled,
  classifier: Classifier,
  job: FeatureJob,
  start: number,
  bad: ReturnType<typeof unreadableCounter>,
): Promise<Block> {
  const rows: number[] = [];
  const parts: Float32Array[][] = job.mirrored ? [[], []] : [[]];
  for await (const batch of readBatches(classifier, job, start, bad)) {
    if (batch.length === 0) continue;
    rows.push(...batch.map(({ row }) => row));
    const pixels = batch.map((image) => image.pixels);
    for (const [variant, part] of parts.entries()) part.push(await pooled(pixels, variant === 1));
  }
  return { rows, variants: parts.map((part) => joined(part, rows.length * classifier.featureCount)) };
}

type Pooled = (batch: readonly Pixels[], mirrored: boolean) => Promise<Float32Array>;

/** The network without its head, loaded when the first image has to go through it. */
function lazyNetwork(
  runtime: Runtime,
  classifier: Classifier,
  options: LoadOptions,
): { readonly pooled: Pooled; release(): Promise<void> } {
  let session: number | undefined;
  return {
    pooled: async (batch, mirrored) => {
      session ??= await runtime.load(encodeModel(bodyOf(classifier)), options);
      return pooledBy(runtime, session, classifier, batch, mirrored);
    },
    release: async () => {
      if (session !== undefined) await runtime.release({ session });
    },
  };
}

function bodyOf(classifier: Classifier): Parameters<typeof encodeModel>[0] {
  const graph = bodyOnly(classifier);
  return { irVersion: 10, opsets: { '': classifier.opset }, producer: 'labelscope', graph, metadata: {} };
}

interface ReadImage {
  readonly row: number;
  readonly pixels: Pixels;
}

/** The images of a block that can be read, a batch at a time; the next batch is decoded while one is worked on. */
async function* readBatches(
  { height, width }: Classifier,
  { paths, signal, onProgress }: FeatureJob,
  first: number,
  bad: ReturnType<typeof unreadableCounter>,
): AsyncGenerator<ReadImage[]> {
  const end = Math.min(first + BLOCK, paths.length);
  const read = async (row: number): Promise<ReadImage[]> => {
    const pixels = await readPixels(paths[row]!, width, height).catch((error: unknown) => bad.add(row, error));
    return pixels ? [{ row, pixels }] : [];
  };
  const batchFrom = (start: number) => {
    const rows = Array.from({ length: Math.max(0, Math.min(BATCH, end - start)) }, (_, k) => start + k);
    return ahead(Promise.all(rows.map(read)));
  };
  let next = batchFrom(first);
  for (let start = first; start < end; start += BATCH) {
    signal.throwIfAborted();
    const batch = await next;
    next = batchFrom(start + BATCH);
    yield batch.flat();
    onProgress(Math.min(start + BATCH, end));
  }
}

async function pooledBy(
  runtime: Runtime,
  session: number,
  { height, width, features }: Classifier,
  batch: readonly Pixels[],
  mirrored: boolean,
): Promise<Float32Array> {
  const stride = height * width * 3;
  const data = new Uint8Array(batch.length * stride);
  batch.forEach((pixels, k) => transformInto(data, k * stride, pixels, { angle: 0, mirrored }));
  const outputs = await runtime.run(session, { [IMAGE]: { type: 'uint8', dims: [batch.length, height, width, 3], data } });
  return (outputs[features] as Tensor<'float32'>).data;
}

function joined(parts: readonly Float32Array[], length: number): Float32Array {
  const all = new Float32Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
