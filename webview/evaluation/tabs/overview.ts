// The evaluation panel's first tab: every number at the threshold, its charts, and the images behind a cell of the confusion chart.
import { html, nothing, type TemplateResult } from 'lit';
import { decide } from '../../../src/metrics/decision';
import type { Decision } from '../../../src/metrics/types';
import { cardOf } from '../../kit/card';
import { count, fixed } from '../../kit/format';
import { t } from '../../kit/l10n';
import { categoryTable, confusionCard, precisionRecallCard, sweepCard } from '../cards';
import { type Cell, imagesOf } from '../model';
import { appliedThreshold, PAGE, type Panel } from '../state';

export function overviewTab(panel: Panel): TemplateResult {
  const { prepared, state, actions, host } = panel;
  const decision = decide(prepared.set, appliedThreshold(panel));
  const cards = [sweepCard(prepared, state), confusionCard(decision, state, actions), precisionRecallCard(prepared, state)];
  const draw = (card: (typeof cards)[number]) => cardOf(card, state.tables, actions.toggle, host);
  return html`${tiles(decision, prepared.data.result.evaluation.mAP)}
    <div class="grid">${cards.map(draw)} ${gallery(panel)} ${draw(categoryTable(prepared, decision, state, actions))}</div>`;
}

function tiles({ micro, macro, jaccard, exactMatch, hammingLoss }: Decision, mAP: number | null): TemplateResult {
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
          <dd>${fixed(value)}</dd>
        </div>`,
    )}
  </dl>`;
}

function cellWord(cell: Cell, category: string): string {
  const words: Record<Cell, string> = {
    tp: t('{0}: rightly predicted', category),
    fp: t('{0}: false alarms', category),
    fn: t('{0}: missed', category),
    tn: t('{0}: rightly left out', category),
  };
  return words[cell];
}

function gallery(panel: Panel): TemplateResult {
  const { prepared, state, host } = panel;
  const { change } = panel.actions;
  const { data, set } = prepared;
  const { cell, category, shown } = state;
  const applied = appliedThreshold(panel);
  const threshold = typeof applied === 'number' ? applied : applied[category]!;
  const name = set.categories[category] ?? '';
  if (!cell)
    return html`<section class="card">
      <p class="quiet">${t('Choose a cell of the confusion chart to see the images behind it.')}</p>
    </section>`;
  const found = imagesOf(data.images, category, cell, threshold);
  const open = (file: string) => void host.call('open', { file }).catch(() => undefined);
  return html`<section class="card wide" aria-label=${cellWord(cell, name)} data-card="images">
    <h2>${cellWord(cell, name)} (${count(found.length)})</h2>
    <div class="images">
      ${found.slice(0, shown).map(({ image, score }) => {
        const labels = image.labels.map((c) => set.categories[c]).join(', ') || t('no label');
        const file = image.file.split(/[\\/]/).at(-1) ?? '';
        return html`<button @click=${() => open(image.file)} ?disabled=${!host.isEditor} title=${image.file}>
          ${image.uri === '' ? html`<span class="no-picture"></span>` : html`<img src=${image.uri} loading="lazy" alt="" />`}
          <span class="caption">${fixed(score, 2)} · ${labels}</span><span class="caption quiet">${file}</span>
        </button>`;
      })}
    </div>
    ${
      found.length > shown
        ? html`<button @click=${() => change({ shown: shown + PAGE })}>
            ${t('Show {0} more', count(Math.min(PAGE, found.length - shown)))}
          </button>`
        : nothing
    }
  </section>`;
}
