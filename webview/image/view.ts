// The image editor: the picture, its labels, and Grad-CAM maps over it.
import { html, render, type TemplateResult } from 'lit';
import { ref } from 'lit/directives/ref.js';
import type { ExplainedMap } from '../../src/protocol/messages';
import type { ImageEditorData } from '../../src/protocol/windows';
import type { Host } from '../kit/host';
import { labelRows } from '../kit/labels';
import { t } from '../kit/l10n';
import { savePicture } from './files';
import { zoomed } from './layout';
import { dragged, zoomAround } from './pan';
import { side, type SideActions } from './side';
import { stage, type StageActions } from './stage';
import { choose, firstState, keptOf, KEYS, type State, wanted } from './state';
import { tools, type ToolActions } from './tools';

type Actions = ToolActions & SideActions & StageActions & { readonly none: () => void };

export function imageView(root: HTMLElement, host: Host<'image'>): void {
  let state: State | undefined;
  const draw = () => state && render(page(state, actions, watch), root);
  /** Changes the state, keeps what is to be kept, asks for maps that are missing, and draws. */
  const change = (part: Partial<State>) => {
    if (!state) return;
    Object.assign(state, part);
    host.keep(keptOf(state));
    void fetchMaps(state, host, draw);
  };
  const actions = actionsOf(root, host, () => state, change);
  const sizes = new ResizeObserver(([entry]) => {
    if (!state || !entry) return;
    state.stage = { width: entry.contentRect.width, height: entry.contentRect.height };
    draw();
  });
  const watch = (element: Element | undefined) => element && sizes.observe(element);
  host.listen(
    (data) => {
      if (!state) load((state = firstState(data, host.kept)), draw);
      change(newData(state, data));
    },
    ({ show }) => state && change(asked(state, show)),
  );
  window.addEventListener('keydown', (event) => state && onKey(event, state, actions));
}

/** What the old model said of where it looked is no word of the new one. */
function newData(state: State, data: ImageEditorData): Partial<State> {
  const same = state.data.model?.folder === data.model?.folder;
  const maps = same ? state.maps : new Map<string, ExplainedMap>();
  // What failed before may be asked for again.
  return { data, failure: undefined, maps, asked: new Set(maps.keys()) };
}

/** One category is shown over the picture, several beside each other; none named: the one that comes first. */
function asked({ data, mode }: State, show: readonly string[]): Partial<State> {
  if (show.length > 1) return { mode: 'multiples', compared: show };
  const chosen = show[0] ?? labelRows(data)[0]?.category;
  return { chosen, mode: mode === 'multiples' ? 'overlay' : mode };
}

function actionsOf(
  root: HTMLElement,
  host: Host<'image'>,
  current: () => State | undefined,
  change: (part: Partial<State>) => void,
): Actions {
  /** Does nothing until there is a picture to do it to. */
  const withState = (act: (state: State) => void) => {
    const state = current();
    if (state) act(state);
  };
  return {
    choose: (category) => withState((state) => change(choose(state, category))),
    none: () => withState(({ mode }) => change(mode === 'multiples' ? { compared: [] } : { chosen: undefined })),
    mode: (mode) => change({ mode, zoom: 1 }),
    divide: (swipe) => change({ swipe }),
    listAll: (all) => change({ all }),
    settings: (settings) => withState((state) => change({ settings: { ...state.settings, ...settings } })),
    keepSettings: () => withState(({ settings }) => void host.call('keepSettings', settings).catch(() => undefined)),
    zoom: (steps, point) =>
      withState((state) => {
        const resize = () => change({ zoom: steps === 0 ? 1 : zoomed(state.zoom, steps) });
        const element = root.querySelector('.stage');
        if (element) zoomAround(element, resize, point);
      }),
    command: (command) => void host.call('command', { command }).catch(() => undefined),
    again: () => withState((state) => change({ failure: undefined, asked: new Set(state.maps.keys()) })),
    save: () => withState((state) => void savePicture(state, host)),
  };
}

/** 1 to 9 choose the first nine categories; 0 and Escape none; + and − and F change the size. */
function onKey(event: KeyboardEvent, { data }: State, { choose: show, none, zoom }: Actions): void {
  if (event.target instanceof HTMLSelectElement || event.ctrlKey || event.metaKey || event.altKey) return;
  const row = labelRows(data).slice(0, KEYS)[Number(event.key) - 1];
  const keys: Readonly<Record<string, () => void>> = {
    '0': none,
    Escape: none,
    '+': () => zoom(1),
    '=': () => zoom(1),
    '-': () => zoom(-1),
    f: () => zoom(0),
  };
  if (row) show(row.category);
  else keys[event.key]?.();
}

function load(state: State, draw: () => void): void {
  const picture = new Image();
  const { png, uri } = state.data;
  picture.onload = () => {
    state.picture = picture;
    state.broken = picture.naturalWidth === 0;
    draw();
  };
  picture.onerror = () => {
    state.broken = true;
    draw();
  };
  picture.src = png ? URL.createObjectURL(new Blob([new Uint8Array(png)], { type: 'image/png' })) : uri;
  // An empty address is not even tried.
  if (!png && uri === '') state.broken = true;
}

/** Asks for the maps that are to be seen and were not asked for yet. */
async function fetchMaps(state: State, host: Host<'image'>, draw: () => void): Promise<void> {
  draw();
  const { maps, asked: already } = state;
  const missing = wanted(state).filter((category) => !already.has(category));
  if (missing.length === 0) return;
  for (const category of missing) already.add(category);
  try {
    for (const map of await host.call('explain', { categories: missing })) maps.set(map.category, map);
  } catch (error) {
    if (state.maps === maps) state.failure = error instanceof Error ? error.message : String(error);
  }
  draw();
}

function page(state: State, actions: Actions, watch: (element: Element | undefined) => void): TemplateResult {
  const onWheel = (event: WheelEvent) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    actions.zoom(event.deltaY < 0 ? 1 : -1, event);
  };
  return html`${tools(state, actions)}
    <div class="space" ${ref(watch)}>
      <div
        class="stage ${state.zoom > 1 ? 'zoomed' : ''}"
        tabindex="0"
        role="region"
        aria-label=${t('Image')}
        @wheel=${onWheel}
        @pointerdown=${dragged}
      >
        ${stage(state, actions)}
      </div>
    </div>
    <div class="side">${side(state, actions)}</div>`;
}
