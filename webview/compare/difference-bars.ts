// Bars from zero to a difference, each with its interval: filled where it can be told from chance.
import { max } from 'd3-array';
import { scaleLinear } from 'd3-scale';
import { svg, type SVGTemplateResult } from 'lit';
import { count, shortened } from '../kit/format';
import { gridLines } from '../kit/grid-lines';
import { signed } from './words';

export interface DifferenceBar {
  readonly name: string;
  /** How many images it rests on. */
  readonly images: number;
  readonly difference: number;
  readonly interval: readonly [low: number, high: number] | null;
  readonly certain: boolean;
}

interface DifferenceBars {
  readonly label: string;
  /** What the counts are of. */
  readonly images: string;
  readonly bars: readonly DifferenceBar[];
  /** Whose colour. */
  readonly series: number;
}

const WIDTH = 900;
const NAME = 170;
const COUNT = 220;
const RIGHT = 64;
const TOP = 24;
const ROW = 20;

type Scale = (value: number) => number;

export function differenceBars({ label, images, bars, series }: DifferenceBars): SVGTemplateResult {
  const edge = max(bars, ({ difference, interval }) => Math.max(...[difference, ...(interval ?? [])].map(Math.abs))) ?? 0;
  const x = scaleLinear([-Math.max(edge, 0.01), Math.max(edge, 0.01)], [COUNT + 16, WIDTH - RIGHT]);
  const bottom = TOP + ROW * bars.length;
  return svg`<svg class="chart" viewBox="0 0 ${WIDTH} ${bottom + 4}" role="img" aria-label=${label}>
    <text x=${COUNT} y="14" text-anchor="end">${images}</text>
    ${gridLines({ ticks: x.ticks(9), x, from: TOP, to: bottom, words: 14 })}
    <line class="baseline" x1=${x(0)} x2=${x(0)} y1=${TOP} y2=${bottom}></line>
    ${bars.map((bar, k) => barOf(bar, TOP + ROW * k, x, series))}
  </svg>`;
}

function barOf(
  { name, images, difference, interval, certain }: DifferenceBar,
  top: number,
  x: Scale,
  series: number,
): SVGTemplateResult {
  const [from, to] = [x(Math.min(0, difference)), x(Math.max(0, difference))];
  const middle = top + ROW / 2;
  return svg`<g><title>${name}: ${signed(difference)}</title>
    <text x=${NAME} y=${middle + 4} text-anchor="end">${shortened(name, 26)}</text>
    <text x=${COUNT} y=${middle + 4} text-anchor="end">${count(images)}</text>
    <rect class="difference series-${series} ${certain ? 'certain' : ''}" x=${from} y=${top + 4} width=${to - from} height=${ROW - 8}></rect>
    ${interval ? svg`<line class="whisker series-${series}" x1=${x(interval[0])} x2=${x(interval[1])} y1=${middle} y2=${middle}></line>` : ''}
    <text x=${WIDTH} y=${middle + 4} text-anchor="end">${signed(difference)}</text>
  </g>`;
}
