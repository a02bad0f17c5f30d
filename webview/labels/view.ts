// The side view: labels of the image in front, then every score; Enter on one shows its Grad-CAM map.
import { html, nothing, render, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type { LabelsData } from '../../src/protocol/windows';
import { fixed } from '../kit/format';
import type { Host } from '../kit/host';
import { type LabelRow, labelRows, VERDICT_SIGNS, verdictWords } from '../kit/labels';
import { t } from '../kit/l10n';

export function labelsView(root: HTMLElement, host: Host<'labels'>): void {
  let shown: LabelsData | undefined;
  host.listen((data) => {
    // While the engine works on the next image, the old rows stay, dimmed, rather than flicker.
    const waiting = data.file !== null && data.model !== null && data.predicted === null && data.error === null;
    const rows = waiting ? shown : data;
    if (!waiting) shown = data;
    render(page(data, rows, waiting, host), root);
  });
}

function page(data: LabelsData, rows: LabelsData | undefined, waiting: boolean, host: Host<'labels'>): TemplateResult {
  const { file, model, pinned, error, truth } = data;
  if (!model && !error) return withoutModel(host);
  const command = (name: 'pinModel') => void host.call('command', { command: name }).catch(() => undefined);
  return html`
    ${
      file === null
        ? html`<p class="notice">${t('Open an image to see its predicted labels here.')}</p>`
        : html`<h1>${file.split(/[\\/]/).at(-1)}</h1>`
    }
    ${
      model
        ? html`<p class="quiet">
            ${model.name} (${pinned ? t('chosen') : t('newest')})
            <button class="plain" @click=${() => command('pinModel')}>${t('Choose…')}</button>
          </p>`
        : nothing
    }
    ${error ? html`<p class="notice error" role="alert">${error.message}</p>` : nothing}
    ${
      truth && !waiting
        ? html`<p class="quiet">${t('True labels: {0}', truth.labels.join(', ') || t('none of its categories'))}</p>`
        : nothing
    }
    ${
      file === null || error
        ? nothing
        : html`<div class=${waiting ? 'dimmed' : ''} aria-busy=${waiting}>
            ${rows?.predicted ? list(labelRows(rows), host) : t('Predicting…')}
          </div>`
    }
  `;
}

function withoutModel(host: Host<'labels'>): TemplateResult {
  const command = (name: 'train' | 'createSample' | 'importModel') => () =>
    void host.call('command', { command: name }).catch(() => undefined);
  return html`<p class="notice">
      ${t('There is no model yet. Right-click a COCO annotation file in the Explorer and choose Train Multilabel Model.')}
    </p>
    <div class="row">
      <button class="primary" @click=${command('train')}>${t('Train a Model')}</button>
      <button @click=${command('createSample')}>${t('Create Sample Data Set')}</button>
      <button @click=${command('importModel')}>${t('Import Model…')}</button>
    </div>`;
}

function list(rows: readonly LabelRow[], host: Host<'labels'>): TemplateResult {
  const labels = rows.filter(({ isLabel }) => isLabel);
  const others = rows.filter(({ isLabel }) => !isLabel);
  const explain = (category: string) => void host.call('explain', { categories: [category] }).catch(() => undefined);
  const draw = (row: LabelRow) => rowOf(row, row === rows[0], explain);
  return html`<div @keydown=${moveFocus}>
    <h2>${labels.length > 0 ? t('Labels') : t('No label above the threshold')}</h2>
    <div class="list" role="list">${repeat(labels, ({ category }) => category, draw)}</div>
    <h2>${t('Other categories')}</h2>
    <div class="list" role="list">${repeat(others, ({ category }) => category, draw)}</div>
  </div>`;
}

function rowOf(
  { category, score, threshold, isLabel, verdict }: LabelRow,
  first: boolean,
  explain: (category: string) => void,
): TemplateResult {
  const words = [category, fixed(score, 2), isLabel ? t('label') : '', verdictWords(verdict)].filter(Boolean).join(', ');
  return html`<div role="listitem">
    <button
      class="label ${isLabel ? 'is-label' : ''}"
      data-category=${category}
      tabindex=${first ? 0 : -1}
      title=${verdictWords(verdict) || t('Show where the model looked')}
      aria-label=${words}
      @click=${() => explain(category)}
    >
      <span aria-hidden="true">${VERDICT_SIGNS[verdict]}</span>
      <span class="name">${category}</span>
      <span class="score">${fixed(score, 2)}</span>
      <svg viewBox="0 0 100 5" preserveAspectRatio="none" aria-hidden="true">
        <rect class="track" width="100" height="5"></rect>
        <rect class="bar" width=${100 * score} height="5"></rect>
        <line class="mark" x1=${100 * threshold} x2=${100 * threshold} y1="0" y2="5"></line>
      </svg>
    </button>
  </div>`;
}

/** Arrows, Home and End move between the rows: one of them is in the order of Tab. */
function moveFocus(event: KeyboardEvent): void {
  const buttons = [...(event.currentTarget as Element).querySelectorAll<HTMLButtonElement>('button.label')];
  const at = buttons.indexOf(event.target as HTMLButtonElement);
  const places: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 };
  const next = buttons[places[event.key] ?? -1];
  if (at < 0 || !next) return;
  event.preventDefault();
  for (const button of buttons) button.tabIndex = button === next ? 0 : -1;
  next.focus();
}
