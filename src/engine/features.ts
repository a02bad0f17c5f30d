// Pooled features of every image of a split: computed once, so that training the head alone takes seconds.
import { takeRows } from '../dataset/labels';
import type { LabelledSet } from '../dataset/types';
import { bodyOnly, type Classifier, IMAGE } from '../onnx/classifier';
import { encodeModel } from '../onnx/encode';
import type { Tensor } from '../onnx/model';
import { transformInto } from './augment';
import { ahead, unreadableCounter } from './examples';
import { type Pixels, readPixels } from './images';
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
  readonly signal: AbortSignal;
  readonly onProgress: (done: number) => void;
  readonly onUnreadable: (message: string) => void;
}

const BATCH = 8;

/** @throws LabelscopeError 'images-unreadable' where more than a fifth of the images cannot be read */
export async function computeFeatures(
  runtime: Runtime,
  classifier: Classifier,
  options: LoadOptions,
  job: FeatureJob,
): Promise<FeatureTable> {
  const { graph, opset, featureCount } = { ...classifier, graph: bodyOnly(classifier) };
  const session = await runtime.load(
    encodeModel({ irVersion: 10, opsets: { '': opset }, producer: 'labelscope', graph, metadata: {} }),
    options,
  );
  const kept: number[] = [];
  const parts: Float32Array[][] = job.mirrored ? [[], []] : [[]];
  try {
    for await (const batch of readBatches(classifier, job)) {
      if (batch.length === 0) continue;
      kept.push(...batch.map(({ row }) => row));
      const pixels = batch.map((image) => image.pixels);
      for (const [variant, part] of parts.entries()) part.push(await pooled(runtime, session, classifier, pixels, variant === 1));
    }
  } finally {
    await runtime.release({ session });
  }
  return { set: takeRows(job.set, kept), variants: parts.map((part) => joined(part, kept.length * featureCount)) };
}

interface ReadImage {
  readonly row: number;
  readonly pixels: Pixels;
}

/** The images that can be read, a batch at a time; the next batch is decoded while one is worked on. */
async function* readBatches({ height, width }: Classifier, job: FeatureJob): AsyncGenerator<ReadImage[]> {
  const { paths, signal, onProgress } = job;
  const bad = unreadableCounter(paths.length, job.onUnreadable);
  const read = async (row: number): Promise<ReadImage[]> => {
    const pixels = await readPixels(paths[row]!, width, height).catch((error: unknown) => bad.add(row, error));
    return pixels ? [{ row, pixels }] : [];
  };
  const batchFrom = (start: number) => {
    const rows = Array.from({ length: Math.max(0, Math.min(BATCH, paths.length - start)) }, (_, k) => start + k);
    return ahead(Promise.all(rows.map(read)));
  };
  let next = batchFrom(0);
  for (let start = 0; start < paths.length; start += BATCH) {
    signal.throwIfAborted();
    const batch = await next;
    next = batchFrom(start + BATCH);
    yield batch.flat();
    onProgress(Math.min(start + BATCH, paths.length));
  }
}

async function pooled(
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
