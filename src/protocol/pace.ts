// How long work takes yet, for whoever is told how far it is: one estimate and one way to say it, for the command line, notifications and windows.

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

/** How much of how much is done, in any unit. */
interface Count {
  readonly done: number;
  readonly total: number;
}

/**
 * Hears how far work of one stage is, and tells it on.
 *
 * @param tell `left`: the time that the rest takes, in words; undefined where nothing can be said of it
 */
export function paced(tell: (count: Count, left: string | undefined) => void): (count: Count) => void {
  const pace = new Pace();
  return (count) => {
    const left = pace.secondsLeft('', count.done, count.total);
    tell(count, left === undefined ? undefined : duration(left));
  };
}

/** 75 → 1 min 15 s; 3700 → 1 h 1 min */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}
