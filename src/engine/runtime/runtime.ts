// The main thread's view of the worker that runs graphs: load, run, keep state, release. Any engine that offers these can stand here.
import { join } from 'node:path';
import { SHARE_ENV, Worker, type WorkerOptions } from 'node:worker_threads';
import { LabelscopeError } from '../../protocol/errors';
import type { EngineDescription } from '../../protocol/messages';
import { ENGINE_VARIABLE, type EngineName, ENGINES } from '../../protocol/recipe';
import { packageInUse } from './installed';
import { tensorFlowPlaces } from './tensorflow/find';
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
  /**
   * What it is.
   *
   * @param threads for TensorFlow.js, which is given them when it is loaded: by the first call of all; 0 = one per core
   * @throws LabelscopeError 'engine-missing' where it cannot be loaded
   */
  describe(threads?: number): Promise<EngineDescription>;
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

/** The bundles of the workers beside the engine's own, and what they are called. */
const WORKERS: Readonly<Record<EngineName, { readonly script: string; readonly name: string }>> = {
  onnxruntime: { script: 'worker.js', name: 'ONNX Runtime' },
  tensorflow: { script: 'tensorflow.js', name: 'TensorFlow.js' },
};

/** The one that the process was started for; ONNX Runtime where there is none of that name. */
export function engineHere(): EngineName {
  return ENGINES.find((name) => name === process.env[ENGINE_VARIABLE]) ?? 'onnxruntime';
}

/** @throws LabelscopeError 'setting-value' where the process was started for an engine that there is not */
export function assertEngine(): void {
  const name = process.env[ENGINE_VARIABLE];
  if (!name || ENGINES.some((known) => known === name)) return;
  throw new LabelscopeError(
    'setting-value',
    `There is no engine '${name}', which the setting labelscope.engine.name or the variable ${ENGINE_VARIABLE} asks for: it is ${ENGINES.join(' or ')}.`,
  );
}

/** @param folder of the bundles */
export function startEngineRuntime(folder: string, engine: EngineName): Runtime {
  const { script, name } = WORKERS[engine];
  const path = join(folder, script);
  if (engine === 'onnxruntime') return startRuntime(path);
  // Its library reads what the worker sets from the process's own environment.
  return startWorker(path, { workerData: { places: tensorFlowPlaces() }, env: SHARE_ENV }, name);
}

/** Starts ONNX Runtime's worker. `script` is its bundle. */
export function startRuntime(script: string): Runtime {
  return startWorker(script, { workerData: { onnxRuntime: packageInUse() } }, WORKERS.onnxruntime.name);
}

function startWorker(script: string, options: WorkerOptions, name: string): Runtime {
  // ONNX Runtime's own builds for Linux and macOS report what is run to their maker. Set here and not in the worker, whose environment is a copy.
  process.env.ORT_DISABLE_TELEMETRY = '1';
  const worker = new Worker(script, options);
  const pending = new Map<number, Pending>();
  let calls = 0;
  let dead: LabelscopeError | undefined;
  const die = (why: string) => {
    dead ??= crashed(name, why);
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
    kind: K,
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
      worker.postMessage({ id, call: kind, input }, transfer);
    });

  return {
    describe: (threads = 0) => call('describe', { threads }),
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

function crashed(name: string, why: string): LabelscopeError {
  return new LabelscopeError('runtime-crashed', `${name} stopped working (${why}). Start again; a training run can be resumed.`);
}
