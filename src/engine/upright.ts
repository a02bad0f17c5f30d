// Boxes as they lie over an upright image: networks see images upright, COCO's boxes count stored pixels.
import type { BoxNumbers } from '../dataset/boxes';
import type { Box, Size } from '../metrics/boxes';
import type { Stored } from './images';

export interface UprightBoxes {
  readonly boxes: readonly Box[];
  /** Of the upright image. */
  readonly image: Size;
}

/**
 * @param declared the size that the annotation file gives: where it is that of the image turned by 90°, the file's boxes are upright
 * already; else they count stored pixels
 */
export function uprightBoxes(boxes: readonly BoxNumbers[], declared: Size, stored: Stored): UprightBoxes {
  const { width, height, orientation } = stored;
  const isTurned = orientation >= 5 && width !== height;
  const image = orientation >= 5 ? { width: height, height: width } : { width, height };
  const areUpright = isTurned && declared.width === image.width && declared.height === image.height;
  const corner = CORNERS[areUpright ? 1 : orientation] ?? CORNERS[1]!;
  return { image, boxes: boxes.map((box) => turned(box, (x, y) => corner(x, y, stored))) };
}

type Corner = (x: number, y: number, stored: Size) => readonly [number, number];

/** By EXIF orientation: where a corner of a stored pixel comes to lie. */
const CORNERS: Readonly<Record<number, Corner>> = {
  1: (x, y) => [x, y],
  2: (x, y, { width }) => [width - x, y],
  3: (x, y, { width, height }) => [width - x, height - y],
  4: (x, y, { height }) => [x, height - y],
  5: (x, y) => [y, x],
  6: (x, y, { height }) => [height - y, x],
  7: (x, y, { width, height }) => [height - y, width - x],
  8: (x, y, { width }) => [y, width - x],
};

function turned([x, y, width, height]: BoxNumbers, corner: (x: number, y: number) => readonly [number, number]): Box {
  const [[x0, y0], [x1, y1]] = [corner(x, y), corner(x + width, y + height)];
  return { x: Math.min(x0, x1), y: Math.min(y0, y1), width: Math.abs(x1 - x0), height: Math.abs(y1 - y0) };
}
