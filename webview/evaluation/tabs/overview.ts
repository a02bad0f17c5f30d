// The evaluation panel's first tab: every number at the threshold, its charts, and every category.
import { html, nothing, type TemplateResult } from 'lit';
import type { Interval } from '../../../src/metrics/bootstrap';
import { tooNarrowNote } from '../../../src/metrics/few-positives';
import { isNotKnown, notKnownNote } from '../../../src/metrics/not-known';
import type { Decision, Evaluation } from '../../../src/metrics/types';
import { type Card, cardOf } from '../../kit/card';
import { t } from '../../kit/l10n';
import { rowsInSight } from '../../kit/rows-in-sight';
import { tileList } from '../../kit/tiles';
import { leadingNumber } from '../behind-metric';
import { categoryTable, confusionCard, precisionRecallCard, spanOf, sweepCard } from '../cards';
import type { MovingIntervals } from '../moving';
import { type Actions, appliedThreshold, type Panel } from '../state';

export function overviewTab(panel: Panel): TemplateResult {
  const { prepared, state, actions, host } = panel;
  const threshold = appliedThreshold(panel);
  const decision = prepared.moving.decide(threshold);
  const draw = (card: Card) => cardOf(card, state.tables, actions.toggle, host);
  const numbers = () => tiles(decision, prepared.moving.intervals(threshold), prepared.data.result.evaluation, actions);
  const cards = [
    () => draw(sweepCard(prepared, state)),
    () => draw(confusionCard(decision, panel)),
    () => draw(precisionRecallCard(prepared, state)),
    () => draw(categoryTable(decision, panel)),
  ];
  return html`<div>${rowsInSight([numbers])}</div>
    <p class="quiet">
      ${t('Below each number its 95 % interval over other images like these. Choose a number to see the images behind it.')}
    </p>
    ${tooNarrow(prepared.data.result.evaluation)}
    <div class="grid">${rowsInSight(cards)}</div>`;
}

function tooNarrow({ perCategory }: Evaluation): TemplateResult | typeof nothing {
  const note = tooNarrowNote(
    perCategory.map(({ tp, fn }) => tp + fn),
    t,
  );
  return note === undefined ? nothing : html`<p class="notice" data-notice="few-positives">${note}</p>`;
}

/** The interval is undefined while it is being computed. */
type HeadlineNumber = readonly [key: string, name: string, value: number | null, interval: Interval | undefined | 'none'];

function tiles(
  { micro, macro, jaccard, exactMatch, hammingLoss, CF1 }: Decision,
  moving: MovingIntervals | undefined,
  { images, mAP, loss, intervals }: Evaluation,
  actions: Actions,
): TemplateResult {
  const all: HeadlineNumber[] = [
    ['micro-f1', t('Micro F1'), micro.f1, moving?.['micro.f1']],
    ['micro-precision', t('Micro precision'), micro.precision, moving?.['micro.precision']],
    ['micro-recall', t('Micro recall'), micro.recall, moving?.['micro.recall']],
    ['jaccard', t('Jaccard index'), jaccard, moving?.jaccard],
    ['macro-f1', t('Macro F1'), macro.f1, moving?.['macro.f1']],
    ['macro-precision', t('Macro precision'), macro.precision, moving?.['macro.precision']],
    ['macro-recall', t('Macro recall'), macro.recall, moving?.['macro.recall']],
    ['cf1', 'CF1', CF1, moving?.CF1],
    ['exact-match', t('Exact match'), exactMatch, moving?.exactMatch],
    ['hamming-loss', t('Hamming loss'), hammingLoss, moving?.hammingLoss],
    // Of evaluations of older versions it is not known.
    ['map', t('mAP (any threshold)'), mAP, intervals ? intervals.mAP : 'none'],
    ['loss', t('Loss (any threshold)'), loss, intervals ? intervals.loss : 'none'],
  ];
  return tileList(
    all.map(([key, name, value, interval]) => ({
      key,
      name,
      value: leadingNumber(key, value, actions),
      ...(interval !== undefined && interval !== 'none' && isNotKnown(images, value, interval) && { title: notKnownNote(t) }),
      below: [interval === undefined ? '…' : interval === 'none' ? '–' : (spanOf(images, value, interval) ?? '–')],
    })),
  );
}
