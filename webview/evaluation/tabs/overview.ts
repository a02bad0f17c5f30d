// The evaluation panel's first tab: every number at the threshold, its charts, and every category.
import { html, type TemplateResult } from 'lit';
import { decide } from '../../../src/metrics/decision';
import type { Decision } from '../../../src/metrics/types';
import { cardOf } from '../../kit/card';
import { t } from '../../kit/l10n';
import { leadingNumber } from '../behind-metric';
import { categoryTable, confusionCard, precisionRecallCard, sweepCard } from '../cards';
import { type Actions, appliedThreshold, type Panel } from '../state';

export function overviewTab(panel: Panel): TemplateResult {
  const { prepared, state, actions, host } = panel;
  const decision = decide(prepared.set, appliedThreshold(panel));
  const cards = [sweepCard(prepared, state), confusionCard(decision, panel), precisionRecallCard(prepared, state)];
  const draw = (card: (typeof cards)[number]) => cardOf(card, state.tables, actions.toggle, host);
  return html`${tiles(decision, prepared.data.result.evaluation.mAP, actions)}
    <div class="grid">${cards.map(draw)} ${draw(categoryTable(decision, panel))}</div>`;
}

function tiles(
  { micro, macro, jaccard, exactMatch, hammingLoss }: Decision,
  mAP: number | null,
  actions: Actions,
): TemplateResult {
  const all: (readonly [string, string, number | null])[] = [
    ['micro-f1', t('Micro F1'), micro.f1],
    ['micro-precision', t('Micro precision'), micro.precision],
    ['micro-recall', t('Micro recall'), micro.recall],
    ['jaccard', t('Jaccard index'), jaccard],
    ['macro-f1', t('Macro F1'), macro.f1],
    ['macro-precision', t('Macro precision'), macro.precision],
    ['macro-recall', t('Macro recall'), macro.recall],
    ['exact-match', t('Exact match'), exactMatch],
    ['hamming-loss', t('Hamming loss'), hammingLoss],
    ['map', t('mAP (any threshold)'), mAP],
  ];
  return html`<dl class="tiles">
    ${all.map(
      ([key, name, value]) =>
        html`<div class="tile" data-metric=${key}>
          <dt>${name}</dt>
          <dd>${leadingNumber(key, value, actions)}</dd>
        </div>`,
    )}
  </dl>`;
}
