// The main thread's view of the worker that runs graphs: load, run, keep state, release. Any engine that offers these can stand here.
import { Worker } from 'node:worker_threads';
import { LabelscopeError } from '../../protocol/errors';
import { packageInUse } from './installed';
import {
  buffersOf,
  type CallName,
  type LoadOptions,
  type RunOptions,
  type Tensors,
  type WorkerCalls,
  type WorkerReply,
} from './messages';

export interface Runtime {
  /** `model`: a file's path or an encoded model. Answers the session's number. */
  load(model: string | Uint8Array, options: LoadOptions): Promise<number>;
  setState(tensors: Tensors): Promise<number>;
  /** Outputs by name, without those that replaced state tensors. Throws LabelscopeError('runtime-failed'). */
  run(session: number, feeds: Tensors, options?: RunOptions): Promise<Tensors>;
  readState(state: number): Promise<Tensors>;
  release(what: { readonly session?: number; readonly state?: number }): Promise<null>;
  close(): Promise<void>;
  /** Resolves when the worker has ended, whatever the reason; every call then fails with 'runtime-crashed'. */
  readonly ended: Promise<void>;
}

interface Pending {
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
}

/** Starts the worker. `script` is the bundled worker beside the engine's own bundle. */
export function startRuntime(script: string): Runtime {
  // ONNX Runtime's own builds for Linux and macOS report what is run to their maker. Set here and not in the worker, whose environment is a copy.
  process.env.ORT_DISABLE_TELEMETRY = '1';
  const worker = new Worker(script, { workerData: { onnxRuntime: packageInUse() } });
  const pending = new Map<number, Pending>();
  let calls = 0;
  let dead: LabelscopeError | undefined;
  const die = (why: string) => {
    dead ??= crashed(why);
    for (const { reject } of pending.values()) reject(dead);
    pending.clear();
  };
  worker.on('message', (reply: WorkerReply) => settle(pending, reply));
  worker.on('error', (error) => die(error.message));
  const ended = new Promise<void>((resolve) => {
    worker.on('exit', () => {
      die('its thread ended');
      resolve();
    });
  });

  const call = <K extends CallName>(
    name: K,
    input: WorkerCalls[K]['in'],
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<WorkerCalls[K]['out']> =>
    new Promise((resolve, reject) => {
      if (dead) {
        reject(dead);
        return;
      }
      const id = ++calls;
      pending.set(id, { resolve, reject });
      worker.postMessage({ id, call: name, input }, transfer);
    });

  return {
    load: (model, options) => call('load', { model, options }),
    setState: (tensors) => call('setState', { tensors }),
    run: (session, feeds, { givenAway = false, ...options } = {}) =>
      call('run', { session, feeds, ...options }, givenAway ? buffersOf(feeds) : []),
    readState: (state) => call('readState', { state }),
    release: (what) => call('release', what),
    close: async () => {
      await worker.terminate();
    },
    ended,
  };
}

function settle(pending: Map<number, Pending>, reply: WorkerReply): void {
  const call = pending.get(reply.id);
  pending.delete(reply.id);
  if ('error' in reply) call?.reject(new LabelscopeError(reply.error.code, reply.error.message));
  else call?.resolve(reply.result as never);
}

function crashed(why: string): LabelscopeError {
  return new LabelscopeError(
    'runtime-crashed',
    `ONNX Runtime stopped working (${why}). Start again; a training run can be resumed.`,
  );
}
