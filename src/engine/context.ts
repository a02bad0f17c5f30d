// What every request of the engine works with: the runtime, the signal to stop, and where words for people go.
import type { DeviceUsed } from '../protocol/messages';
import type { DeviceChoice } from '../protocol/recipe';
import { chooseDevice } from './devices';
import type { ModelCache } from './models';
import type { Runtime } from './runtime/runtime';

export interface Context {
  readonly runtime: Runtime;
  readonly models: ModelCache;
  /** Aborted when the client cancels or is gone. */
  readonly signal: AbortSignal;
  readonly version: string;
  readonly device: (choice: DeviceChoice, threads?: number) => Promise<DeviceUsed>;
}

export function makeContext(runtime: Runtime, models: ModelCache, signal: AbortSignal, version: string): Context {
  return { runtime, models, signal, version, device: (choice, threads = 0) => chooseDevice(choice, threads) };
}
