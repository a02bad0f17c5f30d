// Random rotation and reflection of an image: one resampling, from the picture as it was decoded to what the network sees.
import type { Picture, Pixels } from './images';

export interface Transform {
  /** Counter-clockwise, in radians. */
  readonly angle: number;
  readonly mirrored: boolean;
}

/** Writes the image's RGB bytes at `offset` of `target`, as it is or its mirror image. */
export function copyInto(target: Uint8Array, offset: number, { width, height, data }: Pixels, mirrored: boolean): void {
  if (!mirrored) {
    target.set(data, offset);
    return;
  }
  for (let row = 0; row < height; row++) {
    const first = 3 * row * width;
    let at = offset + first;
    for (let from = first + 3 * (width - 1); from >= first; from -= 3, at += 3) {
      target[at] = data[from]!;
      target[at + 1] = data[from + 1]!;
      target[at + 2] = data[from + 2]!;
    }
  }
}

/** Source pixels to the right and down that one target pixel to the right (x) and down (y) is worth, from centre to centre. */
interface Affine {
  readonly xx: number;
  readonly xy: number;
  readonly yx: number;
  readonly yy: number;
}

/**
 * The picture turned about its centre and mirrored in its own proportions, then stretched to `frame`: what is square is turned as a
 * square, as in the reference example, whose augmentation comes before the resizing. All that is one affine map and one bilinear
 * interpolation. What comes from outside is black (imageDataAugmenter's FillValue 0), the picture's border covers pixels in part.
 * Writes RGB bytes at `offset` of `target`.
 */
export function warpInto(
  target: Uint8Array,
  offset: number,
  frame: { readonly width: number; readonly height: number },
  picture: Picture,
  transform: Transform,
): void {
  const { xx, xy, yx, yy } = affineOf(frame, picture, transform);
  const { data, width, height } = picture;
  const [right, bottom] = [width - 1, height - 1];
  const reach = { x: Math.hypot(xx, xy), y: Math.hypot(yx, yy) };
  let at = offset;
  for (let row = 0; row < frame.height; row++) {
    const down = row - (frame.height - 1) / 2;
    for (let column = 0; column < frame.width; column++, at += 3) {
      const across = column - (frame.width - 1) / 2;
      const x = right / 2 + xx * across + xy * down;
      const y = bottom / 2 + yx * across + yy * down;
      if (!(x >= 0 && y >= 0 && x < right && y < bottom)) {
        atBorder(target, at, picture, x, y, reach);
        continue;
      }
      // Written out, because this is done for every pixel of every image of every epoch.
      const [left, top] = [Math.trunc(x), Math.trunc(y)];
      const [dx, dy] = [x - left, y - top];
      const above = 3 * (top * width + left);
      const below = above + 3 * width;
      const both = dx * dy;
      const [a, b, c, d] = [1 - dx - dy + both, dx - both, dy - both, both];
      target[at] = a * data[above]! + b * data[above + 3]! + c * data[below]! + d * data[below + 3]! + 0.5;
      target[at + 1] = a * data[above + 1]! + b * data[above + 4]! + c * data[below + 1]! + d * data[below + 4]! + 0.5;
      target[at + 2] = a * data[above + 2]! + b * data[above + 5]! + c * data[below + 2]! + d * data[below + 5]! + 0.5;
    }
  }
}

/** From the target's pixels to the picture's proportions, mirrored and turned there, and on to the pixels that it was decoded to. */
function affineOf(
  frame: { readonly width: number; readonly height: number },
  { width, height, aspect }: Picture,
  { angle, mirrored }: Transform,
): Affine {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const side = mirrored ? -1 : 1;
  return {
    xx: (side * cos * width) / frame.width,
    xy: (-sin * width) / (aspect * frame.height),
    yx: (side * sin * aspect * height) / frame.width,
    yy: (cos * height) / frame.height,
  };
}

/** Interpolated between pixels that are repeated beyond the border, times the part of the target pixel that the picture covers. */
function atBorder(
  target: Uint8Array,
  at: number,
  { data, width, height }: Picture,
  x: number,
  y: number,
  reach: { readonly x: number; readonly y: number },
): void {
  const covered = coverage(x, width, reach.x) * coverage(y, height, reach.y);
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const columns = [within(left, width), within(left + 1, width)] as const;
  const rows = [within(top, height), within(top + 1, height)] as const;
  const [dx, dy] = [x - left, y - top];
  for (let channel = 0; channel < 3; channel++) {
    const value = (row: number, column: number) => data[3 * (row * width + column) + channel]!;
    const above = (1 - dx) * value(rows[0], columns[0]) + dx * value(rows[0], columns[1]);
    const below = (1 - dx) * value(rows[1], columns[0]) + dx * value(rows[1], columns[1]);
    target[at + channel] = Math.round(covered * ((1 - dy) * above + dy * below));
  }
}

const within = (place: number, length: number): number => Math.min(Math.max(place, 0), length - 1);

/** Of a target pixel that is `reach` source pixels long and whose middle lies at `place` of `length`, 0..1. */
function coverage(place: number, length: number, reach: number): number {
  const inside = Math.min(place + 0.5, length - 0.5 - place) / reach;
  return Math.min(Math.max(inside + 0.5, 0), 1);
}
