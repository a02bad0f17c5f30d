// Numbers that sum up what a window shows: a name, a value, and what stands small below it.
import { html, type TemplateResult } from 'lit';

export interface Tile {
  /** What tells the tiles of a list apart. */
  readonly key: string;
  readonly name: string;
  readonly value: string | TemplateResult;
  readonly title?: string;
  /** Lines below the value. */
  readonly below?: readonly string[];
}

export function tileList(tiles: readonly Tile[]): TemplateResult {
  return html`<dl class="tiles">${tiles.map(tileOf)}</dl>`;
}

function tileOf({ key, name, value, title = '', below = [] }: Tile): TemplateResult {
  return html`<div class="tile" data-tile=${key} title=${title}>
    <dt>${name}</dt>
    <dd>${value}</dd>
    ${below.map((line) => html`<dd class="below">${line}</dd>`)}
  </div>`;
}
