// The images behind a number, as a tab asks the gallery to show them.
import { type BehindImage, imagesBehindGroup, imagesBehindPair } from '../../src/metrics/behind';
import { type ImageScore, imagesBehind } from '../../src/metrics/predicted';
import type { Group } from '../../src/metrics/groups';
import type { Pair } from '../../src/metrics/pairs';
import type { ImageAgreement } from '../../src/metrics/slices';
import type { ScoredSet, Threshold } from '../../src/metrics/types';
import { t } from '../kit/l10n';
import type { Cell } from './model';

/** A set at a threshold, with what the slider has counted of it there. */
export interface Judged {
  readonly set: ScoredSet;
  readonly threshold: Threshold;
  /** What `predictionsAt` says. */
  readonly predicted: Uint8Array;
  readonly images: ImageAgreement;
}

/** What a tab asks the gallery to show. Followed as the threshold moves. */
export interface Behind {
  /** Tells what is shown from what was shown before. */
  readonly key: string;
  readonly title: string;
  /** True where the images are those of one evaluation, whatever comes after it. */
  readonly isFixed?: true;
  /** The most wrong or least certain first. */
  readonly find: (judged: Judged) => readonly BehindImage[];
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
    find: ({ set, threshold }) => imagesBehind(set, category, cell, threshold).map((image) => ({ ...image, category })),
  };
}

/** Images that are known from elsewhere, such as those of a bin of scores, of one category; the highest score first. */
export function behindImages(key: string, title: string, category: number, images: readonly ImageScore[]): Behind {
  const found = images.map((image) => ({ ...image, category })).sort((a, b) => b.score - a.score);
  return { key, title, isFixed: true, find: () => found };
}

export function behindPair(pair: Pair, title: string): Behind {
  const { kind, a, b } = pair;
  return {
    key: `pair ${kind} ${a} ${b}`,
    title,
    find: ({ set, threshold, predicted }) => imagesBehindPair(set, threshold, pair, predicted),
  };
}

/** @param category the index of the category that is looked at; undefined for all */
export function behindGroup(group: Group, title: string, category: number | undefined): Behind {
  const key = `slice ${JSON.stringify(group.key)} ${String(category)}`;
  const find = ({ set, threshold, predicted }: Judged) => imagesBehindGroup(set, threshold, group, category, predicted);
  if (!group.entries) return { key, title, find };
  // No threshold moves them; another evaluation has other scores.
  let last: { readonly set: ScoredSet; readonly found: readonly BehindImage[] } | undefined;
  const kept = (judged: Judged) => (last?.set === judged.set ? last : (last = { set: judged.set, found: find(judged) }));
  return { key, title, find: (judged) => kept(judged).found };
}
