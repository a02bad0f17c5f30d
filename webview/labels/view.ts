// The side view: labels of the image in front, then every score; Enter on one shows its Grad-CAM map.
import { html, nothing, render, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type { LabelsData, WindowCommand } from '../../src/protocol/windows';
import { fileName } from '../kit/format';
import type { Host } from '../kit/host';
import { type LabelRow, labelRows } from '../kit/labels';
import { t } from '../kit/l10n';
import { scoreRow } from '../kit/score-row';
import { withoutModel } from '../kit/without-model';

export function labelsView(root: HTMLElement, host: Host<'labels'>): void {
  let told: LabelsData | undefined;
  let shown: LabelsData | undefined;
  /** The row in the order of Tab; the first unless the person has moved. */
  let current: string | undefined;
  const onFocus = (category: string) => {
    current = category;
    draw();
  };
  const draw = () => {
    if (told)
      render(
        page(told, shown, (rows) => list(rows, current, onFocus, host), host),
        root,
      );
  };
  host.listen((data) => {
    told = data;
    if (!isWaiting(data)) shown = data;
    draw();
  });
}

/** While the engine works on the next image, the old rows stay, dimmed, rather than flicker. */
function isWaiting({ file, model, predicted, error }: LabelsData): boolean {
  return file !== null && model !== null && predicted === null && error === null;
}

function page(
  data: LabelsData,
  shown: LabelsData | undefined,
  listOf: (rows: readonly LabelRow[]) => TemplateResult,
  host: Host<'labels'>,
): TemplateResult {
  const { file, model, pinned, error, truth } = data;
  const waiting = isWaiting(data);
  const command = (name: WindowCommand) => void host.call('command', { command: name }).catch(() => undefined);
  if (!model && !error) return withoutModel(command);
  return html`
    ${
      file === null
        ? html`<p class="notice">${t('Open an image to see its predicted labels here.')}</p>`
        : html`<h1>${fileName(file)}</h1>`
    }
    ${
      model
        ? html`<p class="quiet">
            ${model.name} (${pinned ? t('chosen') : t('newest')})
            <button class="plain" @click=${() => command('pinModel')}>${t('Choose…')}</button>
          </p>`
        : nothing
    }
    ${
      error
        ? html`<p class="notice error" role="alert">${error.message}</p>
            <button @click=${() => command('showOutput')}>${t('Show Output')}</button>`
        : nothing
    }
    ${
      truth && !waiting
        ? html`<p class="quiet">${t('True labels: {0}', truth.labels.join(', ') || t('none of its categories'))}</p>`
        : nothing
    }
    ${
      file === null || error
        ? nothing
        : html`<div class=${waiting ? 'dimmed' : ''} aria-busy=${waiting}>
            ${shown?.predicted ? listOf(labelRows(shown)) : t('Predicting…')}
          </div>`
    }
  `;
}

function list(
  rows: readonly LabelRow[],
  current: string | undefined,
  onFocus: (category: string) => void,
  host: Host<'labels'>,
): TemplateResult {
  const labels = rows.filter(({ isLabel }) => isLabel);
  const others = rows.filter(({ isLabel }) => !isLabel);
  const stop = rows.find(({ category }) => category === current) ?? rows[0];
  const explain = (category: string) => void host.call('explain', { categories: [category] }).catch(() => undefined);
  const draw = (row: LabelRow) =>
    html`<div role="listitem" @focusin=${() => onFocus(row.category)}>
      ${scoreRow(row, {
        hint: t('Show where the model looked'),
        tabIndex: row === stop ? 0 : -1,
        onClick: () => explain(row.category),
      })}
    </div>`;
  return html`<div @keydown=${moveFocus}>
    <h2>${labels.length > 0 ? t('Labels') : t('No label above the threshold')}</h2>
    ${rowsOf(labels, draw)} ${others.length > 0 ? html`<h2>${t('Other categories')}</h2>` : nothing} ${rowsOf(others, draw)}
  </div>`;
}

function rowsOf(rows: readonly LabelRow[], draw: (row: LabelRow) => TemplateResult): TemplateResult | typeof nothing {
  if (rows.length === 0) return nothing;
  return html`<div class="list" role="list">${repeat(rows, ({ category }) => category, draw)}</div>`;
}

/** Arrows, Home and End move between the rows: one of them is in the order of Tab. */
function moveFocus(event: KeyboardEvent): void {
  const buttons = [...(event.currentTarget as Element).querySelectorAll<HTMLButtonElement>('button.label')];
  const at = buttons.indexOf(event.target as HTMLButtonElement);
  const places: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 };
  const next = buttons[places[event.key] ?? -1];
  if (at < 0 || !next) return;
  event.preventDefault();
  next.focus();
}
