// Colour maps as tables of 256 colours, the same for overlays that are written and those that are shown.
import { rgb } from 'd3-color';
import { interpolateMagma, interpolateTurbo, interpolateViridis } from 'd3-scale-chromatic';
import type { ColormapName } from '../protocol/messages';

/** 256 × RGB bytes. */
export type Colormap = Uint8Array;

const STEPS = 256;

const MAPS: Readonly<Record<ColormapName, (t: number) => string>> = {
  jet: (t) => rgb(255 * tent(t, 0.75), 255 * tent(t, 0.5), 255 * tent(t, 0.25)).formatRgb(),
  turbo: interpolateTurbo,
  viridis: interpolateViridis,
  magma: interpolateMagma,
};

export function colormapOf(name: ColormapName): Colormap {
  const colours = Array.from({ length: STEPS }, (_, k) => rgb(MAPS[name](k / (STEPS - 1))));
  return Uint8Array.from(colours.flatMap(({ r, g, b }) => [r, g, b].map(Math.round)));
}

/** MATLAB's jet: each channel rises, stays at 1 and falls, each over a quarter of the range. */
function tent(t: number, centre: number): number {
  return Math.min(1, Math.max(0, 1.5 - 4 * Math.abs(t - centre)));
}
