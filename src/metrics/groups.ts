// Groups of a scored set's images by what is known of them: slices, before anything is measured on them.
import {
  AREA_CLASSES,
  type AreaClass,
  areaClass,
  type FactTable,
  type FieldElements,
  type FieldValue,
  type ImageField,
} from './facts';
import type { ScoredSet } from './types';

/** What a group's images have in common. Ranges hold both their ends. */
export type GroupKey =
  | { readonly by: 'area'; readonly area: AreaClass }
  /** `to` is null where any number from `from` on counts. */
  | { readonly by: 'labels'; readonly from: number; readonly to: number | null }
  /** Pixels; null where the size is not known. */
  | { readonly by: 'size'; readonly pixels: { readonly from: number; readonly to: number } | null }
  /** The index of a category that the images have. */
  | { readonly by: 'co-occurrence'; readonly category: number }
  | { readonly by: 'field'; readonly field: string; readonly value: FieldValue }
  | {
      readonly by: 'field';
      readonly field: string;
      readonly from: number | string;
      readonly to: number | string;
    };

export interface Group {
  readonly key: GroupKey;
  /** The images, ascending. */
  readonly rows: readonly number[];
  /** Of slices by object area: which true labels of these images, as indices into the set's labels, ascending. */
  readonly entries?: readonly number[];
}

/** From here on images are put together: few have so many labels. */
const MANY_LABELS = 5;
const BINS = 4;
/** More values than this make no slices that people read. */
const MOST_NUMBERS = 12;
const MOST_TEXTS = 24;
const DATE = /^\d{4}-\d{2}-\d{2}/;

/** Every true label by the COCO class of the image's largest object of its category; with `category` (an index) only that one's. */
export function groupsByArea(set: ScoredSet, { images }: FactTable, category?: number): Group[] {
  const width = set.categories.length;
  const entries = new Map<AreaClass, number[]>();
  images.forEach(({ areas }, row) => {
    const at = row * width;
    let k = 0;
    for (let c = 0; c < width; c++) {
      if (set.labels[at + c] !== 1) continue;
      const area = areaClass(areas[k++] ?? null);
      if (category === undefined || c === category) put(entries, area, at + c);
    }
  });
  return AREA_CLASSES.flatMap((area) => {
    const own = entries.get(area);
    if (!own) return [];
    const rows = [...new Set(own.map((entry) => Math.floor(entry / width)))];
    return [{ key: { by: 'area', area }, rows, entries: own }];
  });
}

/** By how many of the set's categories the images have. */
export function groupsByLabels({ images, labels, categories }: ScoredSet): Group[] {
  const width = categories.length;
  const groups = new Map<number, number[]>();
  for (let row = 0; row < images; row++) {
    let count = 0;
    for (let c = 0; c < width; c++) count += labels[row * width + c]!;
    put(groups, Math.min(count, MANY_LABELS), row);
  }
  return [...groups]
    .sort(([a], [b]) => a - b)
    .map(([from, rows]) => ({ key: { by: 'labels', from, to: from === MANY_LABELS ? null : from }, rows }));
}

/** Four parts by the number of pixels, as equal as ties allow. */
export function groupsBySize({ images }: FactTable): Group[] {
  const sizes = images.map(({ width, height }) => (width === null || height === null ? null : width * height));
  const known = bins(sizes).map(({ from, to, rows }): Group => ({ key: { by: 'size', pixels: { from, to } }, rows }));
  const unknown = rowsWhere(sizes, (size) => size === null);
  return unknown.length === 0 ? known : [...known, { key: { by: 'size', pixels: null }, rows: unknown }];
}

/** The images that have a category, for each; they overlap. */
export function groupsByCoOccurrence({ images, labels, categories }: ScoredSet): Group[] {
  const width = categories.length;
  return categories.flatMap((_, category) => {
    const rows: number[] = [];
    for (let row = 0; row < images; row++) if (labels[row * width + category] === 1) rows.push(row);
    return rows.length === 0 ? [] : [{ key: { by: 'co-occurrence', category }, rows }];
  });
}

/** Why a field makes no slices. */
export type Unsliced = 'same' | 'too-many-values';

/**
 * By the values of a field: each value where they are few; numbers and dates (texts that begin with YYYY-MM-DD) that are many in four
 * parts. Of lists, each element where they are few: these groups overlap. Images whose record does not say make a group of their own.
 */
export function groupsByField({ name, values }: ImageField): Group[] | Unsliced {
  const single = values.filter((value): value is FieldValue => !isList(value));
  return single.length === values.length ? groupsByOne(name, single) : groupsByElement(name, values.map(elementsOf));
}

function isList(value: ImageField['values'][number]): value is FieldElements {
  return Array.isArray(value);
}

function elementsOf(value: ImageField['values'][number]): FieldElements {
  if (isList(value)) return value;
  return value === null ? [] : [value];
}

function groupsByElement(field: string, lists: readonly FieldElements[]): Group[] | Unsliced {
  const all = lists.flat();
  const distinct = new Set(all);
  if (distinct.size > MOST_TEXTS || 2 * distinct.size > Math.max(4, all.length)) return 'too-many-values';
  const values = [...distinct].sort(inOrder);
  const rowsOf = (value: FieldValue) => rowsWhere(lists, (list) => (value === null ? list.length === 0 : list.includes(value)));
  const groups = [...values, null].map((value): Group => ({ key: { by: 'field', field, value }, rows: rowsOf(value) }));
  // What every image has tells none from another.
  const telling = groups.filter(({ rows }) => rows.length > 0 && rows.length < lists.length);
  return telling.length === 0 ? 'same' : telling;
}

function groupsByOne(field: string, values: readonly FieldValue[]): Group[] | Unsliced {
  const known = values.filter((value) => value !== null);
  const distinct = new Set(known);
  const isNumeric = known.every((value) => typeof value === 'number');
  const isFew = distinct.size <= (isNumeric ? MOST_NUMBERS : MOST_TEXTS) && 2 * distinct.size <= Math.max(4, known.length);
  const groups = isFew ? groupsByValue(field, values, distinct) : groupsInParts(field, values, known, isNumeric);
  if (!Array.isArray(groups)) return groups;
  const missing = rowsWhere(values, (value) => value === null);
  if (missing.length > 0) groups.push({ key: { by: 'field', field, value: null }, rows: missing });
  return groups.length < 2 ? 'same' : groups;
}

function groupsByValue(field: string, values: readonly FieldValue[], distinct: ReadonlySet<FieldValue>): Group[] {
  return [...distinct]
    .sort(inOrder)
    .map((value) => ({ key: { by: 'field', field, value }, rows: rowsWhere(values, (other) => other === value) }));
}

function groupsInParts(
  field: string,
  values: readonly FieldValue[],
  known: readonly FieldValue[],
  isNumeric: boolean,
): Group[] | Unsliced {
  const keyed = (found: readonly Bin<number | string>[]): Group[] =>
    found.map(({ from, to, rows }) => ({ key: { by: 'field', field, from, to }, rows }));
  if (isNumeric) return keyed(bins(values as readonly (number | null)[]));
  if (!known.every((value) => typeof value === 'string' && DATE.test(value))) return 'too-many-values';
  // Days are fine enough, and are written in the order of time.
  return keyed(bins((values as readonly (string | null)[]).map((value) => value?.slice(0, 10) ?? null)));
}

interface Bin<T> {
  readonly from: T;
  readonly to: T;
  readonly rows: readonly number[];
}

/** At most four parts of the rows that have a value, as equal as ties allow, which stay together; none is smaller than an eighth. */
function bins<T extends number | string>(values: readonly (T | null)[]): Bin<T>[] {
  const rows = rowsWhere(values, (value) => value !== null);
  const value = (k: number) => values[rows[k]!]!;
  rows.sort((a, b) => inOrder(values[a]!, values[b]!) || a - b);
  const starts: number[] = [];
  let start = 0;
  for (let part = 1; part <= BINS; part++) {
    let end = Math.round((part * rows.length) / BINS);
    while (end > start && end < rows.length && value(end) === value(end - 1)) end++;
    if (end - start < rows.length / (2 * BINS) || end === start) continue;
    starts.push(start);
    start = end;
  }
  return starts.map((from, k) => {
    // What is left over at the end belongs to the last part.
    const to = starts[k + 1] ?? rows.length;
    return { from: value(from), to: value(to - 1), rows: rows.slice(from, to).sort((x, y) => x - y) };
  });
}

/** Numbers by size, everything else as text, in the order of its code units: the same on every machine. */
function inOrder(a: FieldValue, b: FieldValue): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [x, y] = [String(a), String(b)];
  return x < y ? -1 : Number(x > y);
}

function rowsWhere<T>(values: readonly T[], holds: (value: T) => boolean): number[] {
  return values.flatMap((value, row) => (holds(value) ? [row] : []));
}

function put<K>(groups: Map<K, number[]>, key: K, row: number): void {
  const own = groups.get(key);
  if (own) own.push(row);
  else groups.set(key, [row]);
}
