// What the verb `failures` lists: the images behind a count of a category, a slice, or a pair of categories.
import { type BehindImage, imagesBehindGroup, imagesBehindPair } from '../metrics/behind';
import { groupName } from '../metrics/group-names';
import type { Group } from '../metrics/groups';
import type { PairKind } from '../metrics/pairs';
import { imagesBehind } from '../metrics/predicted';
import type { Counts, ScoredSet } from '../metrics/types';
import { LabelscopeError } from '../protocol/errors';
import { chosenSlicings, type Opened, sliceName, type Told } from './failures';
import { plainly } from './intervals';
import { decimal, table } from './io';
import { UsageError } from './usage';

export type Cell = keyof Counts;

export interface SliceChoice {
  readonly by: string;
  readonly slice: string;
}

/** Of the category that is looked at; with a slice, of its images alone. */
export function listCell(run: Opened, cell: Cell, slice: SliceChoice | undefined): Told {
  const { set, threshold } = run;
  const category = run.category!;
  const group = slice && groupOf(run, slice);
  if (group?.entries && (cell === 'fp' || cell === 'tn'))
    throw new UsageError(`Slices by object area have no ${cell}: only a label that is there has an object, and so an area.`);
  const entries = group?.entries && new Set(group.entries);
  const rows = group && new Set(group.rows);
  const isIn = (row: number) => entries?.has(row * set.categories.length + category) ?? rows?.has(row) ?? true;
  const found = imagesBehind(set, category, cell, threshold).filter(({ row }) => isIn(row));
  const name = set.categories[category]!;
  const where = slice ? ` in ${slice.by} ${slice.slice}` : '';
  return told(run, `${cell} of ${name}${where}`, { category: name, cell, ...slice }, withCategory(found, category));
}

export function listSlice(run: Opened, slice: SliceChoice): Told {
  const { set, threshold, category } = run;
  const found = imagesBehindGroup(set, threshold, groupOf(run, slice), category);
  const name = category === undefined ? null : set.categories[category]!;
  const of = name === null ? '' : `, ${name} alone`;
  return told(run, `${slice.by} ${slice.slice}${of}`, { category: name, ...slice }, found);
}

const KIND_WORDS: Readonly<Record<PairKind, (a: string, b: string) => string>> = {
  confused: (a, b) => `${a} missed, ${b} falsely predicted`,
  lured: (a, b) => `${a} there, ${b} falsely predicted`,
  'missed-together': (a, b) => `${a} and ${b} missed`,
  'false-together': (a, b) => `${a} and ${b} falsely predicted`,
};

/** @throws LabelscopeError 'category-unknown' */
export function listPair(run: Opened, pair: string, kind: PairKind): Told {
  const { set, threshold } = run;
  const [a, b] = categoriesOfPair(set, pair);
  const names = [set.categories[a]!, set.categories[b]!] as const;
  return told(run, KIND_WORDS[kind](...names), { pair: names, kind }, imagesBehindPair(set, threshold, { kind, a, b }));
}

/** Names may have commas of their own. */
function categoriesOfPair({ categories }: ScoredSet, text: string): readonly [number, number] {
  for (const { index } of text.matchAll(/,/g)) {
    const [a, b] = [text.slice(0, index), text.slice(index + 1)].map((name) => categories.indexOf(name.trim())) as [
      number,
      number,
    ];
    if (a >= 0 && b >= 0 && a !== b) return [a, b];
  }
  throw new LabelscopeError(
    'category-unknown',
    `--pair takes two categories of the model, as in --pair "A,B", not '${text}'. It knows: ${categories.join(', ')}.`,
  );
}

/** By the name that the table or the JSON has. @throws LabelscopeError 'slice-unknown', and what `chosenSlicings` throws */
function groupOf(run: Opened, { by, slice }: SliceChoice): Group {
  const { set } = run;
  const groups = chosenSlicings(run, by).flatMap((slicing) => slicing.groups);
  const namesOf = ({ key }: Group) => [
    sliceName(set, key),
    groupName(key, set.categories, plainly),
    ...(key.by === 'area' ? [key.area] : []),
  ];
  const found = groups.find((group) => namesOf(group).includes(slice));
  if (found) return found;
  const known = groups.map(({ key }) => sliceName(set, key)).join(', ');
  throw new LabelscopeError('slice-unknown', `There is no slice '${slice}' by ${by}. --slice is one of: ${known}.`);
}

const withCategory = (images: readonly Omit<BehindImage, 'category'>[], category: number): BehindImage[] =>
  images.map((image) => ({ ...image, category }));

function told({ folder, stored, set, threshold }: Opened, title: string, about: object, found: readonly BehindImage[]): Told {
  const images = found.map(({ row, category, score }) => {
    const { file_name, path, labels } = stored.scores.images[row]!;
    return { file_name, path, category: set.categories[category]!, score, labels };
  });
  const rows = images.map(({ score, category, path, labels }) => [decimal(score), category, path, labels.join(', ')]);
  return {
    value: { run: folder, split: stored.result.split, threshold, ...about, images },
    lines: [`${found.length} images: ${title}`, '', ...table([['score', 'of', 'image', 'labels'], ...rows])],
  };
}
