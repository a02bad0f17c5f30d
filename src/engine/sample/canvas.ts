// A picture in the making: sprites are put on it, and what can be seen of each of them is counted.
import type { Sprite } from './sprite';

/** RGB, row-major. */
export interface Canvas {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** A sprite with its top left pixel at (x, y) of the canvas, perhaps beyond its edges, and the factors of its red, green and blue. */
export interface Placed {
  readonly sprite: Sprite;
  readonly x: number;
  readonly y: number;
  readonly gains: readonly [number, number, number];
}

/** Left, top, width and height in pixels. */
export type Box = [number, number, number, number];

/** What can be seen of a placed sprite when others are put on later. */
export interface Visible {
  /** The extent of the sprite within the canvas, also where another covers it; null where it is wholly outside. */
  readonly box: Box | null;
  /** How many of its pixels are seen. */
  readonly area: number;
  /** `area` as a share of all its pixels, covered, outside or seen. */
  readonly share: number;
}

/** Puts a sprite on the canvas, over what is there. */
export function put(canvas: Canvas, placed: Placed): void {
  const { data } = placed.sprite;
  eachPixel(canvas, placed, (from, to) => {
    const alpha = data[from + 3]! / 255;
    for (let channel = 0; channel < 3; channel++) {
      const colour = Math.min(255, data[from + channel]! * placed.gains[channel]!);
      const at = 3 * to + channel;
      canvas.data[at] = Math.round(alpha * colour + (1 - alpha) * canvas.data[at]!);
    }
  });
}

/** What is seen of each of the sprites when they are put on in this order. */
export function visibility(canvas: Pick<Canvas, 'width' | 'height'>, sprites: readonly Placed[]): Visible[] {
  // The number (from 1) of the sprite that is uppermost at each pixel.
  const uppermost = new Uint8Array(canvas.width * canvas.height);
  sprites.forEach((placed, i) => eachPixel(canvas, placed, (_, to) => (uppermost[to] = i + 1)));
  return sprites.map((placed, i) => visible(canvas, placed, (pixel) => uppermost[pixel] === i + 1));
}

function visible(
  { width, height }: Pick<Canvas, 'width' | 'height'>,
  placed: Placed,
  isSeen: (pixel: number) => boolean,
): Visible {
  let [left, top, right, bottom, area] = [width, height, -1, -1, 0];
  eachPixel({ width, height }, placed, (_, to) => {
    const x = to % width;
    const y = (to - x) / width;
    [left, right] = [Math.min(left, x), Math.max(right, x)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
    if (isSeen(to)) area++;
  });
  const box: Box | null = right < 0 ? null : [left, top, right - left + 1, bottom - top + 1];
  return { box, area, share: area / pixelsOf(placed.sprite) };
}

function pixelsOf({ data }: Sprite): number {
  let count = 0;
  for (let at = 3; at < data.length; at += 4) if (data[at] !== 0) count++;
  return count;
}

/** Visits the visible pixels of a sprite that are on the canvas: their byte in the sprite and their pixel on the canvas. */
function eachPixel(
  { width, height }: Pick<Canvas, 'width' | 'height'>,
  { sprite, x, y }: Placed,
  visit: (from: number, to: number) => void,
): void {
  const [left, right] = [Math.max(0, -x), Math.min(sprite.width, width - x)];
  const [top, bottom] = [Math.max(0, -y), Math.min(sprite.height, height - y)];
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      const from = (row * sprite.width + column) * 4;
      if (sprite.data[from + 3] !== 0) visit(from, (y + row) * width + x + column);
    }
  }
}
