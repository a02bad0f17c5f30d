// The boxes of an image as an SVG that lies over its picture: one path a category, with a dark edge that shows on any picture.
import type { BrowsedImage } from '../../src/protocol/browse';
import { shortened } from './format';

/** Names that are written at boxes: those of the largest. */
const MOST_NAMES = 6;

/** Pixels on the screen: narrower boxes get no name. */
const NAME_WIDTH = 26;
const NAME_SIZE = 11;

/** Mean width of a bold letter, in font sizes. */
const LETTER = 0.58;

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

function boxesOf({ boxes }: Pick<BrowsedImage, 'boxes'>): Box[] {
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

/** A name's place in the image's pixels. */
interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly text: string;
  readonly category: number;
}

/** Names of the largest boxes, as far as they do not lie over each other. */
function namesOf(boxes: readonly Box[], categories: readonly string[], frame: Frame): SVGElement[] {
  const size = NAME_SIZE * frame.scale;
  const wide = boxes.filter(({ width, category }) => width / frame.scale >= NAME_WIDTH && category >= 0);
  const places: Place[] = [];
  for (const box of wide.sort((a, b) => b.width * b.height - a.width * a.height)) {
    if (places.length === MOST_NAMES) break;
    const place = placeOf(box, categories[box.category] ?? '', frame);
    if (!places.some((other) => overlap(place, other, size))) places.push(place);
  }
  return places.map(({ x, y, text, category }) => {
    const name = element('text', { class: 'box-name', x, y, 'font-size': size, 'stroke-width': 3 * frame.scale });
    name.textContent = text;
    name.setAttribute('fill', colourOf(category));
    return name;
  });
}

function placeOf({ x, y, width, category }: Box, name: string, { scale, height: bottom }: Frame): Place {
  const size = NAME_SIZE * scale;
  const text = shortened(name, Math.max(4, Math.floor(width / (LETTER * size))));
  const at = { x: Math.max(0, x) + 3 * scale, y: Math.min(bottom - 2 * scale, Math.max(0, y) + size) };
  return { ...at, width: LETTER * size * text.length, text, category };
}

function overlap(a: Place, b: Place, height: number): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && Math.abs(a.y - b.y) < height;
}
