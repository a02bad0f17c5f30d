// The review panel: suspects are looked for, decided one by one, and written into a corrected copy.
import { html, nothing, render, type TemplateResult } from 'lit';
import type { CorrectResult, Review, SuspectsProgress, SuspectsResult } from '../../src/protocol/review';
import type { ReviewData } from '../../src/protocol/windows';
import { cardOf } from '../kit/card';
import { count, fileName } from '../kit/format';
import type { Host } from '../kit/host';
import { t } from '../kit/l10n';
import { Pace } from '../kit/pace';
import { tabList } from '../kit/tabs';
import { noiseCard } from './noise';
import { Decisions, type Filters, firstState, KINDS, STATES, type ViewState } from './state';
import { SuspectsPage } from './suspects';
import { kindWord, verdictWord } from './list';

interface Panel {
  readonly state: ViewState;
  readonly host: Host<'review'>;
  readonly decisions: Decisions;
  readonly page: SuspectsPage;
  readonly pace: Pace;
  readonly change: (change: Partial<ViewState>) => void;
  readonly call: <T>(work: Promise<T>) => Promise<T | undefined>;
  told: { error: string | undefined; corrected: CorrectResult | undefined };
}

export function reviewView(root: HTMLElement, host: Host<'review'>): void {
  let data: ReviewData | undefined;
  let due = 0;
  const state = firstState(host);
  const decisions = new Decisions();
  const draw = () => {
    due = 0;
    if (data) render(whole(data, panel), root);
  };
  const redraw = () => void (due ||= requestAnimationFrame(draw));
  const tell = (message: string | undefined) => {
    panel.told.error = message;
    redraw();
  };
  const page = new SuspectsPage(host, decisions, state, redraw, tell);
  const panel: Panel = {
    ...{ state, host, decisions, page, pace: new Pace() },
    told: { error: undefined, corrected: undefined },
    change: (change) => {
      Object.assign(state, change);
      host.keep({ ...state });
      const result = data?.review?.result;
      if (result && Object.keys(change).some((name) => ['category', 'kind', 'state'].includes(name))) page.open(result);
      redraw();
    },
    call: async (work) => {
      tell(undefined);
      return work.catch((error: unknown) => {
        tell((error as Error).message);
        return undefined;
      });
    },
  };
  const openReview = (review: Review | null) => {
    decisions.reset(review?.decisions ?? []);
    panel.told.corrected = undefined;
    if (review?.result) page.open(review.result);
  };
  host.listen(
    (told) => {
      data = told;
      openReview(told.review);
      redraw();
    },
    (event) => {
      if (!data) return;
      data = { ...data, ...event };
      if ('review' in event) openReview(data.review);
      redraw();
    },
  );
}

function whole(data: ReviewData, panel: Panel): TemplateResult {
  const { annotations, review, working, changed, error } = data;
  const message = error?.message ?? panel.told.error;
  return html`<header class="row spread">
      <h1>${fileName(annotations)}</h1>
      ${review?.result && !working ? tools(review.result, panel) : nothing}
    </header>
    ${message ? html`<p class="notice error" role="alert">${message}</p>` : nothing} ${changed ? changedNotice(panel) : nothing}
    ${working ? progress(working, panel) : nothing}
    ${review && !working ? (review.result ? list(review, review.result, panel) : start(review, panel)) : nothing}
    ${!review && !message ? html`<progress aria-label=${t('Reading the file')}></progress>` : nothing}`;
}

function findButton(words: string, className: string, { state, host, call }: Panel): TemplateResult {
  const { includeUnlabeled } = state;
  const find = () => void call(host.call('find', { includeUnlabeled }));
  return html`<button class=${className} data-find @click=${find}>${words}</button>`;
}

function changedNotice(panel: Panel): TemplateResult {
  return html`<div class="notice warning" role="alert" data-changed>
    <p>
      ${t('This file has changed since its labels were judged. What was decided is kept, and the list is of the old content.')}
    </p>
    ${findButton(t('Find Suspect Labels Anew'), '', panel)}
  </div>`;
}

function progress({ stage, done, total }: SuspectsProgress, { host, call, pace }: Panel): TemplateResult {
  const words: Record<SuspectsProgress['stage'], string> = {
    reading: t('Reading the file'),
    looking: t('Looking for images that are the same: {0} of {1}', count(done), count(total)),
    features: t('Computing features of images: {0} of {1}', count(done), count(total)),
    folds: t('Training on folds: {0} %', Math.round((100 * done) / Math.max(1, total))),
  };
  return html`<div class="start" role="status">
    <p class="row">${words[stage]} <span class="quiet" data-left>${pace.left(stage, done, total)}</span></p>
    <progress max=${Math.max(1, total)} value=${done} aria-label=${words[stage]}></progress>
    <p><button data-stop @click=${() => void call(host.call('stop', null))}>${t('Stop')}</button></p>
  </div>`;
}

function start({ earlier }: Review, panel: Panel): TemplateResult {
  const { state, change } = panel;
  const toggle = (event: Event) => change({ includeUnlabeled: (event.target as HTMLInputElement).checked });
  return html`<div class="start">
    <p>
      ${t('Every image is scored by models that were trained on other images. Labels that they contradict with confidence are listed, the most doubtful first; you accept or reject each, and a corrected copy of the file is written.')}
    </p>
    ${earlier ? html`<p class="quiet" data-earlier>${earlierWords(earlier)}</p>` : nothing}
    <p>
      <label
        ><input type="checkbox" .checked=${state.includeUnlabeled} @change=${toggle} />
        ${t('Also look at images without any label')}</label
      >
    </p>
    <p>${findButton(t('Find Suspect Labels'), 'primary', panel)}</p>
  </div>`;
}

function earlierWords({ file, decisions }: NonNullable<Review['earlier']>): string {
  return t(
    'The file has changed since it was last reviewed. {0} decisions on its old content are kept in {1}.',
    count(decisions.length),
    file,
  );
}

function tools(result: SuspectsResult, panel: Panel): TemplateResult {
  const { decisions, host, call, told } = panel;
  const correct = async () => {
    told.corrected = await call(host.call('correct', null));
    panel.change({});
  };
  const { accept } = decisions.count(result.suspects);
  return html`<div class="row">
    ${findButton(t('Find Anew'), '', panel)}
    <button class="primary" data-correct ?disabled=${accept === 0} @click=${() => void correct()}>
      ${t('Write Corrected Copy')}
    </button>
  </div>`;
}

function list(review: Review, result: SuspectsResult, panel: Panel): TemplateResult {
  const { state, change, page, told, host } = panel;
  const tabs = [
    { name: 'suspects', title: t('Suspect Labels') },
    { name: 'categories', title: t('Categories') },
  ];
  return html`${told.corrected ? correctedNotice(told.corrected) : nothing} ${carryOver(review, panel)}
    ${tabList(tabs, state.page, (name) => change({ page: name as ViewState['page'] }))}
    <div
      id="page-suspects"
      class="page suspects"
      role="tabpanel"
      aria-labelledby="tab-suspects"
      ?hidden=${state.page !== 'suspects'}
    >
      ${counts(result, panel)} ${filterRow(result, panel)} ${page.template()}
    </div>
    <div
      id="page-categories"
      class="page scrolls"
      role="tabpanel"
      aria-labelledby="tab-categories"
      ?hidden=${state.page !== 'categories'}
    >
      ${cardOf(noiseCard(result), new Set(), () => undefined, host)}
    </div>`;
}

function correctedNotice({ path, log, added, removed }: CorrectResult): TemplateResult {
  return html`<p class="notice" role="status" data-corrected>
    ${t('{0} labels are added and {1} removed in {2}; what was changed stands in {3}.', count(added), count(removed), path, fileName(log))}
  </p>`;
}

function carryOver({ earlier, decisions }: Review, { host, call }: Panel): TemplateResult | typeof nothing {
  if (!earlier || decisions.length > 0) return nothing;
  return html`<div class="notice row">
    <span>${earlierWords(earlier)}</span>
    <button data-carry @click=${() => void call(host.call('carryOver', null))}>
      ${t('Decide Alike Where They Are Suspect Again')}
    </button>
  </div>`;
}

function counts({ suspects, found }: SuspectsResult, { decisions }: Panel): TemplateResult {
  const { accept, reject, skip } = decisions.count(suspects);
  const done = accept + reject + skip;
  const of =
    found > suspects.length ? t('{0} (the most doubtful of {1})', count(suspects.length), count(found)) : count(suspects.length);
  return html`<div>
    <strong role="status" data-progress>
      ${t('{0} of {1} decided: {2} accepted, {3} rejected, {4} skipped', count(done), of, count(accept), count(reject), count(skip))}
    </strong>
    <progress max=${Math.max(1, suspects.length)} value=${done} aria-label=${t('Decided')}></progress>
  </div>`;
}

function filterRow({ suspects, categories }: SuspectsResult, { state, change, page }: Panel): TemplateResult {
  const perCategory = new Map<string, number>();
  for (const { category } of suspects) perCategory.set(category, (perCategory.get(category) ?? 0) + 1);
  const names = categories.flatMap(({ category }) => (perCategory.has(category) ? [category] : []));
  const states: Record<Filters['state'], string> = {
    ...{ open: t('not decided'), all: t('all') },
    ...{ accept: verdictWord('accept'), reject: verdictWord('reject'), skip: verdictWord('skip') },
  };
  const kinds: Record<Filters['kind'], string> = {
    all: t('missing and wrong'),
    missing: kindWord('missing'),
    wrong: kindWord('wrong'),
  };
  return html`<div class="row" role="group" aria-label=${t('Filters')}>
    ${choice(
      t('Category'),
      'category',
      [['', t('all categories')], ...names.map((name) => [name, `${name} (${count(perCategory.get(name)!)})`] as const)],
      state.category,
      (category) => change({ category }),
    )}
    ${choice(
      t('Kind'),
      'kind',
      KINDS.map((kind) => [kind, kinds[kind]]),
      state.kind,
      (kind) => change({ kind }),
    )}
    ${choice(
      t('Decided'),
      'state',
      STATES.map((name) => [name, states[name]]),
      state.state,
      (name) => change({ state: name }),
    )}
    <span class="quiet" data-shown>${t('{0} shown', count(page.shown.length))}</span>
  </div>`;
}

function choice<T extends string>(
  title: string,
  name: string,
  options: readonly (readonly [value: T, words: string])[],
  chosen: T,
  choose: (value: T) => void,
): TemplateResult {
  const change = (event: Event) => choose(options[(event.target as HTMLSelectElement).selectedIndex]![0]);
  return html`<label class="row">
    ${title}
    <select data-filter=${name} @change=${change}>
      ${options.map(([value, words]) => html`<option .selected=${value === chosen}>${words}</option>`)}
    </select>
  </label>`;
}
