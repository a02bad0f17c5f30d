// The panel of runs side by side: what they are judged by, and cards with what follows from it.
import { html, nothing, render, type TemplateResult } from 'lit';
import type { CompareResult } from '../../src/protocol/compare';
import type { ComparisonData } from '../../src/protocol/windows';
import { type Card, cardOf, save } from '../kit/card';
import { fixed } from '../kit/format';
import type { Host } from '../kit/host';
import { t } from '../kit/l10n';
import { categoriesCard } from './categories';
import { sweepCard, trainingCard } from './curves';
import { differencesCard, valuesCard } from './metrics';
import { runList, runsCard, settingsCard, sharedWords, verdicts } from './runs';
import { firstState, judgedOf, keptOf, type Panel, type ViewState } from './state';

/** What the host has answered so far. */
interface Answer {
  /** What the result answers. */
  question: string | undefined;
  result: CompareResult | undefined;
  failure: string | undefined;
  busy: boolean;
}

export function compareView(root: HTMLElement, host: Host<'compare'>): void {
  let data: ComparisonData | undefined;
  const state = firstState(host);
  const answer: Answer = { question: undefined, result: undefined, failure: undefined, busy: false };
  let due = 0;
  let asked = 0;
  const draw = () => {
    due = 0;
    if (data) render(page({ data, state, change, toggle, host }, answer), root);
  };
  const soon = () => (due ||= requestAnimationFrame(draw));
  /** The last question counts: answers to earlier ones are not waited for. */
  const ask = async () => {
    const ticket = ++asked;
    const choice = choiceOf(data!, state);
    const question = JSON.stringify(choice);
    answer.busy = true;
    const done = (found: Partial<Answer>) => {
      if (ticket === asked) Object.assign(answer, found, { busy: false });
      soon();
    };
    // What was found before stays where the question is the same: a run may be gone meanwhile.
    const fail = (failure: string) =>
      done({ failure, ...(answer.question !== question && { result: undefined, question: undefined }) });
    soon();
    await host.call('compare', choice).then(
      (result) => done({ question, result, failure: undefined }),
      (error: unknown) => fail(error instanceof Error ? error.message : String(error)),
    );
  };
  const change = (made: Partial<ViewState>) => {
    Object.assign(state, made);
    host.keep(keptOf(state));
    if ('first' in made || 'threshold' in made) void ask();
    soon();
  };
  const toggle = (name: string) => {
    if (!state.tables.delete(name)) state.tables.add(name);
    soon();
  };
  host.listen((all) => {
    data = all;
    if (all.result) Object.assign(answer, { result: all.result });
    else void ask();
    soon();
  });
}

function choiceOf({ runs }: ComparisonData, { first, threshold }: ViewState) {
  const known = runs.some(({ folder }) => folder === first) ? first : runs[0]!.folder;
  return { first: known, threshold };
}

function page(panel: Panel, { result, failure, busy }: Answer): TemplateResult {
  const { state, toggle, host } = panel;
  const draw = (card: Card | undefined) => (card ? cardOf(card, state.tables, toggle, host) : nothing);
  const judged = result && judgedOf(panel, result);
  return html`<div aria-busy=${busy}>
    ${header(panel, result)} ${runList(panel)} ${host.isEditor ? controls(panel) : nothing}
    ${failure === undefined ? nothing : html`<p class="notice error" role="alert">${failure}${result ? ` ${t('What is shown was found before.')}` : ''}</p>`}
    ${busy && !result ? html`<progress aria-label=${t('Comparing')}></progress>` : nothing}
    ${judged ? html`${sharedWords(judged)} ${verdicts(judged)}` : nothing}
    <div class="grid">
      ${judged ? [valuesCard, differencesCard, categoriesCard, sweepCard].map((card) => draw(card(judged))) : nothing}
      ${draw(trainingCard(panel))} ${draw(settingsCard(panel))} ${judged ? draw(runsCard(judged)) : nothing}
    </div>
  </div>`;
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
