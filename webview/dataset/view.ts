// The dataset panel: a page with what a file holds and what is wrong with it, and a page with the images behind each number.
import { html, nothing, render, type TemplateResult } from 'lit';
import type { DatasetReport } from '../../src/protocol/messages';
import type { DatasetData } from '../../src/protocol/windows';
import { cardOf } from '../kit/card';
import { count, fileName, fileSize, fixed } from '../kit/format';
import { type HeatMapView, heatMapView } from '../kit/heat-map';
import type { Host } from '../kit/host';
import { t } from '../kit/l10n';
import { Pace } from '../kit/pace';
import { tileList } from '../kit/tiles';
import { tabList } from '../kit/tabs';
import { aspectsCard, classesCard, foundCategories, labelsCard, orderedCategories, sizesCard } from './cards';
import { findingsCard } from './findings';
import { ImagesPage } from './images';
import { type Actions, type CategoryOrder, EVERYTHING, firstState, keptOf, type ViewState } from './state';
import { togetherCard, togetherOf } from './together';

interface Panel {
  readonly state: ViewState;
  readonly actions: Actions;
  readonly host: Host<'dataset'>;
  readonly images: ImagesPage;
  readonly heatMap: HeatMapView;
  readonly pace: Pace;
}

export function datasetView(root: HTMLElement, host: Host<'dataset'>): void {
  let data: DatasetData | undefined;
  let due = 0;
  const state = firstState(host);
  const keep = () => host.keep(keptOf(state));
  const draw = () => {
    due = 0;
    root.classList.toggle('whole', state.page === 'images' && data?.report != null);
    if (data) render(page(data, panel), root);
  };
  const soon = () => (due ||= requestAnimationFrame(draw));
  const actions: Actions = {
    change: (change) => {
      Object.assign(state, change);
      keep();
      soon();
    },
    toggle: (name) => {
      if (!state.tables.delete(name)) state.tables.add(name);
      soon();
    },
    show: (query) => {
      Object.assign(state, { page: 'images', query: { ...EVERYTHING, ...query }, first: 0 });
      keep();
      images.open(data!.report!);
      draw();
      images.focus();
    },
  };
  const images = new ImagesPage(state, host, { redraw: () => soon(), keep });
  const panel: Panel = { state, actions, host, images, heatMap: heatMapView(), pace: new Pace() };
  const take = (told: DatasetData) => {
    const isNew = told.report !== null && told.report !== data?.report;
    data = told;
    if (isNew) images.open(told.report);
    soon();
  };
  host.listen(take, (change) => data && take({ ...data, ...change }));
}

function page(data: DatasetData, panel: Panel): TemplateResult {
  const { annotations, report, progress, error } = data;
  const command = (name: 'train' | 'reviewLabels') => () =>
    void panel.host.call('command', { command: name }).catch(() => undefined);
  return html`<header class="row spread">
      <h1>${fileName(annotations)}</h1>
      <div class="row">
        <button data-review ?disabled=${!report} @click=${command('reviewLabels')}>${t('Review Labels…')}</button>
        <button class="primary" ?disabled=${!report} @click=${command('train')}>${t('Train Multilabel Model')}</button>
      </div>
    </header>
    ${error ? html`<p class="notice error" role="alert">${error.message}</p>` : nothing}
    ${!report && !error ? readingFile(progress, panel) : nothing}
    ${report ? html`${tabs(panel)} ${reportPage(report, data, panel)} ${imagesTab(data, panel)}` : nothing}`;
}

function readingFile(share: number, { pace }: Panel): TemplateResult {
  return html`<p class="row" role="status" data-reading="first">
    <progress max="1" value=${share} aria-label=${t('Reading the file')}></progress>
    ${t('Reading the file')} <span class="quiet" data-left>${pace.left('reading', share, 1)}</span>
  </p>`;
}

function tabs({ state, actions }: Panel): TemplateResult {
  const pages = [
    { name: 'report', title: t('Report') },
    { name: 'images', title: t('Images') },
  ];
  return tabList(pages, state.page, (name) => actions.change({ page: name === 'images' ? 'images' : 'report' }));
}

function imagesTab({ progress }: DatasetData, { state, images }: Panel): TemplateResult {
  return html`<div
    id="page-images"
    class="images-page"
    role="tabpanel"
    aria-labelledby="tab-images"
    ?hidden=${state.page !== 'images'}
  >
    ${images.template(progress)}
  </div>`;
}

function reportPage(report: DatasetReport, data: DatasetData, panel: Panel): TemplateResult {
  const { state, actions, host, heatMap } = panel;
  const all = orderedCategories(report, state.categoryOrder);
  const found = foundCategories(report, all, state.search);
  const draw = (card: Parameters<typeof cardOf>[0]) => cardOf(card, state.tables, actions.toggle, host);
  const chart = { report, together: togetherOf(report), state, found, all };
  return html`<div id="page-report" role="tabpanel" aria-labelledby="tab-report" ?hidden=${state.page !== 'report'}>
    ${tiles(report)} ${place(report, host)} ${checks(report, data, panel)}
    <div class="grid">
      ${draw(findingsCard(report, state, actions))} ${categoryTools(panel)} ${draw(classesCard(report, found, state, actions))}
      ${draw(labelsCard(report, actions))} ${draw(sizesCard(report, actions))} ${draw(aspectsCard(report, actions))}
      ${draw(togetherCard(chart, heatMap, actions))}
    </div>
  </div>`;
}

/** Where file and images lie, and a way to say it. */
function place({ path, bytes, imageFolder }: DatasetReport, host: Host<'dataset'>): TemplateResult {
  const choose = () => void host.call('chooseFolder', null).catch(() => undefined);
  return html`<p class="quiet">${path} (${fileSize(bytes)})</p>
    <p class="row" data-place="images">
      <span class="quiet">${t('Image folder: {0}', imageFolder ?? t('not found'))}</span>
      <button class=${imageFolder === null ? 'primary' : 'plain'} @click=${choose}>${t('Choose Image Folder…')}</button>
    </p>`;
}

/** Whether the image files were looked into, how far that is, and the way to it. */
function checks({ checkedImages, imageFolder }: DatasetReport, { checking }: DatasetData, { host, pace }: Panel) {
  if (imageFolder === null) return nothing;
  if (checking) {
    const { done, total } = checking;
    const stop = () => void host.call('stopCheck', null).catch(() => undefined);
    return html`<p class="row" role="status" data-checks="running">
      <progress max=${Math.max(1, total)} value=${done} aria-label=${t('Looking into the image files')}></progress>
      ${t('Looking into the image files: {0} of {1}', count(done), count(total))}
      <span class="quiet" data-left>${pace.left('images', done, total)}</span>
      <button data-stop @click=${stop}>${t('Stop')}</button>
    </p>`;
  }
  if (checkedImages === 'pixels') {
    return html`<p class="quiet" data-checks="done">
      ${t('Every image file was opened: damage, sizes and pictures that come twice are among the findings.')}
    </p>`;
  }
  const look = () => void host.call('checkImages', null).catch(() => undefined);
  return html`<p class="row" data-checks="none">
    <button @click=${look}>${t('Check Image Files')}</button>
    <span class="quiet">${t('Opens every image: finds damage, wrong sizes, pictures that come twice or in both files.')}</span>
  </p>`;
}

function categoryTools({ state, actions: { change } }: Panel): TemplateResult {
  const words: Record<CategoryOrder, string> = {
    images: t('Most images first'),
    annotations: t('Most annotations first'),
    file: t('Order of the file'),
    name: t('Name'),
  };
  const orders = Object.keys(words) as CategoryOrder[];
  const sort = (event: Event) => change({ categoryOrder: orders[(event.target as HTMLSelectElement).selectedIndex]! });
  const search = (event: Event) => change({ search: (event.target as HTMLInputElement).value });
  return html`<div class="row wide" role="group" aria-label=${t('Categories')}>
    <input
      type="search"
      data-search="category"
      placeholder=${t('Find a category')}
      aria-label=${t('Find a category')}
      .value=${state.search}
      @input=${search}
    />
    <select data-search="order" aria-label=${t('Order of the categories')} @change=${sort}>
      ${orders.map((order) => html`<option .selected=${order === state.categoryOrder}>${words[order]}</option>`)}
    </select>
  </div>`;
}

function tiles(report: DatasetReport): TemplateResult {
  const { images, annotations, categories, labelledImages, labelsPerImage } = report;
  const all: (readonly [string, string])[] = [
    [t('Images'), count(images)],
    [t('With labels'), count(labelledImages)],
    [t('Annotations'), count(annotations)],
    [t('Categories'), count(categories.length)],
    [t('Labels per labelled image'), fixed(labelsPerImage.mean, 2)],
  ];
  return tileList(all.map(([name, value]) => ({ key: name, name, value })));
}
