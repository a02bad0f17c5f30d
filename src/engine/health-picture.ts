// A picture's perceptual hash and thumbnail: what is left of it for finding it again in another file.
import type { Picture } from '../dataset/near';

/** Side of the grey square from which both are made. */
export const SIDE = 32;
const KEPT = 8;
const THUMBNAIL = 16;
/** A picture whose grey values spread less than this (standard deviation, of 255) has nothing to recognise. */
const FLAT = 2;

/** cos(π (2x + 1) u / 2N): the discrete cosine transform of type II, its first eight frequencies. */
const COSINES = Array.from({ length: KEPT }, (_, u) =>
  Float64Array.from({ length: SIDE }, (_, x) => Math.cos((Math.PI * (2 * x + 1) * u) / (2 * SIDE))),
);

/**
 * pHash: a bit for each of the 8 × 8 lowest frequencies of the picture's cosine transform, 1 where it is above their median, the
 * mean brightness left out of the median (Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010, 3.2.1).
 *
 * @param grey 32 × 32 grey values, row-major
 * @returns undefined for a picture of one colour, which would be like any other such picture
 */
export function pictureOf(grey: Uint8Array): Picture | undefined {
  if (deviation(grey) < FLAT) return undefined;
  const frequencies = lowFrequencies(grey);
  const sorted = frequencies.slice(1).sort();
  const median = sorted[sorted.length >> 1]!;
  const word = (from: number) => {
    let bits = 0;
    for (let k = from; k < from + 32; k++) bits = (bits << 1) | (frequencies[k]! > median ? 1 : 0);
    return bits >>> 0;
  };
  return { high: word(0), low: word(32), thumbnail: halved(grey) };
}

function deviation(grey: Uint8Array): number {
  const mean = grey.reduce((sum, value) => sum + value, 0) / grey.length;
  return Math.sqrt(grey.reduce((sum, value) => sum + (value - mean) ** 2, 0) / grey.length);
}

/** Row-major from the lowest; 8 × 8. Rows first, then columns. */
function lowFrequencies(grey: Uint8Array): Float64Array {
  const rows = new Float64Array(SIDE * KEPT);
  for (let y = 0; y < SIDE; y++) {
    for (let u = 0; u < KEPT; u++) {
      let sum = 0;
      for (let x = 0; x < SIDE; x++) sum += grey[y * SIDE + x]! * COSINES[u]![x]!;
      rows[y * KEPT + u] = sum;
    }
  }
  return Float64Array.from({ length: KEPT * KEPT }, (_, k) => {
    const [v, u] = [k >> 3, k & 7];
    let sum = 0;
    for (let y = 0; y < SIDE; y++) sum += rows[y * KEPT + u]! * COSINES[v]![y]!;
    return sum;
  });
}

/** 16 × 16: means of 2 × 2. */
function halved(grey: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: THUMBNAIL ** 2 }, (_, k) => {
    const at = 2 * (k >> 4) * SIDE + 2 * (k & 15);
    return (grey[at]! + grey[at + 1]! + grey[at + SIDE]! + grey[at + SIDE + 1]!) >> 2;
  });
}
