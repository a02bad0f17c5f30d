// What is said where there is no model yet, and the ways to one.
import { html, type TemplateResult } from 'lit';
import type { WindowCommand } from '../../src/protocol/windows';
import { t } from './l10n';

export function withoutModel(command: (command: WindowCommand) => void): TemplateResult {
  return html`<p class="notice">
      ${t('There is no model yet. Right-click a COCO annotation file in the Explorer and choose Train Multilabel Model.')}
    </p>
    <div class="row">
      <button class="primary" @click=${() => command('train')}>${t('Train a Model')}</button>
      <button @click=${() => command('trySample')}>${t('Try It on a Sample')}</button>
      <button @click=${() => command('importModel')}>${t('Import Model…')}</button>
    </div>`;
}
