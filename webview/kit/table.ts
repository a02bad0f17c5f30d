// Tables that can be sorted by any column and, row by row, chosen.
import { html, nothing, type TemplateResult } from 'lit';
import { count, fixed } from './format';
import { t } from './l10n';
import { rowsInSight } from './rows-in-sight';

interface Column {
  readonly title: string;
  readonly numeric?: boolean;
  /** Whether its numbers lead somewhere, see `onCell`. */
  readonly leads?: boolean;
  /** Decimals of its numbers; 0 unless given. */
  readonly digits?: number;
}

type Value = string | number | null;

export interface Row {
  /** What tells rows apart. */
  readonly key: string;
  /** One that takes time is made where it is shown; it may be undefined as long as it is being computed. */
  readonly cells: readonly (Value | (() => Value | undefined))[];
}

/** Undefined while it is being computed. */
export function valueOf(cell: Row['cells'][number] | undefined): Value | undefined {
  return typeof cell === 'function' ? cell() : (cell ?? null);
}

export interface TableData {
  readonly caption: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  /** What is said where there are no rows. */
  readonly empty?: string;
  /** Where the rows are only the first: how many there are, and all of them, which the CSV file has. */
  readonly whole?: { readonly count: number; readonly rows: () => readonly Row[] };
}

export interface Sorting {
  readonly column: number;
  readonly descending: boolean;
}

export interface TableOptions {
  readonly sorting?: Sorting;
  readonly onSort?: (sorting: Sorting) => void;
  readonly chosen?: string;
  readonly onChoose?: (key: string) => void;
  /**
   * Rows that are laid out each by itself, in columns of one width, and follow at once only where they are in sight: for numbers that move
   * with a slider. Browsers measure every cell of other tables anew when one changes.
   */
  readonly apart?: boolean;
  /** Hears of a number that is chosen, in a column that leads somewhere. */
  readonly onCell?: (key: string, column: number) => void;
}

/** Numbers by size, texts by their language's order; what is missing comes last. Equal rows keep their order. */
export function sorted(rows: readonly Row[], { column, descending }: Sorting): readonly Row[] {
  const sign = descending ? -1 : 1;
  const values = new Map(rows.map((row) => [row, valueOf(row.cells[column])]));
  return [...rows].sort((a, b) => {
    const [x, y] = [values.get(a) ?? null, values.get(b) ?? null];
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    return sign * (typeof x === 'number' && typeof y === 'number' ? x - y : String(x).localeCompare(String(y)));
  });
}

/** More rows than this nobody reads, and a browser is slow to lay out. */
const MOST_ROWS = 500;

export function tableOf({ caption, columns, rows, whole, empty }: TableData, options: TableOptions = {}): TemplateResult {
  const { sorting, chosen, apart = false } = options;
  const shown = (sorting ? sorted(rows, sorting) : rows).slice(0, MOST_ROWS);
  const all = whole?.count ?? rows.length;
  const body = shown.map(
    ({ key, cells }) =>
      () =>
        html`<tr class=${key === chosen ? 'chosen' : ''}>
          ${cells.map((cell, k) => (k === 0 ? rowHead(key, valueOf(cell), options) : cellOf(valueOf(cell), columns[k]!, options.onCell && (() => options.onCell!(key, k)))))}
        </tr>`,
  );
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${caption}>
    <table class=${apart ? 'apart' : ''}>
      <caption class="hidden-text">
        ${caption}
      </caption>
      <thead>
        <tr>
          ${columns.map((column, k) => headOf(column, k, options))}
        </tr>
      </thead>
      <tbody>
        ${apart ? rowsInSight(body) : body.map((row) => row())}
      </tbody>
    </table>
    ${rows.length === 0 ? html`<p class="quiet">${empty ?? t('There is nothing to list.')}</p>` : nothing}
    ${
      all > shown.length
        ? html`<p class="quiet">${t('{0} of {1} rows; the CSV file has them all.', count(shown.length), count(all))}</p>`
        : nothing
    }
  </div>`;
}

function headOf({ title, numeric = false }: Column, k: number, { sorting, onSort }: TableOptions): TemplateResult {
  const active = sorting?.column === k;
  const order = active ? (sorting.descending ? 'descending' : 'ascending') : 'none';
  const sign = active ? (sorting.descending ? ' ↓' : ' ↑') : '';
  if (!onSort) return html`<th scope="col" class=${numeric ? 'number' : ''}>${title}</th>`;
  const sort = () => onSort({ column: k, descending: active ? !sorting.descending : numeric });
  return html`<th scope="col" class=${numeric ? 'number' : ''} aria-sort=${order}>
    <button @click=${sort} title=${t('Sort by {0}', title)}>${title}${sign}</button>
  </th>`;
}

function rowHead(key: string, cell: Value | undefined, { onChoose }: TableOptions): TemplateResult {
  const text = cell ?? '–';
  return html`<th scope="row">${onChoose ? html`<button @click=${() => onChoose(key)}>${text}</button>` : text}</th>`;
}

function cellOf(cell: Value | undefined, column: Column, choose?: () => void): TemplateResult {
  const { numeric = false, digits = 0, leads = false, title } = column;
  const text = cell === undefined ? '…' : typeof cell === 'string' ? cell : fixed(cell, digits);
  const isButton = leads && choose !== undefined && cell !== undefined && cell !== null && cell !== 0;
  const content = isButton
    ? html`<button class="plain" @click=${choose} title=${t('Show the images: {0}', title)}>${text}</button>`
    : text;
  return html`<td class=${numeric ? 'number' : ''}>${content}</td>`;
}
