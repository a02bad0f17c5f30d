// The import of Keras layers, run by ONNX Runtime: a small network and every layer against numbers worked out by hand, and
// every refusal.
import { describe, expect, it } from 'vitest';
import { importLayersModel } from '../../src/onnx/keras';
import { files, imported, input, layer, OPTIONS, outputOf, pixels } from './keras-models';
import type { LayerJson, WeightJson } from './keras-models';
import { run } from './samples';

describe('a small network', () => {
  // One 2×2 image; R, G, B of each pixel.
  const image = pixels(2, 2, [10, 20, 30, 11, 21, 31, 12, 22, 32, 13, 23, 33]);
  const layers = [
    input(2, 2),
    layer('Conv2D', 'conv', ['in'], { kernel_size: [1, 1], filters: 2, activation: 'linear' }),
    layer('BatchNormalization', 'bn', ['conv'], { axis: [3], epsilon: 0.5, momentum: 0.9 }),
    layer('Activation', 'act', ['bn'], { activation: 'relu' }),
    layer('GlobalAveragePooling2D', 'pool', ['act']),
    layer('Dense', 'fc', ['pool'], { units: 2, activation: 'softmax' }),
  ];
  const weights: WeightJson[] = [
    // 1×1×3×2: filter 0 is B − G, filter 1 is R.
    ['conv/kernel', [1, 1, 3, 2], [1, 0, -1, 0, 0, 1]],
    ['conv/bias', [2], [0.5, -1]],
    ['bn/gamma', [2], [3, 1]],
    ['bn/beta', [2], [-1, 2]],
    ['bn/moving_mean', [2], [10, 4]],
    ['bn/moving_variance', [2], [3.5, 0.5]],
    // 2 features × 2 units.
    ['fc/kernel', [2, 2], [0.1, 0.3, 0.2, -0.1]],
    ['fc/bias', [2], [1, 2]],
  ];
  const model = imported(layers, weights, {
    preprocessing: { order: 'bgr', mean: [1, 2, 3] },
    alsoOutput: ['bn', 'pool'],
    metadata: { licence: 'none' },
  });

  it('computes what was worked out by hand', async () => {
    const values = await run(model, { image });
    // Less the mean, BGR: B−1, G−2, R−3. conv0 = (B−1) − (G−2) + 0.5 = 11.5 everywhere; conv1 = R − 3 − 1 = 6, 7, 8, 9.
    // bn0 = 3 · (11.5 − 10) / √4 − 1 = 1.25; bn1 = (6 … 9 − 4) / √1 + 2 = 4, 5, 6, 7.
    expect([...(values.bn?.data as Float32Array)]).toEqual([1.25, 1.25, 1.25, 1.25, 4, 5, 6, 7]);
    expect([...(values.pool?.data as Float32Array)]).toEqual([1.25, 5.5]);
    // fc = 0.1 · 1.25 + 0.2 · 5.5 + 1 = 2.225 and 0.3 · 1.25 − 0.1 · 5.5 + 2 = 1.825; the softmax of a difference of 0.4.
    const [first, second] = values.out?.data as Float32Array;
    expect(first).toBeCloseTo(1 / (1 + Math.exp(-0.4)), 6);
    expect(second).toBeCloseTo(1 / (1 + Math.exp(0.4)), 6);
  });

  it('names values by layer and weights by layer and kind, in the layout of ONNX', () => {
    const { graph } = model;
    expect(graph.inputs).toEqual([{ name: 'image', type: 'uint8', dims: ['N', 2, 2, 3] }]);
    expect(graph.outputs).toEqual([
      { name: 'out', type: 'float32', dims: ['N', 2] },
      { name: 'bn', type: 'float32', dims: ['N', 2, 2, 2] },
      { name: 'pool', type: 'float32', dims: ['N', 2] },
    ]);
    const made = graph.nodes.flatMap((node) => node.outputs);
    expect(made).toEqual(expect.arrayContaining(['in', 'conv', 'bn', 'act', 'pool', 'out']));
    expect(Object.fromEntries([...graph.initializers].map(([name, { dims }]) => [name, dims]))).toMatchObject({
      'conv/kernel': [2, 3, 1, 1],
      'conv/bias': [2],
      'bn/gamma': [2],
      'bn/beta': [2],
      'bn/moving_mean': [2],
      'bn/moving_variance': [2],
      'fc/kernel': [2, 2],
      'fc/bias': [2],
    });
    expect(graph.initializers.get('fc/kernel')?.data).toEqual(Float32Array.of(0.1, 0.2, 0.3, -0.1));
    expect(graph.nodes.find((node) => node.type === 'BatchNormalization')?.attributes).toEqual({
      epsilon: { kind: 'float', value: 0.5 },
      momentum: { kind: 'float', value: 0.9 },
      training_mode: { kind: 'int', value: 0 },
    });
    expect(model).toMatchObject({ opsets: { '': 20 }, metadata: { licence: 'none' } });
  });

  it('is the same as a Sequential model, with the input in its first layer', async () => {
    const [, first, ...rest] = layers.map(({ name, class_name, config }) => ({ name, class_name, config }));
    const chain = [{ ...first!, config: { ...first!.config, batch_input_shape: [null, 2, 2, 3] } }, ...rest];
    const { json, shards } = files(layers, weights);
    const sequential = { ...json, modelTopology: { class_name: 'Sequential', config: chain } };
    const other = importLayersModel(sequential, { ...OPTIONS, shards, preprocessing: { order: 'bgr', mean: [1, 2, 3] } });
    expect(await outputOf(other, image)).toEqual(await outputOf(model, image));
  });

  it('takes batches, and weights spread over several files', async () => {
    const { json, shards } = files(layers, weights);
    const whole = shards.get('w.bin')!;
    const parts = [0, 5, 30].map((from, index, cuts) => [`w${index}`, whole.subarray(from, cuts[index + 1])] as const);
    const split = { ...json, weightsManifest: [{ ...json.weightsManifest[0]!, paths: parts.map(([name]) => name) }] };
    const other = importLayersModel(split, {
      ...OPTIONS,
      shards: new Map(parts),
      preprocessing: { order: 'bgr', mean: [1, 2, 3] },
    });
    const twice = pixels(2, 2, [...image.data, ...image.data]);
    const one = await outputOf(model, image);
    expect(await outputOf(other, twice)).toEqual({ dims: [2, 2], data: [...one.data, ...one.data] });
  });
});

describe('a layer computes', () => {
  // Two pixels side by side: (1, 2, 3) and (4, 5, 6).
  const image = pixels(1, 2, [1, 2, 3, 4, 5, 6]);
  const start = input(1, 2);

  it.each<[what: string, layers: LayerJson[], dims: number[], data: number[]]>([
    ['Flatten in the order H×W×C', [layer('Flatten', 'a', ['in'])], [1, 6], [1, 2, 3, 4, 5, 6]],
    [
      'ZeroPadding2D with four borders',
      [
        layer('ZeroPadding2D', 'a', ['in'], {
          padding: [
            [0, 1],
            [1, 0],
          ],
        }),
        layer('Flatten', 'b', ['a']),
      ],
      [1, 18],
      [0, 0, 0, 1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ],
    [
      'ZeroPadding2D with one number',
      [layer('ZeroPadding2D', 'a', ['in'], { padding: 1 }), layer('GlobalAveragePooling2D', 'b', ['a'])],
      [1, 3],
      [5 / 12, 7 / 12, 9 / 12],
    ],
    [
      'Concatenate of maps',
      [layer('Concatenate', 'a', ['in', 'in'], { axis: 3 }), layer('Flatten', 'b', ['a'])],
      [1, 12],
      [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6],
    ],
    [
      'Concatenate of vectors',
      [layer('Flatten', 'a', ['in']), layer('Concatenate', 'b', ['a', 'a'])],
      [1, 12],
      [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6],
    ],
    ['Add of three', [layer('Add', 'a', ['in', 'in', 'in']), layer('Flatten', 'b', ['a'])], [1, 6], [3, 6, 9, 12, 15, 18]],
    [
      'Dropout as nothing',
      [layer('Dropout', 'a', ['in'], { rate: 0.5 }), layer('Flatten', 'b', ['a'])],
      [1, 6],
      [1, 2, 3, 4, 5, 6],
    ],
    [
      'ReLU with a maximum',
      [layer('Flatten', 'a', ['in']), layer('ReLU', 'b', ['a'], { max_value: 4 })],
      [1, 6],
      [1, 2, 3, 4, 4, 4],
    ],
    [
      'the mean with its axes kept',
      [layer('GlobalAveragePooling2D', 'a', ['in'], { keepdims: true })],
      [1, 3, 1, 1],
      [2.5, 3.5, 4.5],
    ],
    [
      'softmax over the channels of a map',
      [
        layer('Concatenate', 'a', ['in', 'in']),
        layer('Activation', 'b', ['a'], { activation: 'softmax' }),
        layer('GlobalAveragePooling2D', 'c', ['b']),
      ],
      [1, 6],
      [1, Math.E, Math.E ** 2, 1, Math.E, Math.E ** 2].map((value) => value / 2 / (1 + Math.E + Math.E ** 2)),
    ],
  ])('%s', async (_, layers, dims, data) => {
    const found = await outputOf(imported([start, ...layers]), image);
    expect(found.dims).toEqual(dims);
    data.forEach((value, index) => expect(found.data[index]).toBeCloseTo(value, 5));
  });

  const centred = { preprocessing: { order: 'rgb', mean: [3.5, 3.5, 3.5] } } as const;
  const shifted = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5];
  it.each<[string, Record<string, unknown>, (x: number) => number]>([
    ['Activation', { activation: 'linear' }, (x) => x],
    ['Activation', { activation: 'relu' }, (x) => Math.max(0, x)],
    ['Activation', { activation: 'relu6' }, (x) => Math.min(6, Math.max(0, x))],
    ['Activation', { activation: 'sigmoid' }, (x) => 1 / (1 + Math.exp(-x))],
    ['Activation', { activation: 'tanh' }, Math.tanh],
    ['Activation', { activation: 'softplus' }, (x) => Math.log1p(Math.exp(x))],
    ['Activation', { activation: 'softsign' }, (x) => x / (1 + Math.abs(x))],
    ['Activation', { activation: 'elu' }, (x) => (x > 0 ? x : Math.expm1(x))],
    ['ReLU', {}, (x) => Math.max(0, x)],
    ['ReLU', { negative_slope: 0.25 }, (x) => (x > 0 ? x : x / 4)],
  ])('%s %j', async (type, config, define) => {
    const model = imported([start, layer('Flatten', 'a', ['in']), layer(type, 'b', ['a'], config)], [], centred);
    const { data } = await outputOf(model, image);
    shifted.forEach((x, index) => expect(data[index]).toBeCloseTo(define(x), 5));
  });

  it('BatchNormalization without scale and centre, on a vector', async () => {
    const layers = [
      start,
      layer('Flatten', 'a', ['in']),
      layer('BatchNormalization', 'b', ['a'], { axis: 1, scale: false, center: false, epsilon: 0 }),
    ];
    const weights: WeightJson[] = [
      ['b/moving_mean', [6], [1, 1, 1, 1, 1, 1]],
      ['b/moving_variance', [6], [4, 4, 4, 4, 4, 4]],
    ];
    expect((await outputOf(imported(layers, weights), image)).data).toEqual([0, 0.5, 1, 1.5, 2, 2.5]);
  });

  it('Dense without bias after Flatten', async () => {
    const layers = [start, layer('Flatten', 'a', ['in']), layer('Dense', 'b', ['a'], { use_bias: false })];
    const kernel: WeightJson = ['b/kernel', [6, 1], [1, 10, 100, 1000, 10_000, 100_000]];
    expect((await outputOf(imported(layers, [kernel]), image)).data).toEqual([654_321]);
  });

  it('an image of free size, where the layers allow it', async () => {
    const layers = [
      input(null, null),
      layer('AveragePooling2D', 'a', ['in'], { padding: 'same', strides: 1 }),
      layer('GlobalAveragePooling2D', 'b', ['a']),
    ];
    const model = imported(layers);
    expect(model.graph.inputs[0]?.dims).toEqual(['N', 'H', 'W', 3]);
    expect((await outputOf(model, pixels(1, 1, [7, 8, 9]))).data).toEqual([7, 8, 9]);
  });
});

describe('the import refuses', () => {
  const start = input(2, 2);
  const one = (type: string, config: Record<string, unknown> = {}, inputs = ['in']) => [start, layer(type, 'it', inputs, config)];
  const kernel: WeightJson = ['it/kernel', [1, 1, 3, 1], [1, 2, 3]];

  it.each<[what: string, layers: LayerJson[], weights: WeightJson[], pattern: RegExp]>([
    ['an unknown layer', one('LSTM'), [], /tiny: layer 'it' \(LSTM\) is of a class/],
    ['a class with the name of a property', one('constructor'), [], /'it' \(constructor\) is of a class/],
    ['an unknown activation', one('Activation', { activation: 'mish' }), [], /activation 'mish'/],
    ['an unknown padding', one('Conv2D', { padding: 'causal' }), [kernel], /padding 'causal'/],
    ['channels first', one('Conv2D', { data_format: 'channels_first' }), [kernel], /channels first/],
    ['a missing weight', one('Conv2D'), [kernel], /no weight 'it\/bias'/],
    ['a kernel for other channels', one('Conv2D'), [['it/kernel', [1, 1, 2, 1], [1, 2]]], /2 channels but reads 3/],
    ['a kernel of two axes', one('Conv2D'), [['it/kernel', [3, 1], [1, 2, 3]]], /2 axes/],
    ['Dense on a map', one('Dense'), [['it/kernel', [3, 1], [1, 2, 3]]], /does not fit/],
    ['a convolution of a vector', [start, layer('Flatten', 'f', ['in']), layer('Conv2D', 'it', ['f'])], [kernel], /feature map/],
    ['a normalised height', one('BatchNormalization', { axis: 1 }), [], /another axis/],
    ['joined rows', one('Concatenate', { axis: 1 }, ['in', 'in']), [], /another axis/],
    [
      'a sum of different sizes',
      [start, layer('MaxPooling2D', 'p', ['in']), layer('Add', 'it', ['in', 'p'])],
      [],
      /different sizes/,
    ],
    ['a threshold', one('ReLU', { threshold: 1 }), [], /threshold/],
    ['a wrong entry', one('MaxPooling2D', { pool_size: 'big' }), [], /pool_size, not "big"/],
    [
      'a layer that reads a later one',
      [start, layer('Add', 'it', ['in', 'later'])],
      [],
      /'later', which is not a layer before it/,
    ],
    [
      'a shared layer',
      [start, { ...layer('Flatten', 'it', ['in']), inbound_nodes: [[['in', 0, 0]], [['in', 0, 0]]] }],
      [],
      /more than once/,
    ],
    [
      'another output of a layer',
      [start, { ...layer('Flatten', 'it', ['in']), inbound_nodes: [[['in', 0, 1]]] }],
      [],
      /cannot read/,
    ],
    ['two inputs', [start, { ...start, name: 'second' }, layer('Add', 'it', ['in', 'second'])], [], /one input, an RGB image/],
    [
      'grey images',
      [layer('InputLayer', 'in', [], { batch_input_shape: [null, 2, 2, 1] }), layer('Flatten', 'it', ['in'])],
      [],
      /RGB image/,
    ],
    ['a free size that is flattened', [input(null, null), layer('Flatten', 'it', ['in'])], [], /free size/],
    [
      "a free size with 'same' and a stride",
      [input(null, null), layer('MaxPooling2D', 'it', ['in'], { padding: 'same' })],
      [],
      /free size/,
    ],
  ])('%s', (_, layers, weights, pattern) => {
    expect(() => imported(layers, weights)).toThrow(
      expect.objectContaining({ name: 'OnnxError', message: expect.stringMatching(pattern) as string }),
    );
  });

  const good = () => files(one('Flatten'), [['unused', [2], [1, 2]]]);
  it.each<[what: string, json: (good: ReturnType<typeof files>['json']) => unknown, pattern: RegExp]>([
    ['what is no model', () => [], /not a TensorFlow.js layers model/],
    ['a graph model', (json) => ({ ...json, modelTopology: { node: [] } }), /not a TensorFlow.js layers model/],
    [
      'a layer without a class',
      (json) => ({ ...json, modelTopology: { config: { layers: [{ name: 'a' }] } } }),
      /layer 0 has no name or no class/,
    ],
    [
      'a missing weight file',
      (json) => ({ ...json, weightsManifest: [{ paths: ['gone.bin'], weights: [] }] }),
      /gone\.bin is missing/,
    ],
    [
      'weight files that are too short',
      (json) => ({ ...json, weightsManifest: [{ paths: ['w.bin'], weights: [{ name: 'w', shape: [3], dtype: 'float32' }] }] }),
      /end inside 'w'/,
    ],
    [
      'weight files that are too long',
      (json) => ({ ...json, weightsManifest: [{ paths: ['w.bin'], weights: [{ name: 'w', shape: [1], dtype: 'float32' }] }] }),
      /longer/,
    ],
    [
      'a hostile shape',
      (json) => ({ ...json, weightsManifest: [{ paths: ['w.bin'], weights: [{ name: 'w', shape: [-1], dtype: 'float32' }] }] }),
      /no name or shape/,
    ],
    [
      'quantised weights',
      (json) => ({
        ...json,
        weightsManifest: [{ paths: ['w.bin'], weights: [{ name: 'w', shape: [2], dtype: 'float32', quantization: {} }] }],
      }),
      /without quantisation/,
    ],
    [
      'other weights',
      (json) => ({ ...json, weightsManifest: [{ paths: ['w.bin'], weights: [{ name: 'w', shape: [2], dtype: 'int32' }] }] }),
      /not plain float32/,
    ],
  ])('%s', (_, change, pattern) => {
    const { json, shards } = good();
    expect(() => importLayersModel(change(json), { ...OPTIONS, shards })).toThrow(pattern);
  });

  it('several outputs, and an extra output that is no layer', () => {
    const two = files(one('Flatten'), [], {
      output_layers: [
        ['it', 0, 0],
        ['in', 0, 0],
      ],
    });
    expect(() => importLayersModel(two.json, { ...OPTIONS, shards: two.shards })).toThrow(/2 outputs/);
    expect(() => imported(one('Flatten'), [], { alsoOutput: ['gone'] })).toThrow(/no layer 'gone'/);
  });
});
