// Several steps in one graph: what the same steps make one by one.
import { describe, expect, it } from 'vitest';
import { withNewHead } from '../../src/onnx/classifier';
import type { Tensor } from '../../src/onnx/model';
import { NEXT } from '../../src/onnx/normalization';
import { repeated, STEP_COUNT } from '../../src/onnx/repeat';
import { AVERAGE_DECAY, buildTrainingStep, LABELS, LEARN_RATE, LOSS } from '../../src/onnx/training';
import { float32, floats, graphRunner, STEP, stepRunner, type Tensors } from '../support/graphs';
import { residualNetwork } from '../support/networks';

const [BATCH, STEPS, CATEGORIES] = [2, 3, 3];

const classifier = withNewHead(residualNetwork(), 'net.onnx', (features) => ({
  weight: float32(
    [CATEGORIES, features],
    Array.from({ length: CATEGORIES * features }, (_, k) => 0.3 * Math.sin(k)),
  ),
  bias: float32([CATEGORIES], [0.1, -0.2, 0.3]),
}));

function feedsOf(step: number): Tensors {
  const { height, width } = classifier;
  const pixels = Uint8Array.from({ length: BATCH * height * width * 3 }, (_, k) => (37 * k * (step + 1)) % 251);
  return {
    image: { type: 'uint8', dims: [BATCH, height, width, 3], data: pixels },
    [LABELS]: float32([BATCH, CATEGORIES], [1, 0, step % 2, 0, 1, 1]),
    [LEARN_RATE]: float32([], [0.01 / (step + 1)]),
    [AVERAGE_DECAY]: float32([], [0.5 + 0.1 * step]),
  };
}

/** The same inputs, one entry a step along a new first axis. */
function together(feeds: readonly Tensors[]): Tensors {
  return Object.fromEntries(
    Object.entries(feeds[0]!).map(([name, { type, dims }]) => {
      const all = feeds.flatMap((one) => [...(one[name]!.data as Float32Array)]);
      const data = type === 'uint8' ? Uint8Array.from(all) : Float32Array.from(all);
      return [name, { type, dims: [feeds.length, ...dims], data } as Tensor];
    }),
  );
}

describe('steps in one graph', () => {
  it('end where the same steps end one by one, and answer the loss of each', async () => {
    const training = buildTrainingStep(classifier, { ...STEP, batchSize: BATCH, averaged: true });
    const feeds = Array.from({ length: STEPS }, (_, step) => feedsOf(step));
    const single = await stepRunner(training);
    const losses: number[] = [];
    for (const feed of feeds) losses.push(floats((await single.step(feed))[LOSS])[0]!);
    await single.release();

    const many = await graphRunner(repeated(training.model));
    const done = (state: Tensors, some: readonly Tensors[]) =>
      many.run({
        ...state,
        ...together(some),
        [STEP_COUNT]: { type: 'int64', dims: [], data: BigInt64Array.of(BigInt(some.length)) },
      });
    // As many steps as are asked for: two, then the rest.
    const first = await done(training.state, feeds.slice(0, 2));
    const between = Object.fromEntries(Object.keys(training.state).map((name) => [name, first[NEXT + name]!]));
    const outputs = await done(between, feeds.slice(2));
    await many.release();
    expect([...floats(first[LOSS]), ...floats(outputs[LOSS])]).toEqual(losses);
    expect(new Set(losses).size).toBe(STEPS);
    for (const [name, tensor] of Object.entries(single.state)) expect(outputs[NEXT + name]!.data, name).toEqual(tensor.data);
  });
});
