// Grad-CAM as a graph, against its definition with derivatives by central differences, one category after the other.
import { describe, expect, it } from 'vitest';
import type { Target } from '../../src/onnx/builder';
import { type Classifier, IMAGE, LOGITS, PROBABILITIES, withNewHead } from '../../src/onnx/classifier';
import { withGeneralizedMean } from '../../src/onnx/generalized-mean';
import { buildGradCam, MAPS, SELECTION } from '../../src/onnx/gradcam';
import { elementCount, type Graph, type Model, OnnxError, type Tensor } from '../../src/onnx/model';
import { extract } from '../../src/onnx/subgraph';
import { float32, floats, gradCamRunner, graphRunner, type Tensors } from '../support/graphs';
import { compose, conv, dense, mobileNetwork, residualNetwork, transformer } from '../support/networks';

const CATEGORIES = 3;

const classifierOf = (model: Model): Classifier =>
  withNewHead(model, 'net.onnx', (features) => ({
    weight: float32(
      [CATEGORIES, features],
      Array.from({ length: CATEGORIES * features }, (_, k) => Math.sin(3 * k)),
    ),
    bias: float32([CATEGORIES], [0.5, 0, -0.5]),
  }));

const image = ({ height, width }: Classifier): Tensor => {
  const dims = [1, height, width, 3];
  return { type: 'uint8', dims, data: Uint8Array.from({ length: elementCount(dims) }, (_, k) => (k * 53 + (k >> 4) * 17) % 256) };
};

async function runOnce(model: Model, feeds: Tensors): Promise<Tensors> {
  const runner = await graphRunner(model);
  const outputs = await runner.run(feeds);
  await runner.release();
  return outputs;
}

const asModel = (graph: Graph): Model => ({ irVersion: 9, opsets: { '': 20 }, producer: 'test', metadata: {}, graph });

/** One-hot rows. */
const selectionOf = (categories: readonly number[]): Tensor<'float32'> =>
  float32(
    [categories.length, CATEGORIES],
    categories.flatMap((category) => [0, 1, 2].map((each) => Number(each === category))),
  );

async function explain(classifier: Classifier, categories: readonly number[], target: Target = 'cpu'): Promise<Tensors> {
  const runner = await gradCamRunner(classifier, categories.length, target);
  const outputs = await runner.run({ [IMAGE]: image(classifier), [SELECTION]: selectionOf(categories) });
  await runner.release();
  return outputs;
}

/** The definition: for each channel the mean of ∂logit/∂A by central differences, then max(0, Σ alpha·A). */
async function bruteForce(classifier: Classifier, category: number): Promise<number[]> {
  const stage = { name: classifier.stage!, type: 'float32' as const, dims: undefined };
  const before = await runOnce(asModel(extract(classifier.graph, classifier.graph.inputs, [stage])), {
    [IMAGE]: image(classifier),
  });
  const activations = before[stage.name] as Tensor<'float32'>;
  const [, channels, height, width] = activations.dims as [number, number, number, number];
  const rest = await graphRunner(asModel(extract(classifier.graph, [stage], classifier.graph.outputs)));
  const logitAt = async (data: Float32Array) =>
    floats((await rest.run({ [stage.name]: { ...activations, data } }))[LOGITS])[category]!;
  const map = new Array<number>(height * width).fill(0);
  for (let channel = 0; channel < channels; channel++) {
    const places = map.map((_, place) => channel * height * width + place);
    // Moving a whole channel by t changes the logit by t times the sum of its derivatives.
    const moved = (t: number) => activations.data.map((value, k) => (places.includes(k) ? value + t : value));
    const alpha = ((await logitAt(moved(0.01))) - (await logitAt(moved(-0.01)))) / 0.02 / places.length;
    places.forEach((k, place) => (map[place]! += alpha * activations.data[k]!));
  }
  await rest.release();
  return map.map((value) => Math.max(0, value));
}

const NETWORKS = {
  'residual network': residualNetwork(),
  'mobile network, with a hidden layer behind the pool': mobileNetwork(),
  'network with a max pool and a hidden layer': compose((net, input) => {
    const stage = net.op('Sigmoid', [conv(net, input, 'conv', [4, 3], { stride: 2 })], {}, 'stage');
    const pool = net.op('MaxPool', [stage], { kernel_shape: [4, 4], strides: [4, 4] });
    return dense(net, net.op('Tanh', [dense(net, net.op('Flatten', [pool]), [7, 16], 'hidden')]), [5, 7]);
  }),
};

const CLASSIFIERS = [
  ...Object.entries(NETWORKS).map(([name, model]) => [name, classifierOf(model)] as const),
  ['residual network, pooled by generalised means', withGeneralizedMean(classifierOf(residualNetwork()), 'net.onnx')] as const,
];

describe.each(CLASSIFIERS)('Grad-CAM of a %s', (_, classifier) => {
  it.each(['cpu', 'gpu'] as const)('is its definition by central differences, spelled for %s', async (target) => {
    const { [MAPS]: maps } = await explain(classifier, [0, 1, 2], target);
    const [count, height, width] = maps!.dims as [number, number, number];
    expect(count).toBe(CATEGORIES);
    for (let category = 0; category < CATEGORIES; category++) {
      const expected = await bruteForce(classifier, category);
      const found = floats(maps).slice(category * height * width, (category + 1) * height * width);
      const peak = Math.max(...expected, 1e-6);
      found.forEach((value, k) => expect(value / peak, `category ${category}, place ${k}`).toBeCloseTo(expected[k]! / peak, 1.5));
    }
    expect(Math.max(...floats(maps))).toBeGreaterThan(0);
  });

  it('is the same for several categories in one run, in any order, as for one after the other', async () => {
    const { [MAPS]: together } = await explain(classifier, [2, 0, 2]);
    const size = together!.data.length / 3;
    for (const [row, category] of [2, 0, 2].entries()) {
      const { [MAPS]: alone } = await explain(classifier, [category]);
      const found = floats(together).slice(row * size, (row + 1) * size);
      floats(alone).forEach((value, k) => expect(found[k]).toBeCloseTo(value, 5));
    }
  });

  it('tells the probabilities of the same image beside', async () => {
    const { [PROBABILITIES]: probabilities } = await explain(classifier, [1]);
    const { [LOGITS]: logits } = await runOnce(asModel(classifier.graph), { [IMAGE]: image(classifier) });
    expect(probabilities!.dims).toEqual([1, CATEGORIES]);
    floats(logits).forEach((z, k) => expect(floats(probabilities)[k]).toBeCloseTo(1 / (1 + Math.exp(-z)), 5));
  });
});

describe('Grad-CAM', () => {
  it.each([13, 17])('works in operator set %i', async (opset) => {
    const [old, recent] = [classifierOf(residualNetwork({ opset })), classifierOf(residualNetwork())];
    expect((await explain(old, [1]))[MAPS]).toEqual((await explain(recent, [1]))[MAPS]);
  });

  it('says what kind of network it needs', () => {
    const build = () => buildGradCam(classifierOf(transformer()), 1);
    expect(build).toThrow(OnnxError);
    expect(build).toThrow(/needs a network that pools a convolutional stage in front of its head; this one does not/);
  });
});
