// The finished model file: what goes in comes out again, and nothing that a file says of itself is believed.
import { describe, expect, it } from 'vitest';
import { type Classifier, IMAGE, LOGITS, PROBABILITIES, withNewHead } from '../../src/onnx/classifier';
import { toFloatWeights, toHalfWeights } from '../../src/onnx/compress';
import { decodeModel } from '../../src/onnx/decode';
import { encodeModel } from '../../src/onnx/encode';
import { buildInferenceModel, type ModelCard, readInferenceModel } from '../../src/onnx/inference';
import { elementCount, type Graph, type Model, OnnxError, type Tensor } from '../../src/onnx/model';
import { float32, floats, graphRunner } from '../support/graphs';
import { mobileNetwork, perceptron, residualNetwork, transformer } from '../support/networks';

const CARD: ModelCard = {
  categories: ['dog', '<b>"кіт" & 犬</b>', '__proto__'],
  thresholds: [0.5, 0.25, 1],
  provenance: { recipe: { epochs: 10 }, backbone: 'a'.repeat(64), note: null },
};

const classifierOf = (model: Model): Classifier =>
  withNewHead(model, 'net.onnx', (features) => ({
    weight: float32(
      [3, features],
      Array.from({ length: 3 * features }, (_, k) => Math.cos(k)),
    ),
    bias: float32([3], [0, 1, -1]),
  }));

const MODEL = buildInferenceModel(classifierOf(residualNetwork()), CARD);

function images(count: number): Tensor {
  const dims = [count, 16, 16, 3];
  return { type: 'uint8', dims, data: Uint8Array.from({ length: elementCount(dims) }, (_, k) => (k * 71 + (k >> 6) * 13) % 256) };
}

async function probabilitiesOf(model: Model): Promise<Float32Array> {
  const runner = await graphRunner(model);
  const outputs = await runner.run({ [IMAGE]: images(2) });
  await runner.release();
  expect(Object.keys(outputs)).toEqual([PROBABILITIES]);
  expect(outputs[PROBABILITIES]!.dims).toEqual([2, 3]);
  return floats(outputs[PROBABILITIES]);
}

describe('a model file', () => {
  it.each([
    ['residual network', residualNetwork()],
    ['mobile network', mobileNetwork()],
    ['transformer', transformer()],
    ['perceptron', perceptron(6)],
  ])('of a %s gives back classifier, card and probabilities', async (_, network) => {
    const classifier = classifierOf(network);
    const written = buildInferenceModel(classifier, CARD);
    const read = readInferenceModel(decodeModel(encodeModel(written), 'model.onnx'), 'model.onnx');
    expect(read.card).toEqual(CARD);
    expect({ ...read.classifier, graph: undefined }).toEqual({ ...classifier, graph: undefined });
    const wiring = ({ nodes }: Graph) => nodes.map(({ type, inputs, outputs }) => [type, inputs, outputs]);
    expect(wiring(read.classifier.graph)).toEqual(wiring(classifier.graph));
    expect(new Set(read.classifier.graph.initializers.keys())).toEqual(new Set(classifier.graph.initializers.keys()));
    expect(read.classifier.graph.outputs).toEqual([{ name: LOGITS, type: 'float32', dims: ['N', 3] }]);
    const expected = await probabilitiesOf(written);
    expect(await probabilitiesOf(buildInferenceModel(read.classifier, read.card))).toEqual(expected);
    expect(expected.every((value) => value > 0 && value < 1)).toBe(true);
    expect(new Set(expected).size).toBe(6);
  });

  it('of half weights is read once they are made whole again', () => {
    const classifier = classifierOf(perceptron(600));
    const half = toHalfWeights(buildInferenceModel(classifier, CARD));
    expect([...half.graph.initializers.values()].map(({ type }) => type)).toContain('float16');
    const read = readInferenceModel(toFloatWeights(decodeModel(encodeModel(half), 'model.onnx')), 'model.onnx');
    expect(read.classifier).toMatchObject({ featureCount: 600, features: classifier.features });
  });
});

describe('readInferenceModel refuses', () => {
  const withMetadata = (changes: Record<string, string>, ...removed: string[]): Model => {
    const entries = Object.entries({ ...MODEL.metadata, ...changes }).filter(([key]) => !removed.includes(key));
    return { ...MODEL, metadata: Object.fromEntries(entries) };
  };
  const withGraph = (change: Partial<Graph>): Model => ({ ...MODEL, graph: { ...MODEL.graph, ...change } });
  const withImage = (change: object): Model =>
    withGraph({ inputs: MODEL.graph.inputs.map((input) => ({ ...input, ...change })) });
  const without = (initializer: string): Model =>
    withGraph({ initializers: new Map([...MODEL.graph.initializers].filter(([name]) => name !== initializer)) });

  const NOT_OURS = /^bad\.onnx is no model that Labelscope trained: its metadata name no categories/;
  const NOT_TRUE = /^bad\.onnx cannot be used: its graph is not the one that its metadata describe/;
  const four = { 'labelscope.categories': '["a","b","c","d"]', 'labelscope.thresholds': '[0,0,0,0]' };

  it.each([
    ['a network without metadata', residualNetwork(), NOT_OURS],
    ['categories that are missing', withMetadata({}, 'labelscope.categories'), NOT_OURS],
    ['categories that are no JSON', withMetadata({ 'labelscope.categories': '["dog", "cat"' }), NOT_OURS],
    ['categories that are no texts', withMetadata({ 'labelscope.categories': '["dog", {"toString": 1}, 3]' }), NOT_OURS],
    ['categories that are no list', withMetadata({ 'labelscope.categories': '{"length": 3}' }), NOT_OURS],
    ['too few thresholds', withMetadata({ 'labelscope.thresholds': '[0.5]' }), NOT_OURS],
    ['thresholds that are no numbers', withMetadata({ 'labelscope.thresholds': '["0.5", null, 1]' }), NOT_OURS],
    ['an endless threshold', withMetadata({ 'labelscope.thresholds': '[0.5, 1e999, 1]' }), NOT_OURS],
    ['provenance that is nothing', withMetadata({ 'labelscope.provenance': 'null' }), NOT_OURS],
    ['provenance that is a list', withMetadata({ 'labelscope.provenance': '[]' }), NOT_OURS],
    ['more categories than the head has', withMetadata(four), NOT_TRUE],
    ['no categories at all', withMetadata({ 'labelscope.categories': '[]', 'labelscope.thresholds': '[]' }), NOT_TRUE],
    ['features that the head does not read', withMetadata({ 'labelscope.features': 'stage' }), NOT_TRUE],
    ['no word of the features', withMetadata({}, 'labelscope.features'), NOT_TRUE],
    ['a stage that is not there', withMetadata({ 'labelscope.stage': 'constructor' }), NOT_TRUE],
    ['a graph without our head', without('head/weight'), NOT_TRUE],
    ['a graph without nodes', withGraph({ nodes: [] }), NOT_TRUE],
    ['an input of another name', withImage({ name: 'x' }), NOT_TRUE],
    ['an input of another type', withImage({ type: 'float32' }), NOT_TRUE],
    ['an input without a shape', withImage({ dims: undefined }), NOT_TRUE],
    ['an input without a size', withImage({ dims: ['N', 'H', 16, 3] }), NOT_TRUE],
    ['an input of four channels', withImage({ dims: ['N', 16, 16, 4] }), NOT_TRUE],
  ])('%s', (_, model, message) => {
    const read = () => readInferenceModel(model, 'bad.onnx');
    expect(read).toThrow(OnnxError);
    expect(read).toThrow(message);
  });
});
