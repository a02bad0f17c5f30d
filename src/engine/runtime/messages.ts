// What the engine's main thread and the worker thread that owns ONNX Runtime say to each other.
import type { Target } from '../../onnx/builder';
import type { Tensor } from '../../onnx/model';
import type { DeviceUsed, EngineDescription } from '../../protocol/messages';
import type { WireError } from '../../protocol/errors';

export type Tensors = Readonly<Record<string, Tensor>>;
export type Device = DeviceUsed['device'];

/** The memory of tensors, to be transferred to another thread. */
export function buffersOf(tensors: Tensors): ArrayBuffer[] {
  return Object.values(tensors).flatMap(({ data }) => (ArrayBuffer.isView(data) ? [data.buffer as ArrayBuffer] : []));
}

/** How graphs are spelled for an engine and its device. */
export function targetOf({ device, engine }: Pick<LoadOptions, 'device' | 'engine'>): Target {
  if (engine === 'tensorflow') return 'autodiff';
  return device === 'cpu' ? 'cpu' : 'gpu';
}

export interface LoadOptions {
  readonly device: Device;
  /** Absent: onnxruntime. */
  readonly engine?: DeviceUsed['engine'];
  /** Threads within an operator; the CPU provider's only. */
  readonly threads: number;
  /** Outputs named `next/…`: on a GPU they stay there. */
  readonly stateOutputs?: readonly string[];
  /** Where the model as ONNX Runtime has optimised it for this processor is written to. */
  readonly keep?: string;
  /** The model is one that was kept: it is taken as it is. */
  readonly kept?: boolean;
}

export interface RunOptions {
  /** The inputs that are not fed are of this state, and outputs named `next/…` replace its tensors. */
  readonly state?: number;
  /** The outputs that are wanted; all where none are named. */
  readonly outputs?: readonly string[];
  /** The feeds are given away, not copied: their caller cannot use them again. */
  readonly givenAway?: boolean;
}

interface RunInput extends Omit<RunOptions, 'givenAway'> {
  readonly session: number;
  readonly feeds: Tensors;
}

/** The calls of the worker, by name: what goes in and what comes out. */
export interface WorkerCalls {
  /** `threads`: with how many it is to be loaded, if it is not yet; 0 = one per core. */
  readonly describe: { in: { readonly threads: number }; out: EngineDescription };
  /** `model` is the path of a file or its bytes. Answers the session's number. */
  readonly load: { in: { readonly model: string | Uint8Array; readonly options: LoadOptions }; out: number };
  /** Keeps tensors (weights, momentum, running statistics) in the worker under a number. */
  readonly setState: { in: { readonly tensors: Tensors }; out: number };
  readonly run: { in: RunInput; out: Tensors };
  readonly readState: { in: { readonly state: number }; out: Tensors };
  readonly release: { in: { readonly session?: number; readonly state?: number }; out: null };
}

export type CallName = keyof WorkerCalls;

export type WorkerRequest = {
  [K in CallName]: { readonly id: number; readonly call: K; readonly input: WorkerCalls[K]['in'] };
}[CallName];
export type WorkerReply =
  { readonly id: number; readonly result: WorkerCalls[CallName]['out'] } | { readonly id: number; readonly error: WireError };
