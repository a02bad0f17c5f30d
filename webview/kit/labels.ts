// What is said of one category of an image: its score, whether that makes it a label, and whether that is right.
import type { LabelsData } from '../../src/protocol/windows';
import { t } from './l10n';

export type Verdict = 'hit' | 'miss' | 'false alarm' | 'none';

export interface LabelRow {
  readonly category: string;
  readonly score: number;
  readonly threshold: number;
  readonly isLabel: boolean;
  /** 'none' where the truth is not known, or both say no. */
  readonly verdict: Verdict;
}

/** Labels first, then the others, each by falling score. */
export function labelRows({ predicted, thresholds, truth }: Pick<LabelsData, 'predicted' | 'thresholds' | 'truth'>): LabelRow[] {
  const rows = Object.entries(predicted?.scores ?? {}).map(([category, score]) => {
    const threshold = thresholds[category] ?? 0.5;
    const isLabel = score >= threshold;
    return { category, score, threshold, isLabel, verdict: verdictOf(truth, category, isLabel) };
  });
  return rows.sort((a, b) => Number(b.isLabel) - Number(a.isLabel) || b.score - a.score);
}

function verdictOf(truth: LabelsData['truth'], category: string, isLabel: boolean): Verdict {
  if (!truth?.known.includes(category)) return 'none';
  const isTrue = truth.labels.includes(category);
  if (isTrue) return isLabel ? 'hit' : 'miss';
  return isLabel ? 'false alarm' : 'none';
}

export const VERDICT_SIGNS: Readonly<Record<Verdict, string>> = { hit: '✓', miss: '○', 'false alarm': '✗', none: '' };

export function verdictWords(verdict: Verdict): string {
  const words: Record<Verdict, string> = {
    hit: t('right: the annotation file says so too'),
    miss: t('missed: the annotation file names it'),
    'false alarm': t('false alarm: the annotation file does not name it'),
    none: '',
  };
  return words[verdict];
}

/** The verdict as it stands in a row. */
export function verdictWord(verdict: Verdict): string {
  const words: Record<Verdict, string> = { hit: t('hit'), miss: t('missed'), 'false alarm': t('false alarm'), none: '' };
  return words[verdict];
}
