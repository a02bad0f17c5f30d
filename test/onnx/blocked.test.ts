// The blocked lowering: a training step on blocks makes the same losses and the same next state as the plain form.
import { afterEach, describe, expect, it } from 'vitest';
import { type Classifier, IMAGE, withNewHead } from '../../src/onnx/classifier';
import { NCHWC } from '../../src/onnx/nchwc';
import { elementCount, type Model } from '../../src/onnx/model';
import { buildTrainingStep, LABELS, LEARN_RATE, LOSS, type StepOptions } from '../../src/onnx/training';
import { randomStream } from '../../src/metrics/random';
import { blockHere, float32, floats, stepRunner, type StepRunner } from '../support/graphs';
import { bottlenecks } from '../support/networks';

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

async function compare(model: Model, options: StepOptions) {
  const classifier = classifierOf(model);
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
  return { losses, changes, onBlocks };
}

describe.skipIf(block === undefined)('the blocked lowering', () => {
  const cases = (['pointwise', 'middle'] as const).flatMap((strideIn) =>
    (['frozen', 'batch'] as const).map((norm) => ({ strideIn, norm })),
  );
  for (const { strideIn, norm } of cases) {
    it(`trains a residual network as the plain form does, with ${norm} norm and the strides in its ${strideIn} convolutions`, async () => {
      const { losses, changes, onBlocks } = await compare(bottlenecks(strideIn, 16), { ...OPTIONS, batchNorm: norm });
      for (const [plain, blocked] of losses) expect(blocked).toBeCloseTo(plain!, 5);
      expect(changes.filter(({ error }) => !(error < 1e-3))).toEqual([]);
      expect(onBlocks.filter((type) => type === 'Conv').length).toBeGreaterThan(20);
    });
  }
});
