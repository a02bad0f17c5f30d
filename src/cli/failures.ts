// What the verb `failures` says of an evaluation: slices and pairs, as JSON and as tables.
import type { StoredEvaluation } from '../engine/client/folder';
import { groupName, unslicedReason } from '../metrics/group-names';
import type { GroupKey } from '../metrics/groups';
import { isBeyondChance, type Pair, PAIR_KINDS, type PairKind, pairsAt } from '../metrics/pairs';
import { isUnlikeTheRest, meanPrecisions, type Slice, sliceAt, type SliceMeasure } from '../metrics/slices';
import { needsFacts, type Slicing, slicingsOf } from '../metrics/slicings';
import type { ScoredSet, Threshold } from '../metrics/types';
import { LabelscopeError } from '../protocol/errors';
import type { ImageFactsFile } from '../protocol/run';
import { plainly as say } from './intervals';
import { decimal, span, table, thresholdWords } from './io';
import { UsageError } from './usage';

export interface Opened {
  readonly folder: string;
  readonly stored: StoredEvaluation;
  readonly facts: ImageFactsFile | undefined;
  readonly set: ScoredSet;
  readonly threshold: Threshold;
  /** Index of the category that is looked at. */
  readonly category: number | undefined;
}

export interface Told {
  readonly value: object;
  readonly lines: readonly string[];
}

/** Rows of each table for people; the JSON has all. */
const MOST_ROWS = 10;

interface Judged {
  readonly slicing: Slicing;
  readonly measure: SliceMeasure;
  readonly slices: readonly (Slice & { readonly mAP: number | null })[];
}

/** @throws UsageError, LabelscopeError 'facts-missing', 'field-unknown' where there are no such slices */
export function analysis(run: Opened, by: string | undefined): Told {
  const { folder, stored, facts, set, threshold, category } = run;
  const judged = chosenSlicings(run, by).map((slicing) => judge(run, slicing));
  const found = by === undefined ? pairsAt(set, threshold).filter(({ a, b }) => [undefined, a, b].includes(category)) : [];
  const pairs = PAIR_KINDS.map((kind) => [kind, found.filter((pair) => pair.kind === kind)] as const);
  const { whole } = sliceAt(set, threshold, [], { category });
  const value = {
    run: folder,
    split: stored.result.split,
    annotations: stored.result.annotations,
    threshold,
    category: category === undefined ? null : set.categories[category]!,
    whole,
    slices: judged.flatMap((one) => one.slices.map((slice) => sliceJson(set, one, slice))),
    unsliced: facts?.leftOut ?? [],
    ...(by === undefined && {
      pairs: Object.fromEntries(pairs.map(([kind, own]) => [kind, own.map((pair) => pairJson(set, pair))])),
    }),
  };
  return {
    value,
    lines: [...headLines(run, whole.f1), ...judged.flatMap((one) => sliceLines(set, one)), ...pairLines(set, pairs)],
  };
}

/** Without `by` all of them. */
export function chosenSlicings({ set, facts, category, folder }: Opened, by: string | undefined): readonly Slicing[] {
  const known = slicingsOf(set, facts, category);
  if (by === undefined) return known;
  const chosen = known.filter(({ name }) => name === by);
  if (chosen.length > 0) return chosen;
  if (needsFacts(by) && !facts)
    throw new LabelscopeError(
      'facts-missing',
      `The evaluation in ${folder} kept no sizes, object areas and fields of its images. Evaluate the model again: labelscope evaluate "${folder}"`,
    );
  if (!by.startsWith('field:'))
    throw new UsageError(`--by is one of area, labels, size, co-occurrence, field:NAME, not '${by}'.`);
  const leftOut = facts?.leftOut.find(({ name }) => `field:${name}` === by);
  const names = facts?.fields.map(({ name }) => name).join(', ') || 'none';
  throw new LabelscopeError(
    'field-unknown',
    leftOut
      ? `There are no slices by the field '${leftOut.name}': ${unslicedReason(leftOut.reason, say)}. Fields with slices: ${names}.`
      : `The image records have no field '${by.slice('field:'.length)}'. Fields with slices: ${names}.`,
  );
}

function judge({ set, threshold, category }: Opened, slicing: Slicing): Judged {
  const { measure, slices } = sliceAt(set, threshold, slicing.groups, { category });
  const means = meanPrecisions(set, slicing.groups, { category });
  const mAPs = new Map(slicing.groups.map(({ key }, k) => [key, means[k]!]));
  return { slicing, measure, slices: slices.map((slice) => ({ ...slice, mAP: mAPs.get(slice.key) ?? null })) };
}

function sliceJson(set: ScoredSet, { slicing, measure }: Judged, { key, ...numbers }: Judged['slices'][number]): object {
  const name = sliceName(set, key);
  const range = 'from' in key ? { from: key.from, to: key.to } : key.by === 'size' && key.pixels ? { ...key.pixels } : {};
  const value = key.by === 'field' && 'value' in key ? { value: key.value } : key.by === 'area' ? { area: key.area } : {};
  return { by: slicing.name, slice: name, ...range, ...value, measure, ...numbers };
}

export function sliceName({ categories }: ScoredSet, key: GroupKey): string {
  return key.by === 'co-occurrence' ? categories[key.category]! : groupName(key, categories, say);
}

function headLines({ stored, facts, set, threshold, category }: Opened, f1: number | null): string[] {
  const of = category === undefined ? '' : ` of ${set.categories[category]!}`;
  return [
    `${set.images} images of ${stored.result.annotations}, threshold ${thresholdWords(threshold)}: F1${of} ${decimal(f1)}`,
    ...(facts ? [] : ['Sizes, object areas and fields of the images were not kept: evaluate the model again to slice by them.']),
    ...(facts?.leftOut ?? []).map(({ name, reason }) => `No slices by the field ${name}: ${unslicedReason(reason, say)}.`),
  ];
}

function sliceLines({ categories }: ScoredSet, { slicing, measure, slices }: Judged): string[] {
  const isF1 = measure === 'f1';
  const head = [
    slicing.name,
    'images',
    'labels',
    ...(isF1 ? ['precision', 'recall', 'F1'] : ['recall']),
    '95 %',
    'gap',
    'versus the rest',
  ];
  const rows = slices
    .slice(0, MOST_ROWS)
    .map((slice) => [
      groupName(slice.key, categories, say) + (slice.few ? ' (few)' : ''),
      slice.images,
      slice.positives,
      ...(isF1 ? [slice.precision, slice.recall, slice.f1] : [slice.recall]).map(decimal),
      span(slice.interval && [slice.interval.low, slice.interval.high]),
      signed(slice.gap),
      isUnlikeTheRest(slice) ? 'differs' : '',
    ]);
  return ['', ...table([head, ...rows]), ...more(slices.length)];
}

const signed = (value: number | null): string => (value === null ? '–' : `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(3)}`);
const more = (rows: number): string[] => (rows > MOST_ROWS ? [`… and ${rows - MOST_ROWS} more (--json has them)`] : []);

const PAIR_HEADS: Readonly<Record<PairKind, readonly [a: string, b: string]>> = {
  confused: ['missed', 'falsely predicted instead'],
  lured: ['there', 'falsely predicted beside it'],
  'missed-together': ['missed', 'missed with it'],
  'false-together': ['falsely predicted', 'falsely predicted with it'],
};

function pairLines({ categories }: ScoredSet, pairs: readonly (readonly [PairKind, readonly Pair[]])[]): string[] {
  return pairs.flatMap(([kind, own]) => {
    if (own.length === 0) return [];
    const rows = own
      .slice(0, MOST_ROWS)
      .map((pair) => [
        categories[pair.a]!,
        categories[pair.b]!,
        pair.images,
        ...[pair.expected, pair.lift].map((value) => value.toFixed(1)),
        isBeyondChance(pair) ? 'more than chance' : '',
      ]);
    return ['', ...table([[...PAIR_HEADS[kind], 'images', 'expected', 'lift', ''], ...rows]), ...more(own.length)];
  });
}

function pairJson({ categories }: ScoredSet, { kind, a, b, ...numbers }: Pair): object {
  const names: Readonly<Record<PairKind, readonly [string, string]>> = {
    confused: ['missed', 'predicted'],
    lured: ['present', 'predicted'],
    'missed-together': ['first', 'second'],
    'false-together': ['first', 'second'],
  };
  const [first, second] = names[kind];
  return { [first]: categories[a]!, [second]: categories[b]!, ...numbers };
}
