// PyTorch beside the benchmark `predict`: the run's own weights, the same pixels, and answers that must be the same.
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { readPixels } from '../src/engine/images';
import { writeTensors } from '../src/engine/run/safetensors';
import type { Device } from '../src/engine/runtime/messages';
import { openTrained } from '../src/engine/trained';
import type { Tensor } from '../src/onnx/model';
import { parametersOf } from '../src/onnx/parameters';
import { startProgram } from './contestant';
import { predictPeer } from './peers';

/** Something that runs and says what one image shows. */
export interface Asked {
  labels(): Promise<unknown>;
  maps(categories: readonly string[]): Promise<unknown>;
  stop(): Promise<void>;
}

export interface PredictPeer {
  readonly name: string;
  /** Starts its process; resolves when that has said what the image shows. @throws Error where its probabilities are not ours */
  start(): Promise<Asked>;
  remove(): Promise<void>;
}

interface Question {
  readonly model: string;
  readonly image: string;
  readonly device: Device;
  /** Our probabilities by category. */
  readonly scores: Readonly<Record<string, number>>;
}

/** Largest difference of a probability up to which both count as the same network. */
const SAME_WORK = 0.01;

/** Undefined where PyTorch is not set up. */
export async function preparePeer(python: string | undefined, question: Question): Promise<PredictPeer | undefined> {
  const program = predictPeer(python);
  if (!program) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'labelscope-bench-'));
  const { categories, ...files } = await writeJob(folder, question);
  const job = { ...files, device: question.device, threads: availableParallelism() };
  return {
    name: program.name,
    start: async () => {
      const { first, ask, stop } = await startProgram(program, job);
      const { probabilities } = first as { readonly probabilities: readonly number[] };
      const differences = categories.map((name, k) => Math.abs(question.scores[name]! - probabilities[k]!));
      if (Math.max(...differences) > SAME_WORK) {
        stop();
        throw new Error(`its probabilities differ from ours by up to ${Math.max(...differences).toFixed(3)}.`);
      }
      return {
        labels: () => ask('labels'),
        maps: (names) => ask(`maps ${names.map((name) => categories.indexOf(name)).join(' ')}`),
        stop: () => {
          stop();
          return Promise.resolve();
        },
      };
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** The weights, and the image as it is decoded and resized, which a program without an image library could not do alike. */
async function writeJob(folder: string, { model, image }: Question) {
  const { classifier, card } = await openTrained(model);
  const [weights, pixels] = [join(folder, 'weights.safetensors'), join(folder, 'image.safetensors')];
  const parameters = parametersOf(classifier.graph).map(({ name, tensor }) => [name, tensor as Tensor<'float32'>] as const);
  await writeTensors(weights, { tensors: Object.fromEntries(parameters), metadata: {} });
  const { width, height, data } = await readPixels(image, classifier.width, classifier.height);
  const decoded: Tensor = { type: 'float32', dims: [1, height, width, 3], data: Float32Array.from(data) };
  await writeTensors(pixels, { tensors: { image: decoded }, metadata: {} });
  return { weights, image: pixels, categories: card.categories };
}
