// The tab of where the model looks: do its Grad-CAM maps point at the objects, where do they not, and do they depend on the weights?
import { html, nothing, type TemplateResult } from 'lit';
import type { Interval } from '../../../src/metrics/interval';
import type { PointingSummary } from '../../../src/metrics/pointing';
import type { PointedCase, PointingResult, SanityResult } from '../../../src/protocol/looking';
import { cardOf } from '../../kit/card';
import { failureOf } from '../../kit/failure';
import { count, fileName, fixed } from '../../kit/format';
import { t } from '../../kit/l10n';
import { tileList } from '../../kit/tiles';
import { choice } from '../fitting';
import { energyCard, pointingCard, sanityCard } from '../looking-cards';
import { MISSES, type LookingState, type Panel } from '../state';

export function lookingTab(panel: Panel): TemplateResult {
  const { prepared, state, actions, host } = panel;
  const { pointing, sanity } = prepared.data.looking;
  const { failure } = state.looking;
  const cards = [
    ...(pointing ? [pointingCard(pointing, panel), energyCard(pointing)] : []),
    ...(sanity ? [sanityCard(sanity)] : []),
  ];
  return html`${pointing || sanity || host.isEditor ? nothing : html`<p class="quiet">${t('It was not measured where this model looks.')}</p>`}
    ${host.isEditor ? buttons(panel, pointing, sanity) : nothing}
    ${failure === undefined ? nothing : html`<p class="notice error" role="alert">${failure}</p>`}
    ${pointing ? summary(pointing) : nothing}
    <div class="grid">
      ${cards.map((card) => cardOf(card, state.tables, actions.toggle, host))} ${pointing ? misses(pointing, panel) : nothing}
    </div>`;
}

function buttons(panel: Panel, pointing: PointingResult | null, sanity: SanityResult | null): TemplateResult {
  const { busy } = panel.state.looking;
  const again = (done: boolean, first: string, more: string) => (done ? more : first);
  return html`<div class="row looking-actions">
      <button
        class=${pointing ? '' : 'primary'}
        data-action="pointing"
        ?disabled=${busy}
        @click=${() => void measure(panel, 'pointing')}
      >
        ${again(pointing !== null, t('Measure Where It Looks'), t('Measure Again'))}
      </button>
      <button data-action="sanity" ?disabled=${busy} @click=${() => void measure(panel, 'sanity')}>
        ${again(sanity !== null, t('Check Maps with Random Weights'), t('Check Again with Random Weights'))}
      </button>
      ${busy ? html`<span role="status">${t('Computing maps…')}</span>` : nothing}
    </div>
    ${
      pointing
        ? nothing
        : html`<p class="quiet">
            ${t('Compares the Grad-CAM maps of the true categories with the boxes of the annotation file, on at most 500 images.')}
          </p>`
    }`;
}

async function measure({ state, actions, host }: Panel, what: 'pointing' | 'sanity'): Promise<void> {
  const change = (looking: Partial<LookingState>) => actions.change({ looking: { ...state.looking, ...looking } });
  change({ busy: true, failure: undefined });
  const failure = await host.call('measureLooking', { what }).then(() => undefined, failureOf);
  change({ busy: false, failure });
}

function summary(result: PointingResult): TemplateResult {
  return html`${tiles(result)}
    <p class="quiet">
      ${t('{0} of {1} images; {2} pairs of an image and one of its categories.', count(result.images), count(result.available), count(result.cases.length))}
      ${result.overall.flat > 0 ? t('{0} maps are the same everywhere and point nowhere: misses.', count(result.overall.flat)) : nothing}
      ${result.withoutBox > 0 ? t('{0} labels have no box and are left out.', count(result.withoutBox)) : nothing}
      ${t('By chance: a point anywhere in the image. Centre: always its middle. Ranges are 95 % intervals.')}
      ${result.tolerance > 0 ? t('Up to {0} pixels beside a box is a hit.', result.tolerance) : nothing}
    </p>`;
}

function tiles({ overall, predicted, difficult, macro }: PointingResult): TemplateResult {
  const against = (summary: PointingSummary) => t('by chance {0}, centre {1}', fixed(summary.chance), fixed(summary.centre));
  const all: (readonly [key: string, name: string, value: number | null, interval: Interval | null, beside: string])[] = [
    ['rate', t('Points at the object'), overall.rate, overall.rateInterval, against(overall)],
    ['predicted', t('Points at it: predicted labels'), predicted.rate, predicted.rateInterval, against(predicted)],
    ['difficult', t('Points at it: small, among others'), difficult.rate, difficult.rateInterval, against(difficult)],
    [
      'macro',
      t('Mean of categories'),
      macro.rate,
      null,
      t('by chance {0}, centre {1}', fixed(macro.chance), fixed(macro.centre)),
    ],
    ['energy', t('Energy in the boxes'), overall.energy, overall.energyInterval, t('area of the boxes {0}', fixed(overall.area))],
  ];
  const range = (interval: Interval | null) => (interval ? `${fixed(interval[0])}–${fixed(interval[1])}` : '');
  return tileList(
    all.map(([key, name, value, interval, beside]) => ({ key, name, value: fixed(value), below: [range(interval), beside] })),
  );
}

/** The surest first: what it says for a reason that is not the object. */
function misses({ cases }: PointingResult, { prepared: { data }, state, actions, host }: Panel): TemplateResult {
  const { category } = state.looking;
  const found = cases.filter((one) => !one.hit && (category === '' || one.category === category));
  const shown = [...found].sort((a, b) => b.score - a.score).slice(0, state.looking.shown);
  const uris = new Map(data.images.map(({ file, uri }) => [file, uri]));
  const title =
    category === '' ? t('Looked elsewhere, the surest first') : t('{0}: looked elsewhere, the surest first', category);
  const missed = [...new Set(cases.filter((one) => !one.hit).map((one) => one.category))].sort();
  const options = [{ value: '', words: t('all') }, ...missed.map((name) => ({ value: name, words: name }))];
  const show = ({ file, category: of }: PointedCase) => void host.call('showMap', { file, category: of }).catch(() => undefined);
  return html`<section class="card wide" aria-label=${title} data-card="looked-elsewhere">
    <h2>${title} (${count(found.length)})</h2>
    ${found.length === 0 ? html`<p class="quiet">${t('Every map points at an object of its category.')}</p>` : nothing}
    ${choice(t('Category'), options, category, (chosen) => actions.change({ looking: { ...state.looking, category: chosen, shown: MISSES } }))}
    ${host.isEditor && found.length > 0 ? html`<p class="quiet">${t('Choose one to see the map over its image.')}</p>` : nothing}
    <div class="misses">
      ${shown.map((one) => {
        // A report has neither pictures nor somebody to show a map.
        if (!host.isEditor) return html`<div title=${one.file}>${captions(one)}</div>`;
        const uri = uris.get(one.file) ?? '';
        return html`<button @click=${() => show(one)} title=${one.file}>
          ${uri === '' ? html`<span class="no-picture"></span>` : html`<img src=${uri} loading="lazy" alt="" />`} ${captions(one)}
        </button>`;
      })}
    </div>
    ${
      found.length > shown.length
        ? html`<button @click=${() => actions.change({ looking: { ...state.looking, shown: state.looking.shown + MISSES } })}>
            ${t('Show {0} more', count(Math.min(MISSES, found.length - shown.length)))}
          </button>`
        : nothing
    }
  </section>`;
}

function captions(one: PointedCase): TemplateResult {
  return html`<span class="caption">${fixed(one.score, 2)} · ${one.category}</span>
    <span class="caption quiet">${placeWords(one)}</span>
    <span class="caption quiet">${fileName(one.file)}</span>`;
}

function placeWords({ point, distance, energy }: PointedCase): string {
  if (!point || distance === null) return t('points nowhere');
  return t('{0} px away · energy {1}', count(Math.round(distance)), fixed(energy, 2));
}
