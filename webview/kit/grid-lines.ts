// The lines of a chart's horizontal axis with their numbers.
import { svg, type SVGTemplateResult } from 'lit';
import { short } from './format';

interface GridLines {
  readonly ticks: readonly number[];
  readonly x: (value: number) => number;
  /** Ends of the lines. */
  readonly from: number;
  readonly to: number;
  /** Where the numbers stand. */
  readonly words: number;
  readonly wordOf?: (tick: number) => string;
}

export function gridLines({ ticks, x, from, to, words, wordOf = short }: GridLines): readonly SVGTemplateResult[] {
  return ticks.map(
    (tick) => svg`<line class="grid-line" x1=${x(tick)} x2=${x(tick)} y1=${from} y2=${to}></line>
      <text x=${x(tick)} y=${words} text-anchor="middle">${wordOf(tick)}</text>`,
  );
}
