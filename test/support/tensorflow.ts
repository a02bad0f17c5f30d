// TensorFlow.js on its pure JavaScript backend, and graphs that it runs inside the test's own process.
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import { tensorFlowHandlers } from '../../src/engine/runtime/tensorflow/handlers';
import { encodeModel } from '../../src/onnx/encode';
import type { Model } from '../../src/onnx/model';
import type { TrainingStep } from '../../src/onnx/training';
import type { GraphRunner, StepRunner, Tensors } from './graphs';

export { tf };

const OPTIONS = { device: 'cpu', threads: 1 } as const;

const handlers = tensorFlowHandlers(tf);

export async function tensorFlowRunner(model: Model): Promise<GraphRunner> {
  const session = await handlers.load({ model: encodeModel(model), options: OPTIONS });
  return {
    run: async (feeds) => ({ ...(await handlers.run({ session, feeds })) }),
    release: async () => {
      await handlers.release({ session });
    },
  };
}

export interface TensorFlowSteps extends Omit<StepRunner, 'state'> {
  state(): Promise<Tensors>;
}

/** @param training built for the target 'autodiff' */
export async function tensorFlowSteps(
  training: TrainingStep,
  from: Readonly<Tensors> = training.state,
): Promise<TensorFlowSteps> {
  const session = await handlers.load({ model: encodeModel(training.model), options: OPTIONS });
  const state = await handlers.setState({ tensors: from });
  return {
    state: async () => ({ ...(await handlers.readState({ state })) }),
    step: async (feeds) => ({ ...(await handlers.run({ session, feeds, state })) }),
    release: async () => {
      await handlers.release({ session, state });
    },
  };
}
