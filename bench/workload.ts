// The work that every contestant gets: the same network, the same random images, the same labels, the same optimiser.
import { join } from 'node:path';
import { classifierFrom } from '../src/engine/train/classifier';
import { randomStream } from '../src/metrics/random';
import { writeTensors } from '../src/engine/run/safetensors';
import type { Classifier } from '../src/onnx/classifier';
import { writeModel } from '../src/engine/run/model-file';
import { buildInferenceModel } from '../src/onnx/inference';
import type { Tensor } from '../src/onnx/model';
import { parametersOf } from '../src/onnx/parameters';

const SIDE = 224;
const CATEGORIES = 12;
const SEED = 1;

/** Stochastic gradient descent as in the recipe `matlab-example`, but slower: on noise its rate makes rounding errors grow. */
export const OPTIMISER = { learnRate: 0.0001, momentum: 0.9, l2: 0.0001, headLearnRateFactor: 10 } as const;

export interface WorkFiles {
  /** The model file as a run leaves it: uint8 pixels in, probabilities out. */
  readonly inference: string;
  /** Every parameter under its name in the ONNX file, for programs that bring their own network. */
  readonly weights: string;
}

export function workClassifier(backbone: string): Promise<Classifier> {
  return classifierFrom(backbone, CATEGORIES, SEED, { headInit: 'glorot', imageSize: SIDE, pooling: 'average' });
}

/** image: uint8, N×224×224×3, noise. labels: float32, N×12, one in four is 1. */
export function workBatch(batchSize: number): { image: Tensor<'uint8'>; labels: Tensor<'float32'> } {
  const random = randomStream('bench', SEED);
  const image = Uint8Array.from({ length: batchSize * SIDE * SIDE * 3 }, () => random.integer(256));
  const labels = Float32Array.from({ length: batchSize * CATEGORIES }, () => Number(random.next() < 0.25));
  return {
    image: { type: 'uint8', dims: [batchSize, SIDE, SIDE, 3], data: image },
    labels: { type: 'float32', dims: [batchSize, CATEGORIES], data: labels },
  };
}

export async function writeWorkFiles(backbone: string, folder: string): Promise<WorkFiles> {
  const classifier = await workClassifier(backbone);
  const categories = Array.from({ length: CATEGORIES }, (_, k) => `category ${k}`);
  const card = { categories, thresholds: categories.map(() => 0.5), provenance: {} };
  const files = { inference: join(folder, 'model.onnx'), weights: join(folder, 'weights.safetensors') };
  await writeModel(files.inference, buildInferenceModel(classifier, card));
  const parameters = parametersOf(classifier.graph).map(({ name, tensor }) => [name, tensor as Tensor<'float32'>] as const);
  await writeTensors(files.weights, { tensors: Object.fromEntries(parameters), metadata: {} });
  return files;
}

/** Image and labels of a case, as float32, for programs that have no way to draw the same numbers. */
export async function writeBatch(batchSize: number, folder: string): Promise<string> {
  const { image, labels } = workBatch(batchSize);
  const path = join(folder, `batch-${batchSize}.safetensors`);
  await writeTensors(path, {
    tensors: { image: { ...image, type: 'float32', data: Float32Array.from(image.data) }, labels },
    metadata: {},
  });
  return path;
}
