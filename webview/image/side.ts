// The list beside the picture: the model, the labels, every score; or what to do where there is no model or no answer.
import { html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type { WindowCommand } from '../../src/protocol/windows';
import { type LabelRow, labelRows } from '../kit/labels';
import { t } from '../kit/l10n';
import { scoreRow } from '../kit/score-row';
import { withoutModel } from '../kit/without-model';
import { isShown, KEYS, listed, type State } from './state';

export interface SideActions {
  readonly choose: (category: string) => void;
  readonly listAll: (all: boolean) => void;
  readonly command: (command: WindowCommand) => void;
  readonly again: () => void;
}

export function side(state: State, actions: SideActions): TemplateResult {
  const { data, failure } = state;
  const { model, predicted, error, pinned } = data;
  const { command, again } = actions;
  if (!model && !error) return withoutModel(command);
  return html`${
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
  ${!error && !predicted ? html`<p class="notice" role="status">${t('Predicting…')}</p>` : nothing}
  ${
    failure === undefined
      ? nothing
      : html`<p class="notice error" role="alert">${failure}</p>
          <button @click=${again}>${t('Try Again')}</button>`
  }
  ${predicted ? list(state, actions) : nothing}`;
}

function list(state: State, { choose, listAll }: SideActions): TemplateResult {
  const { data, all } = state;
  const every = labelRows(data);
  const rows = listed(state);
  const keys = new Map(every.slice(0, KEYS).map(({ category }, k) => [category, k + 1]));
  const draw = (row: LabelRow) => {
    const key = keys.get(row.category);
    const hint = key === undefined ? t('Show where the model looked') : t('Show where the model looked (key {0})', key);
    return scoreRow(row, { hint, pressed: isShown(state, row.category), onClick: () => choose(row.category) });
  };
  const labels = rows.filter(({ isLabel }) => isLabel);
  const others = rows.filter(({ isLabel }) => !isLabel);
  return html`<div role="group" aria-label=${t('Categories: choose one to see its map')}>
      <h2>${labels.length > 0 ? t('Labels') : t('No label above the threshold')}</h2>
      ${repeat(labels, ({ category }) => category, draw)} ${others.length > 0 ? html`<h2>${t('Other categories')}</h2>` : nothing}
      ${repeat(others, ({ category }) => category, draw)}
    </div>
    ${
      every.length > KEYS
        ? html`<button class="plain" aria-expanded=${all} @click=${() => listAll(!all)}>
            ${all ? t('Fewer') : t('All {0} scores', every.length)}
          </button>`
        : nothing
    }
    ${data.truth ? html`<p class="quiet">${t('True labels: {0}', data.truth.labels.join(', ') || t('none of its categories'))}</p>` : nothing}
    <p class="quiet">${t('Keys: 1 to 9 choose, 0 none, + and − size, F fits')}</p>`;
}
