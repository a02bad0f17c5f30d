// The map as colours: over the picture on the screen, and with it in a file.
import { coloured } from '../../src/heatmap/blend';
import { type Colormap, colormapOf } from '../../src/heatmap/colormap';
import { enlarged } from '../../src/heatmap/enlarge';
import type { ColormapName, ExplainedMap } from '../../src/protocol/messages';
import type { ImageSettings } from '../../src/protocol/windows';

interface Size {
  readonly width: number;
  readonly height: number;
}

const tables = new Map<ColormapName, Colormap>();

export function tableOfColours(name: ColormapName): Colormap {
  const table = tables.get(name) ?? colormapOf(name);
  tables.set(name, table);
  return table;
}

interface Painted extends Size {
  readonly map: ExplainedMap | undefined;
  readonly colormap: ColormapName;
}

/** What is on a canvas: a slider that moves must not paint the same again. */
const painted = new WeakMap<HTMLCanvasElement, Painted>();

/** Paints the map, opaque, on the canvas at this size; without a map the canvas is empty. */
export function paintHeat(canvas: HTMLCanvasElement, map: ExplainedMap | undefined, colormap: ColormapName, size: Size): void {
  const { width, height } = size;
  const old = painted.get(canvas);
  if (old && old.map === map && old.colormap === colormap && old.width === width && old.height === height) return;
  painted.set(canvas, { map, colormap, width, height });
  Object.assign(canvas, { width, height });
  if (map) paintBand(canvas.getContext('2d')!, map, colormap, size, { from: 0, to: height });
}

function paintBand(
  context: CanvasRenderingContext2D,
  map: ExplainedMap,
  colormap: ColormapName,
  { width, height }: Size,
  rows: { readonly from: number; readonly to: number },
): void {
  const colours = coloured(enlarged(map, width, height, rows), tableOfColours(colormap));
  context.putImageData(new ImageData(colours, width, rows.to - rows.from), 0, 0);
}

/** Rows that are coloured at a time, so that a picture of 12,000 pixels does not need its size in memory three times over. */
const BAND = 256;

/** Draws the picture and the map over it: the same blending as the engine's files, to the rounding of canvases. */
export function drawOverlay(
  context: CanvasRenderingContext2D,
  picture: CanvasImageSource,
  map: ExplainedMap | undefined,
  { colormap, opacity }: ImageSettings,
  { x, y, width, height }: Size & { readonly x: number; readonly y: number },
): void {
  context.drawImage(picture, x, y, width, height);
  if (!map) return;
  const band = document.createElement('canvas');
  Object.assign(band, { width, height: Math.min(BAND, height) });
  context.globalAlpha = opacity;
  for (let from = 0; from < height; from += BAND) {
    const to = Math.min(height, from + BAND);
    paintBand(band.getContext('2d')!, map, colormap, { width, height }, { from, to });
    context.drawImage(band, 0, 0, width, to - from, x, y + from, width, to - from);
  }
  context.globalAlpha = 1;
}
