// The training step as a graph: MATLAB's momentum rule to the digit, gradients against central differences, what learns and what does not.
import { afterEach, describe, expect, it } from 'vitest';
import {
  type Classifier,
  HEAD_BIAS,
  HEAD_WEIGHT,
  headOnly,
  IMAGE,
  LOGITS,
  PROBABILITIES,
  withNewHead,
  withTensors,
} from '../../src/onnx/classifier';
import { buildInferenceModel } from '../../src/onnx/inference';
import { elementCount, type Model, OnnxError, type Tensor } from '../../src/onnx/model';
import {
  AVERAGE_DECAY,
  buildEvaluation,
  buildTrainingStep,
  LABELS,
  LEARN_RATE,
  LOSS,
  type StepOptions,
  trainedTensors,
} from '../../src/onnx/training';
import { float32, floats, graphRunner, runners, stepRunner, type Tensors } from '../support/graphs';
import { compose, conv, dense, mobileNetwork, perceptron, residualNetwork, transformer } from '../support/networks';

const BATCH = 4;
const CATEGORIES = 3;

const OPTIONS: StepOptions = {
  batchSize: BATCH,
  layers: 'all',
  batchNorm: 'frozen',
  batchNormMomentum: undefined,
  momentum: 0.9,
  l2: 0,
  l2On: 'weights',
  headLearnRateFactor: 1,
};

const wave = (count: number, scale: number): number[] => Array.from({ length: count }, (_, k) => scale * Math.sin(2.3 * k + 1));

function classifierOf(model: Model): Classifier {
  return withNewHead(model, 'net.onnx', (features) => ({
    weight: float32([CATEGORIES, features], wave(CATEGORIES * features, 0.5)),
    bias: float32([CATEGORIES], [0.1, -0.2, 0.3]),
  }));
}

/** Images of stripes whose directions and colours are what the labels say. */
function batchOf({ height, width }: Classifier): { readonly image: Tensor<'uint8'>; readonly labels: Tensor<'float32'> } {
  const dims = [BATCH, height, width, 3];
  const labels = [1, 0, 0, 0, 1, 0, 1, 1, 0, 0, 0, 1];
  const data = Uint8Array.from({ length: elementCount(dims) }, (_, at) => {
    const [channel, x, y] = [at % 3, Math.floor(at / 3) % width, Math.floor(at / 3 / width) % height];
    const image = Math.floor(at / 3 / width / height);
    const on = labels[image * CATEGORIES + channel]! * ((channel === 1 ? y : x) % 4 < 2 ? 1 : 0);
    return 60 + 150 * on + ((at * 37) % 40);
  });
  return { image: { type: 'uint8', dims, data }, labels: float32([BATCH, CATEGORIES], labels) };
}

const rateOf = (rate: number): Tensor => float32([], [rate]);

/** Mean over images of the sum over categories of −(y·ln p + (1 − y)·ln(1 − p)), in float64. */
function lossOf(logits: Float32Array, labels: Float32Array): number {
  const terms = Array.from(logits, (z, k) => Math.max(z, 0) - z * labels[k]! + Math.log1p(Math.exp(-Math.abs(z))));
  return terms.reduce((sum, term) => sum + term, 0) / BATCH;
}

const { opened, releaseAll } = runners();
afterEach(releaseAll);

/** Trains on one batch; answers the losses and the state after each step, the first being the state before. */
async function train(
  classifier: Classifier,
  options: Partial<StepOptions>,
  rate: number,
  steps: number,
  target: 'cpu' | 'gpu' = 'cpu',
) {
  const runner = await opened(stepRunner(buildTrainingStep(classifier, { ...OPTIONS, ...options }, target)));
  const { image, labels } = batchOf(classifier);
  const [losses, states]: [number[], Tensors[]] = [[], [{ ...runner.state }]];
  for (let k = 0; k < steps; k++) {
    const outputs = await runner.step({ [IMAGE]: image, [LABELS]: labels, [LEARN_RATE]: rateOf(rate) });
    expect(Object.keys(outputs)).toEqual([LOSS]);
    losses.push(floats(outputs[LOSS])[0]!);
    states.push({ ...runner.state });
  }
  return { losses, states };
}

/** A shift of all keys adds the same number to all scores, which softmax takes away; a shift in front of a norm goes with the mean. */
const isWithoutEffect = (name: string): boolean => name === 'key.bias';
const isNormedAway = (name: string): boolean => /^(conv2|block\d\.bn3)\.bias$/.test(name);

const NETWORKS = { residual: residualNetwork, mobile: mobileNetwork, transformer, perceptron: () => perceptron(6) };
type Family = keyof typeof NETWORKS;

describe('the rule of an update', () => {
  const RATE = 0.02;
  const settings: readonly (Partial<StepOptions> & { readonly about: string })[] = [
    { about: 'momentum alone', momentum: 0.9 },
    { about: 'no momentum', momentum: 0 },
    { about: 'L2 on weights', l2: 0.1 },
    { about: 'L2 on weights and norms', l2: 0.1, l2On: 'weights-and-norm' },
    { about: 'a faster head, L2 with it', l2: 0.1, headLearnRateFactor: 10 },
    { about: 'a head that stands still', headLearnRateFactor: 0 },
  ];

  it.each(settings)('v ← m·v − rate·(g + l2·w), w ← w + v: $about', async ({ about, ...change }) => {
    const classifier = classifierOf(residualNetwork());
    const options = { ...OPTIONS, ...change };
    const gradient = await gradientsOf(classifier);
    const { states } = await train(classifier, options, RATE, 2);
    const second = await gradientsOf(withTensors(classifier, trainedTensors(states[1]!)));
    const decaying = (name: string) =>
      /^(conv|head).*weight$/.test(name) || (options.l2On === 'weights-and-norm' && name.startsWith('bn'));
    for (const name of Object.keys(gradient)) {
      const factor = name.startsWith('head/') ? options.headLearnRateFactor : 1;
      const l2 = decaying(name) ? options.l2 : 0;
      const velocities = floats(states[0]![name]).map((w, k) => -RATE * factor * (gradient[name]![k]! + l2 * w));
      expectClose(states[1]![`momentum/${name}`], velocities, name);
      expectClose(
        states[1]![name],
        velocities.map((v, k) => floats(states[0]![name])[k]! + v),
        name,
      );
      const next = floats(states[1]![name]).map(
        (w, k) => options.momentum * velocities[k]! - RATE * factor * (second[name]![k]! + l2 * w),
      );
      expectClose(states[2]![`momentum/${name}`], next, name);
      expectClose(
        states[2]![name],
        next.map((v, k) => floats(states[1]![name])[k]! + v),
        name,
      );
    }
    expect(about).not.toBe('');
  });

  /** The gradient by parameter: what a step without momentum, decay and factors takes away at rate 1. */
  async function gradientsOf(classifier: Classifier): Promise<Record<string, Float32Array>> {
    const { states } = await train(classifier, { momentum: 0 }, 1, 1);
    const names = Object.keys(states[0]!).filter((name) => !name.startsWith('momentum/'));
    return Object.fromEntries(names.map((name) => [name, floats(states[1]![`momentum/${name}`]).map((v) => -v)]));
  }

  function expectClose(found: Tensor | undefined, expected: ArrayLike<number>, name: string): void {
    floats(found).forEach((value, k) => expect(value, `${name}[${k}]`).toBeCloseTo(expected[k]!, 5));
  }
});

describe('averaged weights', () => {
  const KEEP = 0.8;

  it('are keep·average + (1 − keep)·w after each step, and what is evaluated and saved', async () => {
    const classifier = classifierOf(residualNetwork());
    const runner = await opened(stepRunner(buildTrainingStep(classifier, { ...OPTIONS, averaged: true })));
    const { image, labels } = batchOf(classifier);
    const feeds = { [IMAGE]: image, [LABELS]: labels, [LEARN_RATE]: rateOf(0.02), [AVERAGE_DECAY]: rateOf(KEEP) };
    const states = [{ ...runner.state }];
    for (let k = 0; k < 2; k++) {
      await runner.step(feeds);
      states.push({ ...runner.state });
    }
    const names = Object.keys(states[0]!).filter((name) => !/^(momentum|average)\//.test(name));
    for (const name of names) {
      const [w0, w1, w2] = states.map((state) => floats(state[name]));
      floats(states[2]![`average/${name}`]).forEach((value, k) => {
        const first = KEEP * w0![k]! + (1 - KEEP) * w1![k]!;
        expect(value, name).toBeCloseTo(KEEP * first + (1 - KEEP) * w2![k]!, 5);
      });
      expect(trainedTensors(states[2]!)[name]!.data).toEqual(states[2]![`average/${name}`]!.data);
    }
    expect(Object.keys(trainedTensors(states[2]!))).toEqual(names);
    const logitsOf = async (network: Classifier, state: Tensors) => {
      const evaluation = await opened(graphRunner(buildEvaluation(network, Object.keys(state))));
      return floats((await evaluation.run({ ...state, [IMAGE]: image }))[LOGITS]);
    };
    const saved = withTensors(classifier, trainedTensors(states[2]!));
    const wanted = await logitsOf(saved, {});
    (await logitsOf(classifier, states[2]!)).forEach((logit, k) => expect(logit).toBeCloseTo(wanted[k]!, 5));
  });

  it('change no step', async () => {
    const classifier = classifierOf(perceptron(6));
    const { image, labels } = batchOf(classifier);
    const plain = await train(classifier, {}, 0.02, 3);
    const runner = await opened(stepRunner(buildTrainingStep(classifier, { ...OPTIONS, averaged: true })));
    for (let k = 0; k < 3; k++)
      await runner.step({ [IMAGE]: image, [LABELS]: labels, [LEARN_RATE]: rateOf(0.02), [AVERAGE_DECAY]: rateOf(KEEP) });
    for (const [name, tensor] of Object.entries(plain.states[3]!)) expect(runner.state[name]!.data).toEqual(tensor.data);
  });
});

describe('losses and gradients', () => {
  it.each(['residual', 'mobile', 'transformer', 'perceptron'] as const)(
    'of a %s network are those of its evaluation',
    async (family) => {
      const classifier = classifierOf(NETWORKS[family]());
      const { image, labels } = batchOf(classifier);
      const { losses, states } = await train(classifier, { momentum: 0 }, 0.05, 1);
      const evaluation = await opened(graphRunner(buildEvaluation(classifier, Object.keys(states[0]!))));
      const lossAt = async (state: Tensors) =>
        lossOf(floats((await evaluation.run({ ...state, [IMAGE]: image }))[LOGITS]), labels.data);
      expect(losses[0]).toBeCloseTo(await lossAt(states[0]!), 5);
      const learned = Object.keys(states[0]!).filter((name) => !name.startsWith('momentum/') && !isWithoutEffect(name));
      for (const name of learned) await expectCentralDifference(name, states, lossAt);
    },
  );

  /** Along the gradient itself, so that one difference checks every element and float32 loses little: ∂loss/∂t of w + t·g is |g|². */
  async function expectCentralDifference(name: string, states: readonly Tensors[], lossAt: (state: Tensors) => Promise<number>) {
    const { type, dims, data } = states[0]![name] as Tensor<'float32'>;
    const gradient = floats(states[1]![`momentum/${name}`]).map((v) => -v / 0.05);
    const square = gradient.reduce((sum, g) => sum + g * g, 0);
    expect(square, `gradient of ${name}`).toBeGreaterThan(0);
    const t = 0.003 / Math.sqrt(square);
    const at = (sign: number) =>
      lossAt({ ...states[0]!, [name]: { type, dims, data: data.map((w, k) => w + sign * t * gradient[k]!) } });
    const difference = ((await at(1)) - (await at(-1))) / (2 * t);
    expect(difference / square, `${name}: ${difference} for ${square}`).toBeCloseTo(1, 1);
  }

  it.each(['residual', 'mobile'] as const)('with batch statistics follow the batch in a %s network', async (family) => {
    const classifier = classifierOf(NETWORKS[family]());
    const { states } = await train(classifier, { batchNorm: 'batch', batchNormMomentum: 0, momentum: 0 }, 0.05, 1);
    const runner = await opened(stepRunner(buildTrainingStep(classifier, { ...OPTIONS, batchNorm: 'batch' })));
    const { image, labels } = batchOf(classifier);
    const lossAt = async (state: Tensors) => {
      Object.assign(runner.state, state);
      return floats((await runner.step({ [IMAGE]: image, [LABELS]: labels, [LEARN_RATE]: rateOf(0) }))[LOSS])[0]!;
    };
    const learned = Object.keys(states[0]!).filter((name) => `momentum/${name}` in states[0]! && !isNormedAway(name));
    for (const name of learned) await expectCentralDifference(name, states, lossAt);
  });

  it.each(['residual', 'mobile', 'transformer'] as const)('are the same in the spelling for GPUs: %s', async (family) => {
    const classifier = classifierOf(NETWORKS[family]());
    const options = { batchNorm: 'batch', l2: 1e-3 } as const;
    const [cpu, gpu] = [await train(classifier, options, 0.02, 4), await train(classifier, options, 0.02, 4, 'gpu')];
    gpu.losses.forEach((loss, k) => expect(loss).toBeCloseTo(cpu.losses[k]!, 4));
  });
});

describe('training', () => {
  const cases: readonly { family: Family; options: Partial<StepOptions> }[] = [
    { family: 'residual', options: { batchNorm: 'batch' } },
    { family: 'residual', options: { batchNorm: 'frozen' } },
    { family: 'mobile', options: { batchNorm: 'batch' } },
    { family: 'mobile', options: { batchNorm: 'frozen', layers: 'last-stages' } },
    { family: 'transformer', options: {} },
  ];

  it.each(cases)('lowers the loss of a $family network, $options', async ({ family, options }) => {
    const { losses } = await train(classifierOf(NETWORKS[family]()), { ...options, headLearnRateFactor: 3 }, 0.02, 60);
    expect(losses.every(Number.isFinite)).toBe(true);
    expect(losses.at(-1)).toBeLessThan(0.5 * losses[0]!);
  });

  it.each([13, 14, 17, 18, 20, 21])('works in operator set %i', async (opset) => {
    const classifier = classifierOf(residualNetwork({ opset }));
    const expected = await train(classifierOf(residualNetwork()), { batchNorm: 'batch' }, 0.02, 3);
    const { losses, states } = await train(classifier, { batchNorm: 'batch' }, 0.02, 3);
    losses.forEach((loss, k) => expect(loss).toBeCloseTo(expected.losses[k]!, 5));
    const evaluation = await opened(graphRunner(buildEvaluation(classifier, Object.keys(states[0]!))));
    expect((await evaluation.run({ ...states[3]!, [IMAGE]: batchOf(classifier).image }))[LOGITS]!.dims).toEqual([
      BATCH,
      CATEGORIES,
    ]);
  });

  it('reaches weights behind views, each in its own shape', async () => {
    const model = compose((net, input) => {
      const features = net.op('Flatten', [net.op('GlobalAveragePool', [conv(net, input, 'conv', [4, 3])])]);
      const hidden = net.op('MatMul', [features, net.op('Transpose', [net.weight('turned', [6, 4])], { perm: [1, 0] })]);
      const shifted = net.op('Add', [hidden, net.op('Reshape', [net.weight('shift', [6], 0.1), net.ints(1, 6)])]);
      return dense(net, net.op('Tanh', [shifted]), [5, 6]);
    });
    const { losses, states } = await train(classifierOf(model), {}, 0.1, 20);
    expect(Object.keys(states[0]!)).toEqual(expect.arrayContaining(['turned', 'momentum/turned']));
    expect(states[20]!.turned!.dims).toEqual([6, 4]);
    expect(floats(states[20]!.turned)).not.toEqual(floats(states[0]!.turned));
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
  });
});

describe('what learns', () => {
  const names = (classifier: Classifier, options: Partial<StepOptions>) =>
    Object.keys(buildTrainingStep(classifier, { ...OPTIONS, ...options }).state);
  const late = /^(block2\.(depthwise|bn2|reduce|restore|project|bn3)|top|hidden|head)/;

  it.each([
    { family: 'residual', layers: 'all', expected: /./ },
    { family: 'residual', layers: 'last-stages', expected: /^(conv2|bn2|head)/ },
    { family: 'residual', layers: 'head', expected: /^head/ },
    { family: 'mobile', layers: 'last-stages', expected: late },
    { family: 'mobile', layers: 'head', expected: /^head/ },
    { family: 'transformer', layers: 'all', expected: /./ },
    { family: 'transformer', layers: 'head', expected: /^head/ },
  ] as const)('$layers of a $family network: exactly $expected', async ({ family, layers, expected }) => {
    const classifier = classifierOf(NETWORKS[family]());
    const parameters = names(classifier, { layers: 'all' }).filter((name) => !name.startsWith('momentum/'));
    const { states } = await train(classifier, { layers }, 0.1, 1);
    const learned = parameters.filter((name) => expected.test(name));
    expect(learned.length).toBeGreaterThan(1);
    expect(Object.keys(states[0]!).sort()).toEqual([...learned, ...learned.map((name) => `momentum/${name}`)].sort());
    for (const name of learned.filter((each) => !isWithoutEffect(each)))
      expect(floats(states[1]![name]), name).not.toEqual(floats(states[0]![name]));
  });

  it('every layer of networks whose nodes have no names, or the late ones alone', () => {
    const { graph, ...rest } = classifierOf(residualNetwork());
    const nameless = { ...rest, graph: { ...graph, nodes: graph.nodes.map((node) => ({ ...node, name: '' })) } };
    expect(names(nameless, { layers: 'last-stages' })).toEqual(names({ ...rest, graph }, { layers: 'last-stages' }));
  });

  it('running statistics with batch statistics, whichever layers learn', () => {
    const statistics = names(classifierOf(residualNetwork()), { layers: 'head', batchNorm: 'batch' }).filter((name) =>
      name.startsWith('bn'),
    );
    expect(statistics).toEqual(['bn1.running_mean', 'bn1.running_var', 'bn2.running_mean', 'bn2.running_var']);
  });

  it('the head on features that were computed before, as on images', async () => {
    const classifier = classifierOf(residualNetwork());
    const head = headOnly(classifier);
    const { image, labels } = batchOf(classifier);
    const body = await opened(
      graphRunner({
        irVersion: 10,
        opsets: { '': 20 },
        producer: 'test',
        metadata: {},
        graph: { ...classifier.graph, outputs: [{ name: classifier.features, type: 'float32', dims: undefined }] },
      }),
    );
    const { [classifier.features]: features } = await body.run({ [IMAGE]: image });
    const runner = await opened(stepRunner(buildTrainingStep(head, { ...OPTIONS, layers: 'head', l2: 0.01 })));
    const { losses } = await train(classifier, { layers: 'head', l2: 0.01 }, 0.1, 3);
    for (const loss of losses) {
      const outputs = await runner.step({ [classifier.features]: features!, [LABELS]: labels, [LEARN_RATE]: rateOf(0.1) });
      expect(floats(outputs[LOSS])[0]).toBeCloseTo(loss, 5);
    }
  });

  it('no last stages where there is no convolutional stage: that is said', () => {
    const build = () => names(classifierOf(transformer()), { layers: 'last-stages' });
    expect(build).toThrow(OnnxError);
    expect(build).toThrow(/'last-stages' need a network that pools a convolutional stage.*Train 'all' or the 'head'/);
  });
});

describe('the state', () => {
  it('begins as the network does, with momentum at rest', () => {
    const classifier = classifierOf(residualNetwork());
    const { state, model } = buildTrainingStep(classifier, { ...OPTIONS, batchNorm: 'batch' });
    for (const [name, tensor] of Object.entries(state)) {
      const parameter = name.replace(/^momentum\//, '');
      const expected = floats(classifier.graph.initializers.get(parameter));
      expect(floats(tensor)).toEqual(parameter === name ? expected : new Float32Array(expected.length));
    }
    const outputs = model.graph.outputs.map(({ name }) => name);
    expect(outputs.sort()).toEqual([LOSS, ...Object.keys(state).map((name) => `next/${name}`)].sort());
    expect(Object.keys(trainedTensors(state))).toEqual(Object.keys(state).filter((name) => !name.startsWith('momentum/')));
    expect(Object.keys(state)).toEqual(expect.arrayContaining([HEAD_WEIGHT, HEAD_BIAS, 'bn1.running_mean']));
  });

  it.each([
    ['residual', 'batch'],
    ['residual', 'frozen'],
    ['mobile', 'batch'],
    ['transformer', 'frozen'],
  ] as const)('evaluates as the model file of it: %s network, %s norm', async (family, batchNorm) => {
    const classifier = classifierOf(NETWORKS[family]());
    const { states } = await train(classifier, { batchNorm }, 0.05, 5);
    const state = states[5]!;
    const feeds = { [IMAGE]: batchOf(classifier).image };
    const evaluation = await opened(graphRunner(buildEvaluation(classifier, Object.keys(state))));
    const card = { categories: ['a', 'b', 'c'], thresholds: [0.5, 0.5, 0.5], provenance: {} };
    const model = buildInferenceModel(withTensors(classifier, trainedTensors(state)), card);
    const probabilities = floats((await (await opened(graphRunner(model))).run(feeds))[PROBABILITIES]);
    const logits = floats((await evaluation.run({ ...state, ...feeds }))[LOGITS]);
    logits.forEach((z, k) => expect(probabilities[k]).toBeCloseTo(1 / (1 + Math.exp(-z)), 5));
  });
});
