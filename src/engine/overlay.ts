// A Grad-CAM map laid over its image: scaled to the image's size, coloured, blended, written as PNG.
import sharp from 'sharp';
import type { ExplainedMap } from '../protocol/messages';
import type { Colormap } from './colormap';
import type { Pixels } from './images';
import { writeAtomically } from './run/atomic';

/**
 * @param opacity of the colours over the image, 0..1
 * @throws LabelscopeError 'write-failed'
 */
export async function drawOverlay(
  path: string,
  image: Pixels,
  map: ExplainedMap,
  colours: Colormap,
  opacity: number,
): Promise<void> {
  const blended = blend(image, enlarged(map, image.width, image.height), colours, opacity);
  const png = await sharp(blended, { raw: { width: image.width, height: image.height, channels: 3 } })
    .png()
    .toBuffer();
  await writeAtomically(path, [png]);
}

/** The map scaled to 0..1 (all 0 where it is flat) and resized bilinearly, cell centres on cell centres. */
function enlarged({ values, width, height }: ExplainedMap, toWidth: number, toHeight: number): Float32Array {
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

function mix(a: number, b: number, share: number): number {
  return a + (b - a) * share;
}

function blend({ data }: Pixels, map: Float32Array, colours: Colormap, opacity: number): Uint8Array {
  const result = new Uint8Array(data.length);
  for (const [k, value] of map.entries()) {
    const colour = 3 * Math.round(255 * value);
    for (let channel = 0; channel < 3; channel++) {
      const at = 3 * k + channel;
      result[at] = Math.round(mix(data[at]!, colours[colour + channel]!, opacity));
    }
  }
  return result;
}
