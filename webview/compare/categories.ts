// The differences of every category: which gained, which lost, on how many images, and what of it can be told from chance.
import { html, type TemplateResult } from 'lit';
import { FEWEST_TOLD } from '../../src/metrics/few-positives';
import type { ComparedRun } from '../../src/protocol/compare';
import type { Card } from '../kit/card';
import { count } from '../kit/format';
import { t } from '../kit/l10n';
import { type Row, sorted, type Sorting, type TableData } from '../kit/table';
import { type DifferenceBar, differenceBars } from './difference-bars';
import { DIFFERENCE, isFirst, type Judged } from './state';
import { isCertain, verdictWord } from './words';

export function categoriesCard(judged: Judged): Card {
  const { runs, result, state, change } = judged;
  const others = runs.filter((run) => !isFirst(judged, run));
  const run = others.find((other) => other.run === state.shown) ?? others[0]!;
  const title = t('Categories: {0} compared with {1}', run.name, result.runs[0]!.name);
  const table = tableOf(title, run, judged);
  const rows = sorted(table.rows, state.sorting);
  const name = state.measure === 'ap' ? t('average precision') : 'F1';
  const label = t('Difference of {0} by category with 95 % intervals; the table holds the numbers', name);
  const bars = differenceBars({ label, images: t('images'), bars: barsOf(rows, run, judged), series: runs.indexOf(run) % 6 });
  return {
    name: 'categories',
    title,
    wide: true,
    chart: html`<div class="tall" tabindex="0" role="group" aria-label=${title}>${bars}</div>`,
    more: html`${choices(judged, others, run)}
      <p class="quiet">
        ${t('{0} of {1} categories', count(rows.length), count(result.categories.length))}. ${chanceNote(judged)}
      </p>`,
    table,
    tableOptions: { sorting: state.sorting, onSort: (sorting) => change({ sorting }) },
  };
}

/** Many comparisons find something by chance alone: how much, people should know, and of how many categories nothing can be found. */
function chanceNote({ result: { level, replicates, categories } }: Judged): string {
  if (replicates === 0) return '';
  const real = Math.round(100 * (1 - level));
  const note = t('Filled: can be told from chance. Of 100 differences between equally good runs about {0} look real.', real);
  const few = categories.filter(({ images }) => images < FEWEST_TOLD).length;
  if (few === 0) return note;
  return `${note} ${t('Too few images to tell (fewer than {0}): {1}.', FEWEST_TOLD, count(few))}`;
}

function tableOf(caption: string, run: ComparedRun, { result, state }: Judged): TableData {
  const { measure, search, certain } = state;
  const first = result.runs[0]!;
  const wanted = search.trim().toLowerCase();
  const digits = { numeric: true, digits: 3 };
  const rows = run.perCategory.flatMap(({ category, [measure]: own }, c): Row[] => {
    const { versusFirst, value } = own;
    if (!category.toLowerCase().includes(wanted) || (certain && !isCertain(versusFirst))) return [];
    const [low, high] = versusFirst?.interval ?? [null, null];
    const values = [first.perCategory[c]![measure].value, value, versusFirst?.difference ?? null, low, high];
    const { images } = result.categories[c]!;
    return [{ key: category, cells: [category, images, ...values, verdictWord(versusFirst, images)] }];
  });
  return {
    caption,
    columns: [
      { title: t('Category') },
      { title: t('Images'), numeric: true },
      { title: first.name, ...digits },
      { title: run.name, ...digits },
      { title: t('Difference'), ...digits },
      { title: t('from'), ...digits },
      { title: t('to'), ...digits },
      { title: t('Verdict') },
    ],
    rows,
  };
}

/** Categories without a difference, as those that no image shows, have no bar. */
function barsOf(rows: readonly Row[], run: ComparedRun, { result, state: { measure } }: Judged): DifferenceBar[] {
  const places = new Map(result.categories.map(({ category }, c) => [category, c]));
  return rows.flatMap(({ key }) => {
    const c = places.get(key)!;
    const found = run.perCategory[c]![measure].versusFirst;
    if (found?.difference === null || found?.difference === undefined) return [];
    const { difference, interval } = found;
    return [{ name: key, images: result.categories[c]!.images, difference, interval, certain: isCertain(found) }];
  });
}

const orders = (): readonly (readonly [name: string, sorting: Sorting])[] => [
  [t('gains first'), { column: DIFFERENCE, descending: true }],
  [t('losses first'), { column: DIFFERENCE, descending: false }],
  [t('most images first'), { column: 1, descending: true }],
  [t('name'), { column: 0, descending: false }],
];

function choices({ state, change }: Judged, others: readonly ComparedRun[], run: ComparedRun): TemplateResult {
  const { measure, search, certain, sorting } = state;
  const isChosen = (one: Sorting) => one.column === sorting.column && one.descending === sorting.descending;
  const known = orders();
  const chosen = known.findIndex(([, one]) => isChosen(one));
  return html`<div class="row">
    ${
      others.length > 1
        ? html`<label class="row"
            >${t('Run')}
            <select data-choice="shown" @change=${(event: Event) => change({ shown: valueOf(event) })}>
              ${others.map((other) => html`<option value=${other.run} ?selected=${other === run}>${other.name}</option>`)}
            </select>
          </label>`
        : ''
    }
    <label class="row"
      >${t('Measure')}
      <select data-choice="measure" @change=${(event: Event) => change({ measure: valueOf(event) === 'f1' ? 'f1' : 'ap' })}>
        <option value="ap" ?selected=${measure === 'ap'}>${t('Average precision')}</option>
        <option value="f1" ?selected=${measure === 'f1'}>F1</option>
      </select>
    </label>
    <label class="row"
      >${t('Order')}
      <select data-choice="order" @change=${(event: Event) => change({ sorting: known[Number(valueOf(event))]?.[1] ?? sorting })}>
        ${known.map(([name], k) => html`<option value=${k} ?selected=${k === chosen}>${name}</option>`)}
        ${chosen < 0 ? html`<option value="-1" selected>${t('as in the table')}</option>` : ''}
      </select>
    </label>
    <input
      type="search"
      placeholder=${t('Search categories')}
      aria-label=${t('Search categories')}
      .value=${search}
      @input=${(event: Event) => change({ search: valueOf(event) })}
    />
    <label class="row"
      ><input type="checkbox" .checked=${certain} @change=${() => change({ certain: !certain })} />
      ${t('Only what can be told from chance')}</label
    >
  </div>`;
}

const valueOf = (event: Event): string => (event.target as HTMLInputElement | HTMLSelectElement).value;
