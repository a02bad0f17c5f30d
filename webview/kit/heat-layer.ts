// A Grad-CAM map on a canvas that lies over its picture, and what is said where there is none to see.
import { isFlat } from '../../src/heatmap/enlarge';
import { paintHeat } from './heat';
import type { Heat } from './heat-store';
import { t } from './l10n';

/** 'awaited': asked for and not there yet; undefined: not asked for. */
export type ShownHeat = Heat | 'awaited' | undefined;

const mapOf = (heat: ShownHeat) => (heat !== undefined && typeof heat !== 'string' && 'map' in heat ? heat : undefined);

/** @param side the longer side of the painted map in pixels: what the screen shows of it, and some more for dense screens */
export function layHeat(picture: HTMLImageElement, canvas: HTMLCanvasElement, heat: ShownHeat, side: number): void {
  const { naturalWidth: width, naturalHeight: height } = picture;
  const shown = mapOf(heat);
  // A map has the shape of its picture, which is known once that is there.
  canvas.hidden = shown === undefined || !picture.complete || width === 0;
  if (!shown || canvas.hidden) return;
  const scale = side / Math.max(width, height);
  const size = { width: Math.max(1, Math.round(scale * width)), height: Math.max(1, Math.round(scale * height)) };
  paintHeat(canvas, shown.map, shown.settings.colormap, size);
  canvas.style.opacity = String(shown.settings.opacity);
}

/** '' where the map says it all. */
export function heatWords(heat: ShownHeat): string {
  if (heat === undefined) return '';
  if (heat === 'awaited') return t('computing the map…');
  if ('error' in heat) return heat.error;
  return isFlat(heat.map) ? t('no place speaks for it') : '';
}
