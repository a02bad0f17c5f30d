// Rotation and reflection as one resampling: pixel by pixel where that is exact, else against formulas and against libvips.
import fc from 'fast-check';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { copyInto, type Transform, warpInto } from '../../src/engine/augment';
import type { Picture, Pixels } from '../../src/engine/images';

interface Size {
  readonly width: number;
  readonly height: number;
}

const image = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }))
  .chain(([width, height]) =>
    fc
      .uint8Array({ minLength: width * height * 3, maxLength: width * height * 3 })
      .map((data): Pixels => ({ width, height, data })),
  );
const square = image.map(({ width, data }): Pixels => {
  const side = Math.floor(Math.sqrt(data.length / 3)) || width;
  return { width: side, height: side, data: data.subarray(0, side * side * 3) };
});

const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** Into a frame of the picture's own size. */
function transformed(source: Pixels, degrees: number, mirrored: boolean): Pixels {
  return warped({ ...source, aspect: source.width / source.height }, source, { angle: radians(degrees), mirrored });
}

function warped(picture: Picture, { width, height }: Size, transform: Transform): Pixels {
  const data = new Uint8Array(width * height * 3).fill(77);
  warpInto(data, 0, { width, height }, picture, transform);
  return { width, height, data };
}

function colourAt({ data, width }: Pixels, x: number, y: number): number[] {
  return [...data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3)];
}

/** Every pixel from the place that `from` names. */
function moved(source: Pixels, from: (x: number, y: number) => readonly [number, number]): Pixels {
  const data = new Uint8Array(source.data.length);
  for (let y = 0; y < source.height; y++)
    for (let x = 0; x < source.width; x++) data.set(colourAt(source, ...from(x, y)), 3 * (y * source.width + x));
  return { ...source, data };
}

const mirror = (source: Pixels): Pixels => moved(source, (x, y) => [source.width - 1 - x, y]);

describe('copyInto', () => {
  it('copies, or mirrors left and right, at its offset and nowhere else', () => {
    fc.assert(
      fc.property(image, fc.boolean(), (source, mirrored) => {
        const target = new Uint8Array(source.data.length + 4).fill(9);
        copyInto(target, 2, source, mirrored);
        const expected = mirrored ? mirror(source) : source;
        expect([...target]).toEqual([9, 9, ...expected.data, 9, 9]);
      }),
    );
  });
});

describe('warpInto', () => {
  it('leaves an image as it is without an angle, and mirrors left and right exactly', () => {
    fc.assert(
      fc.property(image, (source) => {
        expect(transformed(source, 0, false).data).toEqual(source.data);
        expect(transformed(source, 0, true).data).toEqual(mirror(source).data);
      }),
    );
  });

  it('turns by quarters exactly, counter-clockwise', () => {
    fc.assert(
      fc.property(square, (source) => {
        const last = source.width - 1;
        const turned = (degrees: number) => transformed(source, degrees, false).data;
        expect(turned(90)).toEqual(moved(source, (x, y) => [last - y, x]).data);
        expect(turned(180)).toEqual(moved(source, (x, y) => [last - x, last - y]).data);
        expect(turned(-90)).toEqual(moved(source, (x, y) => [y, last - x]).data);
      }),
    );
  });

  it('fills with black what comes from outside, and keeps the middle', () => {
    const white: Pixels = { width: 21, height: 21, data: new Uint8Array(21 * 21 * 3).fill(255) };
    const turned = transformed(white, 45, false);
    for (const [x, y] of [
      [0, 0],
      [20, 0],
      [0, 20],
      [20, 20],
    ] as const)
      expect(colourAt(turned, x, y)).toEqual([0, 0, 0]);
    expect(colourAt(turned, 10, 10)).toEqual([255, 255, 255]);
    expect(colourAt(turned, 10, 0)).toEqual([255, 255, 255]);
  });

  it('interpolates between neighbours, and a pixel over the border is covered in part', () => {
    const source: Pixels = { width: 2, height: 1, data: Uint8Array.of(0, 0, 0, 200, 100, 50) };
    // Turned by 60°, the right pixel's source lies at 0.5 + 0.5·cos 60° = 0.75 across and 0.433 below the row.
    const share = 0.75 * (1 - 0.5 * Math.sin(Math.PI / 3));
    const expected = [200, 100, 50].map((value) => Math.round(value * share));
    expect(colourAt(transformed(source, 60, false), 1, 0)).toEqual(expected);
  });

  it('has no dark rim where a small picture is enlarged', () => {
    const white: Picture = { width: 2, height: 3, data: new Uint8Array(18).fill(255), aspect: 2 / 3 };
    expect(warped(white, { width: 17, height: 13 }, { angle: 0, mirrored: true }).data).toEqual(
      new Uint8Array(17 * 13 * 3).fill(255),
    );
  });

  it('writes at its offset and nowhere else', () => {
    const target = new Uint8Array(18).fill(9);
    const picture = { width: 2, height: 1, data: Uint8Array.of(1, 2, 3, 4, 5, 6), aspect: 2 };
    warpInto(target, 6, picture, picture, { angle: 0, mirrored: true });
    expect([...target]).toEqual([9, 9, 9, 9, 9, 9, 4, 5, 6, 1, 2, 3, 9, 9, 9, 9, 9, 9]);
  });

  // Red counts the picture's columns and green its rows, blue says that it is the picture.
  const sizes = fc.record({ width: fc.integer({ min: 8, max: 250 }), height: fc.integer({ min: 8, max: 250 }) });
  const turn = fc.record({ angle: fc.double({ min: -Math.PI, max: Math.PI, noNaN: true }), mirrored: fc.boolean() });

  it('takes every pixel from where sizes, proportions and angle say', () => {
    const aspects = fc.double({ min: 0.25, max: 4, noNaN: true });
    fc.assert(
      fc.property(sizes, sizes, aspects, turn, (size, frame, aspect, transform) => {
        const result = warped({ ...ramps(size), aspect }, frame, transform);
        for (let y = 0; y < frame.height; y += 3) {
          for (let x = 0; x < frame.width; x += 3) {
            const [column, row] = origin(x, y, frame, size, aspect, transform);
            if (!(column >= 0 && row >= 0 && column <= size.width - 1 && row <= size.height - 1)) continue;
            const [red, green, blue] = colourAt(result, x, y);
            const isNear = Math.abs(red! - column) <= 0.51 && Math.abs(green! - row) <= 0.51 && blue === 255;
            expect({ found: [red, green, blue], wanted: [column, row], isNear }).toMatchObject({ isNear: true });
          }
        }
      }),
      { numRuns: 25 },
    );
  });

  it.each([
    [30, false],
    [-45, true],
    [8, true],
    [120, false],
  ])('is what libvips makes of a smooth picture in several steps: %i° , mirrored %s', async (degrees, mirrored) => {
    const [size, frame] = [
      { width: 320, height: 200 },
      { width: 112, height: 96 },
    ];
    const source = blobs(size);
    const ours = warped({ ...source, aspect: 320 / 200 }, frame, { angle: radians(degrees), mirrored });
    const theirs = await libvips(source, frame, degrees, mirrored);
    const differences = ours.data.map((value, k) => Math.abs(value - theirs[k]!));
    expect(differences.reduce((sum, value) => sum + value, 0) / differences.length).toBeLessThan(3);
  });
});

function ramps({ width, height }: Size): Pixels {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data.set([x, y, 255], 3 * (y * width + x));
  return { width, height, data };
}

/** In complex numbers: a pixel of the frame, in the picture's proportions, mirrored, times e^(i angle), in its pixels. */
function origin(x: number, y: number, frame: Size, size: Size, aspect: number, { angle, mirrored }: Transform): [number, number] {
  const across = ((x + 0.5) / frame.width - 0.5) * aspect * (mirrored ? -1 : 1);
  const down = (y + 0.5) / frame.height - 0.5;
  const length = Math.hypot(across, down);
  const direction = Math.atan2(down, across) + angle;
  const [turnedAcross, turnedDown] = [length * Math.cos(direction), length * Math.sin(direction)];
  return [(turnedAcross / aspect + 0.5) * size.width - 0.5, (turnedDown + 0.5) * size.height - 0.5];
}

/** Smooth, of different colours everywhere and without a symmetry. */
function blobs({ width, height }: Size): Pixels {
  const data = new Uint8Array(width * height * 3);
  const wave = (a: number, b: number, c: number) => Math.round(127 + 120 * Math.sin(a + b + c));
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      data.set([wave(x / 40, y / 70, 0), wave(x / 90, -y / 35, 1), wave(x / 25, y / 200, 2)], 3 * (y * width + x));
  return { width, height, data };
}

/** Mirrored, turned on a larger canvas, cut to the picture's own size about the middle, then resized. */
async function libvips({ width, height, data }: Pixels, frame: Size, degrees: number, mirrored: boolean): Promise<Uint8Array> {
  const raw = (info: Size, bytes: Uint8Array) => sharp(bytes, { raw: { width: info.width, height: info.height, channels: 3 } });
  // sharp turns clockwise, and ours mirrors what it has turned.
  const flipped = await raw({ width, height }, data).flop(mirrored).raw().toBuffer();
  const large = await raw({ width, height }, flipped)
    .rotate(mirrored ? degrees : -degrees, { background: '#000' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const cut = await cutOut(raw(large.info, large.data), large.info, { width, height });
  return raw({ width, height }, cut).resize(frame.width, frame.height, { fit: 'fill', kernel: 'linear' }).raw().toBuffer();
}

async function cutOut(canvas: Sharp, { width, height }: Size, size: Size): Promise<Buffer> {
  const across = Math.max(0, Math.ceil((size.width - width) / 2));
  const down = Math.max(0, Math.ceil((size.height - height) / 2));
  const padded = await canvas
    .extend({ left: across, right: across, top: down, bottom: down, background: '#000' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { info } = padded;
  return sharp(padded.data, { raw: { width: info.width, height: info.height, channels: 3 } })
    .extract({
      left: Math.round((info.width - size.width) / 2),
      top: Math.round((info.height - size.height) / 2),
      ...size,
    })
    .raw()
    .toBuffer();
}
