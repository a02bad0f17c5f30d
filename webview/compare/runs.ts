// The head of a comparison: which runs, on which images, and in words what can be said of each.
import { html, nothing, svg, type TemplateResult } from 'lit';
import type { Compared } from '../../src/metrics/compare';
import { tooNarrowNote } from '../../src/metrics/few-positives';
import { entryOf } from '../../src/metrics/headline';
import type { ComparedRun } from '../../src/protocol/compare';
import type { Card } from '../kit/card';
import { dotOf } from '../kit/dots';
import { count, fixed } from '../kit/format';
import { t } from '../kit/l10n';
import { isFirst, type Judged, type Panel } from './state';
import { metricNames } from './words';

/** Left-out categories that are named. */
const MOST_NAMES = 5;

/** Line and dot of a run in the charts. */
function swatch(series: number): TemplateResult {
  return html`<svg class="chart swatch" viewBox="0 0 34 14" aria-hidden="true">
    ${svg`<line class="line series-${series % 6}" x1="0" x2="34" y1="7" y2="7"></line>${dotOf(series, 17, 7)}`}
  </svg>`;
}

/** Each with its colour. In the editor its name leads to its evaluation. */
export function runList({ data, host }: Panel): TemplateResult {
  const open = (folder: string) => void host.call('openEvaluation', { folder }).catch(() => undefined);
  return html`<div class="row" data-part="runs">
    ${data.runs.map(
      ({ folder, name }, k) =>
        html`<span class="row" title=${folder}
          >${swatch(k)}
          ${
            host.isEditor
              ? html`<button class="plain" @click=${() => open(folder)} title=${t('Open Evaluation Panel')}>${name}</button>`
              : html`<span>${name}</span>`
          }</span
        >`,
    )}
  </div>`;
}

export function sharedWords({ result }: Judged): TemplateResult {
  const { images, categories, runs, replicates, seed } = result;
  const files = [...new Set(runs.map(({ annotations }) => annotations))];
  const intervals =
    replicates > 0
      ? t('95 % intervals by the paired bootstrap: {0} resamples of the images, seed {1}.', count(replicates), seed)
      : '';
  const narrow =
    replicates > 0
      ? tooNarrowNote(
          categories.map((category) => category.images),
          t,
        )
      : undefined;
  return html`<p class="quiet" data-part="shared">
      ${t('{0} images and {1} categories that all evaluations share.', count(images), count(categories.length))} ${intervals}
    </p>
    ${
      files.length > 1
        ? html`<p class="notice">
            ${t('The evaluations name different files, {0}: images are the same by their file names.', files.join(', '))}
          </p>`
        : nothing
    }
    ${narrow === undefined ? nothing : html`<p class="notice" data-notice="few-positives">${narrow}</p>`}
    ${runs.map(leftOutWords)}`;
}

function leftOutWords({
  name,
  annotations,
  leftOut,
  categoriesLeftOut,
  trainedOnThem,
}: ComparedRun): TemplateResult | typeof nothing {
  const { notShared, otherLabels } = leftOut;
  const parts = [
    notShared > 0 ? t('{0} images that not all runs were evaluated on', count(notShared)) : '',
    otherLabels > 0 ? t('{0} images that have other labels in another evaluation', count(otherLabels)) : '',
    categoriesLeftOut.length > 0 ? t('what not all runs know: {0}', listed(categoriesLeftOut)) : '',
  ].filter(Boolean);
  const words = t('{0} was evaluated on the file that it was trained on, {1}: it looks better than it is.', name, annotations);
  return html`${parts.length > 0 ? html`<p class="notice">${t('Left out of {0}: {1}.', name, parts.join('; '))}</p>` : nothing}
  ${trainedOnThem ? html`<p class="notice warning">${words}</p>` : nothing}`;
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMES).join(', ');
  const more = names.length - MOST_NAMES;
  return more > 0 ? t('{0} and {1} more', shown, count(more)) : shown;
}

/** What is better, what worse, and of what nothing can be said. */
export function verdicts(judged: Judged): TemplateResult | typeof nothing {
  const { runs, result } = judged;
  if (result.replicates === 0) return nothing;
  return html`<div role="status">
    <ul class="verdicts">
      ${runs.map((run, k) => (isFirst(judged, run) ? nothing : html`<li>${swatch(k)} ${verdictWords(run, result.runs[0]!)}</li>`))}
    </ul>
  </div>`;
}

function verdictWords(run: ComparedRun, first: ComparedRun): string {
  const named = (verdict: string) =>
    metricNames()
      .filter(([metric]) => entryOf<Compared>(run, metric).versusFirst?.verdict === verdict)
      .map(([, name]) => name);
  const [better, worse, even] = [named('better'), named('worse'), named('not distinguishable')];
  if (better.length + worse.length === 0 && even.length > 0)
    return t('{0} compared with {1}: not distinguishable in any metric.', run.name, first.name);
  const parts = [
    better.length > 0 ? t('better in {0}', better.join(', ')) : '',
    worse.length > 0 ? t('worse in {0}', worse.join(', ')) : '',
    even.length > 0 ? t('not distinguishable in {0}', even.join(', ')) : '',
  ].filter(Boolean);
  return t('{0} compared with {1}: {2}.', run.name, first.name, parts.join('; ') || '–');
}

/** How many images each run was evaluated on, and at which threshold it is judged. */
export function runsCard({ runs }: Judged): Card {
  const title = t('Evaluations');
  return {
    name: 'evaluations',
    title,
    wide: true,
    table: {
      caption: title,
      columns: [
        { title: t('Run') },
        { title: t('Evaluated images'), numeric: true },
        { title: t('Threshold') },
        { title: t('Annotation file') },
      ],
      rows: runs.map(({ run, name, evaluated, threshold, annotations }) => ({
        key: run,
        cells: [name, evaluated, typeof threshold === 'number' ? fixed(threshold, 2) : t('one a category'), annotations],
      })),
    },
  };
}

export function settingsCard({ data: { runs, settings } }: Panel): Card {
  const title = t('Settings that differ');
  return {
    name: 'settings',
    title,
    wide: true,
    ...(settings.length === 0 && { more: html`<p>${t('None.')}</p>` }),
    table: {
      caption: title,
      columns: [{ title: t('Setting') }, ...runs.map(({ name }) => ({ title: name }))],
      rows: settings.map(({ setting, values }) => ({
        key: setting,
        cells: [setting, ...values.map((value) => (value === null ? '–' : String(value)))],
      })),
    },
  };
}
