// A map as colours, and colours over an image.
import type { Colormap } from './colormap';
import { mix } from './enlarge';

/**
 * @param map values 0..1
 * @returns RGBA bytes, opaque: as a canvas takes them
 */
export function coloured(map: Float32Array, colours: Colormap): Uint8ClampedArray<ArrayBuffer> {
  const result = new Uint8ClampedArray(4 * map.length).fill(255);
  for (let k = 0; k < map.length; k++) {
    const colour = 3 * Math.round(255 * map[k]!);
    result[4 * k] = colours[colour]!;
    result[4 * k + 1] = colours[colour + 1]!;
    result[4 * k + 2] = colours[colour + 2]!;
  }
  return result;
}

/**
 * @param image RGB bytes, as many pixels as the map has values
 * @param map values 0..1
 * @param opacity of the colours over the image, 0..1
 * @returns RGB bytes
 */
export function blend(image: Uint8Array, map: Float32Array, colours: Colormap, opacity: number): Uint8Array {
  const result = new Uint8Array(image.length);
  for (let k = 0; k < map.length; k++) {
    const colour = 3 * Math.round(255 * map[k]!);
    for (let channel = 0; channel < 3; channel++) {
      const at = 3 * k + channel;
      result[at] = Math.round(mix(image[at]!, colours[colour + channel]!, opacity));
    }
  }
  return result;
}
