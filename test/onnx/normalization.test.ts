// Both forms of batch normalisation in training: folded into convolutions without changing anything, and the batch's own statistics.
import { describe, expect, it } from 'vitest';
import { GraphBuilder, type Target } from '../../src/onnx/builder';
import { differentiate } from '../../src/onnx/differentiate';
import { elementCount, type Graph, type Model } from '../../src/onnx/model';
import { foldFrozenNorm, NEXT, runningStatistics, withBatchStatistics } from '../../src/onnx/normalization';
import { learns, type Parameter, parametersOf } from '../../src/onnx/parameters';
import { float32, floats, graphRunner, type Tensors } from '../support/graphs';
import { batchNorm, compose, conv } from '../support/networks';

type Net = Parameters<Parameters<typeof compose>[0]>[0];

const wave = (count: number, phase = 0): number[] => Array.from({ length: count }, (_, k) => Math.sin(1.7 * k + phase));

/** A network of channels × 6 × 6 on two images. */
function network(channels: number, build: (net: Net, input: string) => string, opset = 20): Graph {
  const input = { name: 'x', type: 'float32', dims: [2, channels, 6, 6] } as const;
  return compose(build, { input, opset }).graph;
}

/** The output, and the gradients of a weighted sum of it with respect to the input and every parameter. */
async function outputAndGradients(graph: Graph, parameters: readonly Parameter[]): Promise<Tensors> {
  const builder = new GraphBuilder();
  const bindings = new Map(graph.inputs.map(({ name, dims }) => [name, builder.input(name, 'float32', dims as number[])]));
  for (const { name, tensor } of parameters) bindings.set(name, builder.input(name, 'float32', tensor.dims));
  const y = builder.append(graph, bindings).get(graph.outputs[0]!.name)!;
  const seed = builder.constant(float32(y.dims, wave(elementCount(y.dims), 1)));
  const gradients = differentiate(builder, {
    nodes: builder.nodes,
    seeds: new Map([[y.name, seed]]),
    wrt: [...bindings.values()],
  });
  builder.output(y, 'output');
  for (const [name, value] of bindings) builder.output(gradients.get(value.name)!, `gradient of ${name}`);
  const image = bindings.get('x')!.dims;
  const state = Object.fromEntries(parameters.map(({ name, tensor }) => [name, tensor]));
  return runOnce(builder, { ...state, x: float32(image, wave(elementCount(image))) });
}

async function runOnce(builder: GraphBuilder, feeds: Tensors): Promise<Tensors> {
  const graph = builder.build('test');
  const model: Model = { irVersion: 9, opsets: { '': builder.opset }, producer: 'test', metadata: {}, graph };
  const runner = await graphRunner(model);
  const outputs = await runner.run(feeds);
  await runner.release();
  return outputs;
}

const typesOf = ({ nodes }: Graph): string[] => nodes.map(({ type }) => type);

describe('foldFrozenNorm', () => {
  const plain = (net: Net, x: string) => batchNorm(net, conv(net, x, 'conv', [4, 3]), 4, 'bn');

  it.each([
    ['a convolution without bias', network(3, plain)],
    ['a convolution with bias', network(3, (net, x) => batchNorm(net, conv(net, x, 'conv', [4, 3], { bias: true }), 4, 'bn'))],
    ['a strided convolution', network(3, (net, x) => batchNorm(net, conv(net, x, 'conv', [4, 3], { stride: 2 }), 4, 'bn'))],
    [
      'a grouped convolution',
      network(4, (net, x) => batchNorm(net, conv(net, x, 'conv', [6, 4], { group: 2, bias: true }), 6, 'bn')),
    ],
    ['a depthwise convolution', network(4, (net, x) => batchNorm(net, conv(net, x, 'conv', [4, 4], { group: 4 }), 4, 'bn'))],
    [
      'two in a row with activations between',
      network(3, (net, x) => {
        const first = net.op('Sigmoid', [batchNorm(net, conv(net, x, 'conv1', [4, 3]), 4, 'bn1')]);
        return batchNorm(net, conv(net, first, 'conv2', [3, 4], { kernel: 1 }), 3, 'bn2');
      }),
    ],
  ])('of %s changes neither the output nor any gradient', async (_, graph) => {
    const folded = foldFrozenNorm(graph);
    expect(typesOf(folded)).not.toContain('BatchNormalization');
    const learned = parametersOf(graph).filter(learns);
    const [found, expected] = [await outputAndGradients(folded, learned), await outputAndGradients(graph, learned)];
    for (const name of ['output', 'gradient of x', ...learned.map((parameter) => `gradient of ${parameter.name}`)]) {
      expect(found[name]!.dims).toEqual(expected[name]!.dims);
      floats(found[name]).forEach((value, k) => expect(value, `${name}[${k}]`).toBeCloseTo(floats(expected[name])[k]!, 4));
      expect(
        floats(expected[name]).some((value) => Math.abs(value) > 0.01),
        `${name} is not zero`,
      ).toBe(true);
    }
  });

  it.each([
    [
      'a convolution whose output is also used as it is',
      network(3, (net, x) => {
        const features = conv(net, x, 'conv', [4, 3]);
        return net.op('Add', [batchNorm(net, features, 4, 'bn'), net.op('Relu', [features])]);
      }),
    ],
    ['no convolution', network(3, (net, x) => batchNorm(net, net.op('Relu', [x]), 3, 'bn'))],
    [
      'a convolution whose weight is computed',
      network(3, (net, x) =>
        batchNorm(net, net.op('Conv', [x, net.op('Mul', [net.weight('w', [4, 3, 1, 1]), net.scalar(2)])]), 4, 'bn'),
      ),
    ],
  ])('leaves a norm alone that follows %s', (_, graph) => {
    expect(foldFrozenNorm(graph)).toEqual(graph);
  });

  it('keeps norms apart whose nodes have no names', async () => {
    const graph = network(3, (net, x) => batchNorm(net, conv(net, plain(net, x), 'conv2', [3, 4]), 3, 'bn2'));
    const nameless = { ...graph, nodes: graph.nodes.map((node) => ({ ...node, name: '' })) };
    const folded = foldFrozenNorm(nameless);
    const names = folded.nodes.flatMap(({ outputs }) => outputs);
    expect(new Set(names).size).toBe(names.length);
    const [found, expected] = [await outputAndGradients(folded, []), await outputAndGradients(graph, [])];
    floats(found.output).forEach((value, k) => expect(value).toBeCloseTo(floats(expected.output)[k]!, 4));
  });
});

describe('withBatchStatistics', () => {
  const channels = 3;
  const x = float32([2, channels, 6, 6], wave(216, 2));
  const graph = (opset: number, momentum?: number): Graph =>
    network(
      channels,
      (net, input) => {
        const parameters = [
          net.weight('scale', [channels], 0.1, 1),
          net.weight('shift', [channels]),
          net.weight('mean', [channels], 0.1),
          net.weight('variance', [channels], 0.1, 1),
        ];
        return net.op(
          'BatchNormalization',
          [input, ...parameters],
          { epsilon: 1e-3, ...(momentum !== undefined && { momentum }) },
          'y',
        );
      },
      opset,
    );

  /** Mean and biased variance of each channel. */
  const batch = Array.from({ length: channels }, (_, c) => {
    const values = Array.from(x.data).filter((__, k) => Math.floor(k / 36) % channels === c);
    const mean = values.reduce((a, b) => a + b) / values.length;
    return { mean, variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length };
  });

  async function run(forward: Graph, opset: number, target: Target): Promise<Tensors> {
    const builder = new GraphBuilder(opset, target);
    const image = builder.input('x', 'float32', x.dims);
    const statistics = runningStatistics(forward);
    const state = statistics.map((name) => [name, builder.input(name, 'float32', [channels])] as const);
    const values = builder.append(forward, new Map([['x', image], ...state]));
    for (const name of ['y', ...statistics.map((each) => NEXT + each)]) builder.output(values.get(name)!, name);
    const old = Object.fromEntries(statistics.map((name) => [name, forward.initializers.get(name)!]));
    return runOnce(builder, { x, ...old });
  }

  const cases = [13, 14, 20].flatMap((opset) => (['cpu', 'gpu'] as const).map((target) => ({ opset, target })));
  const momenta = [
    { written: undefined, given: undefined, kept: 0.9 },
    { written: 0.7, given: undefined, kept: 0.7 },
    { written: 0.7, given: 0.25, kept: 0.25 },
    { written: 0.7, given: 0, kept: 0 },
  ];

  it.each(cases.flatMap((each) => momenta.map((momentum) => ({ ...each, ...momentum }))))(
    'operator set $opset, $target, momentum $written in the file, $given asked for',
    async ({ opset, target, written, given, kept }) => {
      const plain = graph(opset, written);
      const found = await run(withBatchStatistics(plain, given), opset, target);
      const [scale, shift, mean, variance] = ['scale', 'shift', 'mean', 'variance'].map((name) =>
        floats(plain.initializers.get(name)),
      );
      for (const [c, statistics] of batch.entries()) {
        expect(floats(found[`${NEXT}mean`])[c]).toBeCloseTo(kept * mean![c]! + (1 - kept) * statistics.mean, 5);
        expect(floats(found[`${NEXT}variance`])[c]).toBeCloseTo(kept * variance![c]! + (1 - kept) * statistics.variance, 5);
        const first = c * 36;
        const normal = (x.data[first]! - statistics.mean) / Math.sqrt(statistics.variance + 1e-3);
        expect(floats(found.y)[first]).toBeCloseTo(scale![c]! * normal + shift![c]!, 4);
      }
    },
  );

  it('counts statistics once that two norms share', () => {
    const shared = network(channels, (net, input) => {
      const first = batchNorm(net, input, channels, 'bn');
      return net.op('BatchNormalization', [first, 'bn.weight', 'bn.bias', 'bn.running_mean', 'bn.running_var']);
    });
    expect(runningStatistics(shared)).toEqual(['bn.running_mean', 'bn.running_var']);
  });
});
