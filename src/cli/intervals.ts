// Intervals by resampling as tables show them, and what has to be said of them.
import type { Interval } from '../metrics/bootstrap';
import { tooNarrowNote } from '../metrics/few-positives';
import type { Say } from '../metrics/group-names';
import { isNotKnown, notKnown, notKnownNote } from '../metrics/not-known';
import { span } from './io';

/** As `span`, and in words where nearly all resamples say the same. */
export function spanOver(images: number, value: number | null, interval: Interval): string {
  return isNotKnown(images, value, interval) ? notKnown(plainly) : span(interval);
}

/**
 * What belongs under tables of intervals.
 *
 * @param positives how many images show each category
 * @param cells of these tables
 */
export function intervalNotes(positives: readonly number[], cells: readonly (string | number)[]): string[] {
  const narrow = tooNarrowNote(positives, plainly);
  const unknown = cells.includes(notKnown(plainly));
  return [...(unknown ? [notKnownNote(plainly)] : []), ...(narrow === undefined ? [] : [narrow])];
}

/** English as it stands in the code. */
export const plainly: Say = (text, ...values) =>
  text.replace(/\{(\d+)\}/g, (whole, index: string) => String(values[Number(index)] ?? whole));
