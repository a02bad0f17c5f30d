// What the tab of failures is drawn from: the slices and pairs that are chosen, computed where they are shown.
import { PAIR_KINDS, type PairKind, type Pairs, pairsOf } from '../../src/metrics/pairs';
import { meanPrecisions, type Slice, sliceAt, type Sliced } from '../../src/metrics/slices';
import { type Slicing, slicingsOf } from '../../src/metrics/slicings';
import type { Group } from '../../src/metrics/groups';
import type { Threshold } from '../../src/metrics/types';
import type { Prepared } from './state';

export interface FailureChoices {
  /** Name of a slicing. */
  readonly by: string;
  /** Index of a category, -1 for all. */
  readonly category: number;
  readonly kind: PairKind;
}

export function failureChoices(kept: unknown): FailureChoices {
  const { by, category, kind } = (typeof kept === 'object' && kept !== null ? kept : {}) as Readonly<Record<string, unknown>>;
  return {
    by: typeof by === 'string' ? by : '',
    category: typeof category === 'number' ? category : -1,
    kind: PAIR_KINDS.find((one) => one === kind) ?? 'confused',
  };
}

export interface ShownSlice extends Slice {
  readonly group: Group;
  readonly mAP: number | null;
}

export interface SlicesView extends Omit<Sliced, 'slices'> {
  readonly slicing: Slicing;
  readonly slices: readonly ShownSlice[];
}

/** What does not move with the threshold, by evaluation and choice. */
const kept = new WeakMap<Prepared, Map<string, readonly Slicing[] | readonly (number | null)[]>>();

function once<T extends readonly Slicing[] | readonly (number | null)[]>(prepared: Prepared, key: string, make: () => T): T {
  const known = kept.get(prepared) ?? new Map<string, T>();
  kept.set(prepared, known);
  const made = (known.get(key) as T | undefined) ?? make();
  known.set(key, made);
  return made;
}

/** @param category an index; undefined for all */
export function slicings(prepared: Prepared, category: number | undefined): readonly Slicing[] {
  const { set, data } = prepared;
  return once(prepared, `slicings ${String(category)}`, () => slicingsOf(set, data.facts ?? undefined, category));
}

export function slicesView(prepared: Prepared, threshold: Threshold, slicing: Slicing, category: number | undefined): SlicesView {
  const { set, moving } = prepared;
  const { groups, name } = slicing;
  const means = once(prepared, `mAP ${name} ${String(category)}`, () => meanPrecisions(set, groups, { category }));
  const known = { predicted: moving.predictions(threshold), agreement: moving.images(threshold) };
  const { slices, ...rest } = sliceAt(set, threshold, groups, { category, ...known });
  const places = new Map(groups.map(({ key }, k) => [key, k]));
  const shown = slices.map((slice) => {
    const place = places.get(slice.key)!;
    return { ...slice, group: groups[place]!, mAP: means[place] ?? null };
  });
  return { ...rest, slicing, slices: shown };
}

export function pairsView({ set, moving }: Prepared, threshold: Threshold, { kind, category }: FailureChoices): Pairs {
  return pairsOf(moving.pairs(threshold), set, kind, category < 0 ? undefined : category);
}
