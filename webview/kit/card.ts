// A chart or table with its title, its other form, and its files.
import { html, nothing, type SVGTemplateResult, type TemplateResult } from 'lit';
import type { WindowName } from '../../src/protocol/windows';
import type { Host } from './host';
import { t } from './l10n';
import { csvOf, pngOf, svgOf } from './save';
import { type TableData, tableOf, type TableOptions } from './table';

export interface Card {
  /** What tells cards of a window apart, and the beginning of its files' names. */
  readonly name: string;
  readonly title: string;
  readonly chart?: SVGTemplateResult | TemplateResult;
  /** False where the chart is made of text rather than drawn: it is no picture to keep. */
  readonly drawn?: boolean;
  readonly table: TableData;
  readonly tableOptions?: TableOptions;
  readonly wide?: boolean;
  readonly more?: TemplateResult | typeof nothing;
}

/** Cards whose table is shown in place of their chart, by name. */
export type ShownTables = ReadonlySet<string>;

/** The calls that every window has: a card saves by them whatever window it stands in. */
type Saver = Pick<Host<WindowName>, 'call'>;

export function cardOf(card: Card, shown: ShownTables, toggle: (name: string) => void, host: Saver): TemplateResult {
  const { name, title, chart, drawn = true, table, tableOptions, wide = false, more = nothing } = card;
  const asTable = chart === undefined || shown.has(name);
  return html`<section class="card ${wide ? 'wide' : ''}" data-card=${name} aria-label=${title}>
    <div class="row spread head">
      <h2>${title}</h2>
      <div class="row files">
        ${
          chart === undefined
            ? nothing
            : html`<button class="plain" aria-pressed=${asTable} @click=${() => toggle(name)}>${t('Table')}</button>`
        }
        ${chart !== undefined && drawn ? FORMATS.map((format) => saveButton(format, name, asTable, host)) : nothing}
        <button class="plain" @click=${() => void save(host, `${name}.csv`, csvOf(table))}>CSV</button>
      </div>
    </div>
    ${more} ${asTable ? tableOf(table, tableOptions) : html`<div class="drawing">${chart}</div>`}
  </section>`;
}

const FORMATS = ['svg', 'png'] as const;
type Format = (typeof FORMATS)[number];

function saveButton(format: Format, name: string, asTable: boolean, host: Saver): TemplateResult {
  return html`<button class="plain" ?disabled=${asTable} @click=${(event: Event) => saveChart(event, name, format, host)}>
    ${format.toUpperCase()}
  </button>`;
}

async function saveChart(event: Event, name: string, format: Format, host: Saver): Promise<void> {
  const card = (event.currentTarget as Element).closest('[data-card]');
  const chart = card?.querySelector<SVGSVGElement>('svg.chart');
  if (!chart) return;
  await save(host, `${name}.${format}`, format === 'svg' ? svgOf(chart) : await pngOf(chart));
}

export async function save(host: Saver, name: string, content: string | Uint8Array): Promise<void> {
  // What went wrong is told by the host, in a notification.
  await host.call('save', { name, content }).catch(() => undefined);
}
