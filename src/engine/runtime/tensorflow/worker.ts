// The worker thread of the engine `tensorflow`: TensorFlow.js, from where it was found, and nothing else.
import { workerData } from 'node:worker_threads';
import type { WorkerCalls } from '../messages';
import { type Handlers, serveCalls } from '../serve';
import { type Found, findTensorFlow } from './find';
import { tensorFlowHandlers } from './handlers';

const { places } = workerData as { readonly places: readonly string[] };

interface Loaded {
  readonly found: Found;
  readonly handlers: Omit<Handlers, 'describe'>;
}

/** Loaded at the first call: who only looks at data waits for no library, and needs none. */
let loading: Promise<Loaded> | undefined;

function loaded(threads = 0): Promise<Loaded> {
  loading ??= load(threads);
  return loading;
}

async function load(threads: number): Promise<Loaded> {
  try {
    const found = await findTensorFlow(places, threads);
    return { found, handlers: tensorFlowHandlers(found.tf, found.prepare) };
  } catch (error) {
    // What a person adds or mends then is to be found by the next call, not by the next process.
    loading = undefined;
    throw error;
  }
}

serveCalls(
  {
    describe: async ({ threads }) => (await loaded(threads)).found.description,
    load: async (input) => (await loaded(input.options.threads)).handlers.load(input),
    setState: async (input) => (await loaded()).handlers.setState(input),
    run: async (input) => (await loaded()).handlers.run(input),
    readState: async (input) => (await loaded()).handlers.readState(input),
    release: async (input: WorkerCalls['release']['in']) => (await loaded()).handlers.release(input),
  },
  'TensorFlow.js',
);
