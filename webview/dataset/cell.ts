// One image of the grid: its picture with boxes, its name, what it shows. Elements are filled anew while scrolling, so only what differs is touched.
import type { BrowsedImage } from '../../src/protocol/browse';
import { count } from '../kit/format';
import { t } from '../kit/l10n';
import { drawBoxes } from '../kit/boxes';
import type { Picture } from '../kit/thumbnails';

/** Pixels. The style sheet has the same. */
const PICTURE_HEIGHT = 156;
export const CELL_WIDTH = 208;
/** With caption, padding and the gap. */
export const CELL_HEIGHT = PICTURE_HEIGHT + 56;

export interface CellContent {
  /** Undefined while it is on its way. */
  readonly image: BrowsedImage | undefined;
  readonly picture: Picture | undefined;
  readonly categories: readonly string[];
  readonly withBoxes: boolean;
  /** Pixels that the picture has on the screen. */
  readonly width: number;
}

interface Parts {
  readonly picture: HTMLImageElement;
  readonly boxes: SVGSVGElement;
  readonly reason: HTMLElement;
  readonly name: HTMLElement;
  readonly labels: HTMLElement;
  shown: Partial<CellContent>;
}

const known = new WeakMap<HTMLElement, Parts>();

export function fillCell(cell: HTMLElement, content: CellContent): void {
  const parts = known.get(cell) ?? build(cell);
  const { image, picture, withBoxes, width } = content;
  const { shown } = parts;
  if (shown.image !== image) describe(cell, parts, content);
  if (shown.picture !== picture || shown.image !== image) showPicture(parts, picture);
  if (shown.image !== image || shown.picture !== picture || shown.withBoxes !== withBoxes || shown.width !== width)
    showBoxes(parts, content);
  parts.shown = content;
}

function build(cell: HTMLElement): Parts {
  const add = <K extends keyof HTMLElementTagNameMap>(parent: Element, name: K, className: string) => {
    const made = parent.appendChild(document.createElement(name));
    made.className = className;
    return made;
  };
  const frame = add(cell, 'div', 'picture');
  const picture = add(frame, 'img', '');
  picture.alt = '';
  picture.decoding = 'async';
  const boxes = frame.appendChild(document.createElementNS('http://www.w3.org/2000/svg', 'svg'));
  boxes.setAttribute('class', 'boxes');
  boxes.setAttribute('aria-hidden', 'true');
  const reason = add(frame, 'div', 'reason');
  const parts: Parts = {
    picture,
    boxes,
    reason,
    name: add(cell, 'div', 'caption'),
    labels: add(cell, 'div', 'caption quiet'),
    shown: {},
  };
  known.set(cell, parts);
  return parts;
}

function describe(cell: HTMLElement, { name, labels }: Parts, { image, categories }: CellContent): void {
  cell.classList.toggle('loading', image === undefined);
  name.textContent = image?.fileName.split('/').at(-1) ?? '…';
  labels.textContent = image ? labelWords(image, categories) : '';
  cell.title = image ? titleOf(image, categories) : '';
}

function labelWords({ labels }: BrowsedImage, categories: readonly string[]): string {
  return labels.length === 0 ? t('no label') : labels.map((label) => categories[label]).join(', ');
}

function titleOf(image: BrowsedImage, categories: readonly string[]): string {
  const { fileName, width, height, boxCount } = image;
  const size = width > 0 && height > 0 ? `${width} × ${height}` : t('size not declared');
  return `${fileName}\n${size}, ${t('boxes: {0}', count(boxCount))}\n${labelWords(image, categories)}`;
}

function showPicture({ picture, reason }: Parts, shown: Picture | undefined): void {
  const url = shown && 'url' in shown ? shown.url : undefined;
  picture.hidden = url === undefined;
  if (url === undefined) picture.removeAttribute('src');
  else picture.src = url;
  reason.textContent = shown && 'error' in shown ? shown.error : '';
}

function showBoxes({ boxes }: Parts, { image, picture, categories, withBoxes, width: shown }: CellContent): void {
  if (!image || !withBoxes || !picture || !('url' in picture)) {
    boxes.replaceChildren();
    return;
  }
  const { width, height } = picture;
  const scale = Math.max(width / Math.max(1, shown), height / PICTURE_HEIGHT);
  drawBoxes(boxes, image, categories, { width, height, scale });
}
