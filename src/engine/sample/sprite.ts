// One drawing as pixels: rendered upright or turned, cut to what is really there.
import sharp from 'sharp';
import type { Icon } from './icons';

/** RGBA, row-major, cut so that each of the four edges has a visible pixel. Visible is what has an alpha other than 0. */
export interface Sprite {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** Fainter pixels are dropped: no one would see them, and they would widen the box. */
const FAINTEST = 16;

/** The icon with its longer side `size` pixels, mirrored or not, then turned clockwise by `angle` degrees. */
export async function renderSprite(icon: Icon, size: number, mirrored: boolean, angle: number): Promise<Sprite> {
  const [, , boxWidth, boxHeight] = icon.viewBox;
  const scale = size / Math.max(boxWidth, boxHeight);
  const [width, height] = [boxWidth * scale, boxHeight * scale];
  const side = Math.ceil(Math.hypot(width, height));
  const turn = `translate(${side / 2} ${side / 2}) rotate(${angle}) scale(${mirrored ? -1 : 1} 1) translate(${-width / 2} ${-height / 2})`;
  const drawing = `<svg width="${width}" height="${height}" viewBox="${icon.viewBox.join(' ')}">${icon.body}</svg>`;
  const pixels = await renderSvg(side, side, `<g transform="${turn}">${drawing}</g>`);
  return trim({ width: side, height: side, data: pixels });
}

/** The picture of some SVG elements as RGBA bytes, row-major. */
export async function renderSvg(width: number, height: number, elements: string): Promise<Uint8Array> {
  const namespaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"';
  const svg = `<svg ${namespaces} width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${elements}</svg>`;
  return sharp(Buffer.from(svg)).ensureAlpha().raw().toBuffer();
}

function trim({ width, height, data }: Sprite): Sprite {
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let y = 0, at = 3; y < height; y++) {
    for (let x = 0; x < width; x++, at += 4) {
      if (data[at]! < FAINTEST) {
        data[at] = 0;
        continue;
      }
      [left, right] = [Math.min(left, x), Math.max(right, x)];
      [top, bottom] = [Math.min(top, y), y];
    }
  }
  return crop({ width, height, data }, left, top, right - left + 1, bottom - top + 1);
}

function crop({ width, data }: Sprite, left: number, top: number, newWidth: number, newHeight: number): Sprite {
  const cut = new Uint8Array(newWidth * newHeight * 4);
  for (let y = 0; y < newHeight; y++) {
    const from = ((top + y) * width + left) * 4;
    cut.set(data.subarray(from, from + newWidth * 4), y * newWidth * 4);
  }
  return { width: newWidth, height: newHeight, data: cut };
}
