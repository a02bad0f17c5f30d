// The evaluation panel: the threshold that everything is judged at, and tabs with what follows from it.
import { html, nothing, render, type TemplateResult } from 'lit';
import { keyed } from 'lit/directives/keyed.js';
import type { EvaluationData } from '../../src/protocol/windows';
import { save } from '../kit/card';
import { count, fixed } from '../kit/format';
import type { Host } from '../kit/host';
import { t } from '../kit/l10n';
import { rowsInSight } from '../kit/rows-in-sight';
import { tabList } from '../kit/tabs';
import { type Behind, behindCell, type Judged } from './behind';
import { fitterOf } from './fitter';
import { Gallery } from './gallery';
import { curveOf, scoredSetOf } from './model';
import { movingOf } from './moving';
import { type Actions, appliedThreshold, firstState, type Panel, type Prepared, type ViewState } from './state';
import { TABS } from './tabs/tabs';

export function evaluationView(root: HTMLElement, host: Host<'evaluation'>): void {
  let prepared: Prepared | undefined;
  let due = 0;
  const state = firstState(host);
  const gallery = new Gallery(host, () => soon());
  const draw = () => {
    due = 0;
    if (prepared) render(page({ prepared, state, actions, host }, gallery), root);
  };
  // A slider tells more often than a screen can show.
  const soon = () => (due ||= requestAnimationFrame(draw));
  const actions: Actions = {
    change: (change) => {
      Object.assign(state, change);
      const { tab, threshold, own, category, cell, sorting, fitting, failures } = state;
      host.keep({ tab, threshold, own, category, cell, sorting, fitting, failures });
      soon();
    },
    show: (behind) => {
      gallery.focus();
      actions.change({ behind: { ...behind, tab: tabOf(state).name } });
    },
    toggle: (name) => {
      if (!state.tables.delete(name)) state.tables.add(name);
      soon();
    },
  };
  host.listen((data) => {
    const set = scoredSetOf(data);
    gallery.forget();
    const moving = movingOf(set, soon);
    prepared?.fitter.stop();
    // Rows and labels that were chosen mean others now.
    if (prepared && (state.behind?.isFixed || !haveSameTruth(prepared, { data, set }))) state.behind = undefined;
    prepared = { data, set, moving, curve: curveOf(moving), fitter: fitterOf(soon) };
    if (state.category >= set.categories.length) state.category = 0;
    if (Number.isNaN(state.threshold)) state.threshold = thresholdOf(data);
    soon();
  });
}

/** Whether both are of the same images with the same labels, in the same places. */
function haveSameTruth(a: Pick<Prepared, 'data' | 'set'>, b: Pick<Prepared, 'data' | 'set'>): boolean {
  return (
    a.data.images.length === b.data.images.length &&
    a.data.images.every(({ file }, row) => file === b.data.images[row]!.file) &&
    JSON.stringify(a.set.categories) === JSON.stringify(b.set.categories) &&
    a.set.labels.every((label, at) => label === b.set.labels[at])
  );
}

function thresholdOf({ result }: EvaluationData): number {
  const { threshold } = result.evaluation;
  return typeof threshold === 'number' ? threshold : 0.5;
}

const tabOf = (state: ViewState) => TABS.find(({ name }) => name === state.tab) ?? TABS[0];

/** The images that are asked for: by the tab that is shown, or by a cell of the first one's confusion chart. */
function behindOf({ prepared: { set }, state }: Panel, tab: string): Behind | undefined {
  const { behind, cell, category } = state;
  if (behind?.tab === tab) return behind;
  return tab === TABS[0].name && cell ? behindCell(set.categories, category, cell) : undefined;
}

function page(panel: Panel, gallery: Gallery): TemplateResult {
  const { prepared, state, actions } = panel;
  const { result } = prepared.data;
  const tab = tabOf(state);
  const behind = behindOf(panel, tab.name);
  const { data } = prepared;
  const titles = TABS.map(({ name, title }) => ({ name, title: title() }));
  return html`${header(panel)}
    <p class="quiet">
      ${t('{0} images of {1}', count(prepared.set.images), result.annotations)}${result.failed.length > 0 ? t('; {0} left out', count(result.failed.length)) : ''}
    </p>
    ${tabList(titles, tab.name, (name) => actions.change({ tab: name }))} ${tab.isJudged ? slider(panel) : nothing}
    <div id="page-${tab.name}" role="tabpanel" aria-labelledby="tab-${tab.name}">${tab.draw(panel)}</div>
    ${behind ? html`<div>${keyed(behind.key, rowsInSight([() => gallery.template({ behind, data, ...judgedOf(panel) })]))}</div>` : nothing}`;
}

function judgedOf(panel: Panel): Judged {
  const { set, moving } = panel.prepared;
  const threshold = appliedThreshold(panel);
  return { set, threshold, predicted: moving.predictions(threshold), images: moving.images(threshold) };
}

function header(panel: Panel): TemplateResult {
  const { prepared, host } = panel;
  const { data, moving } = prepared;
  const keep = () => {
    const numbers = { ...data.result, decision: moving.decide(appliedThreshold(panel)) };
    void save(host, 'evaluation.json', JSON.stringify(numbers, null, 2));
  };
  const look = () => void host.call('command', { command: 'seeWhereItLooks' }).catch(() => undefined);
  const report = () => void host.call('command', { command: 'exportReport' }).catch(() => undefined);
  return html`<header class="row spread">
    <h1>${data.name}</h1>
    <div class="row">
      ${host.isEditor ? html`<button class="primary" data-command="seeWhereItLooks" @click=${look}>${t('See Where It Looks')}</button>` : nothing}
      <button class="plain" @click=${keep}>JSON</button>
      ${host.isEditor ? html`<button @click=${report}>${t('Report…')}</button>` : nothing}
    </div>
  </header>`;
}

function slider({ prepared: { curve, data }, state: { threshold, own }, actions: { change } }: Panel): TemplateResult {
  const fitted = Boolean(data.result.has?.thresholdsRecord);
  const using = own && fitted;
  const best = curve.reduce((a, b) => (b.f1 > a.f1 ? b : a));
  return html`<div class="threshold">
    <label for="threshold">${t('Threshold')}</label>
    <input
      id="threshold"
      type="range"
      min="0"
      max="1"
      step="0.01"
      ?disabled=${using}
      .value=${String(threshold)}
      @input=${(event: Event) => change({ threshold: Number((event.target as HTMLInputElement).value) })}
    />
    <output for="threshold">${using ? t('own') : fixed(threshold, 2)}</output>
    <button
      ?disabled=${using}
      @click=${() => change({ threshold: best.threshold })}
      title=${t('Judged on these same images: a little too good')}
    >
      ${t('Best F1 at {0}', fixed(best.threshold, 2))}
    </button>
    ${
      fitted
        ? html`<label class="row">
            <input
              type="checkbox"
              .checked=${own}
              @change=${(event: Event) => change({ own: (event.target as HTMLInputElement).checked })}
            />
            ${t("The model's own thresholds")}
          </label>`
        : nothing
    }
  </div>`;
}
