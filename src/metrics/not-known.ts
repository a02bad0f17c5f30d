// Intervals that resampling cannot give, and what is said in their place.
import { FEWEST_IMAGES, type Interval } from './bootstrap';
import type { Say } from './group-names';

/**
 * Whether a metric that has a value has no interval for the reason that nearly all resamples say the same (all between the interval's ends): of a category
 * that one image shows, or that is never hit, or where nothing goes wrong. Nothing is known then of other images. Evaluations of older versions have an
 * interval without width.
 */
export function isNotKnown(images: number, value: number | null, interval: Interval): boolean {
  return images >= FEWEST_IMAGES && value !== null && (interval === null || interval[0] === interval[1]);
}

/** What stands in the place of such an interval. */
export const notKnown = (t: Say): string => t('not known');

/** What is to be said wherever it stands. */
export const notKnownNote = (t: Say): string =>
  t(
    'Not known: nearly every resample of the images gives the same number, as where one image shows a category, none is hit or nothing goes wrong; other images may give others.',
  );
