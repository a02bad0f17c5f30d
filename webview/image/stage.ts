// The pictures: one, two, one that a slider divides, or several small ones, each with its map over it.
import { html, nothing, type TemplateResult } from 'lit';
import { ref } from 'lit/directives/ref.js';
import { repeat } from 'lit/directives/repeat.js';
import { isFlat } from '../../src/heatmap/enlarge';
import { fileName, fixed } from '../kit/format';
import { t } from '../kit/l10n';
import { paintHeat } from '../kit/heat';
import { fitted, type Layout, SLIDER } from './layout';
import { type Size, type State, wanted } from './state';

/** Pixels of a map's longest side on the screen: a map is smooth, so that more would cost time and show nothing. */
const HEAT_SIDE = 768;

interface Shown {
  /** What the map over it is of; undefined: no map. */
  readonly category: string | undefined;
  /** The map covers the picture from this share of its width on. */
  readonly from?: number;
}

export interface StageActions {
  readonly divide: (share: number) => void;
}

export function stage(state: State, actions: StageActions): TemplateResult {
  const { picture, broken, data } = state;
  if (broken) {
    return html`<p class="notice error" role="alert">
      ${t('{0} cannot be shown as an image. If it opens elsewhere, save it as PNG or JPEG and open that.', fileName(data.file))}
    </p>`;
  }
  if (!picture) return html`<p class="notice" role="status">${t('Loading…')}</p>`;
  const shown = picturesOf(state);
  if (shown.length === 0) return html`<p class="notice">${t('Choose the categories to compare in the list.')}</p>`;
  const own = { width: picture.naturalWidth, height: picture.naturalHeight };
  const layout = fitted(shown.length, state.stage, own, state.mode === 'swipe' ? SLIDER : 0);
  const columns = (element: Element | undefined) => {
    if (element instanceof HTMLElement) element.style.gridTemplateColumns = `repeat(${layout.columns}, max-content)`;
  };
  return html`<div class="pictures" ${ref(columns)}>
    ${repeat(
      shown,
      ({ category }, k) => (state.mode === 'multiples' ? category : k),
      (one) => figure(state, picture, one, layout, actions),
    )}
  </div>`;
}

function picturesOf(state: State): Shown[] {
  const { mode, data, swipe } = state;
  const names = wanted(state);
  if (mode === 'multiples' && data.predicted) return names.map((category) => ({ category }));
  const category = names[0];
  if (mode === 'side') return [{ category: undefined }, { category }];
  return [{ category, ...(mode === 'swipe' && { from: swipe }) }];
}

/** What is said below a picture with a map. */
export function captionOf({ maps, failure }: Pick<State, 'maps' | 'failure'>, category: string): string {
  const map = maps.get(category);
  if (!map) return failure === undefined ? t('{0}: computing the map…', category) : t('{0}: no map', category);
  return isFlat(map) ? t('{0} {1}: no place speaks for it', category, fixed(map.score, 2)) : `${category} ${fixed(map.score, 2)}`;
}

function figure(
  state: State,
  picture: HTMLImageElement,
  { category, from }: Shown,
  layout: Layout,
  { divide }: StageActions,
): TemplateResult {
  const { maps, settings, data, zoom } = state;
  const size = { width: zoom * layout.width, height: zoom * layout.height };
  const map = category === undefined ? undefined : maps.get(category);
  const caption = category === undefined ? fileName(data.file) : captionOf(state, category);
  const heat = (element: Element | undefined) => {
    if (!(element instanceof HTMLCanvasElement)) return;
    paintHeat(element, map, settings.colormap, heatSize(size));
    element.style.opacity = String(settings.opacity);
    element.style.clipPath = from === undefined ? '' : `inset(0 0 0 ${100 * from}%)`;
  };
  return html`<figure ${ref(sized('width', size))}>
    <div class="picture" ${ref(sized('height', size))}>
      <img src=${picture.src} alt=${fileName(data.file)} draggable="false" />
      <canvas class="heat" aria-hidden="true" ${ref(heat)}></canvas>
      ${from === undefined ? nothing : html`<div class="divider" ${ref(moved(from))}></div>`}
    </div>
    ${from === undefined ? nothing : swipeSlider(from, divide)}
    <figcaption aria-live="polite" title=${caption}>${caption}</figcaption>
  </figure>`;
}

function swipeSlider(from: number, divide: (share: number) => void): TemplateResult {
  return html`<input
    class="swipe"
    type="range"
    min="0"
    max="1"
    step="0.01"
    .value=${String(from)}
    aria-label=${t('Where the map begins')}
    aria-valuetext=${t('at {0} % of the width', Math.round(100 * from))}
    @input=${(event: Event) => divide(Number((event.target as HTMLInputElement).value))}
  />`;
}

/** Sizes and places are set as properties: the page's policy forbids style attributes. */
function sized(side: 'width' | 'height', size: Size) {
  return (element: Element | undefined) => {
    if (element instanceof HTMLElement) element.style[side] = `${size[side]}px`;
  };
}

function moved(from: number) {
  return (element: Element | undefined) => {
    if (element instanceof HTMLElement) element.style.left = `${100 * from}%`;
  };
}

function heatSize({ width, height }: Size): Size {
  const share = Math.min(1, HEAT_SIDE / Math.max(width, height));
  return { width: Math.max(1, Math.round(share * width)), height: Math.max(1, Math.round(share * height)) };
}
