// The learner on the real runtime: steps that go to the device together are the same steps.
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Runtime, startRuntime } from '../../src/engine/runtime/runtime';
import { startLearner, type Step } from '../../src/engine/train/learner';
import { IMAGE, withNewHead } from '../../src/onnx/classifier';
import { UNBUILT } from '../support/engine';
import { float32, STEP } from '../support/graphs';
import { residualNetwork } from '../support/networks';

const [BATCH, CATEGORIES] = [2, 3];

const classifier = withNewHead(residualNetwork(), 'net.onnx', (features) => ({
  weight: float32(
    [CATEGORIES, features],
    Array.from({ length: CATEGORIES * features }, (_, k) => 0.3 * Math.sin(k)),
  ),
  bias: float32([CATEGORIES], [0.1, -0.2, 0.3]),
}));

function stepAt(iteration: number): Step {
  const { height, width } = classifier;
  const data = Uint8Array.from({ length: BATCH * height * width * 3 }, (_, k) => (37 * k * iteration) % 251);
  const labels = float32([BATCH, CATEGORIES], [1, 0, iteration % 2, 0, 1, 1]);
  return {
    batch: { input: { type: 'uint8', dims: [BATCH, height, width, 3], data }, labels },
    learnRate: 0.01 / iteration,
    iteration,
  };
}

describe.skipIf(UNBUILT)(`steps at once${UNBUILT}`, () => {
  let runtime: Runtime;

  beforeAll(() => {
    runtime = startRuntime(resolve('dist', 'worker.js'));
  });

  afterAll(() => runtime.close());

  async function learn(atOnce: number, calls: readonly (readonly number[])[]) {
    const options = { ...STEP, batchSize: BATCH, ema: 0.9, atOnce };
    const learner = await startLearner(runtime, classifier, IMAGE, options, { device: 'cpu', threads: 1 });
    const losses: number[] = [];
    for (const call of calls) losses.push(...(await learner.steps(call.map(stepAt))));
    const state = await learner.state();
    await learner.release();
    return { losses, state };
  }

  it('leave the losses and the state that they leave one by one, however many go together', async () => {
    const singly = await learn(1, [[1], [2], [3], [4]]);
    expect(new Set(singly.losses).size).toBe(4);
    expect(await learn(3, [[1, 2, 3], [4]])).toEqual(singly);
  });
});
