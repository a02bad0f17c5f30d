// The confusion chart of one category: four cells that are chosen by click or key, drawn as SVG so that it can be kept like every other chart.
import { svg, type SVGTemplateResult } from 'lit';
import type { CategoryDecision } from '../../src/metrics/types';
import { count, fixed } from '../kit/format';
import { t } from '../kit/l10n';
import type { Cell } from './model';

const WIDTH = 440;
const HEIGHT = 240;
/** Where the cells begin: left of them and above stand the heads. */
const LEFT = 110;
const TOP = 44;
const GAP = 6;
const CELL_WIDTH = (WIDTH - LEFT - GAP) / 2;
const CELL_HEIGHT = (HEIGHT - TOP - GAP) / 2;

interface Place {
  readonly cell: Cell;
  readonly row: 0 | 1;
  readonly column: 0 | 1;
}

/** Rows are the truth, columns the prediction, as in MATLAB's confusionchart. */
const PLACES: readonly Place[] = [
  { cell: 'tp', row: 0, column: 0 },
  { cell: 'fn', row: 0, column: 1 },
  { cell: 'fp', row: 1, column: 0 },
  { cell: 'tn', row: 1, column: 1 },
];

/** `choose` is called with the cell that is clicked, or has the keyboard when Enter or Space is pressed. */
export function confusionChart(
  counts: CategoryDecision,
  chosen: Cell | undefined,
  choose: (cell: Cell) => void,
): SVGTemplateResult {
  const x = (column: number) => LEFT + column * (CELL_WIDTH + GAP) + CELL_WIDTH / 2;
  const y = (row: number) => TOP + row * (CELL_HEIGHT + GAP) + CELL_HEIGHT / 2;
  const heads = [t('predicted'), t('not predicted')];
  const sides = [t('has it'), t('has it not')];
  return svg`<svg class="chart confusion" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="group" aria-label=${t('Confusion chart of {0}', counts.category)}>
    <text x=${LEFT + CELL_WIDTH + GAP / 2} y="14" text-anchor="middle">${counts.category}</text>
    ${heads.map((head, k) => svg`<text x=${x(k)} y=${TOP - 8} text-anchor="middle">${head}</text>`)}
    ${sides.map((side, k) => svg`<text x=${LEFT - 10} y=${y(k) + 4} text-anchor="end">${side}</text>`)}
    ${PLACES.map((place) => cellOf(place, counts, chosen, choose))}
  </svg>`;
}

function cellOf({ cell, row, column }: Place, counts: CategoryDecision, chosen: Cell | undefined, choose: (cell: Cell) => void) {
  const words: Record<Cell, string> = { tp: t('right'), tn: t('right'), fp: t('false alarm'), fn: t('missed') };
  const truth = row === 0 ? counts.tp + counts.fn : counts.fp + counts.tn;
  const share = truth > 0 ? counts[cell] / truth : 0;
  const [x, y] = [LEFT + column * (CELL_WIDTH + GAP), TOP + row * (CELL_HEIGHT + GAP)];
  const [middle, centre] = [x + CELL_WIDTH / 2, y + CELL_HEIGHT / 2];
  const press = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    choose(cell);
  };
  return svg`<g
    class="cell-button ${row === column ? 'right' : 'wrong'}"
    role="button"
    tabindex="0"
    data-cell=${cell}
    aria-pressed=${cell === chosen}
    @click=${() => choose(cell)}
    @keydown=${press}
  >
    <rect class="cell-ground" x=${x} y=${y} width=${CELL_WIDTH} height=${CELL_HEIGHT} opacity=${0.06 + 0.4 * share}></rect>
    <rect class="cell-frame" x=${x + 1} y=${y + 1} width=${CELL_WIDTH - 2} height=${CELL_HEIGHT - 2}></rect>
    <text class="cell-count" x=${middle} y=${centre + 2} text-anchor="middle">${count(counts[cell])}</text>
    <text x=${middle} y=${centre + 22} text-anchor="middle">${words[cell]} · ${fixed(100 * share, 0)} %</text>
  </g>`;
}
