// The images behind the numbers over all categories: those that keep a number from being perfect.
import { html, type TemplateResult } from 'lit';
import type { ScoredSet } from '../../src/metrics/types';
import { extremesOf, type WrongImage, wrongImages, type WrongKind } from '../../src/metrics/wrong';
import { fixed } from '../kit/format';
import { t } from '../kit/l10n';
import type { Behind, Judged } from './behind';
import type { Actions } from './state';

interface Reason {
  readonly title: () => string;
  readonly find: (judged: Judged) => readonly WrongImage[];
}

/** Once a set: no threshold moves them. */
const extremes = new WeakMap<ScoredSet, ReturnType<typeof extremesOf>>();

function wrong({ set, threshold, images }: Judged, kind: WrongKind, first?: (a: WrongImage, b: WrongImage) => number) {
  const own = extremes.get(set) ?? extremesOf(set);
  extremes.set(set, own);
  return wrongImages(set, threshold, kind, { known: { extremes: own, agreement: images }, first });
}

const FALSE_ALARMS: Reason = {
  title: () => t('Images with false alarms, each with its worst'),
  find: (judged) => wrong(judged, 'false-alarm'),
};
const MISSES: Reason = {
  title: () => t('Images with missed categories, each with its worst'),
  find: (judged) => wrong(judged, 'miss'),
};
const NOT_RIGHT: Reason = {
  title: () => t('Images that are not exactly right'),
  find: (judged) => wrong(judged, 'any'),
};
const LOWEST_JACCARD: Reason = {
  title: () => t('Images that are not exactly right, the lowest Jaccard index first'),
  find: (judged) => wrong(judged, 'any', (a, b) => a.jaccard - b.jaccard),
};
const MOST_WRONG: Reason = {
  title: () => t('Images that are not exactly right, the most wrong decisions first'),
  find: (judged) => wrong(judged, 'any', (a, b) => b.wrong - a.wrong),
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
