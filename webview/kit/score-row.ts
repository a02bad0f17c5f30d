// One category of an image as a button: its sign, name and score, and a bar with the threshold marked on it.
import { html, nothing, type TemplateResult } from 'lit';
import { fixed } from './format';
import { type LabelRow, VERDICT_SIGNS, verdictWord, verdictWords } from './labels';
import { t } from './l10n';

export interface ScoreRowOptions {
  /** What a click does. */
  readonly hint: string;
  /** Undefined where the button is no switch. */
  readonly pressed?: boolean;
  readonly tabIndex?: number;
  readonly onClick: () => void;
}

export function scoreRow(
  { category, score, threshold, isLabel, verdict }: LabelRow,
  { hint, pressed, tabIndex = 0, onClick }: ScoreRowOptions,
): TemplateResult {
  return html`<button
    class="label ${isLabel ? 'is-label' : ''} ${verdict.replace(' ', '-')}"
    data-category=${category}
    tabindex=${tabIndex}
    aria-pressed=${pressed ?? nothing}
    title=${[verdictWords(verdict), hint].filter(Boolean).join('. ')}
    @click=${onClick}
  >
    <span class="sign" aria-hidden="true">${VERDICT_SIGNS[verdict]}</span>
    <span class="name">${category}</span>
    <span class="verdict">${verdictWord(verdict)}</span>
    <span class="score">${fixed(score, 2)}</span>
    ${isLabel ? html`<span class="hidden-text">${t('label')}</span>` : nothing}
    <svg viewBox="0 0 100 5" preserveAspectRatio="none" aria-hidden="true">
      <rect class="track" width="100" height="5"></rect>
      <rect class="bar" width=${100 * score} height="5"></rect>
      <line class="mark" x1=${100 * threshold} x2=${100 * threshold} y1="0" y2="5"></line>
    </svg>
  </button>`;
}
