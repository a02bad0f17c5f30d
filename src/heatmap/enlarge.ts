// A Grad-CAM map at the size of its image.
import type { ExplainedMap } from '../protocol/messages';

/** The map scaled to 0..1 (all 0 where it is flat) and resized bilinearly, cell centres on cell centres; row-major. */
export function enlarged({ values, width, height }: ExplainedMap, toWidth: number, toHeight: number): Float32Array {
  const low = Math.min(...values);
  const range = Math.max(...values) - low;
  const unit = values.map((value) => (range > 0 ? (value - low) / range : 0));
  const columns = places(width, toWidth);
  const rows = places(height, toHeight);
  const result = new Float32Array(toWidth * toHeight);
  for (const [y, row] of rows.entries()) {
    for (const [x, column] of columns.entries()) {
      const top = mix(unit[row.low * width + column.low]!, unit[row.low * width + column.high]!, column.share);
      const bottom = mix(unit[row.high * width + column.low]!, unit[row.high * width + column.high]!, column.share);
      result[y * toWidth + x] = mix(top, bottom, row.share);
    }
  }
  return result;
}

interface Place {
  readonly low: number;
  readonly high: number;
  readonly share: number;
}

function places(from: number, to: number): Place[] {
  return Array.from({ length: to }, (_, k) => {
    const at = Math.min(from - 1, Math.max(0, ((k + 0.5) * from) / to - 0.5));
    const low = Math.floor(at);
    return { low, high: Math.min(from - 1, low + 1), share: at - low };
  });
}

export function mix(a: number, b: number, share: number): number {
  return a + (b - a) * share;
}
