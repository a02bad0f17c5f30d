// The panel of runs side by side: what they are judged by, and cards with what follows from it.
import { html, nothing, render, type TemplateResult } from 'lit';
import type { CompareResult } from '../../src/protocol/compare';
import type { ComparisonData } from '../../src/protocol/windows';
import { type Card, cardOf, save } from '../kit/card';
import { count, fixed } from '../kit/format';
import type { Host } from '../kit/host';
import { t } from '../kit/l10n';
import { Asking } from './asking';
import { categoriesCard } from './categories';
import { sweepCard, trainingCard } from './curves';
import { differencesCard, valuesCard } from './metrics';
import { runList, runsCard, settingsCard, sharedWords, verdicts } from './runs';
import { firstState, judgedOf, keptOf, type Panel, type ViewState } from './state';

export function compareView(root: HTMLElement, host: Host<'compare'>): void {
  let data: ComparisonData | undefined;
  const state = firstState(host);
  let due = 0;
  const draw = () => {
    due = 0;
    if (data) render(page({ data, state, change, toggle, host }, asking), root);
  };
  const soon = () => void (due ||= requestAnimationFrame(draw));
  const asking = new Asking(host, soon, () => choiceOf(data!, state));
  const change = (made: Partial<ViewState>) => {
    Object.assign(state, made);
    host.keep(keptOf(state));
    if ('first' in made || 'threshold' in made) void asking.ask();
    soon();
  };
  const toggle = (name: string) => {
    if (!state.tables.delete(name)) state.tables.add(name);
    soon();
  };
  host.listen(
    (all) => {
      data = all;
      if (all.result) asking.take(all.result);
      else if (!asking.stopped) void asking.ask();
      soon();
    },
    ({ comparing }) => asking.hear(comparing),
  );
}

function choiceOf({ runs }: ComparisonData, { first, threshold }: ViewState) {
  const known = runs.some(({ folder }) => folder === first) ? first : runs[0]!.folder;
  return { first: known, threshold };
}

function page(panel: Panel, asking: Asking): TemplateResult {
  const { result, failure, busy } = asking;
  const { state, toggle, host } = panel;
  const draw = (card: Card | undefined) => (card ? cardOf(card, state.tables, toggle, host) : nothing);
  const judged = result && judgedOf(panel, result);
  return html`<div aria-busy=${busy}>
    ${header(panel, result)} ${runList(panel)} ${host.isEditor ? controls(panel) : nothing}
    ${failure === undefined ? nothing : html`<p class="notice error" role="alert">${failure}${result ? ` ${t('What is shown was found before.')}` : ''}</p>`}
    ${working(asking)} ${judged ? html`${sharedWords(judged)} ${verdicts(judged)}` : nothing}
    <div class="grid">
      ${judged ? [valuesCard, differencesCard, categoriesCard, sweepCard].map((card) => draw(card(judged))) : nothing}
      ${draw(trainingCard(panel))} ${draw(settingsCard(panel))} ${judged ? draw(runsCard(judged)) : nothing}
    </div>
  </div>`;
}

/** Nothing while an answer is at hand or as good as there. */
function working(asking: Asking) {
  const { result, busy, progress, stopped } = asking;
  if (stopped)
    return html`<p class="row" role="status" data-stopped>
      ${t('The comparison was stopped.')} <button @click=${() => void asking.ask()}>${t('Compare')}</button>
    </p>`;
  if (!busy || (result && !progress)) return nothing;
  if (!progress) return html`<progress aria-label=${t('Comparing')}></progress>`;
  const { done, total } = progress;
  return html`<p class="row" role="status" data-comparing>
    <progress max=${Math.max(1, total)} value=${done} aria-label=${t('Comparing')}></progress>
    ${t('Comparing: {0} of {1} resamples of the images', count(done), count(total))}
    <span class="quiet" data-left>${asking.left}</span>
    <button data-stop @click=${() => asking.stop()}>${t('Stop')}</button>
  </p>`;
}

function header({ data, state, host }: Panel, result: CompareResult | undefined): TemplateResult {
  const report = () => void host.call('report', choiceOf(data, state)).catch(() => undefined);
  return html`<header class="row spread">
    <h1>${t('Runs side by side')}</h1>
    <div class="row">
      ${
        result
          ? html`<button class="plain" @click=${() => void save(host, 'comparison.json', JSON.stringify(result, null, 2))}>
              JSON
            </button>`
          : nothing
      }
      ${host.isEditor && result ? html`<button @click=${report}>${t('Report…')}</button>` : nothing}
    </div>
  </header>`;
}

/** Where a person begins with one threshold for all. */
const HALF = 0.5;

function controls({ data, state, change }: Panel): TemplateResult {
  const { first, threshold } = { ...state, ...choiceOf(data, state) };
  const setThreshold = (event: Event) => {
    const field = event.target as HTMLInputElement;
    if (field.value !== '' && field.checkValidity()) change({ threshold: Number(field.value) });
  };
  return html`<div class="row controls">
    <label class="row"
      >${t('Compared with')}
      <select data-choice="first" @change=${(event: Event) => change({ first: (event.target as HTMLSelectElement).value })}>
        ${data.runs.map(({ folder, name }) => html`<option value=${folder} ?selected=${folder === first}>${name}</option>`)}
      </select>
    </label>
    <label class="row"
      ><input
        type="checkbox"
        .checked=${threshold !== null}
        @change=${() => change({ threshold: threshold === null ? HALF : null })}
      />
      ${t('One threshold for all runs')}</label
    >
    ${
      threshold === null
        ? html`<span class="quiet">${t('now each by its own evaluation’s')}</span>`
        : html`<input
            type="number"
            min="0"
            max="1"
            step="0.01"
            aria-label=${t('Threshold')}
            .value=${fixed(threshold, 2)}
            @change=${setThreshold}
          />`
    }
  </div>`;
}
