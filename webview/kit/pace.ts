// How long work takes yet, for windows that are told how far it is.
import { duration } from './format';
import { t } from './l10n';

/** Before that the first steps, which wait for much else, say little of the others. */
const LEAST_MS = 2000;

export class Pace {
  private stage: string | undefined;
  private begun = { at: 0, done: 0 };

  /** Where the rest takes as long as what was done since the stage was first heard of; '' in its first seconds. */
  left(stage: string, done: number, total: number, now = performance.now()): string {
    if (stage !== this.stage || done < this.begun.done) {
      this.stage = stage;
      this.begun = { at: now, done };
    }
    const { at, done: before } = this.begun;
    if (now - at < LEAST_MS || done === before || done >= total) return '';
    return t('{0} left', duration(((now - at) / 1000 / (done - before)) * (total - done)));
  }
}
