// Resamples of images, drawn with replacement, as weights: how often each image was drawn.
import { randomStream } from './random';

export interface Resamples {
  readonly images: number;
  /** How many resamples: a multiple of 4. */
  readonly count: number;
  /** images × count, row-major: how often the image is in each resample. */
  readonly weights: Uint8Array;
}

/**
 * Resamples `from` … `from` + `count` − 1 of a seed, each as large as the set, and up to 3 more. A resample follows from seed and number alone, whoever
 * draws it with which others. No image is drawn more than 255 times: of 2 images or more, that has less than one chance in 10^76
 * (or cannot be), and of one image there is nothing to draw.
 */
export function resamplesOf(images: number, seed: number, from: number, atLeast: number): Resamples {
  const count = 4 * Math.ceil(atLeast / 4);
  const weights = new Uint8Array(images * count);
  for (let r = 0; r < count; r++) {
    const random = randomStream('bootstrap', seed, from + r);
    for (let drawn = 0; drawn < images; drawn++) {
      const at = Math.floor(random.next() * images) * count + r;
      weights[at] = weights[at]! + 1;
    }
  }
  return { images, count, weights };
}
