// The images behind a number: which they are, and of which category each is shown.
import { type ImageScore, imagesBehind, predictionsAt } from '../../src/metrics/predicted';
import type { Group } from '../../src/metrics/groups';
import { imagesOfPair, type Pair } from '../../src/metrics/pairs';
import type { ScoredSet, Threshold } from '../../src/metrics/types';
import { t } from '../kit/l10n';
import type { Cell } from './model';

/** An image by its row, with the index of the category that it is shown for and its score. */
export interface BehindImage extends ImageScore {
  readonly category: number;
}

/** What a tab asks the gallery to show. Followed as the threshold moves. */
export interface Behind {
  /** Tells what is shown from what was shown before. */
  readonly key: string;
  readonly title: string;
  /** The most wrong or least certain first. */
  readonly find: (set: ScoredSet, threshold: Threshold) => readonly BehindImage[];
}

export function behindCell(categories: readonly string[], category: number, cell: Cell): Behind {
  const name = categories[category] ?? '';
  const words: Record<Cell, string> = {
    tp: t('{0}: rightly predicted', name),
    fp: t('{0}: false alarms', name),
    fn: t('{0}: missed', name),
    tn: t('{0}: rightly left out', name),
  };
  return {
    key: `cell ${category} ${cell}`,
    title: words[cell],
    find: (set, threshold) => imagesBehind(set, category, cell, threshold).map((image) => ({ ...image, category })),
  };
}

/** Images that are known from elsewhere, such as those of a bin of scores, of one category; the highest score first. */
export function behindImages(key: string, title: string, category: number, images: readonly ImageScore[]): Behind {
  const found = images.map((image) => ({ ...image, category })).sort((a, b) => b.score - a.score);
  return { key, title, find: () => found };
}

/** For each image of a pair the category that is a false alarm there, or else the first that is missed. */
export function behindPair(pair: Pair, title: string): Behind {
  const { kind, a, b } = pair;
  const category = kind === 'missed-together' || kind === 'false-together' ? a : b;
  const sign = kind === 'missed-together' ? 1 : -1;
  return {
    key: `pair ${kind} ${a} ${b}`,
    title,
    find: (set, threshold) =>
      ofCategory(set, imagesOfPair(set, threshold, pair), category).sort((x, y) => sign * (x.score - y.score)),
  };
}

/**
 * The images of a slice, each for the category that is farthest from the truth, the farthest first; of slices by object area
 * every label, those with the lowest score first. With `category` (an index) for that one alone.
 */
export function behindGroup(group: Group, title: string, category: number | undefined): Behind {
  const key = `slice ${JSON.stringify(group.key)} ${String(category)}`;
  return {
    key,
    title,
    find: (set, threshold) => (group.entries ? entriesOf(set, group.entries) : worstOf(set, group.rows, category, threshold)),
  };
}

function ofCategory({ scores, categories }: ScoredSet, rows: readonly number[], category: number): BehindImage[] {
  return rows.map((row) => ({ row, category, score: scores[row * categories.length + category]! }));
}

function entriesOf({ scores, categories }: ScoredSet, entries: readonly number[]): BehindImage[] {
  const width = categories.length;
  const images = entries.map((at) => ({ row: Math.floor(at / width), category: at % width, score: scores[at]! }));
  return images.sort((a, b) => a.score - b.score);
}

/** Wrong decisions come before right ones, however near the threshold. */
function worstOf(set: ScoredSet, rows: readonly number[], category: number | undefined, threshold: Threshold): BehindImage[] {
  const { labels, scores, categories } = set;
  const predicted = predictionsAt(set, threshold);
  const width = categories.length;
  const [from, to] = category === undefined ? [0, width] : [category, category + 1];
  const error = (at: number) => Math.abs(labels[at]! - scores[at]!) + Number(labels[at] !== predicted[at]);
  const worst = rows.map((row) => {
    let at = row * width + from;
    for (let c = from + 1; c < to; c++) if (error(row * width + c) > error(at)) at = row * width + c;
    return { row, category: at - row * width, score: scores[at]!, error: error(at) };
  });
  return worst.sort((a, b) => b.error - a.error).map(({ row, category: c, score }) => ({ row, category: c, score }));
}
