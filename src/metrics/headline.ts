// The numbers that stand for a whole evaluation, in the nesting of its JSON, for whatever is known of each: a value, an interval, a difference.
import type { Quality } from './types';

/** Whatever is known of each headline metric. */
export interface Headline<T> {
  readonly loss: T;
  readonly micro: Readonly<Record<keyof Quality, T>>;
  readonly macro: Readonly<Record<keyof Quality, T>>;
  readonly jaccard: T;
  readonly hammingLoss: T;
  readonly exactMatch: T;
  readonly CP: T;
  readonly CR: T;
  readonly CF1: T;
  readonly OP: T;
  readonly OR: T;
  readonly OF1: T;
  readonly mAP: T;
}

/** The metrics that differ: CP, CR, OP, OR and OF1 are macro and micro values under other names. */
export const METRICS = [
  'loss',
  'micro.precision',
  'micro.recall',
  'micro.f1',
  'macro.precision',
  'macro.recall',
  'macro.f1',
  'jaccard',
  'hammingLoss',
  'exactMatch',
  'CF1',
  'mAP',
] as const;
export type Metric = (typeof METRICS)[number];

/** No value of it is larger; none of any is below 0. */
export function mostOf(metric: Metric): number {
  return metric === 'loss' ? Infinity : 1;
}

/** Asks for each metric once. */
export function headlineOf<T>(of: (metric: Metric) => T): Headline<T> {
  const all = Object.fromEntries(METRICS.map((metric) => [metric, of(metric)])) as Record<Metric, T>;
  const quality = (average: 'micro' | 'macro') => ({
    precision: all[`${average}.precision`],
    recall: all[`${average}.recall`],
    f1: all[`${average}.f1`],
  });
  return {
    loss: all.loss,
    micro: quality('micro'),
    macro: quality('macro'),
    jaccard: all.jaccard,
    hammingLoss: all.hammingLoss,
    exactMatch: all.exactMatch,
    CP: all['macro.precision'],
    CR: all['macro.recall'],
    CF1: all.CF1,
    OP: all['micro.precision'],
    OR: all['micro.recall'],
    OF1: all['micro.f1'],
    mAP: all.mAP,
  };
}

/** One metric's entry. */
export function entryOf<T>(headline: Headline<T>, metric: Metric): T {
  const [first, second] = metric.split('.') as ['micro' | 'macro', keyof Quality];
  return second === undefined ? headline[metric as 'jaccard'] : headline[first][second];
}
