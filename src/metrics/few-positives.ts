// What few positive images do: intervals of mAP and of the macro means that are too narrow, and differences that cannot be told from chance.
import type { Say } from './group-names';

/** Of fewer positive images the numbers of a category are off themselves, and resamples cannot tell by how much. */
const ENOUGH_POSITIVES = 10;

/**
 * Positive images from which on the difference of a category has a verdict: of five that all speak for one model chance does it in over 5 of 100 (two-sided
 * sign test, 2 · ½⁵), and resamples of them cannot show what others would.
 */
export const FEWEST_TOLD = 6;

/** The share of such categories beyond which it shows in the means, by the simulation in docs/metrics.md. */
const MANY = 1 / 3;

/** @param positives how many images show each category */
export function fewPositives(positives: readonly number[]): number {
  return positives.filter((images) => images < ENOUGH_POSITIVES).length;
}

/** What is to be said wherever these intervals are shown; undefined where they can be taken as they are. */
export function tooNarrowNote(positives: readonly number[], t: Say): string | undefined {
  const few = fewPositives(positives);
  if (few <= MANY * positives.length) return undefined;
  const which = t('{0} of {1} categories have fewer than {2} images', few, positives.length, ENOUGH_POSITIVES);
  return t(
    '{0}: the intervals of mAP and of the macro means are too narrow. Differences between runs on the same images can be trusted more.',
    which,
  );
}
