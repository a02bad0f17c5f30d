// The metrics that no threshold moves, of many resamples at once: average precision and the loss.
import { binaryCrossEntropy } from './calibration';
import type { Ranked } from './ranked';
import type { Resamples } from './resamples';
import type { ScoredSet } from './types';

/**
 * categories × resamples, row-major: the average precision of each category in each resample, as `averagePrecision` would find it on the
 * resampled images; NaN where the resample has no image of the category. A step is a category.
 */
export function* replicatedPrecision(ranked: Ranked, resamples: Resamples): Generator<number, Float64Array> {
  const { width } = ranked;
  const { count } = resamples;
  const result = new Float64Array(width * count);
  for (let c = 0; c < width; c++) {
    precisionOf(ranked, c, resamples, result.subarray(c * count, (c + 1) * count));
    yield c + 1;
  }
  return result;
}

/** Goes down the category's scores, adding (hits − hits before) × hits / seen at each distinct score that an image of the category has. */
function precisionOf(
  { images, order, scores, labels }: Ranked,
  c: number,
  { weights, count }: Resamples,
  sums: Float64Array,
): void {
  const bottom = c * images;
  const lowest = labels.subarray(bottom, bottom + images).indexOf(1);
  const [hits, before] = [new Int32Array(count), new Int32Array(count)];
  const seen = runningSum(weights, count);
  let news = false;
  for (let at = bottom + images - 1; lowest >= 0 && at >= bottom; at--) {
    const from = order[at]! * count;
    seen.add(from);
    if (labels[at] === 1) {
      for (let r = 0; r < count; r++) hits[r] = hits[r]! + weights[from + r]!;
      news = true;
    }
    // Equal scores are one point of the curve.
    if (!news || (at > bottom && scores[at - 1] === scores[at])) continue;
    addPoint(sums, hits, before, seen.total());
    news = false;
    if (at - bottom <= lowest) break;
  }
  for (let r = 0; r < count; r++) sums[r] = hits[r] === 0 ? NaN : sums[r]! / hits[r]!;
}

function addPoint(sums: Float64Array, hits: Int32Array, before: Int32Array, seen: Int32Array): void {
  for (let r = 0; r < sums.length; r++) {
    const now = hits[r]!;
    // Where nothing was hit since, nothing may have been seen either.
    if (now !== before[r]) sums[r] = sums[r]! + ((now - before[r]!) * now) / seen[r]!;
    before[r] = now;
  }
}

/** Sums of this many weights of at most 255 each fit into 16 bits. */
const LONGEST_RUN = 256;
const EVEN_BYTES = 0x00ff00ff;

/** The sum of rows of weights. Four weights are read as one number and added as two pairs, which are taken apart when they are asked for. */
function runningSum(weights: Uint8Array, count: number) {
  const words = new Uint32Array(weights.buffer, weights.byteOffset, weights.byteLength / 4);
  const many = count / 4;
  const [even, odd, total] = [new Uint32Array(many), new Uint32Array(many), new Int32Array(count)];
  let run = 0;
  const settle = () => {
    for (let k = 0, r = 0; k < many; k++, r += 4) {
      total[r] = total[r]! + (even[k]! & 0xffff);
      total[r + 1] = total[r + 1]! + (odd[k]! & 0xffff);
      total[r + 2] = total[r + 2]! + (even[k]! >>> 16);
      total[r + 3] = total[r + 3]! + (odd[k]! >>> 16);
    }
    even.fill(0);
    odd.fill(0);
    run = 0;
  };
  return {
    add: (from: number) => {
      if (run === LONGEST_RUN) settle();
      run++;
      for (let k = 0, at = from / 4; k < many; k++, at++) {
        const four = words[at]!;
        even[k] = even[k]! + (four & EVEN_BYTES);
        odd[k] = odd[k]! + ((four >>> 8) & EVEN_BYTES);
      }
    },
    total: () => {
      settle();
      return total;
    },
  };
}

/** The mean over the categories that have one, of categories × resamples; NaN where none has. */
export function meanOverCategories(values: Float64Array, width: number, count: number): Float64Array {
  const [sums, known] = [new Float64Array(count), new Uint32Array(count)];
  for (let at = 0; at < width * count; at++) {
    if (Number.isNaN(values[at]!)) continue;
    sums[at % count]! += values[at]!;
    known[at % count]!++;
  }
  return sums.map((sum, r) => (known[r] === 0 ? NaN : sum / known[r]!));
}

/** The binary cross-entropy of each resample. */
export function replicatedLoss({ images, categories, labels, scores }: ScoredSet, { weights, count }: Resamples): Float64Array {
  const width = categories.length;
  const sums = new Float64Array(count);
  for (let i = 0; i < images; i++) {
    const row = [i * width, (i + 1) * width] as const;
    const loss = binaryCrossEntropy({ images: 1, categories, labels: labels.subarray(...row), scores: scores.subarray(...row) })!;
    for (let r = 0, at = i * count; r < count; r++, at++) sums[r] = sums[r]! + loss * weights[at]!;
  }
  return sums.map((sum) => sum / images);
}
