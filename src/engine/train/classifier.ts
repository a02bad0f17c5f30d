// The network that a run trains: the backbone's file with a new head, initialised from the run's seed.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { type Classifier, type Head, withImageSize, withNewHead } from '../../onnx/classifier';
import { toFloatWeights } from '../../onnx/compress';
import { readModel } from '../../onnx/files';
import { withGeneralizedMean } from '../../onnx/generalized-mean';
import type { Tensor } from '../../onnx/model';
import { LabelscopeError } from '../../protocol/errors';
import type { Recipe } from '../../protocol/recipe';
import { type RandomStream, randomStream } from '../../metrics/random';

/**
 * The head begins as MATLAB's fully connected layer does (Glorot and Bengio, 2010: weights uniform within
 * ±√(6 / (inputs + outputs)), biases 0), or with zeros.
 *
 * @throws OnnxError where the file is no image classifier that a new head can be put on, or not one that can be pooled so
 */
export async function classifierFrom(
  backbone: string,
  categories: number,
  seed: number,
  { headInit, imageSize, pooling }: Pick<Recipe, 'headInit' | 'imageSize' | 'pooling'>,
): Promise<Classifier> {
  const model = toFloatWeights(await readModel(backbone));
  const classifier = withNewHead(model, backbone, (features) =>
    newHead(features, categories, headInit === 'glorot' ? randomStream('head', seed) : undefined),
  );
  return pooledBy(imageSize > 0 ? withImageSize(classifier, imageSize) : classifier, backbone, pooling);
}

/** @throws OnnxError where the network of this file cannot be pooled so */
export function pooledBy(classifier: Classifier, backbone: string, pooling: Recipe['pooling']): Classifier {
  return pooling === 'gem' ? withGeneralizedMean(classifier, backbone) : classifier;
}

/** @throws LabelscopeError 'backbone-missing' where the file cannot be read */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash).catch((error: unknown) => {
    const detail = error instanceof Error ? error.message : String(error);
    throw new LabelscopeError(
      'backbone-missing',
      `The backbone ${path} cannot be read (${detail}). Name an ONNX file with --backbone.`,
    );
  });
  return hash.digest('hex');
}

function newHead(features: number, categories: number, random: RandomStream | undefined): Head {
  const limit = Math.sqrt(6 / (features + categories));
  const data = Float32Array.from({ length: features * categories }, () => (random ? limit * (2 * random.next() - 1) : 0));
  const bias: Tensor<'float32'> = { type: 'float32', dims: [categories], data: new Float32Array(categories) };
  return { weight: { type: 'float32', dims: [categories, features], data }, bias };
}
