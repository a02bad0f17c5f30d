// Networks as exporters write them become multilabel classifiers of raw pixels, or are refused with the reason.
import { describe, expect, it } from 'vitest';
import {
  bodyOnly,
  type Classifier,
  HEAD_BIAS,
  HEAD_WEIGHT,
  headOnly,
  IMAGE,
  LOGITS,
  withImageSize,
  withNewHead,
  withTensors,
} from '../../src/onnx/classifier';
import { elementCount, type Graph, type Model, OnnxError, type Tensor } from '../../src/onnx/model';
import { float32, floats, graphRunner, type Tensors } from '../support/graphs';
import { compose, conv, dense, mobileNetwork, residualNetwork, transformer } from '../support/networks';

const COUNT = 3;

function asModel(graph: Graph, opset = 20): Model {
  return { irVersion: 10, opsets: { '': opset }, producer: 'test', graph, metadata: {} };
}

async function runOnce(model: Model, feeds: Tensors): Promise<Tensors> {
  const runner = await graphRunner(model);
  const outputs = await runner.run(feeds);
  await runner.release();
  return outputs;
}

function pixels(height: number, width: number, count = COUNT): Tensor<'uint8'> {
  const dims = [count, height, width, 3];
  return { type: 'uint8', dims, data: Uint8Array.from({ length: elementCount(dims) }, (_, k) => (k * 89 + (k >> 5) * 31) % 256) };
}

/** What published networks want: N×3×H×W, (RGB / 255 − mean) / deviation of ImageNet's training images. */
function normalised({ dims, data }: Tensor<'uint8'>): Tensor<'float32'> {
  const [count, height, width] = dims as [number, number, number];
  const planes = new Float32Array(data.length);
  for (const [at, value] of data.entries()) {
    const [channel, place] = [at % 3, Math.floor(at / 3) % (height * width)];
    const image = Math.floor(at / (3 * height * width));
    planes[(image * 3 + channel) * height * width + place] =
      (value / 255 - [0.485, 0.456, 0.406][channel]!) / [0.229, 0.224, 0.225][channel]!;
  }
  return float32([count, 3, height, width], planes);
}

const zeros = (features: number) => ({
  weight: float32([2, features], new Float32Array(2 * features)),
  bias: float32([2], [0, 0]),
});

/** A new head that computes what the old one did, so that logits can be compared with the network's own output. */
function withOldHead(model: Model, weightName = 'classifier.weight', biasName = 'classifier.bias', rows = true): Classifier {
  const [weight, bias] = [weightName, biasName].map((name) => model.graph.initializers.get(name) as Tensor<'float32'>);
  return withNewHead(model, 'net.onnx', () => ({ weight: rows ? weight! : transposed(weight!), bias: bias! }));
}

function transposed({ dims: [rows, columns], data }: Tensor<'float32'>): Tensor<'float32'> {
  const values = Array.from(data, (_, k) => data[(k % rows!) * columns! + Math.floor(k / rows!)]!);
  return float32([columns!, rows!], values);
}

function expectClose(found: Tensor | undefined, expected: Tensor | undefined): void {
  expect(found?.dims).toEqual(expected?.dims);
  const [a, b] = [floats(found), floats(expected)];
  a.forEach((value, k) => expect(value).toBeCloseTo(b[k]!, 4));
  expect(new Set(b).size).toBeGreaterThan(1);
}

/** The classifier's logits of raw pixels are the network's output for normalised floats. */
async function expectSameFunction(model: Model, classifier: Classifier): Promise<void> {
  const [input, output] = [model.graph.inputs[0]!, model.graph.outputs[0]!];
  const images = pixels(classifier.height, classifier.width);
  const feed = input.type === 'uint8' ? images : normalised(images);
  const rows = input.dims![0] === 1 ? Array.from({ length: COUNT }, (_, k) => row(feed, k)) : [feed];
  const expected: number[] = [];
  for (const each of rows) expected.push(...floats((await runOnce(model, { [input.name]: each }))[output.name]));
  const { [LOGITS]: logits } = await runOnce(asModel(classifier.graph, classifier.opset), { [IMAGE]: images });
  expectClose(logits, float32([COUNT, expected.length / COUNT], expected));
}

function row({ type, dims, data }: Tensor, k: number): Tensor {
  const size = elementCount(dims.slice(1));
  return { type, dims: [1, ...dims.slice(1)], data: (data as Float32Array).slice(k * size, (k + 1) * size) } as Tensor;
}

const pixelInput = { name: 'pixels', type: 'uint8', dims: ['N', 16, 12, 3] } as const;

function pixelNetwork(input: { name: string; type: 'uint8'; dims: readonly (number | string)[] } = pixelInput): Model {
  const build: Parameters<typeof compose>[0] = (net, name) => {
    const float = net.op('Cast', [name], { to: 1 });
    const planes = net.op('Transpose', [net.op('Mul', [float, net.scalar(1 / 255)])], { perm: [0, 3, 1, 2] }, 'image/planes');
    const stage = net.op('Relu', [conv(net, planes, 'conv', [4, 3])], {}, LOGITS);
    return dense(net, net.op('Flatten', [net.op('GlobalAveragePool', [stage])]), [5, 4]);
  };
  return compose(build, { input });
}

describe('withNewHead keeps what the network computes', () => {
  const fixed = { name: 'input.1', type: 'float32', dims: [1, 3, 16, 16] } as const;
  const viewed = (target: number[]) =>
    compose(
      (net, input) => {
        const stage = net.op('Relu', [conv(net, input, 'conv', [4, 3], { stride: 2 })]);
        return dense(net, net.op('Reshape', [net.op('GlobalAveragePool', [stage]), net.ints(...target)]), [5, 4]);
      },
      { input: fixed },
    );

  it.each([
    ['float32 planes, dynamic batch', residualNetwork()],
    ['a mobile network', mobileNetwork()],
    ['a transformer', transformer()],
    ['one image at a time', residualNetwork({ input: fixed })],
    ['one image at a time, its batch in a Reshape', viewed([1, -1])],
    ['one image at a time, all sizes in a Reshape', viewed([1, 4])],
    ['a transformer, one image at a time', transformer({ input: fixed })],
    ['an input called image', residualNetwork({ input: { ...fixed, name: IMAGE } })],
    ['raw pixels', pixelNetwork()],
    ['raw pixels called image', pixelNetwork({ ...pixelInput, name: IMAGE })],
    ['operator set 13', residualNetwork({ opset: 13 })],
  ])('%s', async (_, model) => {
    const classifier = withOldHead(model);
    expect(classifier.graph.inputs).toEqual([
      { name: IMAGE, type: 'uint8', dims: ['N', classifier.height, classifier.width, 3] },
    ]);
    await expectSameFunction(model, classifier);
  });

  it.each([
    [
      'a MatMul and an Add',
      (net: Net, x: string) => net.op('Add', [net.op('MatMul', [x, net.weight('w', [4, 5])]), net.weight('b', [5])]),
      false,
    ],
    [
      'a transposed weight',
      (net: Net, x: string) =>
        net.op('Add', [
          net.weight('b', [5]),
          net.op('MatMul', [x, net.op('Transpose', [net.weight('w', [5, 4])], { perm: [1, 0] })]),
        ]),
      true,
    ],
    ['a Gemm without transB', (net: Net, x: string) => net.op('Gemm', [x, net.weight('w', [4, 5]), net.weight('b', [5])]), false],
    [
      'a weight merged by the exporter',
      (net: Net, x: string) =>
        net.op('Gemm', [x, net.op('Identity', [net.weight('w', [5, 4])]), net.weight('b', [5])], { transB: 1 }),
      true,
    ],
  ])('the old head is %s', async (_, head, rows) => {
    const model = compose((net, input) =>
      head(net, net.op('Flatten', [net.op('GlobalAveragePool', [conv(net, input, 'conv', [4, 3])])])),
    );
    await expectSameFunction(model, withOldHead(model, 'w', 'b', rows));
  });

  it('an inner weight has the name of ours, and probabilities come last', async () => {
    const inner = float32([4, 3, 1, 1], [1, 2, -3, 4, -5, 6, 7, 8, -9, 1, 2, 3]);
    const model = compose((net, input) => {
      net.initializers.set(HEAD_WEIGHT, inner);
      const features = net.op('Flatten', [net.op('GlobalAveragePool', [net.op('Conv', [input, HEAD_WEIGHT])])]);
      return net.op('Softmax', [net.op('Identity', [dense(net, features, [5, 4])])], { axis: 1 });
    });
    const classifier = withOldHead(model);
    const logits = { ...model, graph: { ...model.graph, outputs: [{ ...model.graph.outputs[0]!, name: 'classifier' }] } };
    await expectSameFunction(logits, classifier);
    expect(classifier.graph.nodes.map(({ type }) => type)).not.toContain('Softmax');
    expect([...classifier.graph.initializers.values()]).toContain(inner);
  });
});

type Net = Parameters<Parameters<typeof compose>[0]>[0];

describe('withNewHead finds', () => {
  const vgg = compose((net, input) => {
    const stage = net.op('Relu', [conv(net, input, 'conv', [4, 3])], {}, 'stage');
    const pool = net.op('MaxPool', [stage], { kernel_shape: [4, 4], strides: [4, 4] });
    const hidden = net.op('Relu', [dense(net, net.op('Flatten', [pool]), [7, 64], 'hidden')]);
    return dense(net, net.op('Dropout', [hidden]), [5, 7]);
  });
  const meanOf = (axes: number[], opset: number) =>
    compose(
      (net, input) => {
        const stage = net.op('Relu', [conv(net, input, 'conv', [4, 3])], {}, 'stage');
        const mean =
          opset < 18
            ? net.op('ReduceMean', [stage], { axes, keepdims: 0 })
            : net.op('ReduceMean', [stage, net.ints(...axes)], { keepdims: 0 });
        return dense(net, mean, [5, 4]);
      },
      { opset },
    );

  /** As PyTorch exports it. */
  const generalised = compose((net, input) => {
    const stage = net.op('Clip', [conv(net, input, 'conv', [4, 3]), net.scalar(0), net.scalar(6)], {}, 'stage');
    const powers = net.op('Pow', [net.op('Clip', [stage, net.scalar(1e-6)]), net.weight('p', [1], 0, 3)]);
    const mean = net.op('Pow', [net.op('GlobalAveragePool', [powers]), net.op('Reciprocal', ['p'])]);
    return dense(net, net.op('Flatten', [mean]), [5, 4]);
  });

  it.each([
    ['a residual network', residualNetwork(), 4, 'stage'],
    ['a generalised mean', generalised, 4, 'stage'],
    ['a mobile network, behind a hidden layer', mobileNetwork(), 16, 'stage'],
    ['a network that ends in a max pool and hidden layers', vgg, 7, 'stage'],
    ['a mean over height and width', meanOf([2, 3], 20), 4, 'stage'],
    ['a mean over height and width, operator set 13', meanOf([-2, -1], 13), 4, 'stage'],
    ['a transformer, which has none', transformer(), 8, undefined],
  ])('features and stage of %s', (_, model, featureCount, stage) => {
    const asked: number[] = [];
    const classifier = withNewHead(model, 'net.onnx', (features) => (asked.push(features), zeros(features)));
    expect(asked).toEqual([featureCount]);
    expect(classifier).toMatchObject({ featureCount, height: 16, width: 16 });
    expect(classifier.stage).toBe(stage);
  });

  it.each([
    [['N', 3, 'H', 'W'], 224, 224],
    [['N', 3, 20, 'W'], 20, 224],
    [[null, 3, 20, 28], 20, 28],
  ] as const)('the image size of %j', (dims, height, width) => {
    const model = residualNetwork({ input: { name: 'x', type: 'float32', dims } });
    expect(withNewHead(model, 'net.onnx', zeros)).toMatchObject({ height, width });
  });

  it('no input among initializers that old files list as inputs', () => {
    const model = residualNetwork();
    const listed = [...model.graph.initializers].map(([name, { type, dims }]) => ({ name, type, dims }));
    const { graph } = withNewHead(
      { ...model, graph: { ...model.graph, inputs: [...listed, ...model.graph.inputs] } },
      'net.onnx',
      zeros,
    );
    expect(graph.inputs.map(({ name }) => name)).toEqual([IMAGE]);
  });

  it('weights of its own for every layer where the exporter merged equal ones, or wrote them as nodes', () => {
    const model = compose((net, input) => {
      const scale = net.weight('scale', [3, 3, 1, 1]);
      const first = net.op('Conv', [input, scale]);
      const second = net.op('Conv', [first, net.op('Identity', [scale], {}, 'merged')]);
      const bias = net.op('Constant', [], { value: { kind: 'tensor', value: float32([5], [1, 2, 3, 4, 5]) } }, 'written');
      return net.op('Gemm', [net.op('Flatten', [net.op('GlobalAveragePool', [second])]), net.weight('w', [5, 3]), bias], {
        transB: 1,
      });
    });
    const { graph } = withNewHead(model, 'net.onnx', zeros);
    expect([...graph.initializers.keys()]).toEqual(expect.arrayContaining(['scale', 'merged']));
    expect(graph.nodes.map(({ type }) => type)).not.toContain('Identity');
    expect(graph.nodes.map(({ type }) => type)).not.toContain('Constant');
  });
});

/** The message of the OnnxError 'onnx-unsupported' that a call ends in. */
function refusalOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof OnnxError && error.code === 'onnx-unsupported') return error.message;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('withNewHead refuses', () => {
  const gated = compose((net, input) => {
    const stage = net.op('Relu', [conv(net, input, 'conv', [4, 3])]);
    const squeezed = net.op('Flatten', [net.op('GlobalAveragePool', [stage])]);
    const gate = net.op('Reshape', [net.op('Sigmoid', [dense(net, squeezed, [4, 4], 'squeeze')]), net.ints(0, 4, 1, 1)]);
    const scores = conv(net, net.op('Mul', [stage, gate]), 'scores', [5, 4], { kernel: 1 });
    return net.op('Flatten', [net.op('GlobalAveragePool', [scores])]);
  });

  it.each([
    ['a convolution as the last layer', gated, /net\.onnx has no fully connected layer/],
    [
      'a product of two activations',
      compose((net, x) => net.op('MatMul', [net.op('Flatten', [x]), net.op('Flatten', [x])])),
      /no fully connected/,
    ],
    [
      'text',
      compose((net, x) => dense(net, x, [5, 3]), { input: { name: 'words', type: 'int64', dims: ['N', 3] } }),
      /net\.onnx.*words: int64 \["N",3\]/,
    ],
    [
      'one channel',
      residualNetwork({ input: { name: 'x', type: 'float32', dims: [1, 1, 28, 28] } }),
      /float32 N×3×H×W \(found x: float32 \[1,1,28,28\]\)/,
    ],
    ['an input without a shape', withoutShape(residualNetwork()), /found input\.1: float32/],
    ['no input at all', { ...residualNetwork(), graph: { ...residualNetwork().graph, inputs: [] } }, /found none/],
  ])('%s', (_, model, message) => {
    expect(refusalOf(() => withNewHead(model, 'net.onnx', zeros))).toMatch(message);
  });

  function withoutShape(model: Model): Model {
    const inputs = model.graph.inputs.map((input) => ({ ...input, dims: undefined }));
    return { ...model, graph: { ...model.graph, inputs } };
  }
});

describe('parts and variants of a classifier', () => {
  it('body and head in turn are the whole', async () => {
    const classifier = withOldHead(mobileNetwork());
    const images = pixels(16, 16);
    const { [LOGITS]: whole } = await runOnce(asModel(classifier.graph), { [IMAGE]: images });
    const { [classifier.features]: features } = await runOnce(asModel(bodyOnly(classifier)), { [IMAGE]: images });
    expect(features!.dims).toEqual([COUNT, classifier.featureCount]);
    const head = headOnly(classifier);
    expect([...head.graph.initializers.keys()]).toEqual([HEAD_WEIGHT, HEAD_BIAS]);
    expect(head.stage).toBeUndefined();
    expectClose((await runOnce(asModel(head.graph), { [classifier.features]: features! }))[LOGITS], whole);
  });

  it('takes other values for some tensors and leaves the rest', () => {
    const classifier = withOldHead(residualNetwork());
    const bias = float32([5], [9, 9, 9, 9, 9]);
    const { graph } = withTensors(classifier, { [HEAD_BIAS]: bias, stranger: bias });
    expect(graph.initializers.get(HEAD_BIAS)).toBe(bias);
    expect(graph.initializers.get('conv1.weight')).toBe(classifier.graph.initializers.get('conv1.weight'));
    expect([...graph.initializers.keys()]).toEqual([...classifier.graph.initializers.keys()]);
  });

  it('takes images of another size where the network pools whatever comes', async () => {
    const classifier = withImageSize(withOldHead(residualNetwork()), 24);
    expect(classifier).toMatchObject({ height: 24, width: 24 });
    const { [LOGITS]: logits } = await runOnce(asModel(classifier.graph), { [IMAGE]: pixels(24, 24) });
    expect(logits!.dims).toEqual([COUNT, 5]);
  });
});
