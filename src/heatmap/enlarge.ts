// A Grad-CAM map at the size of its image, whole or some rows at a time.
import type { ExplainedMap } from '../protocol/messages';

type Map2d = Pick<ExplainedMap, 'values' | 'width' | 'height'>;

/** Rows from `from` up to, not including, `to`. */
interface Rows {
  readonly from: number;
  readonly to: number;
}

/** A map that is the same everywhere says nothing of where. */
export function isFlat({ values }: Pick<ExplainedMap, 'values'>): boolean {
  return Math.max(...values) <= Math.min(...values);
}

/**
 * The map scaled to 0..1 (all 0 where it is flat) and resized bilinearly, cell centres on cell centres.
 *
 * @param rows of the result that are wanted, so that a huge image can be done band by band; all of them unless given
 * @returns row-major, (rows.to − rows.from) × toWidth
 */
export function enlarged(
  { values, width, height }: Map2d,
  toWidth: number,
  toHeight: number,
  rows: Rows = { from: 0, to: toHeight },
): Float32Array {
  const low = Math.min(...values);
  const range = Math.max(...values) - low;
  const unit = Float64Array.from(values, (value) => (range > 0 ? (value - low) / range : 0));
  const columns = Array.from({ length: toWidth }, (_, x) => placeOf(x, width, toWidth));
  const result = new Float32Array((rows.to - rows.from) * toWidth);
  for (let y = rows.from; y < rows.to; y++) {
    const row = placeOf(y, height, toHeight);
    const below = row.high * width;
    const line = unit.subarray(row.low * width, (row.low + 1) * width).map((value, x) => mix(value, unit[below + x]!, row.share));
    const start = (y - rows.from) * toWidth;
    for (let x = 0; x < toWidth; x++) {
      const column = columns[x]!;
      result[start + x] = mix(line[column.low]!, line[column.high]!, column.share);
    }
  }
  return result;
}

interface Place {
  readonly low: number;
  readonly high: number;
  readonly share: number;
}

/** Between which two of `from` cells the centre of cell k of `to` lies. */
function placeOf(k: number, from: number, to: number): Place {
  const at = Math.min(from - 1, Math.max(0, ((k + 0.5) * from) / to - 0.5));
  const low = Math.floor(at);
  return { low, high: Math.min(from - 1, low + 1), share: at - low };
}

export function mix(a: number, b: number, share: number): number {
  return a + (b - a) * share;
}
