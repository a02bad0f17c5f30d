// Heat maps: colour tables, enlarging whole and by rows, and blending, pixel by pixel.
import { describe, expect, it } from 'vitest';
import { blend, coloured } from '../../src/heatmap/blend';
import { colormapOf } from '../../src/heatmap/colormap';
import { enlarged, isFlat } from '../../src/heatmap/enlarge';

const map = (width: number, height: number, values: readonly number[]) => ({ width, height, values });

describe('enlarged', () => {
  it('keeps cells where they are when the size stays, scaled to 0..1', () => {
    expect([...enlarged(map(2, 2, [1, 2, 3, 5]), 2, 2)]).toEqual([0, 0.25, 0.5, 1]);
  });

  it('interpolates between cell centres and holds still beyond them', () => {
    expect([...enlarged(map(2, 1, [0, 1]), 4, 1)]).toEqual([0, 0.25, 0.75, 1]);
    expect([...enlarged(map(1, 2, [0, 1]), 1, 4)]).toEqual([0, 0.25, 0.75, 1]);
  });

  it('is separable: a product of two lines is the product of the enlarged lines', () => {
    const [across, down] = [
      [0, 1, 0.5],
      [0, 0.25, 1, 0.5],
    ];
    const both = enlarged(
      map(
        3,
        4,
        down.flatMap((y) => across.map((x) => x * y)),
      ),
      11,
      9,
    );
    const [x, y] = [enlarged(map(3, 1, across), 11, 1), enlarged(map(4, 1, down), 9, 1)];
    for (let row = 0; row < 9; row++)
      for (let column = 0; column < 11; column++) expect(both[row * 11 + column]).toBeCloseTo(x[column]! * y[row]!, 6);
  });

  it('gives the same rows one band at a time', () => {
    const small = map(
      7,
      7,
      Array.from({ length: 49 }, (_, k) => (k * 31) % 49),
    );
    const whole = enlarged(small, 50, 31);
    const bands = [0, 10, 20, 30].flatMap((from) => [...enlarged(small, 50, 31, { from, to: Math.min(31, from + 10) })]);
    expect(bands).toEqual([...whole]);
  });

  it('is 0 everywhere where the map is flat', () => {
    expect(new Set(enlarged(map(2, 2, [3, 3, 3, 3]), 5, 4))).toEqual(new Set([0]));
    expect(isFlat(map(2, 2, [3, 3, 3, 3]))).toBe(true);
    expect(isFlat(map(2, 1, [0, 1e-9]))).toBe(false);
  });
});

describe('colormapOf', () => {
  it('has the corners of jet: dark blue, cyan, yellow, dark red', () => {
    const jet = colormapOf('jet');
    const at = (share: number) => [...jet.subarray(3 * Math.round(255 * share), 3 * Math.round(255 * share) + 3)];
    expect([at(0), at(1)]).toEqual([
      [0, 0, 128],
      [128, 0, 0],
    ]);
    expect(at(0.375)[1]).toBeGreaterThan(250);
    expect(at(0.625)[2]).toBeLessThan(5);
  });

  it('has even maps whose lightness never falls', () => {
    for (const name of ['viridis', 'magma'] as const) {
      const table = colormapOf(name);
      const lightness = Array.from({ length: 256 }, (_, k) => luminance([...table.subarray(3 * k, 3 * k + 3)]));
      const falls = lightness.filter((value, k) => k > 0 && value < lightness[k - 1]! - 0.004);
      expect(falls, name).toEqual([]);
      expect(lightness[255]! - lightness[0]!).toBeGreaterThan(0.6);
    }
  });
});

describe('blend and coloured', () => {
  const colours = colormapOf('turbo');
  const values = Float32Array.from([0, 0.5, 1]);
  const image = Uint8Array.from([10, 20, 30, 40, 50, 60, 70, 80, 90]);

  it('gives the image at opacity 0 and the colours at opacity 1', () => {
    expect([...blend(image, values, colours, 0)]).toEqual([...image]);
    const rgba = coloured(values, colours);
    const rgb = [...rgba].filter((_, k) => k % 4 < 3);
    expect([...blend(image, values, colours, 1)]).toEqual(rgb);
    expect([...rgba].filter((_, k) => k % 4 === 3)).toEqual([255, 255, 255]);
  });

  it('lies half way at opacity 0.5', () => {
    const half = blend(image, values, colours, 0.5);
    const full = blend(image, values, colours, 1);
    expect([...half]).toEqual([...image].map((value, k) => Math.round((value + full[k]!) / 2)));
  });
});

/** Relative luminance, 0..1 (WCAG 2). */
function luminance(rgb: readonly number[]): number {
  const [r, g, b] = rgb.map((value) => (value <= 10 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}
