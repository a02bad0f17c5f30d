// Generalised-mean pooling: the features of the definition, trained through in both forms, refused where layers behind the pool were trained on means.
import { afterEach, describe, expect, it } from 'vitest';
import { bodyOnly, type Classifier, IMAGE, LOGITS, POOLING, withImageSize, withNewHead } from '../../src/onnx/classifier';
import { toByteWeights, toFloatWeights, toHalfWeights } from '../../src/onnx/compress';
import { decodeModel } from '../../src/onnx/decode';
import { encodeModel } from '../../src/onnx/encode';
import { canBeGeneralized, withGeneralizedMean } from '../../src/onnx/generalized-mean';
import { importClassifier } from '../../src/onnx/import';
import { buildInferenceModel, readInferenceModel } from '../../src/onnx/inference';
import { elementCount, type Graph, type Model, OnnxError, type Tensor } from '../../src/onnx/model';
import { buildEvaluation, buildTrainingStep, LABELS, LEARN_RATE, LOSS, type StepOptions } from '../../src/onnx/training';
import { blockHere, float32, floats, graphRunner, runners, stepRunner, type Tensors } from '../support/graphs';
import {
  bottlenecks,
  type Composer,
  compose,
  conv,
  dense,
  mobileNetwork,
  perceptron,
  residualNetwork,
  transformer,
} from '../support/networks';

const CATEGORIES = 3;
const CARD = { categories: ['a', 'b', 'c'], thresholds: [0.5, 0.5, 0.5], provenance: {} };
const block = await blockHere();

const { opened, releaseAll } = runners();
afterEach(releaseAll);

const classifierOf = (model: Model): Classifier =>
  withNewHead(model, 'net.onnx', (features) => ({
    weight: float32(
      [CATEGORIES, features],
      Array.from({ length: CATEGORIES * features }, (_, k) => 0.5 * Math.sin(3 * k + 1)),
    ),
    bias: float32([CATEGORIES], [0.1, -0.2, 0.3]),
  }));

const asModel = (graph: Graph, opset = 20): Model => ({
  irVersion: 10,
  opsets: { '': opset },
  producer: 'test',
  metadata: {},
  graph,
});

function images({ height, width }: Classifier, count: number): Tensor<'uint8'> {
  const dims = [count, height, width, 3];
  return { type: 'uint8', dims, data: Uint8Array.from({ length: elementCount(dims) }, (_, k) => (k * 53 + (k >> 4) * 17) % 256) };
}

async function runOnce(model: Model, feeds: Tensors): Promise<Tensors> {
  return (await opened(graphRunner(model))).run(feeds);
}

/** (Σ max(x, 10⁻⁶)³ / n)^⅓ of each channel, in double precision. */
function directly({ dims, data }: Tensor<'float32'>): number[] {
  const [count, channels, ...sides] = dims as [number, number, ...number[]];
  const places = elementCount(sides);
  return Array.from({ length: count * channels }, (_, k) => {
    const sum = data.slice(k * places, (k + 1) * places).reduce((all, x) => all + Math.max(x, 1e-6) ** 3, 0);
    return Math.cbrt(sum / places);
  });
}

/** Channels of 8 × 8 places with values of either sign, and one that is 0 everywhere. */
const network = (pool: (net: Composer, stage: string) => string, opset = 20): Model =>
  compose(
    (net, input) => {
      const grown = conv(net, input, 'conv', [4, 3], { stride: 2 });
      const stage = net.op('Mul', [grown, net.weight('mask', [1, 4, 1, 1])], {}, 'stage');
      net.initializers.set('mask', float32([1, 4, 1, 1], [1, 0, 2, 1]));
      return dense(net, pool(net, stage), [5, 4]);
    },
    { opset },
  );
const global = (net: Composer, stage: string): string => net.op('GlobalAveragePool', [stage]);

describe('the pooled features', () => {
  it.each([
    ['a global pool behind a Flatten', network((net, stage) => net.op('Flatten', [global(net, stage)]))],
    [
      'a global pool behind a Reshape and a Dropout',
      network((net, x) => net.op('Dropout', [net.op('Reshape', [global(net, x), net.ints(0, -1)])])),
    ],
    ['a global pool behind a Squeeze', network((net, stage) => net.op('Squeeze', [global(net, stage), net.ints(2, 3)]))],
    ['a mean over height and width', network((net, stage) => net.op('ReduceMean', [stage, net.ints(-1, -2)], { keepdims: 0 }))],
    [
      'a mean over axes of operator set 13',
      network((net, stage) => net.op('ReduceMean', [stage], { axes: [2, 3], keepdims: 0 }), 13),
    ],
  ])('are the generalised means of the last stage in place of %s', async (_, model) => {
    const plain = classifierOf(model);
    expect(canBeGeneralized(plain)).toBe(true);
    for (const side of [16, 24]) {
      const classifier = withImageSize(withGeneralizedMean(plain, 'net.onnx'), side);
      expect(classifier).toMatchObject({ stage: 'stage', features: plain.features, featureCount: 4 });
      const body = bodyOnly(classifier);
      const outputs = [...body.outputs, { name: 'stage', type: 'float32' as const, dims: ['N', 4, 'h', 'w'] }];
      const found = await runOnce(asModel({ ...body, outputs }, classifier.opset), { [IMAGE]: images(classifier, 2) });
      const expected = directly(found.stage as Tensor<'float32'>);
      expect(found[classifier.features]!.dims).toEqual([2, 4]);
      floats(found[classifier.features]).forEach((value, k) => expect(value / expected[k]!).toBeCloseTo(1, 5));
      // The channel that is 0 everywhere.
      expect(expected[1]).toBeCloseTo(1e-6, 12);
      expect(Math.max(...expected)).toBeGreaterThan(0.5);
    }
  });

  it('are not mixed up with values of the backbone that have the names of ours', () => {
    const model = network((net, stage) => net.op('Flatten', [net.op('GlobalAveragePool', [stage], {}, POOLING.powers)]));
    const names = withGeneralizedMean(classifierOf(model), 'net.onnx').graph.nodes.flatMap(({ outputs }) => outputs);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain(`${POOLING.powers}/backbone`);
  });
});

const BATCH = 16;
const OPTIONS: StepOptions = {
  batchSize: BATCH,
  layers: 'all',
  batchNorm: 'frozen',
  batchNormMomentum: undefined,
  momentum: 0,
  l2: 0,
  l2On: 'weights',
  headLearnRateFactor: 1,
};
const RATE = 0.05;

function lossOf(logits: Float32Array, labels: Float32Array): number {
  const terms = Array.from(logits, (z, k) => Math.max(z, 0) - z * labels[k]! + Math.log1p(Math.exp(-Math.abs(z))));
  return terms.reduce((sum, term) => sum + term, 0) / BATCH;
}

/** A step in a form, and the loss of any state by the network's evaluation. */
async function stepIn(classifier: Classifier, size: number | undefined) {
  const runner = await opened(stepRunner(buildTrainingStep(classifier, OPTIONS, 'cpu', size)));
  const before = { ...runner.state };
  const image = images(classifier, BATCH);
  const labels = float32(
    [BATCH, CATEGORIES],
    Array.from({ length: BATCH * CATEGORIES }, (_, k) => Number(k % 5 < 2)),
  );
  const outputs = await runner.step({ [IMAGE]: image, [LABELS]: labels, [LEARN_RATE]: float32([], [RATE]) });
  const evaluation = await opened(graphRunner(buildEvaluation(classifier, Object.keys(before))));
  const lossAt = async (state: Tensors) =>
    lossOf(floats((await evaluation.run({ ...state, [IMAGE]: image }))[LOGITS]), labels.data);
  const gradient = (name: string) => floats(runner.state[`momentum/${name}`]).map((v) => -v / RATE);
  return { before, loss: floats(outputs[LOSS])[0]!, gradient, lossAt };
}

const forms = [['plain', undefined] as const, ...(block === undefined ? [] : [['blocked', block] as const])];

describe.each(forms)('a step in the %s form', (_, size) => {
  it('has the gradients of central differences', async () => {
    const classifier = withGeneralizedMean(classifierOf(bottlenecks('middle', 16)), 'net.onnx');
    const { before, loss, gradient, lossAt } = await stepIn(classifier, size);
    expect(loss).toBeCloseTo(await lossAt(before), 4);
    const learned = Object.keys(before).filter((name) => !name.startsWith('momentum/'));
    expect(learned.length).toBeGreaterThan(20);
    for (const name of learned) {
      // Along the gradient itself, so that one difference checks every element: ∂loss/∂t of w + t·g is |g|².
      const { type, dims, data } = before[name] as Tensor<'float32'>;
      const slope = gradient(name);
      const square = slope.reduce((sum, g) => sum + g * g, 0);
      expect(square, `gradient of ${name}`).toBeGreaterThan(0);
      const t = 0.003 / Math.sqrt(square);
      const at = (sign: number) =>
        lossAt({ ...before, [name]: { type, dims, data: data.map((w, k) => w + sign * t * slope[k]!) } });
      const difference = ((await at(1)) - (await at(-1))) / (2 * t);
      expect(difference / square, `${name}: ${difference} for ${square}`).toBeCloseTo(1, 1);
    }
  });

  it('leaves alone what makes a channel that is 0 everywhere, and stays finite', async () => {
    const model = compose((net, input) => {
      const grown = net.op('Relu', [conv(net, input, 'stem', [16, 3])]);
      const bias = net.weight('last.bias', [16]);
      const kernel = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
      const last = net.op('Conv', [grown, net.weight('last.weight', [16, 16, 3, 3]), bias], kernel);
      net.initializers.set(
        bias,
        float32(
          [16],
          Array.from({ length: 16 }, (_, k) => (k === 5 ? -1e4 : 0)),
        ),
      );
      return dense(net, net.op('Flatten', [global(net, net.op('Relu', [last]))]), [5, 16]);
    });
    const { loss, gradient } = await stepIn(withGeneralizedMean(classifierOf(model), 'net.onnx'), size);
    expect(Number.isFinite(loss)).toBe(true);
    const [weight, bias] = [gradient('last.weight'), gradient('last.bias')];
    expect([...weight, ...bias, ...gradient('stem.weight'), ...gradient('head/weight')].every(Number.isFinite)).toBe(true);
    const rows = Array.from({ length: 16 }, (_, k) => weight.slice(k * 144, (k + 1) * 144).some((g) => g !== 0));
    expect(rows).toEqual(rows.map((__, k) => k !== 5));
    expect(Math.abs(bias[5]!)).toBe(0);
  });
});

describe('a model file that is pooled so', () => {
  const classifier = withGeneralizedMean(classifierOf(residualNetwork()), 'net.onnx');
  const written = buildInferenceModel(classifier, CARD);

  it('is read back with its stage', () => {
    const read = readInferenceModel(decodeModel(encodeModel(written), 'model.onnx'), 'model.onnx');
    expect({ ...read.classifier, graph: undefined }).toEqual({ ...classifier, graph: undefined });
    expect(read.classifier.stage).toBe('stage');
  });

  it('is imported with its stage, and computes the same', async () => {
    const { classifier: imported } = importClassifier(decodeModel(encodeModel(written), 'model.onnx'), 'model.onnx');
    expect(imported).toMatchObject({ stage: 'stage', featureCount: 4 });
    const feeds = { [IMAGE]: images(classifier, 2) };
    const [found, expected] = [await runOnce(asModel(imported.graph), feeds), await runOnce(asModel(classifier.graph), feeds)];
    expect(floats(found[LOGITS])).toEqual(floats(expected[LOGITS]));
  });

  it.each([
    ['float16', toHalfWeights, 2],
    ['int8', toByteWeights, 1],
  ])('keeps its pool with weights in %s', async (_, compressed, digits) => {
    const wide = withGeneralizedMean(classifierOf(bottlenecks('middle', 32)), 'net.onnx');
    const small = toFloatWeights(compressed(buildInferenceModel(wide, CARD)));
    const feeds = { [IMAGE]: images(wide, 2) };
    const read = readInferenceModel(small, 'model.onnx').classifier;
    const [found, expected] = [await runOnce(asModel(read.graph), feeds), await runOnce(asModel(wide.graph), feeds)];
    floats(found[LOGITS]).forEach((value, k) => expect(value).toBeCloseTo(floats(expected[LOGITS])[k]!, digits));
    for (const name of [POOLING.least, POOLING.exponent, POOLING.root])
      expect(read.graph.initializers.get(name)).toEqual(wide.graph.initializers.get(name));
  });
});

describe('withGeneralizedMean refuses', () => {
  const maxPooled = compose((net, input) => {
    const pool = net.op('GlobalMaxPool', [conv(net, input, 'conv', [4, 3])]);
    return dense(net, net.op('Flatten', [pool]), [5, 4]);
  });
  const normed = compose((net, input) => {
    const mean = net.op('Flatten', [net.op('GlobalAveragePool', [conv(net, input, 'conv', [4, 3])])]);
    return dense(net, net.op('Relu', [mean]), [5, 4]);
  });

  it.each([
    ['a hidden layer behind the mean', mobileNetwork(), 'HardSwish stands in front of its head'],
    ['an activation behind the mean', normed, 'Relu stands in front of its head'],
    ['another pool', maxPooled, 'GlobalMaxPool stands in front of its head'],
    ['a mean over tokens', transformer(), 'ReduceMean stands in front of its head'],
    ['no pool at all', perceptron(6), 'Relu stands in front of its head'],
    ['a head on pixels', compose((net, x) => dense(net, net.op('Flatten', [x]), [5, 768])), 'Div stands in front of its head'],
  ])('%s, and names the network and the remedy', (_, model, reason) => {
    const classifier = classifierOf(model);
    expect(canBeGeneralized(classifier)).toBe(false);
    const refused = () => withGeneralizedMean(classifier, 'net.onnx');
    expect(refused).toThrow(OnnxError);
    expect(refused).toThrow(
      `net.onnx cannot be pooled by generalised means (pooling=gem): ${reason}, not a mean over all places. Set pooling=average.`,
    );
  });

  it('takes a network that is pooled so already as it is', () => {
    const pooled = buildInferenceModel(withGeneralizedMean(classifierOf(residualNetwork()), 'net.onnx'), CARD);
    const classifier = classifierOf(pooled);
    expect(canBeGeneralized(classifier)).toBe(true);
    expect(withGeneralizedMean(classifier, 'net.onnx')).toBe(classifier);
  });
});
