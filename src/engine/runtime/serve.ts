// A worker thread's side of the calls, whichever engine stands behind them: one after the other, each with an answer.
import { parentPort } from 'node:worker_threads';
import { OnnxError } from '../../onnx/model';
import { LabelscopeError, toWireError, type WireError } from '../../protocol/errors';
import type { EngineDescription } from '../../protocol/messages';
import { buffersOf, type CallName, type Tensors, type WorkerCalls, type WorkerReply, type WorkerRequest } from './messages';

export type Handlers = { readonly [K in CallName]: (input: WorkerCalls[K]['in']) => Promise<WorkerCalls[K]['out']> };

/** @param engine what errors of its own are told as */
export function serveCalls(handlers: Handlers, engine: string): void {
  // One call after the other: the engine's own order would not be the caller's.
  let queue = Promise.resolve();
  parentPort?.on('message', (request: WorkerRequest) => {
    queue = queue.then(async () => {
      const reply = await answer(handlers, engine, request);
      parentPort?.postMessage(reply, 'result' in reply ? buffers(reply.result) : []);
    });
  });
}

async function answer(handlers: Handlers, engine: string, request: WorkerRequest): Promise<WorkerReply> {
  try {
    const handle = handlers[request.call] as (input: unknown) => Promise<WorkerCalls[CallName]['out']>;
    return { id: request.id, result: await handle(request.input) };
  } catch (error) {
    return { id: request.id, error: runtimeError(engine, error) };
  }
}

function runtimeError(engine: string, error: unknown): WireError {
  // Those of this project's own rooms have a code and plain words.
  if (error instanceof LabelscopeError || error instanceof OnnxError) return toWireError(error);
  return { code: 'runtime-failed', message: `${engine} refused: ${error instanceof Error ? error.message : String(error)}` };
}

function isDescription(result: Tensors | EngineDescription): result is EngineDescription {
  return typeof result.engine === 'string';
}

function buffers(result: WorkerCalls[CallName]['out']): ArrayBuffer[] {
  if (typeof result !== 'object' || result === null || isDescription(result)) return [];
  return buffersOf(result);
}

export function find<T>(map: ReadonlyMap<number, T>, number: number): T {
  const found = map.get(number);
  if (found === undefined)
    throw new LabelscopeError('runtime-released', `Session or state ${number} was released before this call.`);
  return found;
}
