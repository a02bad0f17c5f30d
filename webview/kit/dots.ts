// Rows of named values on one scale, as dots with their intervals, beside a value to compare with. Each series has a shape of its own.
import { scaleLinear } from 'd3-scale';
import { symbol, symbolCircle, symbolCross, symbolDiamond, symbolSquare, symbolStar, symbolTriangle } from 'd3-shape';
import { svg, type SVGTemplateResult } from 'lit';
import type { Interval } from '../../src/metrics/interval';
import { shortened } from './format';
import { gridLines } from './grid-lines';

interface Dot {
  /** Null where there is none. */
  readonly value: number | null;
  readonly interval: Interval | null;
  /** Filled: it is told apart from what it is compared with. */
  readonly certain?: boolean;
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
  /** Undefined: one without dots, whose colour is kept free. */
  readonly series: readonly (string | undefined)[];
  /** The strokes' name; undefined where no row has one. */
  readonly baseline: string | undefined;
  readonly rows: readonly DotRow[];
  readonly wide?: boolean;
  /** A line through all rows, such as at 0 where differences are drawn. */
  readonly line?: number;
}

const WIDTH = 440;
const WIDE = 900;
const NAME_WIDTH = 130;
const ROW_HEIGHT = 20;
const DOT_HEIGHT = 8;
const LEGEND_HEIGHT = 24;
const AXIS_HEIGHT = 36;

type Scale = (value: number) => number;

const SHAPES = [symbolCircle, symbolSquare, symbolTriangle, symbolDiamond, symbolCross, symbolStar];
/** Square pixels of a shape: a circle of radius 3. */
const AREA = 28;

/** What stands for a value of a series. */
export function dotOf(series: number, x: number, y: number, certain = false): SVGTemplateResult {
  const path = symbol(SHAPES[series % SHAPES.length], AREA)() ?? '';
  return svg`<path class="dot series-${series % SHAPES.length} ${certain ? 'certain' : ''}" transform="translate(${x} ${y})" d=${path}></path>`;
}

export function dotPlot({ label, x: xName, range, series, baseline, rows, wide = false, line }: DotPlot): SVGTemplateResult {
  const width = wide ? WIDE : WIDTH;
  const x = scaleLinear(range, [NAME_WIDTH, width - 14]);
  const height = Math.max(ROW_HEIGHT, DOT_HEIGHT * series.filter((name) => name !== undefined).length + 6);
  const bottom = LEGEND_HEIGHT + rows.length * height;
  return svg`<svg class="chart" viewBox="0 0 ${width} ${bottom + AXIS_HEIGHT}" role="img" aria-label=${label}>
    ${legend(series, baseline)}
    ${gridLines({ ticks: x.ticks(wide ? 9 : 5), x, from: LEGEND_HEIGHT, to: bottom, words: bottom + 14 })}
    ${line === undefined ? '' : svg`<line class="marker" x1=${x(line)} x2=${x(line)} y1=${LEGEND_HEIGHT} y2=${bottom}></line>`}
    <text x=${(NAME_WIDTH + width) / 2} y=${bottom + 31} text-anchor="middle">${xName}</text>
    ${rows.map((row, k) => rowOf(row, LEGEND_HEIGHT + (k + 0.5) * height, x))}
  </svg>`;
}

function rowOf({ name, dots, baseline }: DotRow, y: number, x: Scale): SVGTemplateResult {
  const drawn = dots.flatMap((dot, series) => (dot.value === null ? [] : [{ ...dot, value: dot.value, series }]));
  // The dots of a row stand a little apart, so that their intervals can be told from each other.
  const at = (k: number) => y + (k - (drawn.length - 1) / 2) * DOT_HEIGHT;
  return svg`<g>
    <text x=${NAME_WIDTH - 6} y=${y + 4} text-anchor="end">${shortened(name, 20)}</text>
    ${drawn.map(({ interval, series }, k) =>
      interval
        ? svg`<line class="whisker series-${series}" x1=${x(interval[0])} x2=${x(interval[1])} y1=${at(k)} y2=${at(k)}></line>`
        : '',
    )}
    ${drawn.map(({ value, series, certain }, k) => dotOf(series, x(value), at(k), certain))}
    ${baseline === null ? '' : svg`<line class="baseline" x1=${x(baseline)} x2=${x(baseline)} y1=${y - 7} y2=${y + 7}></line>`}
  </g>`;
}

function legend(series: DotPlot['series'], baseline: string | undefined): SVGTemplateResult {
  let at = NAME_WIDTH;
  const place = (name: string) => {
    const start = at;
    at += 34 + 6.5 * name.length;
    return start;
  };
  return svg`<g>
    ${series.map((name, k) => {
      if (name === undefined) return '';
      const start = place(name);
      return svg`${dotOf(k, start + 6, 10)}<text x=${start + 15} y="14">${name}</text>`;
    })}
    ${baseline === undefined ? '' : baselineKey(place(baseline), baseline)}
  </g>`;
}

function baselineKey(start: number, name: string): SVGTemplateResult {
  return svg`<line class="baseline" x1=${start + 6} x2=${start + 6} y1="3" y2="17"></line><text x=${start + 15} y="14">${name}</text>`;
}
