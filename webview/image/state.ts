// What the image editor holds, and what follows from it alone.
import type { ColormapName, ExplainedMap } from '../../src/protocol/messages';
import type { ImageEditorData, ImageSettings } from '../../src/protocol/windows';
import { type LabelRow, labelRows } from '../kit/labels';

export type Mode = 'overlay' | 'side' | 'swipe' | 'multiples';
export const MODES: readonly Mode[] = ['overlay', 'side', 'swipe', 'multiples'];
export const COLORMAPS: readonly ColormapName[] = ['jet', 'turbo', 'viridis', 'magma'];

/** Small multiples begin with this many categories. */
const MULTIPLES = 6;
/** More small pictures than this show nothing. */
const MOST_MULTIPLES = 16;
/** Rows that a digit chooses; the others are behind a button. */
export const KEYS = 9;

export interface State {
  data: ImageEditorData;
  /** Undefined until it is loaded. */
  picture: HTMLImageElement | undefined;
  /** The picture could not be decoded. */
  broken: boolean;
  settings: ImageSettings;
  chosen: string | undefined;
  /** The categories of the small multiples; undefined: those that come first. */
  compared: readonly string[] | undefined;
  mode: Mode;
  /** Where the swipe divides, 0..1. */
  swipe: number;
  /** 1 = the picture fits. */
  zoom: number;
  /** Whether every score is listed. */
  all: boolean;
  /** The space for pictures, CSS pixels. */
  stage: Size;
  /** Of this model: replaced, never emptied, so that answers that come late go nowhere. */
  maps: Map<string, ExplainedMap>;
  asked: Set<string>;
  failure: string | undefined;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export function firstState(data: ImageEditorData, kept: Readonly<Record<string, unknown>> | undefined): State {
  const compared = Array.isArray(kept?.compared) ? kept.compared.filter((name) => typeof name === 'string') : undefined;
  return {
    data,
    picture: undefined,
    broken: false,
    settings: data.settings,
    chosen: typeof kept?.chosen === 'string' ? kept.chosen : undefined,
    compared,
    mode: MODES.find((one) => one === kept?.mode) ?? 'overlay',
    swipe: typeof kept?.swipe === 'number' ? kept.swipe : 0.5,
    zoom: 1,
    all: kept?.all === true,
    stage: { width: 0, height: 0 },
    maps: new Map(),
    asked: new Set(),
    failure: undefined,
  };
}

/** What survives the window's being hidden. */
export function keptOf({ chosen, compared, mode, swipe, all }: State): Readonly<Record<string, unknown>> {
  return { chosen: chosen ?? null, compared: compared ?? null, mode, swipe, all };
}

/** The categories whose maps are to be seen. */
export function wanted(state: State): readonly string[] {
  const scores = state.data.predicted?.scores;
  if (!scores) return [];
  const names = state.mode === 'multiples' ? multiples(state) : state.chosen === undefined ? [] : [state.chosen];
  return names.filter((name) => name in scores);
}

/** The labels, or where they are few, also what comes next. */
function multiples({ data, compared }: Pick<State, 'data' | 'compared'>): readonly string[] {
  if (compared) return compared;
  return labelRows(data)
    .slice(0, MULTIPLES)
    .map(({ category }) => category);
}

/** Whether a row's button is pressed. */
export function isShown(state: State, category: string): boolean {
  return state.mode === 'multiples' ? multiples(state).includes(category) : state.chosen === category;
}

/** The category alone, or none if it was; among small multiples it joins the others or leaves them. */
export function choose(state: State, category: string): Partial<State> {
  if (state.mode !== 'multiples') return { chosen: state.chosen === category ? undefined : category };
  const before = multiples(state);
  if (before.includes(category)) return { compared: before.filter((name) => name !== category) };
  return { compared: [...before, category].slice(-MOST_MULTIPLES) };
}

/** The rows that are listed: labels, what was missed, what is shown and what a digit reaches; all of them where that is wanted. */
export function listed(state: State): readonly LabelRow[] {
  const rows = labelRows(state.data);
  if (state.all) return rows;
  return rows.filter((row, k) => k < KEYS || row.isLabel || row.verdict === 'miss' || isShown(state, row.category));
}
