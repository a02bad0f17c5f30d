// Pooled features of every image of a split: computed once, so that training the head alone takes seconds.
import { takeRows } from '../dataset/labels';
import type { LabelledSet } from '../dataset/types';
import { bodyOnly, type Classifier, IMAGE } from '../onnx/classifier';
import { encodeModel } from '../onnx/encode';
import type { Tensor } from '../onnx/model';
import { transformInto } from './augment';
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
  const parts: Float32Array[][] = [[], []];
  let next = readBatch(classifier, job, 0);
  for (let start = 0; start < job.paths.length; start += BATCH) {
    job.signal.throwIfAborted();
    const batch = await next;
    next = readBatch(classifier, job, start + BATCH);
    kept.push(...batch.map(({ row }) => row));
    for (const variant of job.mirrored ? [0, 1] : [0]) {
      if (batch.length > 0)
        parts[variant]!.push(
          await pooled(
            runtime,
            session,
            classifier,
            batch.map(({ pixels }) => pixels),
            variant === 1,
          ),
        );
    }
    job.onProgress(Math.min(start + BATCH, job.paths.length));
  }
  await runtime.release({ session });
  const variants = parts.filter((part) => part.length > 0).map((part) => joined(part, kept.length * featureCount));
  return { set: takeRows(job.set, kept), variants };
}

interface ReadImage {
  readonly row: number;
  readonly pixels: Pixels;
}

async function readBatch(
  { height, width }: Classifier,
  { paths, onUnreadable }: FeatureJob,
  start: number,
): Promise<ReadImage[]> {
  const read = paths.slice(start, start + BATCH).map(async (path, k) => {
    try {
      return [{ row: start + k, pixels: await readPixels(path, width, height) }];
    } catch (error) {
      onUnreadable(error instanceof Error ? error.message : String(error));
      return [];
    }
  });
  return (await Promise.all(read)).flat();
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
