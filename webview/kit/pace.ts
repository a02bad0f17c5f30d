// How long work takes yet, in words.
import { Pace as Seconds } from '../../src/protocol/pace';
import { duration } from './format';
import { t } from './l10n';

export class Pace {
  private readonly seconds = new Seconds();

  /** '' where nothing can be said yet. */
  left(...progress: Parameters<Seconds['secondsLeft']>): string {
    const left = this.seconds.secondsLeft(...progress);
    return left === undefined ? '' : t('{0} left', duration(left));
  }
}
