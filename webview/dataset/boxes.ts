// The boxes of an image as an SVG that lies over its picture: one path a category, with a dark edge that shows on any picture.
import type { BrowsedImage } from '../../src/protocol/browse';

/** Names that are written at boxes: those of the largest. */
const MOST_NAMES = 6;

/** Pixels on the screen: narrower boxes get no name. */
const NAME_WIDTH = 26;
const NAME_SIZE = 11;

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly category: number;
  readonly isCrowd: boolean;
}

/** Neighbours in a list of categories get colours far from each other: steps of the golden angle. */
export function colourOf(category: number): string {
  return category < 0 ? 'hsl(0 0% 75%)' : `hsl(${Math.round((category * 137.508) % 360)} 90% 62%)`;
}

export function boxesOf({ boxes }: Pick<BrowsedImage, 'boxes'>): Box[] {
  return Array.from({ length: boxes.length / 6 }, (_, k) => {
    const [x, y, width, height, category, crowd] = boxes.slice(6 * k, 6 * k + 6) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    return { x, y, width, height, category, isCrowd: crowd === 1 };
  });
}

interface Frame {
  /** Pixels of the image. */
  readonly width: number;
  readonly height: number;
  /** Pixels of the image that one of the screen shows. */
  readonly scale: number;
}

/** Fills an SVG whose user units are the image's stored pixels. */
export function drawBoxes(svg: SVGSVGElement, image: BrowsedImage, categories: readonly string[], frame: Frame): void {
  const boxes = boxesOf(image);
  svg.setAttribute('viewBox', `0 0 ${frame.width} ${frame.height}`);
  const kinds = new Map(boxes.map(({ category, isCrowd }) => [`${category} ${isCrowd}`, { category, isCrowd }]));
  const paths = [...kinds.values()].map(({ category, isCrowd }) =>
    pathOf(
      boxes.filter((box) => box.category === category && box.isCrowd === isCrowd),
      colourOf(category),
      isCrowd,
    ),
  );
  svg.replaceChildren(edgeOf(boxes), ...paths, ...namesOf(boxes, categories, frame));
}

const outline = (boxes: readonly Box[]): string =>
  boxes.map(({ x, y, width, height }) => `M${x} ${y}h${width}v${height}h${-width}z`).join('');

function element<K extends keyof SVGElementTagNameMap>(name: K, attributes: Readonly<Record<string, string | number>>) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}

const edgeOf = (boxes: readonly Box[]) => element('path', { class: 'box edge', d: outline(boxes) });

function pathOf(boxes: readonly Box[], colour: string, isCrowd: boolean): SVGElement {
  return element('path', { class: isCrowd ? 'box crowd' : 'box', d: outline(boxes), stroke: colour });
}

function namesOf(boxes: readonly Box[], categories: readonly string[], { scale, height: bottom }: Frame): SVGElement[] {
  const wide = boxes.filter(({ width, category }) => width / scale >= NAME_WIDTH && category >= 0);
  const largest = wide.sort((a, b) => b.width * b.height - a.width * a.height).slice(0, MOST_NAMES);
  return largest.map(({ x, y, width, category }) => {
    const size = NAME_SIZE * scale;
    const most = Math.max(3, Math.floor(width / (0.55 * size)));
    const at = { x: Math.max(0, x) + 3 * scale, y: Math.min(bottom - 2 * scale, Math.max(0, y) + size) };
    const text = element('text', { class: 'box-name', ...at, 'font-size': size, 'stroke-width': 3 * scale });
    const name = categories[category] ?? '';
    text.textContent = name.length > most ? `${name.slice(0, most - 1)}…` : name;
    text.setAttribute('fill', colourOf(category));
    return text;
  });
}
