// What metrics, verdicts and settings are called.
import type { Difference } from '../../src/metrics/bootstrap';
import { FEWEST_TOLD } from '../../src/metrics/few-positives';
import type { Metric } from '../../src/metrics/headline';
import { fixed } from '../kit/format';
import { t } from '../kit/l10n';

/** In the order in which people look. Those that are no share of 1 come last. */
export function metricNames(): readonly (readonly [Metric, string])[] {
  return [
    ['micro.f1', t('Micro F1')],
    ['macro.f1', t('Macro F1')],
    ['mAP', 'mAP'],
    ['jaccard', t('Jaccard index')],
    ['exactMatch', t('Exact match')],
    ['micro.precision', t('Micro precision')],
    ['micro.recall', t('Micro recall')],
    ['macro.precision', t('Macro precision')],
    ['macro.recall', t('Macro recall')],
    ['CF1', 'CF1'],
    ['hammingLoss', t('Hamming loss')],
    ['loss', t('Loss')],
  ];
}

/** @param images that show the category, of one */
export function verdictWord(found: Difference | null, images = Infinity): string {
  const { verdict = null } = found ?? {};
  if (verdict === null) return typeof found?.difference === 'number' && images < FEWEST_TOLD ? t('few images') : '–';
  return { better: t('better'), worse: t('worse'), 'not distinguishable': t('not distinguishable') }[verdict];
}

export const isCertain = (found: Difference | null): boolean => found?.verdict === 'better' || found?.verdict === 'worse';

/** With its sign: +0.012 */
export function signed(value: number | null | undefined): string {
  return `${typeof value === 'number' && value > 0 ? '+' : ''}${fixed(value)}`;
}
