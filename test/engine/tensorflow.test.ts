// TensorFlow.js as a second engine: its own differentiation against our gradient graphs in ONNX Runtime, with which it shares no kernel and no rule.
import { describe, expect, it } from 'vitest';
import { type Classifier, IMAGE, LOGITS, withNewHead } from '../../src/onnx/classifier';
import { buildGradCam, MAPS, SELECTION, SIGNED_MAPS } from '../../src/onnx/gradcam';
import { withGeneralizedMean } from '../../src/onnx/generalized-mean';
import { GraphBuilder, type Target } from '../../src/onnx/builder';
import { differentiate } from '../../src/onnx/differentiate';
import { elementCount, type Model, type Tensor } from '../../src/onnx/model';
import { tensorOf } from '../../src/onnx/tensors';
import { buildEvaluation, buildTrainingStep, LABELS, LEARN_RATE, LOSS, type StepOptions } from '../../src/onnx/training';
import { randomStream } from '../../src/metrics/random';
import { float32, floats, type GraphRunner, graphRunner, STEP, stepRunner, type Tensors } from '../support/graphs';
import { bottlenecks, mobileNetwork, perceptron, residualNetwork, transformer } from '../support/networks';
import { tensorFlowRunner, tensorFlowSteps, tf } from '../support/tensorflow';

const [BATCH, CATEGORIES, STEPS] = [2, 4, 2];

/** Of float32 sums in another order, relative to the largest number of a tensor. */
const ROUNDING = 2e-5;

const NETWORKS: Readonly<Record<string, () => Model>> = {
  'a residual network': residualNetwork,
  'bottlenecks with strides in the middle': () => bottlenecks('middle', 4),
  'a mobile network': mobileNetwork,
  'a transformer': transformer,
  'a perceptron': () => perceptron(12),
};

function classifierOf(model: Model): Classifier {
  const random = randomStream('head of the second engine');
  return withNewHead(model, 'net.onnx', (features) => ({
    weight: float32(
      [CATEGORIES, features],
      Array.from({ length: CATEGORIES * features }, () => 0.3 * random.normal()),
    ),
    bias: float32([CATEGORIES], [0.1, -0.2, 0.3, 0]),
  }));
}

const CLASSIFIERS: readonly (readonly [string, () => Classifier])[] = [
  ...Object.entries(NETWORKS).map(([name, network]) => [name, () => classifierOf(network())] as const),
  ['bottlenecks pooled by generalised means', () => withGeneralizedMean(classifierOf(bottlenecks('middle', 4)), 'net.onnx')],
];

function imagesOf({ height, width }: Classifier, seed: number, count = BATCH): Tensor<'uint8'> {
  const random = randomStream('images', seed);
  const data = Uint8Array.from({ length: count * height * width * 3 }, () => random.integer(256));
  return { type: 'uint8', dims: [count, height, width, 3], data };
}

function feedsOf(classifier: Classifier, seed: number): Tensors {
  const random = randomStream('labels', seed);
  return {
    [IMAGE]: imagesOf(classifier, seed),
    [LABELS]: float32(
      [BATCH, CATEGORIES],
      Array.from({ length: BATCH * CATEGORIES }, () => random.integer(2)),
    ),
    [LEARN_RATE]: float32([], [0.01 / seed]),
  };
}

/** The largest difference, relative to the largest number of the tensor. */
function difference(a: Tensor | undefined, b: Tensor | undefined): number {
  const [x, y] = [floats(a), floats(b)];
  expect([...a!.dims]).toEqual([...b!.dims]);
  const scale = x.reduce((top, value) => Math.max(top, Math.abs(value)), 1e-3);
  return x.reduce((top, value, k) => Math.max(top, Math.abs(value - y[k]!)), 0) / scale;
}

const OBJECTIVES: readonly (readonly [string, Partial<StepOptions>])[] = [
  ['batch statistics', { batchNorm: 'batch' }],
  ['frozen normalisation', { batchNorm: 'frozen' }],
  [
    'asymmetric loss with weights',
    {
      objective: {
        positiveWeights: [1, 2, 0.5, 3],
        asymmetry: { gammaPositive: 1, gammaNegative: 4, clip: 0.05 },
        labelSmoothing: 0.1,
      },
    },
  ],
  ['the head alone', { layers: 'head' }],
];

describe('training steps of TensorFlow.js', () => {
  describe.each(CLASSIFIERS)('of %s', (_, made) => {
    it.each(OBJECTIVES)('are those of our gradient graphs, with %s', async (__, changes) => {
      const classifier = made();
      const options: StepOptions = { ...STEP, batchSize: BATCH, ...changes };
      const ours = await stepRunner(buildTrainingStep(classifier, options));
      const theirs = await tensorFlowSteps(buildTrainingStep(classifier, options, 'autodiff'));
      for (let k = 1; k <= STEPS; k++) {
        const feeds = feedsOf(classifier, k);
        const [a, b] = [await ours.step(feeds), await theirs.step(feeds)];
        expect(difference(a[LOSS], b[LOSS]), `loss of step ${k}`).toBeLessThan(ROUNDING);
      }
      const state = await theirs.state();
      expect(Object.keys(state).sort()).toEqual(Object.keys(ours.state).sort());
      for (const [name, tensor] of Object.entries(ours.state)) {
        expect(difference(tensor, state[name]), name).toBeLessThan(name.startsWith('momentum/') ? 50 * ROUNDING : ROUNDING);
      }
      await ours.release();
      await theirs.release();
    });
  });

  it('leave no tensors behind in a thousand steps', async () => {
    const classifier = classifierOf(residualNetwork({ input: { name: 'input.1', type: 'float32', dims: ['N', 3, 4, 4] } }));
    const steps = await tensorFlowSteps(buildTrainingStep(classifier, { ...STEP, batchSize: BATCH }, 'autodiff'));
    const feeds = feedsOf(classifier, 1);
    await steps.step(feeds);
    const { numTensors, numDataBuffers, numBytes } = tf.memory();
    for (let k = 0; k < 1000; k++) await steps.step(feeds);
    expect(tf.memory()).toMatchObject({ numTensors, numDataBuffers, numBytes });
    await steps.release();
  });
});

describe('a request to TensorFlow.js that fails', () => {
  const classifier = classifierOf(perceptron(12));

  it.each<[string, (feeds: Tensors) => Tensors, string]>([
    [
      'an input has no tensor',
      ({ [IMAGE]: image, [LABELS]: labels }) => ({ [IMAGE]: image!, [LABELS]: labels! }),
      'runtime-missing-input',
    ],
    ['dimensions do not fit', (feeds) => ({ ...feeds, [LABELS]: float32([BATCH, 3], new Float32Array(6)) }), 'onnx-shape'],
    ['there are no tensors of its type', (feeds) => ({ ...feeds, [LEARN_RATE]: tensorOf('float64', [1]) }), 'engine-operator'],
  ])('leaves no tensors behind where %s', async (_, spoil, code) => {
    const steps = await tensorFlowSteps(buildTrainingStep(classifier, { ...STEP, batchSize: BATCH }, 'autodiff'));
    const feeds = feedsOf(classifier, 1);
    await steps.step(feeds);
    const { numTensors, numBytes } = tf.memory();
    await expect(steps.step(spoil(feeds))).rejects.toMatchObject({ code });
    expect(tf.memory()).toMatchObject({ numTensors, numBytes });
    await steps.step(feeds);
    await steps.release();
  });
});

interface OperatorCase {
  readonly op: string;
  readonly inputs: readonly (readonly number[] | Tensor)[];
  readonly attributes?: Readonly<Record<string, number | string | readonly number[]>>;
  readonly outputs?: number;
}

const ints = (...numbers: number[]): Tensor => tensorOf('int64', numbers);
const IMAGE_DIMS = [2, 4, 6, 6];
const each = (names: string, inputs: OperatorCase['inputs']): OperatorCase[] => names.split(' ').map((op) => ({ op, inputs }));

/** What neither the references nor the networks here have. */
const OPERATORS: readonly OperatorCase[] = [
  ...each('Neg Abs Exp Softplus Elu Selu LogSoftmax Reciprocal Identity', [[2, 3, 4]]),
  ...each('Max Min Mean Sum', [[2, 3], [3], [2, 1]]),
  ...each('ReduceMax ReduceMin ReduceSumSquare ReduceLogSumExp', [[2, 3, 4], ints(1)]),
  ...each('GlobalMaxPool', [IMAGE_DIMS]),
  { op: 'PRelu', inputs: [IMAGE_DIMS, [4, 1, 1]] },
  { op: 'Pow', inputs: [[2, 3], tensorOf('float32', [2])] },
  { op: 'Where', inputs: [tensorOf('bool', [1, 0, 1]), [2, 3], [2, 1]] },
  { op: 'Gather', inputs: [[3, 4], ints(2, -1, 0, 2)], attributes: { axis: 1 } },
  { op: 'Gather', inputs: [IMAGE_DIMS, ints(3, 0)], attributes: { axis: 1 } },
  { op: 'Split', inputs: [IMAGE_DIMS, ints(1, 3)], attributes: { axis: 1 }, outputs: 2 },
  { op: 'Tile', inputs: [[2, 3], ints(2, 3)] },
  { op: 'Expand', inputs: [[2, 1, 3], ints(2, 4, 3)] },
  { op: 'Squeeze', inputs: [[2, 1, 3], ints(1)] },
  { op: 'Unsqueeze', inputs: [[2, 3], ints(0, 3)] },
  { op: 'DepthToSpace', inputs: [IMAGE_DIMS], attributes: { blocksize: 2 } },
  { op: 'DepthToSpace', inputs: [IMAGE_DIMS], attributes: { blocksize: 2, mode: 'CRD' } },
  { op: 'SpaceToDepth', inputs: [IMAGE_DIMS], attributes: { blocksize: 2 } },
  { op: 'InstanceNormalization', inputs: [IMAGE_DIMS, [4], [4]] },
  { op: 'Conv', inputs: [[2, 4, 9], [6, 2, 3], [6]], attributes: { group: 2, strides: [2], pads: [1, 0] } },
];

describe('operators of TensorFlow.js', () => {
  it.each(
    OPERATORS.map((one) => [`${one.op} of ${JSON.stringify(one.inputs.map((x) => ('dims' in x ? x.dims : x)))}`, one] as const),
  )('have the values and gradients of ours: %s', async (_, one) => {
    const [ours, theirs] = [await answersOf(one, 'cpu', graphRunner), await answersOf(one, 'autodiff', tensorFlowRunner)];
    for (const [name, tensor] of Object.entries(ours)) expect(difference(tensor, theirs[name]), name).toBeLessThan(ROUNDING);
  });

  /** Outputs, and the gradients of a weighted sum of the first one. */
  async function answersOf(
    { op, inputs: given, attributes, outputs = 1 }: OperatorCase,
    target: Target,
    open: (model: Model) => Promise<GraphRunner>,
  ): Promise<Tensors> {
    const builder = new GraphBuilder(20, target);
    const random = randomStream('operators', op);
    const numbers = (dims: readonly number[]) =>
      float32(
        dims,
        Array.from({ length: elementCount(dims) }, () => 0.1 + random.next() * (random.integer(2) === 0 ? 1 : -0.9)),
      );
    const feeds: Tensors = {};
    const inputs = given.map((input, k) => {
      if ('dims' in input) return builder.constant(input);
      feeds[`x${k}`] = numbers(input);
      return builder.input(`x${k}`, 'float32', input);
    });
    const results = builder.ops(op, inputs, attributes, { outputs });
    const seeds = new Map([[results[0]!.name, builder.constant(numbers(results[0]!.dims))]]);
    const wrt = inputs.filter(({ constant }) => constant === undefined);
    const gradients = differentiate(builder, { nodes: builder.nodes, seeds, wrt });
    results.forEach((value, k) => builder.output(value, `output ${k}`));
    for (const value of wrt) builder.output(gradients.get(value.name)!, `gradient ${value.name}`);
    const graph = builder.build('operator');
    const runner = await open({ irVersion: 9, opsets: { '': 20 }, producer: 'test', metadata: {}, graph });
    const answers = await runner.run(feeds);
    await runner.release();
    return answers;
  }
});

describe('networks in TensorFlow.js', () => {
  it.each(CLASSIFIERS)('give the probabilities and Grad-CAM maps of ONNX Runtime: %s', async (_, made) => {
    const classifier = made();
    const before = tf.memory().numTensors;
    const feeds = { [IMAGE]: imagesOf(classifier, 7) };
    const evaluation = buildEvaluation(classifier, []);
    const [ours, theirs] = [await graphRunner(evaluation), await tensorFlowRunner(evaluation)];
    const [a, b] = [await ours.run(feeds), await theirs.run(feeds)];
    expect(difference(a[LOGITS], b[LOGITS])).toBeLessThan(ROUNDING);
    await ours.release();
    await theirs.release();
    await checkMaps(classifier);
    expect(tf.memory().numTensors).toBe(before);
  });

  async function checkMaps(classifier: Classifier): Promise<void> {
    const { stage } = classifier;
    if (stage === undefined) return;
    const [ours, theirs] = [
      await graphRunner(buildGradCam(classifier, 2)),
      await tensorFlowRunner(buildGradCam(classifier, 2, 'autodiff')),
    ];
    const dims = [1, ...(stageDims(classifier) ?? [])];
    const random = randomStream('activations');
    const activations = float32(
      dims,
      Array.from({ length: dims.reduce((x, y) => x * y) }, () => Math.max(0, random.normal())),
    );
    const selection = float32([2, CATEGORIES], [1, 0, 0, 0, 0, 0, 1, 0]);
    const feeds = { [stage]: activations, [SELECTION]: selection };
    const [a, b] = [await ours.run(feeds), await theirs.run(feeds)];
    for (const name of [MAPS, SIGNED_MAPS]) expect(difference(a[name], b[name]), name).toBeLessThan(ROUNDING);
    await ours.release();
    await theirs.release();
  }

  /** Channels, height and width of the last convolutional stage. */
  function stageDims(classifier: Classifier): readonly number[] | undefined {
    const { inputs } = buildGradCam(classifier, 1).graph;
    return inputs
      .find(({ name }) => name === classifier.stage)
      ?.dims?.slice(1)
      .map(Number);
  }
});

describe('a run that changes its engine', () => {
  const classifier = classifierOf(residualNetwork());
  const options: StepOptions = { ...STEP, batchSize: BATCH };

  it.each([
    ['begun by ONNX Runtime', 'onnxruntime'],
    ['begun by TensorFlow.js', 'tensorflow'],
  ])('goes on as if it had not, %s', async (_, first) => {
    const probabilities: Float32Array[] = [];
    for (const engines of [
      [first, first],
      [first, first === 'tensorflow' ? 'onnxruntime' : 'tensorflow'],
    ] as const) {
      let state = buildTrainingStep(classifier, options).state as Tensors;
      for (const [half, engine] of engines.entries())
        state = await learn(engine, state, [1 + 3 * half, 2 + 3 * half, 3 + 3 * half]);
      for (const run of [graphRunner, tensorFlowRunner]) probabilities.push(await evaluate(run, state));
    }
    const [reference, ...others] = probabilities;
    for (const other of others) other.forEach((p, k) => expect(Math.abs(p - reference![k]!)).toBeLessThan(1e-5));
  });

  async function learn(engine: string, from: Tensors, seeds: readonly number[]): Promise<Tensors> {
    if (engine === 'tensorflow') {
      const steps = await tensorFlowSteps(buildTrainingStep(classifier, options, 'autodiff'), from);
      for (const seed of seeds) await steps.step(feedsOf(classifier, seed));
      const state = await steps.state();
      await steps.release();
      return state;
    }
    const steps = await stepRunner({ ...buildTrainingStep(classifier, options), state: from });
    for (const seed of seeds) await steps.step(feedsOf(classifier, seed));
    await steps.release();
    return steps.state;
  }

  async function evaluate(run: typeof tensorFlowRunner, state: Tensors): Promise<Float32Array> {
    const runner = await run(buildEvaluation(classifier, Object.keys(state)));
    const outputs = await runner.run({ ...state, [IMAGE]: imagesOf(classifier, 99, 8) });
    await runner.release();
    return floats(outputs[LOGITS]).map((z) => 1 / (1 + Math.exp(-z)));
  }
});

describe('what TensorFlow.js does not compute', () => {
  it('is an error that names operator and remedy', async () => {
    const model = residualNetwork();
    const [first] = model.graph.nodes;
    const nodes = [
      ...model.graph.nodes,
      {
        ...first!,
        name: 'odd',
        type: 'LpPool',
        inputs: [first!.outputs[0]!],
        outputs: ['odd'],
        attributes: { kernel_shape: { kind: 'ints', value: [2, 2] } as const },
      },
    ];
    const odd = {
      ...model,
      graph: { ...model.graph, nodes, outputs: [{ name: 'odd', type: 'float32' as const, dims: undefined }] },
    };
    const runner = await tensorFlowRunner(odd);
    const feeds = { 'input.1': float32([1, 3, 16, 16], new Float32Array(3 * 256)) };
    await expect(runner.run(feeds)).rejects.toThrow(/LpPool node 'odd'.*engine onnxruntime/);
  });
});
