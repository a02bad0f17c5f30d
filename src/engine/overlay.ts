// A Grad-CAM map laid over its image: scaled to the image's size, coloured, blended, written as PNG.
import sharp from 'sharp';
import type { Colormap } from '../heatmap/colormap';
import { enlarged, mix } from '../heatmap/enlarge';
import type { ExplainedMap } from '../protocol/messages';

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
