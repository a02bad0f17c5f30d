// How much of the processor other programs take: what a machine that is busy with something else measures says nothing.
import { availableParallelism, cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** Up to this share of the processor, a round counts as undisturbed. */
export const UNDISTURBED = 0.05;

export interface Interval {
  /** Share of all cores that was taken by other processes than the one that reports `ownMilliseconds`; 0..1. */
  othersShare(ownMilliseconds: number): number;
}

/** Starts counting; resolution 10 ms. */
export function watchProcessor(): Interval {
  const start = performance.now();
  const busy = busyMilliseconds();
  return {
    othersShare: (ownMilliseconds) => {
      const capacity = (performance.now() - start) * availableParallelism();
      return Math.max(0, busyMilliseconds() - busy - ownMilliseconds) / capacity;
    },
  };
}

function busyMilliseconds(): number {
  const times = cpus().map(({ times: { user, nice, sys, irq } }) => user + nice + sys + irq);
  return times.reduce((sum, time) => sum + time, 0);
}

/** Waits until a second passes in which the processor idles, but no longer than `patience` seconds. */
export async function quietMoment(patience: number): Promise<void> {
  const deadline = performance.now() + 1000 * patience;
  while (performance.now() < deadline) {
    const interval = watchProcessor();
    await sleep(1000);
    if (interval.othersShare(0) <= UNDISTURBED) return;
  }
}
