// TensorFlow.js and graphs that it runs inside the test's own process: on its pure JavaScript backend, or that of the folder in LABELSCOPE_TENSORFLOW.
import { findTensorFlow } from '../../src/engine/runtime/tensorflow/find';
import { tensorFlowHandlers } from '../../src/engine/runtime/tensorflow/handlers';
import { encodeModel } from '../../src/onnx/encode';
import type { Model } from '../../src/onnx/model';
import type { TrainingStep } from '../../src/onnx/training';
import type { GraphRunner, StepRunner, Tensors } from './graphs';

/** A folder whose node_modules has a TensorFlow.js with a native library (npm run test:tensorflow). */
export const NATIVE = process.env.LABELSCOPE_TENSORFLOW;

export const tf = NATIVE ? (await findTensorFlow([NATIVE])).tf : await inJavaScript();

async function inJavaScript() {
  const core = await import('@tensorflow/tfjs-core');
  await import('@tensorflow/tfjs-core/dist/register_all_gradients');
  await import('@tensorflow/tfjs-backend-cpu');
  return core;
}

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

/** As `stepRunner`: the state is read after every step. */
export async function tensorFlowStepRunner(training: TrainingStep): Promise<StepRunner> {
  const steps = await tensorFlowSteps(training);
  const state: Tensors = { ...training.state };
  return {
    state,
    step: async (feeds) => {
      const outputs = await steps.step(feeds);
      Object.assign(state, await steps.state());
      return outputs;
    },
    release: steps.release,
  };
}
