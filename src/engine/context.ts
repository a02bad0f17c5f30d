// What every request of the engine works with: the runtime, the signal to stop, and where words for people go.
import type { DeviceUsed, RunsFolder } from '../protocol/messages';
import type { DeviceChoice, EngineName } from '../protocol/recipe';
import { chooseDevice } from './devices';
import type { ModelCache } from './models';
import { assertEngine, type Runtime } from './runtime/runtime';
import { tensorFlowDevice } from './runtime/tensorflow/device';

export interface Context {
  readonly runtime: Runtime;
  readonly models: ModelCache;
  /** Aborted when the client cancels or is gone. */
  readonly signal: AbortSignal;
  /** Where the client keeps its runs, if it says so. */
  readonly runsFolder?: RunsFolder | undefined;
  readonly version: string;
  readonly engine: EngineName;
  readonly device: (choice: DeviceChoice, threads?: number) => Promise<DeviceUsed>;
}

/** What it takes to open an annotation file. */
export type Opening = Pick<Context, 'signal' | 'runsFolder'>;

/** @param own without an engine: onnxruntime */
export function makeContext(own: Omit<Context, 'device' | 'engine'> & { readonly engine?: EngineName }): Context {
  const { engine = 'onnxruntime', runtime, signal } = own;
  const device: Context['device'] = async (choice, threads = 0) => {
    assertEngine();
    return engine === 'tensorflow' ? tensorFlowDevice(runtime, choice, threads) : chooseDevice(choice, threads, signal);
  };
  return { ...own, engine, device };
}
