// The chart of slices: a dot with its interval for each, beside the line of all images. Each leads to its images.
import { svg, type SVGTemplateResult } from 'lit';
import { choiceKeys } from '../kit/choices';
import { fixed, shortened } from '../kit/format';
import { gridLines } from '../kit/grid-lines';
import { t } from '../kit/l10n';

interface SliceDot {
  readonly name: string;
  /** The measure, 0..1; null where it is not defined. */
  readonly value: number | null;
  readonly interval: { readonly low: number; readonly high: number } | null;
  readonly few: boolean;
}

interface SliceChart {
  readonly label: string;
  readonly measure: string;
  /** Of all images. */
  readonly whole: number | null;
  readonly dots: readonly SliceDot[];
  /** Called with the place of a dot. */
  readonly choose: (k: number) => void;
}

const WIDTH = 640;
const NAME = 210;
const RIGHT = 60;
const TOP = 26;
const ROW = 24;
const TICKS = [0, 0.2, 0.4, 0.6, 0.8, 1];
/** More rows than this are in the table alone. */
export const MOST_DOTS = 16;

const x = (value: number) => NAME + value * (WIDTH - NAME - RIGHT);
const y = (k: number) => TOP + ROW * k + ROW / 2;

export function sliceChart({ label, measure, whole, dots, choose }: SliceChart): SVGTemplateResult {
  const shown = dots.slice(0, MOST_DOTS);
  const bottom = TOP + ROW * shown.length;
  return svg`<svg class="chart slices" viewBox="0 0 ${WIDTH} ${bottom + 36}" role="group" aria-label=${label} @keydown=${choiceKeys}>
    ${gridLines({ ticks: TICKS, x, from: TOP, to: bottom, words: bottom + 14, wordOf: (tick) => fixed(tick, 1) })}
    <text x=${x(0.5)} y=${bottom + 30} text-anchor="middle">${measure}</text>
    ${
      whole === null
        ? ''
        : svg`<line class="marker" x1=${x(whole)} x2=${x(whole)} y1=${TOP - 6} y2=${bottom}></line>
          <text x=${x(whole)} y=${TOP - 10} text-anchor="middle">${t('all images: {0}', fixed(whole))}</text>`
    }
    ${shown.map((dot, k) => row(dot, k, choose))}
  </svg>`;
}

function row({ name, value, interval, few }: SliceDot, k: number, choose: (k: number) => void): SVGTemplateResult {
  const words = value === null ? t('{0}: not defined', name) : t('{0}: {1}', name, fixed(value));
  return svg`<g class="choice ${few ? 'few' : ''}" role="button" tabindex=${k === 0 ? 0 : -1} aria-label=${words} @click=${() => choose(k)}>
    <rect class="ground" x="0" y=${TOP + ROW * k} width=${WIDTH} height=${ROW}></rect>
    <text x=${NAME - 10} y=${y(k) + 4} text-anchor="end">${shortened(name, 34)}</text>
    ${interval ? svg`<line class="series-0" stroke-width="2" x1=${x(interval.low)} x2=${x(interval.high)} y1=${y(k)} y2=${y(k)}></line>` : ''}
    ${value === null ? '' : svg`<circle class="dot series-0" cx=${x(value)} cy=${y(k)} r="4.5"></circle>`}
    <text x=${WIDTH - RIGHT + 12} y=${y(k) + 4}>${fixed(value)}</text>
  </g>`;
}
