// Every metric of every run, and its difference to the run that all are compared with: dots with intervals, and tables.
import { html, nothing } from 'lit';
import type { Compared } from '../../src/metrics/compare';
import { entryOf, type Metric } from '../../src/metrics/headline';
import { isNotKnown, notKnown, notKnownNote } from '../../src/metrics/not-known';
import type { ComparedRun } from '../../src/protocol/compare';
import type { Card } from '../kit/card';
import { dotPlot } from '../kit/dots';
import { t } from '../kit/l10n';
import type { TableData } from '../kit/table';
import { isFirst, type Judged, shortName } from './state';
import { isCertain, metricNames, verdictWord } from './words';

const metricOf = (run: ComparedRun, metric: Metric): Compared => entryOf<Compared>(run, metric);
const numeric = (title: string) => ({ title, numeric: true, digits: 3 });

export function valuesCard({ runs, result: { images, replicates } }: Judged): Card {
  const title = t('Metrics');
  const isUnknown = ({ value, interval }: Compared) => replicates > 0 && isNotKnown(images, value, interval);
  const hasUnknown = metricNames().some(([metric]) => runs.some((run) => isUnknown(metricOf(run, metric))));
  const cellsOf = (one: Compared) => [one.value, ...(isUnknown(one) ? [notKnown(t), notKnown(t)] : ends(one.interval))];
  // The loss has no upper end: it is in the table alone.
  const drawn = metricNames().filter(([metric]) => metric !== 'loss');
  return {
    name: 'metrics',
    title,
    wide: true,
    more: hasUnknown ? html`<p class="quiet">${notKnownNote(t)}</p>` : nothing,
    chart: dotPlot({
      label: t('Every metric of each run with its 95 % interval; the table holds the numbers, and the loss'),
      x: t('value'),
      range: [0, 1],
      wide: true,
      series: runs.map(({ name }) => shortName(name, runs.length)),
      baseline: undefined,
      rows: drawn.map(([metric, name]) => ({ name, dots: runs.map((run) => metricOf(run, metric)), baseline: null })),
    }),
    table: {
      caption: title,
      columns: [{ title: t('Metric') }, ...runs.flatMap(({ name }) => [name, t('from'), t('to')].map(numeric))],
      rows: metricNames().map(([metric, name]) => ({
        key: metric,
        cells: [name, ...runs.flatMap((run) => cellsOf(metricOf(run, metric)))],
      })),
    },
  };
}

const ends = (interval: Compared['interval']): readonly (number | null)[] => interval ?? [null, null];

export function differencesCard(judged: Judged): Card {
  const { runs, result } = judged;
  const title = t('Differences to {0}', result.runs[0]!.name);
  const others = runs.map((run) => (isFirst(judged, run) ? undefined : run));
  const rows = metricNames().map(([metric, name]) => ({
    name,
    dots: others.map((run) => {
      const found = run ? metricOf(run, metric).versusFirst : null;
      return { value: found?.difference ?? null, interval: found?.interval ?? null, certain: isCertain(found) };
    }),
    baseline: null,
  }));
  const all = rows.flatMap(({ dots }) => dots.flatMap(({ value, interval }) => [value ?? 0, ...(interval ?? [])]));
  const edge = Math.max(0.01, ...all.map(Math.abs)) * 1.05;
  return {
    name: 'differences',
    title,
    wide: true,
    more: html`<p class="quiet">${t('Filled: can be told from chance. Less is better for the loss and the Hamming loss.')}</p>`,
    chart: dotPlot({
      label: t(
        'Each metric of the other runs minus that of {0}, with 95 % intervals; the table holds the numbers',
        result.runs[0]!.name,
      ),
      x: t('difference'),
      range: [-edge, edge],
      line: 0,
      wide: true,
      series: others.map((run) => run && shortName(run.name, runs.length)),
      baseline: undefined,
      rows,
    }),
    table: differencesTable(
      title,
      others.flatMap((run) => run ?? []),
    ),
  };
}

function differencesTable(caption: string, others: readonly ComparedRun[]): TableData {
  return {
    caption,
    columns: [
      { title: t('Metric') },
      ...others.flatMap(({ name }) => [...[name, t('from'), t('to')].map(numeric), { title: t('Verdict') }]),
    ],
    rows: metricNames().map(([metric, name]) => ({
      key: metric,
      cells: [
        name,
        ...others.flatMap((run) => {
          const found = metricOf(run, metric).versusFirst;
          return [found?.difference ?? null, ...ends(found?.interval ?? null), verdictWord(found)];
        }),
      ],
    })),
  };
}
