// Long computations that let the engine answer others between their steps.
import { setImmediate } from 'node:timers/promises';

/** Milliseconds that others may have to wait. */
const PATIENCE = 30;

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
