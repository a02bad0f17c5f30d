// Long computations that let their process hear others between their steps.
import { setImmediate } from 'node:timers/promises';

/** Milliseconds that others may have to wait. */
const PATIENCE = 30;

/**
 * Between computations of one step: what was said meanwhile is heard.
 *
 * @throws the signal's reason where that was to stop
 */
export async function breathe(signal: AbortSignal): Promise<void> {
  // A message is read in one turn of the event loop and acted on in the next.
  for (let turn = 0; turn < 3; turn++) await setImmediate();
  signal.throwIfAborted();
}

/**
 * Runs a computation of many steps to its end, unless a signal is given and aborted.
 *
 * @param onStep told now and then what a step yields
 * @throws the signal's reason then
 */
export async function unhurried<S, T>(steps: Generator<S, T>, signal?: AbortSignal, onStep?: (step: S) => void): Promise<T> {
  let since = performance.now();
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    if (performance.now() - since < PATIENCE) continue;
    onStep?.(step.value);
    await setImmediate();
    signal?.throwIfAborted();
    since = performance.now();
  }
}
