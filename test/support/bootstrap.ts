// Intervals of an evaluation in one go, for tests: the programs resample a step at a time, so that they can be stopped.
import { BOOTSTRAP, type BootstrapOptions, type Intervals, intervalsOf, replicated } from '../../src/metrics/bootstrap';
import { evaluate } from '../../src/metrics/evaluate';
import { finished } from '../../src/metrics/steps';
import type { ScoredSet, Threshold } from '../../src/metrics/types';

/** @throws MetricsError as `replicated` does */
export function bootstrap(set: ScoredSet, threshold: Threshold, options: BootstrapOptions = BOOTSTRAP): Intervals {
  const resampled = finished(replicated(set, threshold, options));
  return intervalsOf(evaluate(set, { threshold }), resampled, options);
}
