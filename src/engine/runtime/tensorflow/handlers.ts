// The calls of the engine's worker, answered by TensorFlow.js.
import { readFile } from 'node:fs/promises';
import { decodeModel } from '../../../onnx/decode';
import { NEXT } from '../../../onnx/normalization';
import { LabelscopeError } from '../../../protocol/errors';
import type { Tensors, WorkerCalls } from '../messages';
import { find, type Handlers } from '../serve';
import type { TensorFlow, TfTensor } from './module';
import { openSession, type Session } from './session';
import { fromTensorFlow, toTensorFlow } from './tensors';

/** Tensors of the state by name, until a step replaces them. */
type State = Map<string, TfTensor>;

/** @param prepare done before a graph runs, which is told whether the graph differentiates */
export function tensorFlowHandlers(
  tf: TensorFlow,
  prepare?: (differentiates: boolean) => Promise<void>,
): Omit<Handlers, 'describe'> {
  const sessions = new Map<number, Session>();
  const states = new Map<number, State>();
  let numbers = 0;
  return {
    load: async ({ model }) => {
      const bytes = typeof model === 'string' ? await readFile(model) : model;
      sessions.set(++numbers, openSession(tf, decodeModel(bytes, typeof model === 'string' ? model : 'the graph')));
      return numbers;
    },
    setState: ({ tensors }) => {
      states.set(++numbers, new Map(Object.entries(tensors).map(([name, tensor]) => [name, tf.keep(toTensorFlow(tf, tensor))])));
      return Promise.resolve(numbers);
    },
    run: async (input) => {
      const state = input.state === undefined ? undefined : find(states, input.state);
      const session = find(sessions, input.session);
      await prepare?.(session.differentiates);
      return run(tf, session, input, state);
    },
    readState: ({ state }) => {
      const tensors = [...find(states, state)].map(([name, tensor]) => [name, fromTensorFlow(tensor, FLOATS)] as const);
      return Promise.resolve(Object.fromEntries(tensors));
    },
    release: ({ session, state }) => {
      if (session !== undefined) sessions.get(session)?.release();
      if (state !== undefined) for (const tensor of states.get(state)?.values() ?? []) tensor.dispose();
      if (session !== undefined) sessions.delete(session);
      if (state !== undefined) states.delete(state);
      return Promise.resolve(null);
    },
  };
}

/** A state is parameters, momentum and statistics. */
const FLOATS = { type: 'float32', dims: [] } as const;

function run(tf: TensorFlow, session: Session, { feeds, outputs }: WorkerCalls['run']['in'], state: State | undefined): Tensors {
  const given = new Map<string, TfTensor>();
  try {
    for (const name of session.inputs) {
      const tensor = feeds[name];
      if (tensor) given.set(name, tf.keep(toTensorFlow(tf, tensor)));
    }
    const all = session.inputs.map((name) => [name, given.get(name) ?? state?.get(name) ?? missing(name)] as const);
    return answersOf(session.run(new Map(all), new Set(given.keys()), outputs ?? session.outputs), state);
  } finally {
    // A run disposes of each after its last use; after an error there are some left.
    for (const tensor of given.values()) tensor.dispose();
  }
}

function answersOf(results: ReturnType<Session['run']>, state: State | undefined): Tensors {
  const answers: Record<string, ReturnType<typeof fromTensorFlow>> = {};
  try {
    for (const [name, { tensor, value }] of results) {
      if (state && name.startsWith(NEXT)) {
        advance(state, name.slice(NEXT.length), tensor);
        results.delete(name);
      } else answers[name] = fromTensorFlow(tensor, value);
    }
    return answers;
  } finally {
    for (const { tensor } of results.values()) tensor.dispose();
  }
}

function advance(state: State, name: string, next: TfTensor): void {
  state.get(name)?.dispose();
  state.set(name, next);
}

function missing(name: string): never {
  throw new LabelscopeError('runtime-missing-input', `The graph input '${name}' was given no tensor.`);
}
