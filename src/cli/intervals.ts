// Intervals by resampling as tables show them, and what has to be said of them.
import { type Interval, isSameInAll } from '../metrics/bootstrap';
import { tooNarrowNote } from '../metrics/few-positives';
import type { Say } from '../metrics/group-names';
import { span } from './io';

const NOT_KNOWN = 'not known';

/** As `span`, and in words where all resamples say the same. */
export function spanOver(images: number, value: number | null, interval: Interval): string {
  return isSameInAll(images, value, interval) ? NOT_KNOWN : span(interval);
}

/**
 * What belongs under tables of intervals.
 *
 * @param positives how many images show each category
 * @param cells of these tables
 */
export function intervalNotes(positives: readonly number[], cells: readonly (string | number)[]): string[] {
  const [narrow, unknown] = [tooNarrowNote(positives, plainly), cells.includes(NOT_KNOWN)];
  return [
    ...(unknown
      ? [
          `${NOT_KNOWN}: every resample gives the same number, as where one image shows a category, none is hit or nothing goes wrong; other images may give others.`,
        ]
      : []),
    ...(narrow === undefined ? [] : [narrow]),
  ];
}

/** English as it stands in the code. */
export const plainly: Say = (text, ...values) =>
  text.replace(/\{(\d+)\}/g, (whole, index: string) => String(values[Number(index)] ?? whole));
