// What is seen as a PNG: the picture with its map at the picture's own size, or the small multiples on one sheet.
import { save } from '../kit/card';
import { fileName } from '../kit/format';
import type { Host } from '../kit/host';
import { pngOfCanvas } from '../kit/save';
import { drawOverlay } from '../kit/heat';
import { captionOf } from './stage';
import { type Size, type State, wanted } from './state';

/** Browsers make no canvas longer, nor of more pixels, than this. */
const LONGEST_SIDE = 16_384;
const MOST_PIXELS = 2 ** 28;
/** The longest side of a sheet. */
const SHEET_SIDE = 4096;

export async function savePicture(state: State, host: Host<'image'>): Promise<void> {
  const { picture, data, mode, chosen } = state;
  if (!picture) return;
  const names = wanted(state);
  const own = { width: picture.naturalWidth, height: picture.naturalHeight };
  const canvas = mode === 'multiples' && names.length > 0 ? sheet(state, picture, own, names) : single(state, picture, own);
  const stem = fileName(data.file).replace(/\.[^.]+$/, '');
  const what = mode === 'multiples' ? '.gradcam' : chosen === undefined ? '' : `.${chosen}`;
  await save(host, `${stem}${what}.png`, await pngOfCanvas(canvas));
}

function single({ chosen, maps, settings }: State, picture: HTMLImageElement, own: Size): HTMLCanvasElement {
  const { width, height } = own;
  const share = Math.min(1, LONGEST_SIDE / Math.max(width, height), Math.sqrt(MOST_PIXELS / (width * height)));
  const canvas = canvasOf({ width: Math.round(share * width), height: Math.round(share * height) });
  const map = chosen === undefined ? undefined : maps.get(chosen);
  drawOverlay(canvas.getContext('2d')!, picture, map, settings, { x: 0, y: 0, width: canvas.width, height: canvas.height });
  return canvas;
}

/** Pictures side by side, as square a sheet as their number allows, each with its category and score below. */
function sheet(state: State, picture: HTMLImageElement, own: Size, names: readonly string[]): HTMLCanvasElement {
  const columns = Math.ceil(Math.sqrt(names.length));
  const rows = Math.ceil(names.length / columns);
  const share = Math.min(1, SHEET_SIDE / columns / own.width, SHEET_SIDE / rows / own.height);
  const [width, height] = [Math.max(1, Math.round(share * own.width)), Math.max(1, Math.round(share * own.height))];
  const text = Math.max(12, Math.round(width / 24));
  const [gap, line] = [text, 2 * text];
  const canvas = canvasOf({ width: columns * (width + gap) + gap, height: rows * (height + gap + line) + gap });
  const context = canvas.getContext('2d')!;
  const { backgroundColor, color, fontFamily } = getComputedStyle(document.body);
  context.fillStyle = backgroundColor;
  context.fillRect(0, 0, canvas.width, canvas.height);
  Object.assign(context, { fillStyle: color, font: `${text}px ${fontFamily}`, textBaseline: 'middle' });
  for (const [k, name] of names.entries()) {
    const x = gap + (k % columns) * (width + gap);
    const y = gap + Math.floor(k / columns) * (height + gap + line);
    drawOverlay(context, picture, state.maps.get(name), state.settings, { x, y, width, height });
    context.fillText(captionOf(state, name), x, y + height + line / 2, width);
  }
  return canvas;
}

function canvasOf(size: Size): HTMLCanvasElement {
  return Object.assign(document.createElement('canvas'), size);
}
