// Charts as SVG: axes and lines, bars, and bubbles. Each is a pure function of its data; sizes are those of the viewBox.
import { max, min } from 'd3-array';
import { scaleLinear, scaleLog, scaleSqrt } from 'd3-scale';
import { line } from 'd3-shape';
import { nothing, svg, type SVGTemplateResult } from 'lit';
import { choiceKeys } from './choices';
import { count, short, shortened } from './format';
import { gridLines } from './grid-lines';

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

/** Colours and dashes of the style sheet. */
const SERIES = 6;
const WIDTH = 440;
const WIDE = 900;
const HEIGHT = 240;
const TALL = 300;
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
    ${axes({ x: chart.x, y: chart.y, width, height: HEIGHT, top: MARGIN.top }, x, y, yTicks)}
    ${series.map((one) => {
      const k = Math.max(0, named.indexOf(one));
      return svg`<path class="line series-${k % SERIES} ${one.faint ? 'faint' : ''}" d=${path([...thinned(one.points)]) ?? ''}></path>
        ${one.dots ? one.points.map(([at, value]) => svg`<circle class="dot series-${k % SERIES}" cx=${x(at)} cy=${y(value)} r="3"></circle>`) : ''}`;
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

interface Bounds {
  /** What the axes are called. */
  readonly x: string;
  readonly y: string;
  readonly width: number;
  readonly height: number;
  readonly top: number;
}

function axes(
  bounds: Bounds,
  x: Scale & { ticks(count: number): number[] },
  y: Scale,
  yTicks: readonly number[],
): SVGTemplateResult {
  const bottom = bounds.height - MARGIN.bottom;
  const right = bounds.width - MARGIN.right;
  const middle = (bounds.top + bottom) / 2;
  return svg`<g>
    ${yTicks.map(
      (tick) => svg`<line class="grid-line" x1=${MARGIN.left} x2=${right} y1=${y(tick)} y2=${y(tick)}></line>
        <text x=${MARGIN.left - 6} y=${y(tick) + 4} text-anchor="end">${short(tick)}</text>`,
    )}
    ${gridLines({ ticks: x.ticks(6), x, from: bottom, to: bottom + 4, words: bottom + 16 })}
    <text x=${(MARGIN.left + right) / 2} y=${bounds.height - 4} text-anchor="middle">${bounds.x}</text>
    <text x="12" y=${middle} text-anchor="middle" transform="rotate(-90 12 ${middle})">${bounds.y}</text>
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
    return svg`<line class="line series-${k % SERIES}" x1=${start} x2=${start + 24} y1="12" y2="12"></line>
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

/** Horizontal bars with their names and numbers, as many as there are. With `choose` each is a button. */
export function barChart(label: string, bars: readonly Bar[], choose?: (k: number) => void): SVGTemplateResult {
  const height = Math.max(1, bars.length) * BAR_HEIGHT + 4;
  const most = max(bars, ({ value, second = 0 }) => Math.max(value, second)) ?? 1;
  const x = scaleLinear([0, most || 1], [0, WIDTH - NAME_WIDTH - 60]);
  const role = choose ? 'group' : 'img';
  return svg`<svg class="chart" viewBox="0 0 ${WIDTH} ${height}" role=${role} aria-label=${label} @keydown=${choose ? choiceKeys : nothing}>
    ${bars.map((bar, k) =>
      choose
        ? svg`<g class="choice" role="button" tabindex=${k === 0 ? 0 : -1} @click=${() => choose(k)}><title>${bar.name}: ${count(bar.value)}</title>
            <rect class="ground" width=${WIDTH} y=${k * BAR_HEIGHT + 1} height=${BAR_HEIGHT - 2}></rect>${barOf(bar, k, x)}</g>`
        : svg`<g><title>${bar.name}: ${count(bar.value)}</title>${barOf(bar, k, x)}</g>`,
    )}
  </svg>`;
}

function barOf({ name, value, second }: Bar, k: number, x: Scale): SVGTemplateResult {
  const top = k * BAR_HEIGHT + 3;
  const width = Math.max(x(value), x(second ?? 0));
  return svg`<text x=${NAME_WIDTH - 6} y=${top + 11} text-anchor="end">${shortened(name, 20)}</text>
    ${second === undefined ? '' : svg`<rect class="bar second" x=${NAME_WIDTH} y=${top + 10} width=${x(second)} height="4"></rect>`}
    <rect class="bar" x=${NAME_WIDTH} y=${top} width=${x(value)} height=${second === undefined ? 14 : 9}></rect>
    <text x=${NAME_WIDTH + width + 6} y=${top + 11}>${count(value)}</text>`;
}

interface Bubble {
  readonly x: number;
  readonly y: number;
  /** Its area. */
  readonly value: number;
  readonly words: string;
}

export interface BubbleChart {
  readonly label: string;
  readonly x: string;
  readonly y: string;
  /** The largest first: the small ones are drawn over them. */
  readonly bubbles: readonly Bubble[];
  readonly choose: (k: number) => void;
}

const RADIUS = 26;

/** Circles at two quantities, as large as a third. Each is a button. */
export function bubbleChart({ label, x: xName, y: yName, bubbles, choose }: BubbleChart): SVGTemplateResult {
  const edge = (value: number) => 1.12 * Math.max(1, value);
  const x = scaleLinear([0, edge(max(bubbles, (bubble) => bubble.x) ?? 1)], [MARGIN.left, WIDTH - MARGIN.right]);
  const y = scaleLinear([0, edge(max(bubbles, (bubble) => bubble.y) ?? 1)], [TALL - MARGIN.bottom, 8]);
  const r = scaleSqrt([0, max(bubbles, ({ value }) => value) ?? 1], [1.5, RADIUS]);
  const bounds = { x: xName, y: yName, width: WIDTH, height: TALL, top: 8 };
  return svg`<svg class="chart" viewBox="0 0 ${WIDTH} ${TALL}" role="group" aria-label=${label} @keydown=${choiceKeys}>
    ${axes(bounds, x, y, y.ticks(5))}
    ${bubbles.map(
      (bubble, k) => svg`<circle class="choice bubble" role="button" tabindex=${k === 0 ? 0 : -1} aria-label=${bubble.words}
        cx=${x(bubble.x)} cy=${y(bubble.y)} r=${r(bubble.value)} @click=${() => choose(k)}><title>${bubble.words}</title></circle>`,
    )}
  </svg>`;
}
