// Rows of named values on one scale, as dots with their intervals, beside a value to compare with.
import { scaleLinear } from 'd3-scale';
import { svg, type SVGTemplateResult } from 'lit';
import type { Interval } from '../../src/metrics/interval';
import { short, shortened } from '../kit/format';

interface Dot {
  /** Null where there is none. */
  readonly value: number | null;
  readonly interval: Interval | null;
}

interface DotRow {
  readonly name: string;
  /** One a series, in their order. */
  readonly dots: readonly Dot[];
  /** Drawn as a stroke: what chance would give. */
  readonly baseline: number | null;
}

interface DotPlot {
  readonly label: string;
  readonly x: string;
  readonly range: Interval;
  readonly series: readonly string[];
  /** The strokes' name; undefined where no row has one. */
  readonly baseline: string | undefined;
  readonly rows: readonly DotRow[];
}

const WIDTH = 440;
const NAME_WIDTH = 130;
const ROW_HEIGHT = 20;
const LEGEND_HEIGHT = 24;
const AXIS_HEIGHT = 36;

type Scale = (value: number) => number;

export function dotPlot({ label, x: xName, range, series, baseline, rows }: DotPlot): SVGTemplateResult {
  const x = scaleLinear(range, [NAME_WIDTH, WIDTH - 14]);
  const bottom = LEGEND_HEIGHT + rows.length * ROW_HEIGHT;
  return svg`<svg class="chart" viewBox="0 0 ${WIDTH} ${bottom + AXIS_HEIGHT}" role="img" aria-label=${label}>
    ${legend(series, baseline)}
    ${x.ticks(5).map(
      (tick) => svg`<line class="grid-line" x1=${x(tick)} x2=${x(tick)} y1=${LEGEND_HEIGHT} y2=${bottom}></line>
        <text x=${x(tick)} y=${bottom + 14} text-anchor="middle">${short(tick)}</text>`,
    )}
    <text x=${(NAME_WIDTH + WIDTH) / 2} y=${bottom + 31} text-anchor="middle">${xName}</text>
    ${rows.map((row, k) => rowOf(row, LEGEND_HEIGHT + (k + 0.5) * ROW_HEIGHT, x))}
  </svg>`;
}

function rowOf({ name, dots, baseline }: DotRow, y: number, x: Scale): SVGTemplateResult {
  // Two dots of a row stand a little apart, so that their intervals can be told from each other.
  const at = (k: number) => y + (k - (dots.length - 1) / 2) * 6;
  return svg`<g>
    <text x=${NAME_WIDTH - 6} y=${y + 4} text-anchor="end">${shortened(name, 20)}</text>
    ${dots.map(({ interval }, k) =>
      interval
        ? svg`<line class="whisker series-${k}" x1=${x(interval[0])} x2=${x(interval[1])} y1=${at(k)} y2=${at(k)}></line>`
        : '',
    )}
    ${dots.map(({ value }, k) => (value === null ? '' : svg`<circle class="dot series-${k}" cx=${x(value)} cy=${at(k)} r="3"></circle>`))}
    ${baseline === null ? '' : svg`<line class="baseline" x1=${x(baseline)} x2=${x(baseline)} y1=${y - 7} y2=${y + 7}></line>`}
  </g>`;
}

function legend(series: readonly string[], baseline: string | undefined): SVGTemplateResult {
  let at = NAME_WIDTH;
  const place = (name: string) => {
    const start = at;
    at += 34 + 6.5 * name.length;
    return start;
  };
  return svg`<g>
    ${series.map((name, k) => {
      const start = place(name);
      return svg`<circle class="dot series-${k}" cx=${start + 6} cy="10" r="3"></circle><text x=${start + 15} y="14">${name}</text>`;
    })}
    ${baseline === undefined ? '' : baselineKey(place(baseline), baseline)}
  </g>`;
}

function baselineKey(start: number, name: string): SVGTemplateResult {
  return svg`<line class="baseline" x1=${start + 6} x2=${start + 6} y1="3" y2="17"></line><text x=${start + 15} y="14">${name}</text>`;
}
