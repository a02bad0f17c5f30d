// How long work takes yet, for whoever is told how far it is.

/** Before that the first steps, which wait for much else, say little of the others. */
const LEAST_MS = 2000;

export class Pace {
  private stage: string | undefined;
  private begun = { at: 0, done: 0 };
  private last = 0;

  /**
   * In seconds, where the rest takes as long as what was done since the stage was first heard of, or began anew; undefined in its first
   * seconds and at its end.
   */
  secondsLeft(stage: string, done: number, total: number, now = performance.now()): number | undefined {
    if (stage !== this.stage || done < this.last) this.begun = { at: now, done };
    [this.stage, this.last] = [stage, done];
    const { at, done: before } = this.begun;
    if (now - at < LEAST_MS || done === before || done >= total) return undefined;
    return ((now - at) / 1000 / (done - before)) * (total - done);
  }
}
