// Boxes within an image: what several of them cover together, and how much of a map lies inside.

/** In pixels of the image, from its left upper corner. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A map over an image: cells in rows, each as large as the others; values 0 or more. */
export interface CellMap extends Size {
  readonly values: ArrayLike<number>;
}

type Span = readonly [from: number, to: number];

/** A strip of rows in which the boxes cover the same columns. */
interface Band {
  readonly rows: Span;
  /** Ascending, apart from each other. */
  readonly columns: readonly Span[];
}

/** The parts of the boxes that lie in the image; those that have none are left out. */
export function clipped(boxes: readonly Box[], { width, height }: Size): Box[] {
  return boxes.flatMap((box) => {
    const [left, right] = [Math.max(0, box.x), Math.min(width, box.x + box.width)];
    const [top, bottom] = [Math.max(0, box.y), Math.min(height, box.y + box.height)];
    return right > left && bottom > top ? [{ x: left, y: top, width: right - left, height: bottom - top }] : [];
  });
}

/** Pixels from a point to the nearest point of the nearest box; 0 inside, infinite without boxes. */
export function distanceTo(boxes: readonly Box[], x: number, y: number): number {
  const away = (at: number, from: number, length: number) => Math.max(0, from - at, at - from - length);
  return Math.min(Infinity, ...boxes.map((box) => Math.hypot(away(x, box.x, box.width), away(y, box.y, box.height))));
}

/** Share of the image that clipped boxes cover, 0..1; what several cover counts once. */
export function coveredShare(boxes: readonly Box[], { width, height }: Size): number {
  const area = bandsOf(boxes).reduce((sum, { rows, columns }) => sum + lengthOf([rows]) * lengthOf(columns), 0);
  return area / (width * height);
}

/** Strips in which the share near boxes is summed: one a row of pixels, in large images fewer. */
const MOST_STRIPS = 1024;

/** Share of the image that is at most `reach` pixels away from a clipped box, 0..1. */
export function shareWithin(boxes: readonly Box[], { width, height }: Size, reach: number): number {
  if (reach === 0) return coveredShare(boxes, { width, height });
  const strips = Math.min(MOST_STRIPS, Math.ceil(height));
  let covered = 0;
  for (let k = 0; k < strips; k++) {
    const y = ((k + 0.5) * height) / strips;
    const spans = boxes.flatMap((box): Span[] => {
      const away = Math.max(0, box.y - y, y - box.y - box.height);
      if (away > reach) return [];
      const more = Math.sqrt(reach ** 2 - away ** 2);
      return [[Math.max(0, box.x - more), Math.min(width, box.x + box.width + more)]];
    });
    covered += lengthOf(merged(spans)) / width;
  }
  return covered / strips;
}

/**
 * Share of a map's sum that lies in clipped boxes, 0..1, when the map is enlarged to the image bilinearly, cell centres on cell
 * centres, as overlays are. Not summed over pixels but integrated: exact, and the same for every resolution of the image.
 * Null where the map is 0 everywhere.
 */
export function shareOfMap({ width, height, values }: CellMap, boxes: readonly Box[], image: Size): number | null {
  let total = 0;
  for (let k = 0; k < values.length; k++) total += values[k]!;
  if (total <= 0) return null;
  let inside = 0;
  for (const { rows, columns } of bandsOf(boxes)) {
    const down = weightsOf([rows], height, image.height);
    const across = weightsOf(columns, width, image.width);
    for (let y = 0, at = 0; y < height; y++) {
      for (let x = 0; x < width; x++, at++) inside += down[y]! * across[x]! * values[at]!;
    }
  }
  return Math.min(1, inside / total);
}

/** How much each of `cells` counts within spans of a side of `length` pixels; over the whole side each counts 1. */
function weightsOf(spans: readonly Span[], cells: number, length: number): Float64Array {
  const weights = new Float64Array(cells);
  for (const [from, to] of spans) {
    for (let k = 0; k < cells; k++) {
      weights[k]! += weightUpTo((to * cells) / length - 0.5, k, cells) - weightUpTo((from * cells) / length - 0.5, k, cells);
    }
  }
  return weights;
}

/** Integral of cell k's share in the interpolation from the side's beginning to `at`, in cells from the first cell's centre. */
function weightUpTo(at: number, k: number, cells: number): number {
  // Beyond the outer centres the outer cells count alone.
  if (k === cells - 1 && at > k) return 0.5 + at - k;
  if (k === 0 && at < 0) return at + 0.5;
  const s = Math.min(1, Math.max(-1, at - k));
  return s < 0 ? (s + 1) ** 2 / 2 : 1 - (1 - s) ** 2 / 2;
}

function bandsOf(boxes: readonly Box[]): Band[] {
  const edges = [...new Set(boxes.flatMap(({ y, height }) => [y, y + height]))].sort((a, b) => a - b);
  return edges.slice(1).map((bottom, k) => {
    const top = edges[k]!;
    const across = boxes.filter(({ y, height }) => y <= top && y + height >= bottom);
    return { rows: [top, bottom], columns: merged(across.map(({ x, width }) => [x, x + width])) };
  });
}

/** Spans that touch become one. */
function merged(spans: readonly Span[]): Span[] {
  const result: Span[] = [];
  for (const [from, to] of [...spans].sort(([a], [b]) => a - b)) {
    const last = result.at(-1);
    if (last && from <= last[1]) result[result.length - 1] = [last[0], Math.max(last[1], to)];
    else result.push([from, to]);
  }
  return result;
}

function lengthOf(spans: readonly Span[]): number {
  return spans.reduce((sum, [from, to]) => sum + to - from, 0);
}
