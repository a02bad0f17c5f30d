// Image sizes and aspect ratios of a data set, as its annotation file declares them.
import { distinctImages } from '../dataset/labels';
import type { CocoIndex } from '../dataset/types';
import type { SizeReport } from '../protocol/browse';

/** More bubbles than this are one cloud; the others are in none but the counts. */
const MOST_SIZES = 300;

/** Edges lie between the ratios that cameras and screens have (1:2, 9:16, 2:3, 3:4, 1:1 and their inverses). */
const ASPECT_EDGES = [0, 0.3, 0.45, 0.53, 0.62, 0.7, 0.82, 0.95, 1.05, 1.22, 1.42, 1.6, 1.88, 2.2, 3.3, Infinity];

export function sizesOf(index: CocoIndex): SizeReport {
  const bySize = new Map<string, { width: number; height: number; images: number }>();
  const aspects = Array<number>(ASPECT_EDGES.length - 1).fill(0);
  let unknown = 0;
  for (const { width, height } of distinctImages(index).images) {
    if (!(width > 0 && height > 0)) {
      unknown++;
      continue;
    }
    const key = `${width} ${height}`;
    const size = bySize.get(key) ?? { width, height, images: 0 };
    size.images++;
    bySize.set(key, size);
    aspects[ASPECT_EDGES.findLastIndex((edge) => edge <= width / height)]!++;
  }
  const common = [...bySize.values()].sort((a, b) => b.images - a.images).slice(0, MOST_SIZES);
  return { unknown, distinct: bySize.size, common, aspects: filledBins(aspects) };
}

/** Empty bins at either end say nothing. */
function filledBins(counts: readonly number[]): SizeReport['aspects'] {
  const [first, last] = [counts.findIndex((n) => n > 0), counts.findLastIndex((n) => n > 0)];
  if (first < 0) return [];
  const end = (k: number) => (Number.isFinite(ASPECT_EDGES[k]) ? ASPECT_EDGES[k]! : null);
  return counts.slice(first, last + 1).map((images, k) => ({ from: ASPECT_EDGES[first + k]!, to: end(first + k + 1), images }));
}
