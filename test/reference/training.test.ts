// Training trajectories of the whole ResNet-50 and the Grad-CAM maps after them, against PyTorch in float64.
import { existsSync } from 'node:fs';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Classifier, IMAGE, LOGITS, PROBABILITIES, withNewHead, withTensors } from '../../src/onnx/classifier';
import { readModel } from '../../src/onnx/files';
import { MAPS, SELECTION } from '../../src/onnx/gradcam';
import type { Tensor } from '../../src/onnx/model';
import {
  buildEvaluation,
  buildTrainingStep,
  LABELS,
  LEARN_RATE,
  LOSS,
  type StepOptions,
  type TrainingStep,
  trainedTensors,
} from '../../src/onnx/training';
import { blockHere, float32, floats, gradCamRunner, graphRunner, stepRunner, type Tensors } from '../support/graphs';
import { NATIVE, tensorFlowRunner, tensorFlowStepRunner } from '../support/tensorflow';
import { hasReference, readFloats, readReference, referenceFiles, referencePath } from '../support/reference';

const BACKBONE = 'node_modules/.cache/labelscope/resnet50-float32.onnx';
/** The README of the reference recommends five times the spread that its float32 runs showed. */
const SPREADS = 5;

interface Spread {
  readonly loss_abs: number[];
  readonly first_gradient_rel_to_max: Record<string, number>;
}

interface Trajectory {
  readonly batch_norm: string;
  readonly settings: {
    lr_backbone: number;
    lr_head: number;
    momentum: number;
    l2: number;
    batch_size: number;
    bn_momentum: number | null;
  };
  readonly steps: { batch: number[]; loss: number; gradient_norm: Record<string, number>; gradient_norm_all: number }[];
  readonly first_batch_logits: number[][];
  readonly eval_logits_before: number[][];
  readonly eval_logits: number[][];
  readonly eval_probabilities: number[][];
  readonly change_norm: Record<string, number>;
  readonly head_bias: number[];
  readonly running_statistics?: Record<string, { moving_mean: number[]; moving_variance_biased: number[] }>;
  readonly f32_minus_f64: Record<string, Spread>;
  readonly f32_minus_f64_worst: Record<string, number>;
}

interface Maps {
  readonly images: {
    image: string;
    maps: { class_index: number; map_of_logit: number[][]; f32_minus_f64_over_map_max: { logit: number } }[];
  }[];
}

interface Picture {
  readonly file: string;
  readonly labels: number[];
  readonly sum_rgb: number[];
}

interface Pictures {
  readonly categories: string[];
  readonly size: [number, number];
  readonly train: Picture[];
  readonly eval?: Picture[];
  readonly evaluation?: Picture[];
}

const missing = !hasReference('training') ? 'the reference folder' : existsSync(BACKBONE) ? undefined : BACKBONE;
const names = referenceFiles('training/trajectories', '.json').map((file) => file.replace(/\.json$/, ''));
const block = await blockHere();
/** Those that the step is also compared with in its blocked form; the others differ from them in rates and decay alone. */
const IN_BOTH_FORMS = ['all_frozen_bn', 'all_batch_bn'];
/** With npm run test:tensorflow, TensorFlow.js is held to the same; in JavaScript a ResNet-50 would take it minutes. */
const engine = NATIVE
  ? ({ target: 'autodiff', open: tensorFlowRunner, steps: tensorFlowStepRunner } as const)
  : ({ target: 'cpu', open: graphRunner, steps: stepRunner } as const);
const onnxRuntimeCases = names.flatMap((name) => [
  [name, { name, block: undefined }] as const,
  ...(block === undefined || !IN_BOTH_FORMS.includes(name) ? [] : [[`${name} in the blocked form`, { name, block }] as const]),
]);
const tensorFlowCases = names.map((name) => [`${name} in TensorFlow.js`, { name, block: undefined }] as const);
const cases = NATIVE ? tensorFlowCases : onnxRuntimeCases;

describe.skipIf(missing)(`training trajectories${missing ? ` (skipped: ${missing} is absent)` : ''}`, () => {
  let pictures: Pictures;
  let pixels: { train: Uint8Array[]; evaluation: Uint8Array[] };
  let classifier: Classifier;

  beforeAll(async () => {
    pictures = readReference<Pictures>('training', 'images.json');
    pixels = { train: await decode(pictures.train), evaluation: await decode(pictures.eval ?? pictures.evaluation ?? []) };
    const model = await readModel(BACKBONE);
    const count = pictures.categories.length;
    classifier = withNewHead(model, BACKBONE, (features) => ({
      weight: float32([count, features], readFloats('training', 'head_weight.f32')),
      bias: float32([count], readFloats('training', 'head_bias.f32')),
    }));
  }, 120_000);

  it('decodes the pictures to the pixels that the reference was made with', () => {
    const all = [...pictures.train, ...(pictures.eval ?? pictures.evaluation ?? [])];
    const data = [...pixels.train, ...pixels.evaluation];
    expect(data.map(sumOfChannels)).toEqual(all.map(({ sum_rgb }) => sum_rgb));
  });

  describe.each(cases)('%s', (_, { name, block }) => {
    let reference: Trajectory;
    let seen: Run;
    let worst: (quantity: string) => number;

    beforeAll(async () => {
      reference = readReference<Trajectory>('training', 'trajectories', `${name}.json`);
      worst = (quantity) => SPREADS * reference.f32_minus_f64_worst[quantity]!;
      seen = await follow(name, reference, block);
    }, 600_000);

    it('starts from the same logits', () => {
      expect(largestDifference(seen.logitsBefore, reference.eval_logits_before.flat())).toBeLessThan(1e-4);
    });

    it('has the same loss at every step', () => {
      const differences = reference.steps.map(({ loss }, step) => Math.abs(seen.losses[step]! - loss));
      expect(Math.max(...differences)).toBeLessThan(worst('loss_abs'));
      expect(differences[0]).toBeLessThan(
        SPREADS * Math.max(...Object.values(reference.f32_minus_f64).map(({ loss_abs }) => loss_abs[0]!)),
      );
    });

    it('has the same gradient norms at every step', () => {
      for (const [step, { gradient_norm, gradient_norm_all }] of reference.steps.entries()) {
        const found = seen.gradientNorms[step]!;
        for (const [parameter, norm] of Object.entries(gradient_norm)) {
          // A convolution's bias in front of batch normalisation has no effect: its gradient is rounding.
          if (norm > 1e-9)
            expect(Math.abs(found[parameter]! - norm) / norm, `${parameter} at step ${step + 1}`).toBeLessThan(
              worst('gradient_norm_rel'),
            );
        }
        const all = Math.hypot(...Object.values(found));
        expect(Math.abs(all - gradient_norm_all) / gradient_norm_all, `all at step ${step + 1}`).toBeLessThan(
          worst('gradient_norm_all_rel'),
        );
      }
    });

    it('has the same first gradients', () => {
      const prefix = `${name}.first_gradient.`;
      for (const file of referenceFiles('training/trajectories', '.f32').filter((other) => other.startsWith(prefix))) {
        const key = file.slice(prefix.length, -'.f32'.length);
        const parameter = key.replace('.', '/');
        const expected = readFloats('training', 'trajectories', file);
        const spreads = Object.values(reference.f32_minus_f64).map((spread) => spread.first_gradient_rel_to_max[parameter]!);
        const difference = largestDifference(seen.firstGradients[parameter]!, expected) / largest(expected);
        expect(difference, parameter).toBeLessThan(SPREADS * Math.max(...spreads));
      }
    });

    it('ends with the same head, probabilities and changes', () => {
      expect(
        largestDifference(floats(seen.state['head/weight']), readFloats('training', 'trajectories', `${name}.head_weight.f32`)),
      ).toBeLessThan(worst('head_weight_abs'));
      expect(largestDifference(floats(seen.state['head/bias']), reference.head_bias)).toBeLessThan(worst('head_bias_abs') + 1e-9);
      expect(largestDifference(seen.probabilities, reference.eval_probabilities.flat())).toBeLessThan(
        worst('eval_probabilities_abs'),
      );
      for (const [parameter, norm] of Object.entries(reference.change_norm)) {
        // Below this the change is rounding of the parameter itself.
        if (norm > 1e-9)
          expect(Math.abs(seen.changes[parameter]! - norm) / norm, parameter).toBeLessThan(worst('change_norm_rel'));
      }
    });

    it('leaves the same running statistics', () => {
      for (const [layer, { moving_mean, moving_variance_biased: moving_variance }] of Object.entries(
        reference.running_statistics ?? {},
      )) {
        const mean = floats(seen.state[`${layer}/moving_mean`]);
        const variance = floats(seen.state[`${layer}/moving_variance`]);
        moving_mean.forEach((value, k) =>
          expect(Math.abs(mean[k]! - value) / Math.sqrt(moving_variance[k]!), layer).toBeLessThan(1e-4),
        );
        moving_variance.forEach((value, k) => expect(Math.abs(variance[k]! - value) / value, layer).toBeLessThan(1e-4));
      }
    });

    it.skipIf(!hasReference('gradcam', `after_${name}.json`))('gives the same Grad-CAM maps afterwards', () => {
      const { images } = readReference<Maps>('gradcam', `after_${name}.json`);
      // A map that is nowhere positive has no maximum of its own to compare with.
      const highest = largest(images.flatMap(({ maps }) => maps.flatMap(({ map_of_logit }) => map_of_logit.flat())));
      const tolerance =
        SPREADS * Math.max(...images.flatMap(({ maps }) => maps.map((map) => map.f32_minus_f64_over_map_max.logit)));
      for (const [k, { image, maps }] of images.entries()) {
        for (const [m, { map_of_logit }] of maps.entries()) {
          const expected = map_of_logit.flat();
          expect(
            largestDifference(seen.maps[k]![m]!, expected) / (largest(expected) || highest),
            `${image}, map ${m}`,
          ).toBeLessThan(tolerance);
        }
      }
    });
  });

  interface Run {
    readonly losses: number[];
    readonly gradientNorms: Record<string, number>[];
    readonly firstGradients: Record<string, Float32Array>;
    readonly logitsBefore: Float32Array;
    readonly probabilities: Float32Array;
    readonly changes: Record<string, number>;
    readonly maps: Float32Array[][];
    readonly state: Tensors;
  }

  /** A block takes more images than the reference has in a batch: with each as often as the others loss, statistics and gradients are the same. */
  async function follow(name: string, { settings, steps, batch_norm }: Trajectory, block: number | undefined): Promise<Run> {
    const rateOfBackbone = settings.lr_backbone;
    const times = (block ?? settings.batch_size) / settings.batch_size;
    const options: StepOptions = {
      batchSize: times * settings.batch_size,
      layers: batch_norm.includes('not trained') ? 'head' : 'all',
      batchNorm: batch_norm.startsWith('batch statistics') ? 'batch' : 'frozen',
      batchNormMomentum: settings.bn_momentum ?? undefined,
      momentum: settings.momentum,
      l2: settings.l2,
      l2On: 'weights',
      headLearnRateFactor: settings.lr_head / settings.lr_backbone,
    };
    const training = buildTrainingStep(classifier, options, engine.target, block);
    const logitsBefore = await evaluate(training, training.state);
    const runner = await engine.steps(training);
    const losses: number[] = [];
    const gradientNorms: Record<string, number>[] = [];
    let firstGradients: Record<string, Float32Array> = {};
    for (const { batch } of steps) {
      const before = { ...runner.state };
      const outputs = await runner.step(feedsOf(Array.from({ length: times }, () => batch).flat(), rateOfBackbone));
      losses.push(floats(outputs[LOSS])[0]!);
      const gradients = gradientsOf(before, runner.state, settings);
      gradientNorms.push(mapValues(gradients, norm));
      if (losses.length === 1) firstGradients = gradients;
    }
    await runner.release();
    const logits = await evaluate(training, runner.state);
    const maps = hasReference('gradcam', `after_${name}.json`) ? await gradCam(name, runner.state) : [];
    const parameters = Object.keys(trainedTensors(runner.state));
    const changes = Object.fromEntries(
      parameters.map((parameter) => [
        parameter,
        norm(difference(floats(runner.state[parameter]), floats(training.state[parameter]))),
      ]),
    );
    const probabilities = logits.map((z) => 1 / (1 + Math.exp(-z)));
    return { losses, gradientNorms, firstGradients, logitsBefore, probabilities, changes, maps, state: runner.state };
  }

  function feedsOf(rows: readonly number[], rate: number): Tensors {
    const labels = rows.flatMap((row) => pictures.train[row]!.labels);
    return {
      [IMAGE]: imageTensor(rows.map((row) => pixels.train[row]!)),
      [LABELS]: float32([rows.length, pictures.categories.length], labels),
      [LEARN_RATE]: float32([], [rate]),
    };
  }

  function imageTensor(images: readonly Uint8Array[]): Tensor {
    const [width, height] = pictures.size;
    return { type: 'uint8', dims: [images.length, height, width, 3], data: Uint8Array.from(Buffer.concat(images)) };
  }

  async function evaluate(training: TrainingStep, state: Readonly<Tensors>): Promise<Float32Array> {
    const runner = await engine.open(buildEvaluation(classifier, Object.keys(training.state)));
    const outputs = await runner.run({ ...state, [IMAGE]: imageTensor(pixels.evaluation) });
    await runner.release();
    return floats(outputs[LOGITS]);
  }

  async function gradCam(name: string, state: Readonly<Tensors>): Promise<Float32Array[][]> {
    const { images } = readReference<Maps>('gradcam', `after_${name}.json`);
    const selected = images[0]!.maps.length;
    const runner = await gradCamRunner(withTensors(classifier, trainedTensors(state)), selected, engine.target, engine.open);
    const maps: Float32Array[][] = [];
    for (const { image, maps: expected } of images) {
      const [picture] = await decode([{ file: image }]);
      const count = pictures.categories.length;
      const selection = new Float32Array(selected * count);
      expected.forEach(({ class_index }, row) => (selection[row * count + class_index] = 1));
      const outputs = await runner.run({ [IMAGE]: imageTensor([picture!]), [SELECTION]: float32([selected, count], selection) });
      expect(outputs[PROBABILITIES]!.dims).toEqual([1, count]);
      const all = floats(outputs[MAPS]);
      const size = all.length / selected;
      maps.push(expected.map((_, row) => all.slice(row * size, (row + 1) * size)));
    }
    await runner.release();
    return maps;
  }
});

/** v' = momentum·v − rate·(g + l2·w), solved for g. */
function gradientsOf(
  before: Tensors,
  after: Tensors,
  { lr_backbone, lr_head, momentum, l2 }: Trajectory['settings'],
): Record<string, Float32Array> {
  const parameters = Object.keys(after).filter((name) => `momentum/${name}` in after);
  return Object.fromEntries(
    parameters.map((name) => {
      const [v, next, w] = [before[`momentum/${name}`], after[`momentum/${name}`], before[name]].map(floats) as [
        Float32Array,
        Float32Array,
        Float32Array,
      ];
      const rate = name.startsWith('head/') ? lr_head : lr_backbone;
      const decay = name.endsWith('/kernel') || name === 'head/weight' ? l2 : 0;
      // Plain loops here and below: callbacks and iterators on 25 million numbers a step took a third of these tests' time.
      const gradient = new Float32Array(next.length);
      for (let k = 0; k < next.length; k++) gradient[k] = (momentum * v[k]! - next[k]!) / rate - decay * w[k]!;
      return [name, gradient];
    }),
  );
}

async function decode(images: readonly { file: string }[]): Promise<Uint8Array[]> {
  return Promise.all(
    images.map(
      async ({ file }) =>
        new Uint8Array(await sharp(referencePath('training', file), { ignoreIcc: true }).removeAlpha().raw().toBuffer()),
    ),
  );
}

function sumOfChannels(data: Uint8Array): number[] {
  const sums = [0, 0, 0];
  data.forEach((value, k) => (sums[k % 3]! += value));
  return sums;
}

function difference(a: ArrayLike<number>, b: ArrayLike<number>): Float64Array {
  const found = new Float64Array(a.length);
  for (let k = 0; k < a.length; k++) found[k] = a[k]! - b[k]!;
  return found;
}

function largest(values: ArrayLike<number>): number {
  let top = 0;
  for (let k = 0; k < values.length; k++) {
    const size = Math.abs(values[k]!);
    // Written so that what is no number stays.
    if (!(size <= top)) top = size;
  }
  return top;
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return largest(difference(a, b));
}

function norm(values: ArrayLike<number>): number {
  let sum = 0;
  for (let k = 0; k < values.length; k++) sum += values[k]! ** 2;
  return Math.sqrt(sum);
}

function mapValues<A, B>(record: Record<string, A>, f: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, f(value)]));
}
