// The runs' curves over one another: the threshold sweep, and the losses of their training.
import { html, type TemplateResult } from 'lit';
import type { HistoryPoint } from '../../src/protocol/messages';
import type { Card } from '../kit/card';
import { lineChart } from '../kit/chart';
import { fixed } from '../kit/format';
import { t } from '../kit/l10n';
import { type Judged, LOSSES, type Panel, shortName, SWEPT, type ViewState } from './state';

const numeric = (title: string) => ({ title, numeric: true, digits: 3 });

export function sweepCard({ runs, state, change }: Judged): Card {
  const { swept } = state;
  const words: Record<ViewState['swept'], string> = {
    f1: t('Micro F1'),
    precision: t('Micro precision'),
    recall: t('Micro recall'),
    jaccard: t('Jaccard index'),
  };
  const own = [...new Set(runs.map(({ threshold }) => threshold))];
  const marker = own.length === 1 && typeof own[0] === 'number' ? { at: own[0], text: fixed(own[0], 2) } : undefined;
  const title = t('Threshold sweep');
  return {
    name: 'sweep',
    title,
    wide: true,
    more: choice(t('Measure'), 'swept', SWEPT, words, swept, (value) => change({ swept: value })),
    chart: lineChart({
      label: t('{0} of each run over the threshold; the table holds the numbers', words[swept]),
      x: t('threshold'),
      y: words[swept],
      series: runs.map(({ name, sweep }) => ({
        name: shortName(name, runs.length),
        points: sweep.map((point) => [point.threshold, point[swept] ?? NaN] as const),
      })),
      xRange: [0, 1],
      yRange: [0, 1],
      wide: true,
      ...(marker && { marker }),
    }),
    table: {
      caption: `${title}: ${words[swept]}`,
      columns: [{ title: t('Threshold') }, ...runs.map(({ name }) => numeric(name))],
      rows: runs[0]!.sweep.map(({ threshold }, k) => ({
        key: String(threshold),
        cells: [threshold.toFixed(2), ...runs.map(({ sweep }) => sweep[k]![swept])],
      })),
    },
  };
}

/** The mean training loss of each epoch, or the last validation loss of each in which it was measured. */
function byEpoch(points: readonly HistoryPoint[], loss: ViewState['loss']): ReadonlyMap<number, number> {
  if (loss === 'validation')
    return new Map(points.flatMap(({ epoch, validationLoss: value }) => (value === undefined ? [] : [[epoch, value]])));
  const sums = new Map<number, readonly [sum: number, count: number]>();
  for (const { epoch, loss: value } of points) {
    const [sum, many] = sums.get(epoch) ?? [0, 0];
    sums.set(epoch, [sum + value, many + 1]);
  }
  return new Map([...sums].map(([epoch, [sum, many]]) => [epoch, sum / many]));
}

/** Nothing where no run has a history, as imported models have none. */
export function trainingCard({ data: { runs, settings }, state: { loss }, change }: Panel): Card | undefined {
  const words: Record<ViewState['loss'], string> = { validation: t('Validation loss'), training: t('Training loss') };
  const curves = runs.map(({ points }) => byEpoch(points, loss));
  const epochs = [...new Set(curves.flatMap((curve) => [...curve.keys()]))].sort((a, b) => a - b);
  if (runs.every(({ points }) => points.length === 0)) return undefined;
  const title = t('Training');
  const otherLoss = settings.some(({ setting }) => LOSS_SETTINGS.has(setting));
  const note = otherLoss
    ? t('The losses of these runs are computed in different ways: compare their shapes, not their heights.')
    : '';
  return {
    name: 'training',
    title,
    wide: true,
    more: html`${choice(t('Measure'), 'loss', LOSSES, words, loss, (value) => change({ loss: value }))}
    ${note && html`<p class="quiet">${note}</p>`}`,
    chart: lineChart({
      label: t('{0} of each run by epoch; the table holds the numbers', words[loss]),
      x: t('epoch'),
      y: words[loss],
      series: runs.map(({ name }, k) => ({ name: shortName(name, runs.length), points: [...curves[k]!] })),
      wide: true,
    }),
    table: {
      caption: `${title}: ${words[loss]}`,
      columns: [{ title: t('Epoch') }, ...runs.map(({ name }) => ({ ...numeric(name), digits: 4 }))],
      rows: epochs.map((epoch) => ({
        key: String(epoch),
        cells: [String(epoch), ...curves.map((curve) => curve.get(epoch) ?? null)],
      })),
    },
  };
}

/** Settings that change what a loss is, and so its height. */
const LOSS_SETTINGS: ReadonlySet<string> = new Set([
  'loss',
  'positiveWeight',
  'labelSmoothing',
  'aslGammaPositive',
  'aslGammaNegative',
  'aslClip',
  'categories',
]);

function choice<T extends string>(
  title: string,
  name: string,
  all: readonly T[],
  words: Readonly<Record<T, string>>,
  chosen: T,
  choose: (value: T) => void,
): TemplateResult {
  const onChange = (event: Event) => choose(all.find((one) => one === (event.target as HTMLSelectElement).value) ?? chosen);
  return html`<label class="row"
    >${title}
    <select data-choice=${name} @change=${onChange}>
      ${all.map((one) => html`<option value=${one} ?selected=${one === chosen}>${words[one]}</option>`)}
    </select>
  </label>`;
}
