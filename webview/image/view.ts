// The image editor: the picture, its labels, and Grad-CAM maps over it.
import { html, nothing, render, type TemplateResult } from 'lit';
import { ref } from 'lit/directives/ref.js';
import type { ColormapName, ExplainedMap } from '../../src/protocol/messages';
import type { ImageEditorData, ImageSettings } from '../../src/protocol/windows';
import { save } from '../kit/card';
import { fixed } from '../kit/format';
import type { Host } from '../kit/host';
import { labelRows, type LabelRow, VERDICT_SIGNS, verdictWords } from '../kit/labels';
import { t } from '../kit/l10n';
import { drawPicture, isFlat, type Overlay, tableOfColours } from '../kit/overlay';
import { pngOfCanvas } from '../kit/save';

type Mode = 'overlay' | 'side' | 'swipe' | 'multiples';
const MODES: readonly Mode[] = ['overlay', 'side', 'swipe', 'multiples'];
const COLORMAPS: readonly ColormapName[] = ['jet', 'turbo', 'viridis', 'magma'];
/** Small multiples show this many categories. */
const MULTIPLES = 6;
/** Pixels of the longest side that are drawn: more than a screen shows costs time and shows nothing. */
const DRAWN_SIDE = 1600;

interface State {
  data: ImageEditorData;
  picture: HTMLImageElement | undefined;
  /** The picture could not be decoded. */
  broken: boolean;
  settings: ImageSettings;
  chosen: string | undefined;
  mode: Mode;
  /** Where the swipe divides, 0..1. */
  swipe: number;
  readonly maps: Map<string, ExplainedMap>;
  failure: string | undefined;
}

export function imageView(root: HTMLElement, host: Host<'image'>): void {
  let state: State | undefined;
  const draw = () => state && render(page(state, actions), root);
  const keep = () => state && host.keep({ chosen: state.chosen ?? null, mode: state.mode });
  const actions: Actions = {
    choose: (category) => {
      if (!state) return;
      state.chosen = state.chosen === category ? undefined : category;
      keep();
      void fetchMaps(state, host, draw);
    },
    change: (change) => {
      if (!state) return;
      Object.assign(state, change);
      keep();
      void fetchMaps(state, host, draw);
    },
    set: (settings) => {
      if (!state) return;
      state.settings = { ...state.settings, ...settings };
      draw();
    },
    keepSettings: () => state && void host.call('keepSettings', state.settings).catch(() => undefined),
    command: (command) => void host.call('command', { command }).catch(() => undefined),
    save: () => state && void savePicture(state, host),
  };
  host.listen(
    (data) => {
      const kept = host.kept as { chosen?: string; mode?: Mode } | undefined;
      if (state) {
        // What the old model said of where it looked is no word of the new one.
        if (state.data.model?.folder !== data.model?.folder) state.maps.clear();
        Object.assign(state, { data, failure: undefined });
      } else {
        state = firstState(data, host.kept);
        void load(state, draw);
      }
      void fetchMaps(state, host, draw);
    },
    ({ show }) => {
      if (!state) return;
      const [first] = show.length > 0 ? show : labelRows(state.data).map(({ category }) => category);
      state.chosen = first ?? state.chosen;
      if (show.length > 1) state.mode = 'multiples';
      keep();
      void fetchMaps(state, host, draw);
    },
  );
  window.addEventListener('keydown', (event) => state && onKey(event, state, actions));
}

function firstState(data: ImageEditorData, kept: Host<'image'>['kept']): State {
  const chosen = typeof kept?.chosen === 'string' ? kept.chosen : undefined;
  const mode = MODES.find((one) => one === kept?.mode) ?? 'overlay';
  const { settings } = data;
  return { data, picture: undefined, broken: false, settings, chosen, mode, swipe: 0.5, maps: new Map(), failure: undefined };
}

interface Actions {
  choose(category: string): void;
  change(change: Partial<Pick<State, 'mode' | 'swipe' | 'chosen'>>): void;
  set(settings: Partial<ImageSettings>): void;
  keepSettings(): void;
  command(command: 'train' | 'importModel'): void;
  save(): void;
}

/** 1 to 9 choose the first nine categories; 0 and Escape none. */
function onKey(event: KeyboardEvent, { data, chosen }: State, { choose }: Actions): void {
  if (event.target instanceof HTMLSelectElement || event.ctrlKey || event.metaKey || event.altKey) return;
  const row = /^[1-9]$/.test(event.key) ? labelRows(data)[Number(event.key) - 1] : undefined;
  if (row) choose(row.category);
  else if ((event.key === '0' || event.key === 'Escape') && chosen !== undefined) choose(chosen);
}

async function load(state: State, draw: () => void): Promise<void> {
  const picture = new Image();
  const { png, uri } = state.data;
  picture.src = png ? URL.createObjectURL(new Blob([new Uint8Array(png)], { type: 'image/png' })) : uri;
  await picture.decode().then(
    () => (state.picture = picture),
    () => (state.broken = true),
  );
  draw();
}

/** Asks for the maps that are to be seen and not known yet. */
async function fetchMaps(state: State, host: Host<'image'>, draw: () => void): Promise<void> {
  draw();
  const missing = wanted(state).filter((category) => !state.maps.has(category));
  if (missing.length === 0 || !state.data.predicted) return;
  try {
    for (const map of await host.call('explain', { categories: missing })) state.maps.set(map.category, map);
    state.failure = undefined;
  } catch (error) {
    state.failure = error instanceof Error ? error.message : String(error);
  }
  draw();
}

function wanted({ data, chosen, mode }: State): string[] {
  if (mode === 'multiples') return multiples(data);
  return chosen !== undefined && data.predicted && chosen in data.predicted.scores ? [chosen] : [];
}

/** The labels, or where they are few, also what comes next. */
function multiples(data: ImageEditorData): string[] {
  return labelRows(data)
    .slice(0, MULTIPLES)
    .map(({ category }) => category);
}

async function savePicture({ picture, data, maps, chosen, settings }: State, host: Host<'image'>): Promise<void> {
  if (!picture) return;
  const canvas = document.createElement('canvas');
  canvas.width = picture.naturalWidth;
  canvas.height = picture.naturalHeight;
  const map = chosen === undefined ? undefined : maps.get(chosen);
  drawPicture(canvas, picture, map && { map, ...settings });
  const stem = nameOf(data.file).replace(/\.[^.]+$/, '');
  await save(host, `${stem}${chosen === undefined ? '' : `.${chosen}`}.png`, await pngOfCanvas(canvas));
}

function nameOf(file: string): string {
  return file.split(/[\\/]/).at(-1) ?? file;
}

function page(state: State, actions: Actions): TemplateResult {
  return html`${tools(state, actions)}
    <div class="stage ${state.mode === 'side' ? 'half' : state.mode === 'multiples' ? 'third' : ''}">
      ${stage(state, actions)}
    </div>
    <div class="side">${side(state, actions)}</div>`;
}

function modeWord(mode: Mode): string {
  const words: Record<Mode, string> = {
    overlay: t('Overlay'),
    side: t('Side by side'),
    swipe: t('Swipe'),
    multiples: t('Several categories'),
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

function tools({ settings, mode, picture }: State, { change, set, keepSettings, save: saveIt }: Actions): TemplateResult {
  const { colormap, opacity } = settings;
  const onMap = (event: Event) => {
    set({ colormap: (event.target as HTMLSelectElement).value as ColormapName });
    keepSettings();
  };
  return html`<div class="tools row" role="toolbar" aria-label=${t('View')}>
    ${MODES.map((one) => html`<button aria-pressed=${one === mode} @click=${() => change({ mode: one })}>${modeWord(one)}</button>`)}
    <label>
      ${t('Colours')}
      <select @change=${onMap}>
        ${COLORMAPS.map((name) => html`<option value=${name} ?selected=${name === colormap}>${colormapWord(name)}</option>`)}
      </select>
    </label>
    <span class="row"
      >0
      <canvas
        class="scale"
        width="256"
        height="1"
        role="img"
        aria-label=${t('Colours from weak to strong')}
        ${ref((element) => drawScale(element, colormap))}
      ></canvas>
      1</span
    >
    <label>
      ${t('Opacity')}
      <input
        type="range"
        min="0"
        max="1"
        step="0.05"
        .value=${String(opacity)}
        @input=${(event: Event) => set({ opacity: Number((event.target as HTMLInputElement).value) })}
        @change=${keepSettings}
      />
    </label>
    <button ?disabled=${!picture} @click=${saveIt}>${t('Save as PNG')}</button>
  </div>`;
}

function drawScale(element: Element | undefined, colormap: ColormapName): void {
  if (!(element instanceof HTMLCanvasElement)) return;
  const image = new ImageData(256, 1);
  const colours = tableOfColours(colormap);
  for (let k = 0; k < 256; k++) image.data.set([...colours.subarray(3 * k, 3 * k + 3), 255], 4 * k);
  element.getContext('2d')!.putImageData(image, 0, 0);
}

function stage(state: State, { change }: Actions): TemplateResult | TemplateResult[] {
  const { picture, broken, chosen, mode, maps, settings, swipe, data } = state;
  if (broken) return html`<p class="notice error" role="alert">${t('{0} cannot be shown as an image.', nameOf(data.file))}</p>`;
  if (!picture) return html`<p role="status">${t('Loading…')}</p>`;
  if (mode === 'multiples' && data.predicted) {
    return multiples(data).map((category) =>
      figure(picture, overlayOf(maps.get(category), settings), captionOf(state, category)),
    );
  }
  const map = chosen === undefined ? undefined : maps.get(chosen);
  const overlay = overlayOf(map, settings, mode === 'swipe' ? swipe : 0);
  const caption = chosen === undefined ? nameOf(data.file) : captionOf(state, chosen);
  if (mode === 'side') return html`${figure(picture, undefined, nameOf(data.file))}${figure(picture, overlay, caption)}`;
  const divide = (event: Event) => change({ swipe: Number((event.target as HTMLInputElement).value) });
  return html`${figure(picture, overlay, caption)}
  ${
    mode === 'swipe'
      ? html`<input
          class="swipe"
          type="range"
          min="0"
          max="1"
          step="0.01"
          .value=${String(swipe)}
          aria-label=${t('Where the map begins')}
          @input=${divide}
        />`
      : nothing
  }`;
}

function overlayOf(map: ExplainedMap | undefined, settings: ImageSettings, from = 0): Overlay | undefined {
  return map && { map, ...settings, from };
}

function captionOf({ maps, failure }: State, category: string): string {
  const map = maps.get(category);
  if (!map) return failure ?? t('{0}: computing the map…', category);
  return isFlat(map) ? t('{0} {1}: no place speaks for it', category, fixed(map.score, 2)) : `${category} ${fixed(map.score, 2)}`;
}

function figure(picture: HTMLImageElement, overlay: Overlay | undefined, caption: string): TemplateResult {
  const share = Math.min(1, DRAWN_SIDE / Math.max(picture.naturalWidth, picture.naturalHeight));
  const [width, height] = [
    Math.max(1, Math.round(picture.naturalWidth * share)),
    Math.max(1, Math.round(picture.naturalHeight * share)),
  ];
  const paint = (element: Element | undefined) => element instanceof HTMLCanvasElement && drawPicture(element, picture, overlay);
  return html`<figure>
    <canvas class="picture" width=${width} height=${height} role="img" aria-label=${caption} ${ref(paint)}></canvas>
    <figcaption>${caption}</figcaption>
  </figure>`;
}

function side(state: State, { choose, command }: Actions): TemplateResult {
  const { data, chosen, failure } = state;
  if (data.error) return html`<p class="notice error" role="alert">${data.error.message}</p>`;
  if (!data.model)
    return html`<p class="notice">${t('There is no model yet.')}</p>
      <button class="primary" @click=${() => command('train')}>${t('Train a Model')}</button>
      <button @click=${() => command('importModel')}>${t('Import Model…')}</button>`;
  const rows = labelRows(data);
  const draw = (row: LabelRow, k: number) => labelButton(row, k, row.category === chosen, choose);
  return html`<p class="quiet">${data.model.name}</p>
    ${data.predicted ? nothing : html`<p role="status">${t('Predicting…')}</p>`}
    ${failure === undefined ? nothing : html`<p class="notice error" role="alert">${failure}</p>`}
    <div role="group" aria-label=${t('Categories: choose one to see its map')}>${rows.map(draw)}</div>
    ${data.truth ? html`<p class="quiet">${t('True labels: {0}', data.truth.labels.join(', ') || t('none of its categories'))}</p>` : nothing}
    <p class="quiet">${t('Keys: 1 to 9 choose, 0 none')}</p>`;
}

function labelButton(
  { category, score, isLabel, verdict }: LabelRow,
  k: number,
  active: boolean,
  choose: (category: string) => void,
): TemplateResult {
  const key = k < 9 ? t(' (key {0})', k + 1) : '';
  return html`<button
    class="label ${isLabel ? 'is-label' : ''}"
    data-category=${category}
    aria-pressed=${active}
    title=${(verdictWords(verdict) || t('Show where the model looked')) + key}
    @click=${() => choose(category)}
  >
    <span aria-hidden="true">${VERDICT_SIGNS[verdict]}</span><span>${category}</span><span>${fixed(score, 2)}</span>
  </button>`;
}
