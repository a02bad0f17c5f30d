// The table of the benchmark `recipes`: means and ranges over the seeds, differences to the first row over the same test images.
import { decimal, table as lines } from '../src/cli/io';
import { BOOTSTRAP, differenceOf, replicated } from '../src/metrics/bootstrap';
import { finished } from '../src/metrics/steps';
import type { Row } from './recipes-study';

const HEAD = [
  '',
  'choice',
  'mAP',
  'difference',
  'micro F1 at 0.5',
  'difference',
  'micro F1 at fitted',
  'Jaccard at fitted',
  'seconds',
];

/** Means over seeds: of the metrics, and of the metrics in each resample of the test images. */
interface Summary {
  readonly mAP: number;
  readonly f1: number;
  readonly resampled: { readonly mAP: Float64Array; readonly f1: Float64Array };
}

export function report(rows: readonly Row[]): string[] {
  const names = [...new Set(rows.map(({ name }) => name))];
  const rowsOf = (name: string | undefined) => rows.filter((row) => row.name === name);
  const first = summaryOf(rowsOf(names[0]));
  return lines([
    HEAD,
    ...names.map((name) =>
      lineOf(
        rows.filter((row) => row.name === name),
        first,
      ),
    ),
  ]);
}

function lineOf(rows: readonly Row[], first: Summary): string[] {
  const own = summaryOf(rows);
  const spread = (of: (row: Row) => number | null) => spreadOf(rows.map((row) => of(row) ?? NaN));
  const seconds = rows.map((row) => row.seconds ?? NaN);
  return [
    rows[0]!.name,
    spread((row) => row.choice),
    spread((row) => row.mAP),
    difference('mAP', first, own),
    spread((row) => row.f1),
    difference('f1', first, own),
    spread((row) => row.f1Fitted),
    spread((row) => row.jaccard),
    decimal(nullOf(mean(seconds))),
  ];
}

function summaryOf(rows: readonly Row[]): Summary {
  const all = rows.map(({ test }) => finished(replicated(test, 0.5, BOOTSTRAP)).values);
  const meanOf = (columns: readonly Float64Array[]) => columns[0]!.map((_, k) => mean(columns.map((column) => column[k]!)));
  return {
    mAP: mean(rows.map((row) => row.mAP ?? NaN)),
    f1: mean(rows.map((row) => row.f1)),
    resampled: { mAP: meanOf(all.map((values) => values.mAP)), f1: meanOf(all.map((values) => values['micro.f1'])) },
  };
}

/** With the 95 % interval of the paired bootstrap. */
function difference(metric: 'mAP' | 'f1', first: Summary, own: Summary): string {
  const found = differenceOf([first[metric], own[metric]], [first.resampled[metric], own.resampled[metric]]);
  const signed = (value: number) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`;
  if (found.difference === null || found.interval === null) return '–';
  return `${signed(found.difference)} (${found.interval.map(signed).join(' to ')})`;
}

function spreadOf(values: readonly number[]): string {
  return `${decimal(nullOf(mean(values)))} (${decimal(nullOf(Math.min(...values)))}–${decimal(nullOf(Math.max(...values)))})`;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function nullOf(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
