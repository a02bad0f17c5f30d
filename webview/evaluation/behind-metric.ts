// The images behind the numbers over all categories: those that keep a number from being perfect.
import { html, type TemplateResult } from 'lit';
import { type WrongImage, wrongImages } from '../../src/metrics/wrong';
import type { ScoredSet, Threshold } from '../../src/metrics/types';
import { fixed } from '../kit/format';
import { t } from '../kit/l10n';
import type { Behind } from './behind';
import type { Actions } from './state';

interface Reason {
  readonly title: () => string;
  readonly find: (set: ScoredSet, threshold: Threshold) => readonly WrongImage[];
}

const FALSE_ALARMS: Reason = {
  title: () => t('Images with false alarms, each with its worst'),
  find: (set, threshold) => wrongImages(set, threshold, 'false-alarm'),
};
const MISSES: Reason = {
  title: () => t('Images with missed categories, each with its worst'),
  find: (set, threshold) => wrongImages(set, threshold, 'miss'),
};
const NOT_RIGHT: Reason = {
  title: () => t('Images that are not exactly right'),
  find: (set, threshold) => wrongImages(set, threshold, 'any'),
};
const LOWEST_JACCARD: Reason = {
  title: () => t('Images that are not exactly right, the lowest Jaccard index first'),
  find: (set, threshold) => wrongImages(set, threshold, 'any').sort((a, b) => a.jaccard - b.jaccard),
};
const MOST_WRONG: Reason = {
  title: () => t('Images that are not exactly right, the most wrong decisions first'),
  find: (set, threshold) => wrongImages(set, threshold, 'any').sort((a, b) => b.wrong - a.wrong),
};

/** By the tile's key. The mAP is of no threshold, so that no image is right or wrong by it. */
const REASONS: Readonly<Record<string, Reason>> = {
  'micro-f1': NOT_RIGHT,
  'micro-precision': FALSE_ALARMS,
  'micro-recall': MISSES,
  jaccard: LOWEST_JACCARD,
  'macro-f1': NOT_RIGHT,
  'macro-precision': FALSE_ALARMS,
  'macro-recall': MISSES,
  'exact-match': NOT_RIGHT,
  'hamming-loss': MOST_WRONG,
};

function behindMetric(key: string): Behind | undefined {
  const reason = REASONS[key];
  return reason && { key: `metric ${key}`, title: reason.title(), find: reason.find };
}

/** A tile's number, which leads to the images behind it where there are any. */
export function leadingNumber(key: string, value: number | null, { show }: Actions): TemplateResult {
  const behind = behindMetric(key);
  if (!behind || value === null) return html`${fixed(value)}`;
  const title = t('Show the images: {0}', behind.title);
  return html`<button class="plain" @click=${() => show(behind)} title=${title}>${fixed(value)}</button>`;
}
