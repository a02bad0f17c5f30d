// Charts as SVG: axes and lines, bars, and a matrix. Each is a pure function of its data; sizes are those of the viewBox.
import { max, min } from 'd3-array';
import { scaleBand, scaleLinear, scaleLog } from 'd3-scale';
import { line } from 'd3-shape';
import { svg, type SVGTemplateResult } from 'lit';
import { count, short } from './format';

export interface Series {
  readonly name: string;
  /** x ascending. */
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Fainter than the others: context rather than content. */
  readonly faint?: boolean;
  /** A dot at each point: few points that stand for themselves. */
  readonly dots?: boolean;
}

export interface LineChart {
  readonly label: string;
  readonly x: string;
  readonly y: string;
  readonly series: readonly Series[];
  readonly logarithmic?: boolean;
  /** Fixed ranges; from the data where left out. */
  readonly xRange?: readonly [number, number];
  readonly yRange?: readonly [number, number];
  /** A vertical line, with its words. */
  readonly marker?: { readonly at: number; readonly text: string };
  /** Twice as wide as high is little on a whole panel. */
  readonly wide?: boolean;
}

const WIDTH = 440;
const WIDE = 900;
const HEIGHT = 240;
const MARGIN = { top: 28, right: 14, bottom: 36, left: 52 };

/** More points than pixels show nothing more: of each bucket the lowest and the highest stay. */
export function thinned(points: Series['points'], most = 1200): Series['points'] {
  if (points.length <= most) return points;
  const size = Math.ceil((2 * points.length) / most);
  const kept: (readonly [number, number])[] = [];
  for (let start = 0; start < points.length; start += size) {
    const bucket = points.slice(start, start + size);
    const low = bucket.reduce((a, b) => (b[1] < a[1] ? b : a));
    const high = bucket.reduce((a, b) => (b[1] > a[1] ? b : a));
    kept.push(...(low === high ? [low] : low[0] < high[0] ? [low, high] : [high, low]));
  }
  return kept;
}

export function lineChart(chart: LineChart): SVGTemplateResult {
  const { label, series, marker } = chart;
  const width = widthOf(chart);
  const { x, y, yTicks } = scalesOf(chart);
  const path = line<readonly [number, number]>()
    .defined(([, value]) => Number.isFinite(value) && (!chart.logarithmic || value > 0))
    .x(([at]) => x(at))
    .y(([, value]) => y(value));
  const named = series.filter(({ faint }) => !faint);
  return svg`<svg class="chart" viewBox="0 0 ${width} ${HEIGHT}" role="img" aria-label=${label}>
    ${axes(chart, x, y, yTicks)}
    ${series.map((one) => {
      const k = Math.max(0, named.indexOf(one));
      return svg`<path class="line series-${k % 4} ${one.faint ? 'faint' : ''}" d=${path([...thinned(one.points)]) ?? ''}></path>
        ${one.dots ? one.points.map(([at, value]) => svg`<circle class="dot series-${k % 4}" cx=${x(at)} cy=${y(value)} r="3"></circle>`) : ''}`;
    })}
    ${marker ? markerOf(marker, x, width) : ''}
    ${named.length > 1 || named[0]?.name ? legend(named) : ''}
  </svg>`;
}

function widthOf({ wide = false }: LineChart): number {
  return wide ? WIDE : WIDTH;
}

function scalesOf(chart: LineChart) {
  const { series, logarithmic = false, xRange, yRange } = chart;
  const all = series.flatMap(({ points }) => points);
  const values = all.map(([, value]) => value).filter((value) => Number.isFinite(value) && (!logarithmic || value > 0));
  const [left, right] = xRange ?? [min(all, ([at]) => at) ?? 0, max(all, ([at]) => at) ?? 1];
  const highest = max(values) ?? 1;
  const [low, high] = yRange ?? [logarithmic ? (min(values) ?? 0.1) : Math.min(0, min(values) ?? 0), highest];
  const x = scaleLinear([left, right > left ? right : left + 1], [MARGIN.left, widthOf(chart) - MARGIN.right]);
  const range = [HEIGHT - MARGIN.bottom, MARGIN.top];
  const top = high > low ? high : low + 1;
  const y = logarithmic
    ? scaleLog([low, top], range).nice()
    : yRange
      ? scaleLinear([low, top], range)
      : scaleLinear([low, top], range).nice();
  const ticks = y.ticks(5);
  // A logarithmic scale offers every digit: a few are enough.
  const yTicks = ticks.filter((_, k) => k % Math.ceil(ticks.length / 7) === 0);
  return { x, y, yTicks };
}

type Scale = (value: number) => number;

function axes(
  chart: LineChart,
  x: Scale & { ticks(count: number): number[] },
  y: Scale,
  yTicks: readonly number[],
): SVGTemplateResult {
  const bottom = HEIGHT - MARGIN.bottom;
  const right = widthOf(chart) - MARGIN.right;
  return svg`<g>
    ${yTicks.map(
      (tick) => svg`<line class="grid-line" x1=${MARGIN.left} x2=${right} y1=${y(tick)} y2=${y(tick)}></line>
        <text x=${MARGIN.left - 6} y=${y(tick) + 4} text-anchor="end">${short(tick)}</text>`,
    )}
    ${x.ticks(6).map(
      (tick) => svg`<line class="grid-line" x1=${x(tick)} x2=${x(tick)} y1=${bottom} y2=${bottom + 4}></line>
        <text x=${x(tick)} y=${bottom + 16} text-anchor="middle">${short(tick)}</text>`,
    )}
    <text x=${(MARGIN.left + right) / 2} y=${HEIGHT - 4} text-anchor="middle">${chart.x}</text>
    <text x="12" y=${(MARGIN.top + bottom) / 2} text-anchor="middle" transform="rotate(-90 12 ${(MARGIN.top + bottom) / 2})">${chart.y}</text>
  </g>`;
}

function markerOf({ at, text }: NonNullable<LineChart['marker']>, x: Scale, width: number): SVGTemplateResult {
  const place = x(at);
  const end = place > width - 120;
  return svg`<line class="marker" x1=${place} x2=${place} y1=${MARGIN.top} y2=${HEIGHT - MARGIN.bottom}></line>
    <text x=${place + (end ? -5 : 5)} y=${MARGIN.top + 11} text-anchor=${end ? 'end' : 'start'}>${text}</text>`;
}

function legend(series: readonly Series[]): SVGTemplateResult {
  let at = MARGIN.left;
  return svg`<g>${series.map(({ name }, k) => {
    const start = at;
    at += 42 + 6.5 * name.length;
    return svg`<line class="line series-${k % 4}" x1=${start} x2=${start + 24} y1="12" y2="12"></line>
      <text x=${start + 29} y="16">${name}</text>`;
  })}</g>`;
}

export interface Bar {
  readonly name: string;
  readonly value: number;
  /** Drawn behind the first, in another colour. */
  readonly second?: number;
}

const BAR_HEIGHT = 20;
const NAME_WIDTH = 130;

/** Horizontal bars with their names and numbers, as many as there are. */
export function barChart(label: string, bars: readonly Bar[]): SVGTemplateResult {
  const height = Math.max(1, bars.length) * BAR_HEIGHT + 4;
  const most = max(bars, ({ value, second = 0 }) => Math.max(value, second)) ?? 1;
  const x = scaleLinear([0, most || 1], [0, WIDTH - NAME_WIDTH - 60]);
  return svg`<svg class="chart" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label=${label}>
    ${bars.map(({ name, value, second }, k) => {
      const top = k * BAR_HEIGHT + 3;
      const width = Math.max(x(value), x(second ?? 0));
      return svg`<text x=${NAME_WIDTH - 6} y=${top + 11} text-anchor="end">${shortened(name, 20)}<title>${name}</title></text>
        ${second === undefined ? '' : svg`<rect class="bar second" x=${NAME_WIDTH} y=${top + 10} width=${x(second)} height="4"></rect>`}
        <rect class="bar" x=${NAME_WIDTH} y=${top} width=${x(value)} height=${second === undefined ? 14 : 9}></rect>
        <text x=${NAME_WIDTH + width + 6} y=${top + 11}>${count(value)}</text>`;
    })}
  </svg>`;
}

export interface Matrix {
  readonly label: string;
  readonly names: readonly string[];
  /** names × names, row-major. */
  readonly values: readonly number[];
}

const CELL = 22;
const SIDE = 120;

/** Squares whose strength is the value's share of the row's diagonal; numbers where there is room for them. */
export function matrixChart({ label, names, values }: Matrix): SVGTemplateResult {
  const size = SIDE + names.length * CELL;
  const band = scaleBand(
    names.map((_, k) => k),
    [SIDE, size],
  ).padding(0.06);
  return svg`<svg class="chart natural" width=${size} height=${size} viewBox="0 0 ${size} ${size}" role="img" aria-label=${label}>
    ${names.map((name, row) => {
      const y = band(row)!;
      const own = values[row * names.length + row] || 1;
      return svg`<text x=${SIDE - 6} y=${y + 14} text-anchor="end">${shortened(name, 17)}</text>
        <text text-anchor="start" transform="translate(${y + 14} ${SIDE - 6}) rotate(-90)">${shortened(name, 17)}</text>
        ${names.map((other, column) => {
          const value = values[row * names.length + column] ?? 0;
          const share = Math.min(1, value / own);
          return svg`<rect class="cell" x=${band(column)!} y=${y} width=${band.bandwidth()} height=${band.bandwidth()} opacity=${value === 0 ? 0.04 : 0.15 + 0.85 * share}>
            <title>${name} + ${other}: ${count(value)}</title></rect>`;
        })}`;
    })}
  </svg>`;
}

function shortened(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}
