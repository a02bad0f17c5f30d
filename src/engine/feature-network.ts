// The network without its head, on images that are decoded while the ones before them go through it.
import { bodyOnly, type Classifier, IMAGE } from '../onnx/classifier';
import { encodeModel } from '../onnx/encode';
import type { Tensor } from '../onnx/model';
import { copyInto } from './augment';
import { ahead } from './examples';
import { type Pixels, readPixels } from './images';
import type { LoadOptions } from './runtime/messages';
import type { Runtime } from './runtime/runtime';

export interface FeatureNetwork {
  readonly width: number;
  readonly height: number;
  /** Pooled features, images × F. */
  pooled(batch: readonly Pixels[], mirrored: boolean): Promise<Float32Array>;
  release(): Promise<void>;
}

/** Loads nothing until the first image has to go through it. */
export function featureNetwork(runtime: Runtime, classifier: Classifier, options: LoadOptions): FeatureNetwork {
  let session: number | undefined;
  const { width, height } = classifier;
  return {
    width,
    height,
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

/** An image and its variants that are not known yet: 0 as it is, 1 mirrored. */
export interface MissingFeature {
  readonly row: number;
  readonly path: string;
  readonly variants: readonly number[];
}

interface ReadImage extends MissingFeature {
  readonly pixels: Pixels;
}

interface PooledBatch {
  readonly features: readonly { readonly variant: number; readonly row: number; readonly values: Float32Array }[];
  /** The last row that was asked for. */
  readonly last: number;
}

const BATCH = 8;

/** Features of the images that can be read, a batch at a time. */
export async function* pooledBatches(
  network: FeatureNetwork,
  missing: readonly MissingFeature[],
  { signal, onUnreadable }: { readonly signal: AbortSignal; readonly onUnreadable: (row: number, error: unknown) => undefined },
): AsyncGenerator<PooledBatch> {
  const read = async (image: MissingFeature): Promise<ReadImage[]> => {
    const pixels = await readPixels(image.path, network.width, network.height).catch((error: unknown) =>
      onUnreadable(image.row, error),
    );
    return pixels ? [{ ...image, pixels }] : [];
  };
  const batchFrom = (start: number) => ahead(Promise.all(missing.slice(start, start + BATCH).map(read)));
  let next = batchFrom(0);
  for (let start = 0; start < missing.length; start += BATCH) {
    signal.throwIfAborted();
    const batch = (await next).flat();
    next = batchFrom(start + BATCH);
    const features = [...(await pooledVariant(network, batch, 0)), ...(await pooledVariant(network, batch, 1))];
    yield { features, last: missing[Math.min(start + BATCH, missing.length) - 1]!.row };
  }
}

async function pooledVariant(
  network: FeatureNetwork,
  images: readonly ReadImage[],
  variant: number,
): Promise<PooledBatch['features']> {
  const batch = images.filter(({ variants }) => variants.includes(variant));
  if (batch.length === 0) return [];
  const pixels = batch.map((image) => image.pixels);
  const all = await network.pooled(pixels, variant === 1);
  const width = all.length / batch.length;
  return batch.map(({ row }, k) => ({ variant, row, values: all.subarray(k * width, (k + 1) * width) }));
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
  batch.forEach((pixels, k) => copyInto(data, k * stride, pixels, mirrored));
  const outputs = await runtime.run(session, { [IMAGE]: { type: 'uint8', dims: [batch.length, height, width, 3], data } });
  return (outputs[features] as Tensor<'float32'>).data;
}
