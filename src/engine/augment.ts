// Random rotation and reflection of an image, as one resampling.
import type { Pixels } from './images';

export interface Transform {
  /** Counter-clockwise, in radians. */
  readonly angle: number;
  readonly mirrored: boolean;
}

/**
 * The image turned about its centre and mirrored, at the same size, bilinear; what comes from outside is black, as in the
 * reference example (imageDataAugmenter's FillValue 0). Writes RGB bytes at `offset` of `target`.
 */
export function transformInto(target: Uint8Array, offset: number, source: Pixels, { angle, mirrored }: Transform): void {
  if (angle === 0 && !mirrored) {
    target.set(source.data, offset);
    return;
  }
  const { width, height } = source;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const [centreX, centreY] = [(width - 1) / 2, (height - 1) / 2];
  let at = offset;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      const dx = mirrored ? centreX - x : x - centreX;
      const dy = y - centreY;
      sample(target, at, source, centreX + cos * dx - sin * dy, centreY + sin * dx + cos * dy);
    }
  }
}

function sample(target: Uint8Array, at: number, { data, width, height }: Pixels, x: number, y: number): void {
  const left = Math.floor(x);
  const top = Math.floor(y);
  const right = x - left;
  const below = y - top;
  for (let dy = 0; dy < 2; dy++) {
    for (let dx = 0; dx < 2; dx++) {
      const [column, row] = [left + dx, top + dy];
      const weight = (dx === 1 ? right : 1 - right) * (dy === 1 ? below : 1 - below);
      if (weight === 0 || column < 0 || row < 0 || column >= width || row >= height) continue;
      const from = (row * width + column) * 3;
      for (let channel = 0; channel < 3; channel++) SUMS[channel]! += weight * data[from + channel]!;
    }
  }
  for (let channel = 0; channel < 3; channel++) {
    target[at + channel] = Math.round(SUMS[channel]!);
    SUMS[channel] = 0;
  }
}

/** One pixel's weighted sums, kept outside the loop because an allocation a pixel costs more than the arithmetic. */
const SUMS = new Float64Array(3);
