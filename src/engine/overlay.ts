// A Grad-CAM map laid over its image: scaled to the image's size, coloured, blended, written as PNG.
import sharp from 'sharp';
import { blend } from '../heatmap/blend';
import type { Colormap } from '../heatmap/colormap';
import { enlarged } from '../heatmap/enlarge';
import type { ExplainedMap } from '../protocol/messages';
import type { Pixels } from './images';
import { writeAtomically } from './client/atomic';

/**
 * @param opacity of the colours over the image, 0..1
 * @throws LabelscopeError 'write-failed'
 */
export async function drawOverlay(
  path: string,
  { width, height, data }: Pixels,
  map: ExplainedMap,
  colours: Colormap,
  opacity: number,
): Promise<void> {
  const blended = blend(data, enlarged(map, width, height), colours, opacity);
  const png = await sharp(blended, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
  await writeAtomically(path, [png]);
}
