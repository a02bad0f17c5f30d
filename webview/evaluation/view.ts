// The evaluation panel: every number at the threshold of a slider, and the images behind each.
import { html, nothing, render, type TemplateResult } from 'lit';
import { decide } from '../../src/metrics/decision';
import type { Decision, ScoredSet } from '../../src/metrics/types';
import type { EvaluationData } from '../../src/protocol/windows';
import { cardOf, save } from '../kit/card';
import { count, fixed } from '../kit/format';
import type { Host } from '../kit/host';
import { t } from '../kit/l10n';
import type { Sorting } from '../kit/table';
import { categoryTable, confusionCard, precisionRecallCard, sweepCard } from './cards';
import { type Cell, curveOf, type CurvePoint, imagesOf, scoredSetOf } from './model';

/** Images of a cell that are shown at once; more come when asked for. */
const PAGE = 60;

export interface ViewState {
  threshold: number;
  /** Index of the chosen category. */
  category: number;
  cell: Cell | undefined;
  shown: number;
  sorting: Sorting;
  readonly tables: Set<string>;
}

/** What is computed once for an evaluation. */
export interface Prepared {
  readonly data: EvaluationData;
  readonly set: ScoredSet;
  readonly curve: readonly CurvePoint[];
}

export interface Actions {
  readonly change: (change: Partial<ViewState>) => void;
  readonly toggle: (name: string) => void;
}

export function evaluationView(root: HTMLElement, host: Host<'evaluation'>): void {
  let prepared: Prepared | undefined;
  let due = 0;
  const state = firstState(host);
  const draw = () => {
    due = 0;
    if (prepared) render(page(prepared, state, actions, host), root);
  };
  // A slider tells more often than a screen can show.
  const soon = () => (due ||= requestAnimationFrame(draw));
  const actions: Actions = {
    change: (change) => {
      Object.assign(state, change);
      const { threshold, category, cell, sorting } = state;
      host.keep({ threshold, category, cell, sorting });
      soon();
    },
    toggle: (name) => {
      if (!state.tables.delete(name)) state.tables.add(name);
      soon();
    },
  };
  host.listen((data) => {
    const set = scoredSetOf(data);
    prepared = { data, set, curve: curveOf(set) };
    if (state.category >= set.categories.length) state.category = 0;
    if (Number.isNaN(state.threshold)) state.threshold = thresholdOf(data);
    soon();
  });
}

function thresholdOf({ result }: EvaluationData): number {
  const { threshold } = result.evaluation;
  return typeof threshold === 'number' ? threshold : 0.5;
}

function firstState({ kept }: Host<'evaluation'>): ViewState {
  const number = (value: unknown, otherwise: number) => (typeof value === 'number' ? value : otherwise);
  return {
    threshold: number(kept?.threshold, NaN),
    category: number(kept?.category, 0),
    cell: (['tp', 'fp', 'fn', 'tn'] as const).find((cell) => cell === kept?.cell),
    shown: PAGE,
    sorting: { column: 0, descending: false },
    tables: new Set(),
  };
}

function page(prepared: Prepared, state: ViewState, actions: Actions, host: Host<'evaluation'>): TemplateResult {
  const { data, set } = prepared;
  const decision = decide(set, state.threshold);
  const { result, name } = data;
  const cards = [sweepCard(prepared, state), confusionCard(decision, state, actions), precisionRecallCard(prepared, state)];
  const draw = (card: (typeof cards)[number]) => cardOf(card, state.tables, actions.toggle, host);
  return html`<header class="row spread">
      <h1>${name}</h1>
      <div class="row">
        <button
          class="plain"
          @click=${() => void save(host, 'evaluation.json', JSON.stringify({ ...result, decision }, null, 2))}
        >
          JSON
        </button>
        ${host.isEditor ? html`<button @click=${() => void host.call('command', { command: 'exportReport' }).catch(() => undefined)}>${t('Report…')}</button>` : nothing}
      </div>
    </header>
    <p class="quiet">
      ${t('{0} images of {1}', count(set.images), result.annotations)}${result.failed.length > 0 ? t('; {0} left out', count(result.failed.length)) : ''}
    </p>
    ${slider(state, prepared, actions)} ${tiles(decision, result.evaluation.mAP)}
    <div class="grid">
      ${cards.map(draw)} ${gallery(prepared, state, actions, host)} ${draw(categoryTable(prepared, decision, state, actions))}
    </div>`;
}

function slider({ threshold }: ViewState, { curve }: Prepared, { change }: Actions): TemplateResult {
  const best = curve.reduce((a, b) => (b.f1 > a.f1 ? b : a));
  return html`<div class="threshold">
    <label for="threshold">${t('Threshold')}</label>
    <input
      id="threshold"
      type="range"
      min="0"
      max="1"
      step="0.01"
      .value=${String(threshold)}
      @input=${(event: Event) => change({ threshold: Number((event.target as HTMLInputElement).value), shown: PAGE })}
    />
    <output for="threshold">${fixed(threshold, 2)}</output>
    <button
      @click=${() => change({ threshold: best.threshold, shown: PAGE })}
      title=${t('Judged on these same images: a little too good')}
    >
      ${t('Best F1: {0}', fixed(best.threshold, 2))}
    </button>
  </div>`;
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

function gallery(
  { data, set }: Prepared,
  { cell, category, threshold, shown }: ViewState,
  { change }: Actions,
  host: Host<'evaluation'>,
): TemplateResult {
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
