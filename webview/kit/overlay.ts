// A picture with a Grad-CAM map over it, drawn on a canvas of any size: the same blending as the engine's files.
import type { ColormapName, ExplainedMap } from '../../src/protocol/messages';
import { type Colormap, colormapOf } from '../../src/heatmap/colormap';
import { enlarged } from '../../src/heatmap/enlarge';

const tables = new Map<ColormapName, Colormap>();

export function tableOfColours(name: ColormapName): Colormap {
  const table = tables.get(name) ?? colormapOf(name);
  tables.set(name, table);
  return table;
}

export interface Overlay {
  readonly map: ExplainedMap;
  readonly colormap: ColormapName;
  /** 0..1 */
  readonly opacity: number;
  /** The map covers the picture from this share of its width on; 0 = all of it. */
  readonly from?: number;
}

/** Draws the picture, and the map over it, at the canvas's own size. */
export function drawPicture(canvas: HTMLCanvasElement, picture: CanvasImageSource, overlay?: Overlay): void {
  const { width, height } = canvas;
  const context = canvas.getContext('2d')!;
  context.clearRect(0, 0, width, height);
  context.drawImage(picture, 0, 0, width, height);
  if (!overlay || width === 0 || height === 0) return;
  const start = Math.round((overlay.from ?? 0) * width);
  if (start >= width) return;
  const heat = document.createElement('canvas');
  heat.width = width;
  heat.height = height;
  heat.getContext('2d')!.putImageData(coloured(overlay, width, height), 0, 0);
  context.globalAlpha = overlay.opacity;
  context.drawImage(heat, start, 0, width - start, height, start, 0, width - start, height);
  context.globalAlpha = 1;
}

function coloured({ map, colormap }: Overlay, width: number, height: number): ImageData {
  const colours = tableOfColours(colormap);
  const values = enlarged(map, width, height);
  const image = new ImageData(width, height);
  for (let k = 0; k < values.length; k++) {
    const colour = 3 * Math.round(255 * values[k]!);
    image.data[4 * k] = colours[colour]!;
    image.data[4 * k + 1] = colours[colour + 1]!;
    image.data[4 * k + 2] = colours[colour + 2]!;
    image.data[4 * k + 3] = 255;
  }
  return image;
}

/** A map without any positive place says nothing of where. */
export function isFlat({ values }: ExplainedMap): boolean {
  return Math.max(...values) <= Math.min(...values);
}
