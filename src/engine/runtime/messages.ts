// What the engine's main thread and the worker thread that owns ONNX Runtime say to each other.
import type { Target } from '../../onnx/builder';
import type { Tensor } from '../../onnx/model';
import type { DeviceUsed } from '../../protocol/messages';
import type { WireError } from '../../protocol/errors';

export type Tensors = Readonly<Record<string, Tensor>>;
export type Device = DeviceUsed['device'];

/** How graphs are spelled for a device. */
export function targetOf(device: Device): Target {
  return device === 'cpu' ? 'cpu' : 'gpu';
}

export interface LoadOptions {
  readonly device: Device;
  /** Threads within an operator; the CPU provider's only. */
  readonly threads: number;
  /** Outputs named `next/…`: on a GPU they stay there. */
  readonly stateOutputs?: readonly string[];
}

/** The calls of the worker, by name: what goes in and what comes out. */
export interface WorkerCalls {
  /** `model` is the path of a file or its bytes. Answers the session's number. */
  readonly load: { in: { readonly model: string | Uint8Array; readonly options: LoadOptions }; out: number };
  /** Keeps tensors (weights, momentum, running statistics) in the worker under a number. */
  readonly setState: { in: { readonly tensors: Tensors }; out: number };
  /** Runs a session on `feeds` and, for its other inputs, on the state; outputs named `next/…` replace state tensors. */
  readonly run: { in: { readonly session: number; readonly feeds: Tensors; readonly state?: number }; out: Tensors };
  readonly readState: { in: { readonly state: number }; out: Tensors };
  readonly release: { in: { readonly session?: number; readonly state?: number }; out: null };
}

export type CallName = keyof WorkerCalls;

export type WorkerRequest = {
  [K in CallName]: { readonly id: number; readonly call: K; readonly input: WorkerCalls[K]['in'] };
}[CallName];
export type WorkerReply =
  { readonly id: number; readonly result: WorkerCalls[CallName]['out'] } | { readonly id: number; readonly error: WireError };
