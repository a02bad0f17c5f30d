// The bar above the picture: how to compare, in which colours, how strong, how near, and the file.
import { html, type TemplateResult } from 'lit';
import { ref } from 'lit/directives/ref.js';
import { coloured } from '../../src/heatmap/blend';
import type { ColormapName } from '../../src/protocol/messages';
import type { ImageSettings } from '../../src/protocol/windows';
import { t } from '../kit/l10n';
import { tableOfColours } from '../kit/heat';
import type { Point } from './pan';
import { COLORMAPS, type Mode, MODES, type State } from './state';

export interface ToolActions {
  readonly mode: (mode: Mode) => void;
  readonly settings: (change: Partial<ImageSettings>) => void;
  /** The settings are as they are to stay. */
  readonly keepSettings: () => void;
  /** Nearer by this many steps, around a point; 0: as it fits. */
  readonly zoom: (steps: number, point?: Point) => void;
  readonly save: () => void;
}

export function tools(state: State, actions: ToolActions): TemplateResult {
  const { mode, picture, zoom } = state;
  return html`<div class="tools row">
    <div class="row joined" role="group" aria-label=${t('View')}>
      ${MODES.map(
        (one) =>
          html`<button data-mode=${one} aria-pressed=${one === mode} @click=${() => actions.mode(one)}>${modeWord(one)}</button>`,
      )}
    </div>
    ${colours(state.settings, actions)}
    <div class="row joined" role="group" aria-label=${t('Size')}>
      <button aria-label=${t('Smaller')} title=${t('Smaller (−)')} ?disabled=${zoom === 1} @click=${() => actions.zoom(-1)}>
        −
      </button>
      <button aria-label=${t('Larger')} title=${t('Larger (+)')} ?disabled=${!picture} @click=${() => actions.zoom(1)}>+</button>
      <button title=${t('As it fits (F)')} ?disabled=${zoom === 1} @click=${() => actions.zoom(0)}>${t('Fit')}</button>
    </div>
    <button data-save ?disabled=${!picture} @click=${actions.save}>${t('Save as PNG')}</button>
  </div>`;
}

function colours({ colormap, opacity }: ImageSettings, { settings, keepSettings }: ToolActions): TemplateResult {
  const onMap = (event: Event) => {
    settings({ colormap: (event.target as HTMLSelectElement).value as ColormapName });
    keepSettings();
  };
  const onOpacity = (event: Event) => settings({ opacity: Number((event.target as HTMLInputElement).value) });
  return html`<label>
      ${t('Colours')}
      <select @change=${onMap}>
        ${COLORMAPS.map((name) => html`<option value=${name} .selected=${name === colormap}>${colormapWord(name)}</option>`)}
      </select>
    </label>
    <span class="legend">
      <span>${t('weak')}</span>
      <canvas width="256" height="1" aria-hidden="true" ${ref((element) => drawLegend(element, colormap))}></canvas>
      <span>${t('strong')}</span>
    </span>
    <label>
      ${t('Opacity')}
      <input type="range" min="0" max="1" step="0.05" .value=${String(opacity)} @input=${onOpacity} @change=${keepSettings} />
      <span class="percent">${Math.round(100 * opacity)} %</span>
    </label>`;
}

function modeWord(mode: Mode): string {
  const words: Record<Mode, string> = {
    overlay: t('Overlay'),
    side: t('Side by Side'),
    swipe: t('Swipe'),
    multiples: t('Several Categories'),
  };
  return words[mode];
}

function colormapWord(name: ColormapName): string {
  const words: Record<ColormapName, string> = {
    jet: t('jet (as in MATLAB)'),
    turbo: t('turbo'),
    viridis: t('viridis (perceptually even)'),
    magma: t('magma (perceptually even)'),
  };
  return words[name];
}

const RAMP = Float32Array.from({ length: 256 }, (_, k) => k / 255);

function drawLegend(element: Element | undefined, colormap: ColormapName): void {
  if (!(element instanceof HTMLCanvasElement)) return;
  element.getContext('2d')!.putImageData(new ImageData(coloured(RAMP, tableOfColours(colormap)), RAMP.length, 1), 0, 0);
}
