// The blocked lowering: a training step on blocks makes the same losses and the same next state as the plain form.
import { afterEach, describe, expect, it } from 'vitest';
import { type Classifier, IMAGE, withNewHead } from '../../src/onnx/classifier';
import { withGeneralizedMean } from '../../src/onnx/generalized-mean';
import { NCHWC } from '../../src/onnx/nchwc';
import { elementCount, type Model } from '../../src/onnx/model';
import { buildTrainingStep, LABELS, LEARN_RATE, LOSS, type StepOptions } from '../../src/onnx/training';
import { randomStream } from '../../src/metrics/random';
import { blockHere, float32, floats, stepRunner, type StepRunner } from '../support/graphs';
import { batchNorm, bottlenecks, type Composer, compose, conv, dense } from '../support/networks';

const CATEGORIES = 3;
const block = await blockHere();

const OPTIONS: StepOptions = {
  batchSize: 16,
  layers: 'all',
  batchNorm: 'frozen',
  batchNormMomentum: undefined,
  momentum: 0.9,
  l2: 0.01,
  l2On: 'weights',
  headLearnRateFactor: 10,
};

function classifierOf(model: Model): Classifier {
  const random = randomStream('head');
  return withNewHead(model, 'net.onnx', (features) => ({
    weight: float32(
      [CATEGORIES, features],
      Array.from({ length: CATEGORIES * features }, () => 0.3 * random.normal()),
    ),
    bias: float32([CATEGORIES], [0.1, -0.2, 0.3]),
  }));
}

const open: StepRunner[] = [];
afterEach(async () => {
  for (const runner of open.splice(0)) await runner.release();
});

async function start(classifier: Classifier, options: StepOptions, block?: number) {
  const step = buildTrainingStep(classifier, options, 'cpu', block);
  const runner = await stepRunner(step);
  open.push(runner);
  return { step, runner };
}

async function compare(classifier: Classifier, options: StepOptions) {
  const plain = await start(classifier, options);
  const blocked = await start(classifier, options, block);
  const random = randomStream('batch');
  const dims = [options.batchSize, classifier.height, classifier.width, 3];
  const losses: number[][] = [];
  for (let k = 0; k < 3; k++) {
    const feeds = {
      [IMAGE]: { type: 'uint8' as const, dims, data: Uint8Array.from({ length: elementCount(dims) }, () => random.integer(256)) },
      [LABELS]: float32(
        [options.batchSize, CATEGORIES],
        Array.from({ length: options.batchSize * CATEGORIES }, () => random.integer(2)),
      ),
      [LEARN_RATE]: float32([], [0.001]),
    };
    const [a, b] = [await plain.runner.step(feeds), await blocked.runner.step(feeds)];
    losses.push([floats(a[LOSS])[0]!, floats(b[LOSS])[0]!]);
  }
  const changes = Object.keys(plain.runner.state).map((name) => {
    const [a, b, start] = [plain, blocked, { runner: { state: plain.step.state } }].map(({ runner }) =>
      floats(runner.state[name]),
    );
    const norm = (f: (k: number) => number) => Math.sqrt(a!.reduce((sum, _, k) => sum + f(k) ** 2, 0));
    return {
      name,
      error:
        norm((k) => a![k]! - b![k]!) /
        Math.max(
          1e-12,
          norm((k) => a![k]! - start![k]!),
        ),
    };
  });
  const onBlocks = blocked.step.model.graph.nodes.filter(({ domain }) => domain === NCHWC).map(({ type }) => type);
  const matrices = blocked.step.model.graph.nodes.filter(({ type }) => type === 'MatMul').map(({ name }) => name);
  return { losses, changes, onBlocks, matrices, state: blocked.runner.state };
}

describe.skipIf(block === undefined)('the blocked lowering', () => {
  const cases = (['pointwise', 'middle'] as const).flatMap((strideIn) =>
    (['frozen', 'batch'] as const).map((norm) => ({ strideIn, norm })),
  );
  for (const { strideIn, norm } of cases) {
    it(`trains a residual network as the plain form does, with ${norm} norm and the strides in its ${strideIn} convolutions`, async () => {
      const { losses, changes, onBlocks } = await compare(classifierOf(bottlenecks(strideIn, 16)), {
        ...OPTIONS,
        batchNorm: norm,
      });
      for (const [plain, blocked] of losses) expect(blocked).toBeCloseTo(plain!, 5);
      expect(changes.filter(({ error }) => !(error < 1e-3))).toEqual([]);
      expect(onBlocks.filter((type) => type === 'Conv').length).toBeGreaterThan(20);
    });
  }

  it.each(['all', 'last-stages'] as const)('trains %s through generalised means as the plain form does', async (layers) => {
    const classifier = withGeneralizedMean(classifierOf(bottlenecks('middle', 16)), 'net.onnx');
    const { losses, changes, onBlocks } = await compare(classifier, { ...OPTIONS, layers });
    for (const [plain, blocked] of losses) expect(blocked).toBeCloseTo(plain!, 5);
    expect(changes.filter(({ error }) => !(error < 1e-3))).toEqual([]);
    expect(onBlocks).toContain('Conv');
  });

  interface Mixed {
    readonly name: string;
    /** Of 16 channels on 16 × 16 pixels behind the stem, to as many channels. */
    readonly body: (net: Composer, x: string) => string;
    readonly norm: StepOptions['batchNorm'];
    /** Whether any of it works on blocks. */
    readonly onBlocks: boolean;
    /** Whether the node `norm` is done together with the 1×1 convolution in front of it. */
    readonly together?: boolean;
    /** A bias that normalisation takes away again: on blocks it stays, where the plain form has a gradient of rounding errors. */
    readonly still?: string;
  }
  const relu = (net: Composer, y: string): string => net.op('Relu', [y]);
  const fits = (net: Composer, x: string, name: string, channels: readonly [number, number] = [16, 16]): string =>
    relu(net, conv(net, x, name, channels, { bias: true }));
  const mixed: readonly Mixed[] = [
    {
      name: 'normalisation by fixed statistics behind a ReLU',
      body: (net, x) => fits(net, relu(net, batchNorm(net, fits(net, x, 'a'), 16, 'norm')), 'b'),
      norm: 'frozen',
      onBlocks: true,
    },
    {
      name: 'normalisation by batch statistics behind a ReLU',
      body: (net, x) => fits(net, batchNorm(net, fits(net, x, 'a'), 16, 'norm'), 'b'),
      norm: 'batch',
      onBlocks: true,
    },
    {
      name: 'a 1×1 convolution with bias that batch statistics normalise, put off until its shortcut is there',
      body: (net, x) => {
        const y = conv(net, x, 'a', [32, 16], { kernel: 1, bias: true });
        const shortcut = conv(net, x, 'b', [32, 16], { bias: true });
        const sum = net.op('Add', [batchNorm(net, y, 32, 'norm'), shortcut]);
        return fits(net, conv(net, relu(net, sum), 'c', [16, 32]), 'd');
      },
      norm: 'batch',
      onBlocks: true,
      still: 'a.bias',
      together: true,
    },
    {
      name: 'weights that a normalised 1×1 convolution and a later one share',
      body: (net, x) => {
        const weights = net.weight('a.weight', [16, 16, 1, 1]);
        const pointwise = (from: string) => net.op('Conv', [from, weights], { kernel_shape: [1, 1] });
        return relu(net, pointwise(relu(net, batchNorm(net, pointwise(fits(net, x, 'b')), 16, 'norm'))));
      },
      norm: 'batch',
      onBlocks: true,
      together: true,
    },
    {
      name: 'what a normalised 1×1 convolution and others read',
      body: (net, x) => {
        const y = fits(net, x, 'a');
        const normal = batchNorm(net, conv(net, y, 'b', [16, 16], { kernel: 1 }), 16, 'norm');
        return net.op('Add', [relu(net, net.op('Add', [normal, y])), net.op('Tanh', [y])]);
      },
      norm: 'batch',
      onBlocks: true,
      together: true,
    },
    {
      name: 'a 1×1 convolution of many channels to few, and its normalisation by themselves,',
      body: (net, x) => {
        const many = fits(net, relu(net, conv(net, x, 'a', [128, 16], { kernel: 1, bias: true })), 'b', [16, 128]);
        const wide = relu(net, conv(net, many, 'c', [128, 16], { bias: true }));
        return relu(net, batchNorm(net, conv(net, wide, 'd', [16, 128], { kernel: 1 }), 16, 'norm'));
      },
      norm: 'batch',
      onBlocks: true,
    },
    {
      name: 'pictures one pixel wide, normalised and read in the other form too,',
      body: (net, x) => {
        const narrow = net.op('Slice', [x, net.ints(0, 0), net.ints(8, 1), net.ints(2, 3)]);
        const y = relu(net, conv(net, narrow, 'a', [16, 16], { kernel: 1 }));
        return net.op('Add', [batchNorm(net, y, 16, 'norm'), net.op('Tanh', [y])]);
      },
      norm: 'batch',
      onBlocks: true,
    },
    {
      name: 'a max pool and a sigmoid between blocks',
      body: (net, x) => {
        const pooled = net.op('MaxPool', [fits(net, x, 'a')], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
        return fits(net, net.op('Sigmoid', [pooled]), 'b');
      },
      norm: 'batch',
      onBlocks: true,
    },
    {
      name: 'a value that is read in both forms',
      body: (net, x) => {
        const y = fits(net, x, 'a');
        return net.op('Add', [fits(net, y, 'b'), net.op('Tanh', [y])]);
      },
      norm: 'batch',
      onBlocks: true,
    },
    {
      name: 'scaled weights that a convolution in blocks and a dilated one share',
      body: (net, x) => {
        const weights = net.op('Mul', [net.weight('a.weight', [16, 16, 3, 3]), net.weight('a.factor', [16, 1, 1, 1], 0.1, 1)]);
        const near = net.op('Conv', [fits(net, x, 'b'), weights], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
        return net.op('Conv', [relu(net, near), weights], { kernel_shape: [3, 3], dilations: [2, 2], pads: [2, 2, 2, 2] });
      },
      norm: 'frozen',
      onBlocks: true,
    },
    {
      name: 'groups',
      body: (net, x) => relu(net, conv(net, x, 'a', [16, 16], { group: 4 })),
      norm: 'batch',
      onBlocks: false,
    },
    {
      name: 'dilated kernels',
      body: (net, x) => {
        const weights = net.weight('a.weight', [16, 16, 3, 3]);
        return relu(net, net.op('Conv', [x, weights], { kernel_shape: [3, 3], dilations: [2, 2], pads: [2, 2, 2, 2] }));
      },
      norm: 'batch',
      onBlocks: false,
    },
    {
      name: 'channels that are no multiple of a block',
      body: (net, x) => conv(net, relu(net, conv(net, x, 'a', [12, 16])), 'b', [16, 12]),
      norm: 'batch',
      onBlocks: false,
    },
    {
      name: 'a stride of 2 on an odd number of rows',
      body: (net, x) =>
        relu(net, conv(net, net.op('Slice', [x, net.ints(1), net.ints(16), net.ints(2)]), 'a', [16, 16], { stride: 2 })),
      norm: 'batch',
      onBlocks: false,
    },
    {
      name: 'a stride of 3',
      body: (net, x) => relu(net, conv(net, x, 'a', [16, 16], { stride: 3 })),
      norm: 'batch',
      onBlocks: false,
    },
  ];
  for (const { name, body, norm, onBlocks, still = '', together = false } of mixed) {
    it(`trains ${name} as the plain form does, ${onBlocks ? 'with blocks around it' : 'and leaves it alone'}`, async () => {
      const model = compose((net, x) => {
        const pooled = net.op('GlobalAveragePool', [body(net, relu(net, conv(net, x, 'stem', [16, 3])))]);
        return dense(net, net.op('Flatten', [pooled], { axis: 1 }), [5, 16]);
      });
      const found = await compare(classifierOf(model), { ...OPTIONS, batchNorm: norm });
      expect(found.onBlocks.length > 0).toBe(onBlocks);
      for (const [plain, blocked] of found.losses) expect(blocked).toBeCloseTo(plain!, 5);
      const moving = found.changes.filter(({ name }) => ![still, `momentum/${still}`].includes(name));
      expect(moving.filter(({ error }) => !(error < 1e-3))).toEqual([]);
      if (still) expect(floats(found.state[`momentum/${still}`])).toEqual(new Float32Array(16 * 2));
      // Mean and covariance through the weights, and the same of their gradients.
      expect(found.matrices.filter((name) => name.startsWith('norm/'))).toHaveLength(together ? 4 : 0);
    });
  }

  it('is the plain form, node by node, where nothing fits: a batch that is no multiple of a block', () => {
    const options = { ...OPTIONS, batchSize: 3 };
    const classifier = classifierOf(bottlenecks('middle', 16));
    const [plain, blocked] = [undefined, block].map((size) => buildTrainingStep(classifier, options, 'cpu', size));
    expect(blocked!.model.graph).toEqual(plain!.model.graph);
  });
});
