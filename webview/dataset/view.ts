// The dataset report: what a file holds, and what is wrong with it, before anybody trains on it.
import { html, nothing, render, type TemplateResult } from 'lit';
import type { DatasetReport } from '../../src/protocol/messages';
import type { DatasetData } from '../../src/protocol/windows';
import { type Card, cardOf } from '../kit/card';
import { barChart, matrixChart } from '../kit/chart';
import { count, fixed } from '../kit/format';
import type { Host } from '../kit/host';
import { t } from '../kit/l10n';

export function datasetView(root: HTMLElement, host: Host<'dataset'>): void {
  const tables = new Set<string>();
  let data: DatasetData | undefined;
  const draw = () => {
    if (data) render(page(data, tables, toggle, host), root);
  };
  const toggle = (name: string) => {
    if (!tables.delete(name)) tables.add(name);
    draw();
  };
  host.listen((told) => {
    data = told;
    draw();
  });
}

type Toggle = (name: string) => void;

function page(
  { annotations, report, progress, error }: DatasetData,
  tables: ReadonlySet<string>,
  toggle: Toggle,
  host: Host<'dataset'>,
): TemplateResult {
  const train = () => void host.call('command', { command: 'train' }).catch(() => undefined);
  return html`<header class="row spread">
      <h1>${annotations.split(/[\\/]/).at(-1)}</h1>
      <button class="primary" ?disabled=${!report} @click=${train}>${t('Train Multilabel Model')}</button>
    </header>
    <p class="quiet">${annotations}</p>
    ${error ? html`<p class="notice error" role="alert">${error.message}</p>` : nothing}
    ${!report && !error ? html`<progress max="1" value=${progress} aria-label=${t('Reading the file')}></progress>` : nothing}
    ${
      report
        ? html`${tiles(report)} ${findings(report)}
            <div class="grid">${cards(report).map((card) => cardOf(card, tables, toggle, host))}</div>`
        : nothing
    }`;
}

function tiles({
  images,
  annotations,
  categories,
  labelledImages,
  labelsPerImage,
  bytes,
  imageFolder,
}: DatasetReport): TemplateResult {
  const all: (readonly [string, string])[] = [
    [t('Images'), count(images)],
    [t('With labels'), count(labelledImages)],
    [t('Annotations'), count(annotations)],
    [t('Categories'), count(categories.length)],
    [t('Labels per labelled image'), fixed(labelsPerImage.mean, 2)],
    [t('File size'), t('{0} MB', fixed(bytes / 1e6, 1))],
  ];
  return html`<dl class="tiles">
      ${all.map(
        ([name, value]) =>
          html`<div class="tile">
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
    </dl>
    <p class="quiet">${t('Image folder: {0}', imageFolder ?? t('not found'))}</p>`;
}

function severityWord(severity: DatasetReport['findings'][number]['severity']): string {
  return { error: t('Error'), warning: t('Warning'), info: t('Note') }[severity];
}

function findings({ findings: all }: DatasetReport): TemplateResult {
  if (all.length === 0) return html`<p class="notice">${t('Nothing wrong was found.')}</p>`;
  return html`<section aria-label=${t('Findings')}>
    ${all.map(
      ({ severity, message, remedy, examples }) =>
        html`<div class="notice finding ${severity}">
          <strong>${severityWord(severity)}:</strong> ${message} ${remedy}
          ${
            examples.length > 0
              ? html`<ul class="examples">
                  ${examples.map((example) => html`<li>${example}</li>`)}
                </ul>`
              : nothing
          }
        </div>`,
    )}
  </section>`;
}

function cards(report: DatasetReport): Card[] {
  return [classes(report), labelsPerImage(report), together(report)];
}

function classes({ categories }: DatasetReport): Card {
  const ordered = [...categories].sort((a, b) => b.images - a.images);
  const chart = barChart(
    t('Images of each category; the table holds the numbers'),
    ordered.map(({ name, images }) => ({ name, value: images })),
  );
  return {
    name: 'categories',
    title: t('Images by category'),
    chart: html`<div class="tall" tabindex="0" role="group" aria-label=${t('Images by category')}>${chart}</div>`,
    table: {
      caption: t('Images by category'),
      columns: [{ title: t('Category') }, { title: t('Images'), numeric: true }, { title: t('Annotations'), numeric: true }],
      rows: ordered.map(({ name, images, annotations }) => ({ key: name, cells: [name, images, annotations] })),
    },
  };
}

function labelsPerImage({ labelsPerImage: { histogram } }: DatasetReport): Card {
  const bars = histogram.map((value, labels) => ({ name: labels === 1 ? t('1 label') : t('{0} labels', labels), value }));
  return {
    name: 'labels-per-image',
    title: t('Labels per image'),
    chart: barChart(t('Images by their number of labels; the table holds the numbers'), bars),
    table: {
      caption: t('Labels per image'),
      columns: [{ title: t('Labels') }, { title: t('Images'), numeric: true }],
      rows: histogram.map((value, labels) => ({ key: String(labels), cells: [String(labels), value] })),
    },
  };
}

function together({ categories, coOccurrence }: DatasetReport): Card {
  const names = categories.map(({ name }) => name);
  const label = t('How often two categories share an image; the table holds the numbers');
  return {
    name: 'co-occurrence',
    title: t('Categories that share images'),
    wide: true,
    chart: html`<div class="tall" tabindex="0" role="group" aria-label=${label}>
      ${matrixChart({ label, names, values: coOccurrence })}
    </div>`,
    table: {
      caption: t('Images that show both categories'),
      columns: [{ title: t('Category') }, ...names.map((title) => ({ title, numeric: true }))],
      rows: names.map((name, row) => ({
        key: name,
        cells: [name, ...coOccurrence.slice(row * names.length, (row + 1) * names.length)],
      })),
    },
  };
}
