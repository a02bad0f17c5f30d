// Image files to pixels: every kind of file, upright and in the right colours; overlays, pixel by pixel.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { colormapOf } from '../../src/heatmap/colormap';
import { type Pixels, readFullSize, readPicture, readPixels } from '../../src/engine/images';
import { drawOverlay } from '../../src/engine/overlay';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'images-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type Colour = readonly [number, number, number];

/** Red on the left, blue on the right. */
function halves(width = 8, height = 4): Sharp {
  const data = new Uint8Array(width * height * 3);
  for (let k = 0; k < width * height; k++) data.set(k % width < width / 2 ? [255, 0, 0] : [0, 0, 255], 3 * k);
  return sharp(data, { raw: { width, height, channels: 3 } });
}

function plain(colour: Colour, width = 8, height = 8): Sharp {
  return sharp({ create: { width, height, channels: 3, background: { r: colour[0], g: colour[1], b: colour[2] } } });
}

async function save(name: string, image: Sharp): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, await image.toBuffer());
  return path;
}

function colourAt({ data, width }: Pixels, x: number, y: number): number[] {
  return [...data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3)];
}

function expectNear(found: number[], wanted: Colour, tolerance: number): void {
  const worst = Math.max(...wanted.map((value, k) => Math.abs(found[k]! - value)));
  expect({ found, near: worst <= tolerance }).toEqual({ found, near: true });
}

describe('readPixels', () => {
  it('gives the bytes of an image that has the size already', async () => {
    const path = await save('exact.png', halves(32, 16).png());
    const { data } = await readPixels(path, 32, 16);
    expect(Buffer.from(data)).toEqual(await halves(32, 16).raw().toBuffer());
  });

  it('stretches to the size asked for, without keeping the shape', async () => {
    const pixels = await readPixels(await save('wide.png', halves(64, 8).png()), 10, 10);
    expect([pixels.width, pixels.height, pixels.data.length]).toEqual([10, 10, 300]);
    expect([colourAt(pixels, 1, 5), colourAt(pixels, 8, 5)]).toEqual([
      [255, 0, 0],
      [0, 0, 255],
    ]);
  });

  const grey16 = () => sharp(new Uint16Array(64).fill(0x8000), { raw: { width: 8, height: 8, channels: 1 } });
  const kinds: readonly [string, () => Sharp, Colour, number][] = [
    ['grey.png', () => plain([90, 90, 90]).toColourspace('b-w').png(), [90, 90, 90], 0],
    ['grey.jpg', () => plain([90, 90, 90]).toColourspace('b-w').jpeg(), [90, 90, 90], 1],
    ['grey-16-bit.png', () => grey16().toColourspace('grey16').png(), [128, 128, 128], 1],
    ['rgb-16-bit.png', () => plain([200, 100, 50]).toColourspace('rgb16').png(), [200, 100, 50], 1],
    ['palette.png', () => plain([200, 100, 50]).png({ palette: true }), [200, 100, 50], 1],
    ['photo.webp', () => plain([200, 100, 50]).webp({ lossless: true }), [200, 100, 50], 1],
    ['picture.gif', () => plain([200, 100, 50]).gif(), [200, 100, 50], 6],
    ['picture.tiff', () => plain([200, 100, 50]).tiff({ compression: 'none' }), [200, 100, 50], 0],
    ['picture.avif', () => plain([200, 100, 50]).avif({ lossless: true }), [200, 100, 50], 2],
    ['cmyk.jpg', () => plain([255, 255, 255]).toColourspace('cmyk').jpeg({ quality: 100 }), [255, 255, 255], 3],
    ['cmyk-dark.jpg', () => plain([0, 0, 0]).toColourspace('cmyk').jpeg({ quality: 100 }), [0, 0, 0], 45],
  ];
  it.each(kinds)('reads %s', async (name, image, colour, tolerance) => {
    const path = await save(name, image());
    const { space, depth } = await sharp(path).metadata();
    expect([space === 'cmyk', depth === 'ushort']).toEqual([name.startsWith('cmyk'), name.includes('16-bit')]);
    const pixels = await readPixels(path, 8, 8);
    expect(pixels.data.length).toBe(8 * 8 * 3);
    expectNear(colourAt(pixels, 4, 4), colour, tolerance);
  });

  it.each([
    ['8-bit', 'srgb' as const],
    ['16-bit', 'rgb16' as const],
  ])('lays transparency of %s images over white', async (_, space) => {
    const half = { r: 255, g: 0, b: 0, alpha: 0.5 };
    const clear = { r: 0, g: 0, b: 0, alpha: 0 };
    const image = (background: object) => sharp({ create: { width: 8, height: 8, channels: 4, background } });
    const halfRed = await readPixels(await save('half.png', image(half).toColourspace(space).png()), 8, 8);
    expectNear(colourAt(halfRed, 3, 3), [255, 127, 127], 2);
    const invisible = await readPixels(await save('clear.png', image(clear).toColourspace(space).png()), 8, 8);
    expect(colourAt(invisible, 3, 3)).toEqual([255, 255, 255]);
  });

  it('takes the first picture of an animation', async () => {
    const frames = Buffer.concat([await plain([255, 0, 0]).raw().toBuffer(), await plain([0, 0, 255]).raw().toBuffer()]);
    const film = sharp(frames, { raw: { width: 8, height: 16, channels: 3, pageHeight: 8 } });
    for (const [name, image] of [
      ['film.gif', film.clone().gif()],
      ['film.webp', film.clone().webp({ lossless: true })],
    ] as const) {
      const path = await save(name, image);
      expect((await sharp(path).metadata()).pages).toBe(2);
      expectNear(colourAt(await readPixels(path, 8, 8), 4, 4), [255, 0, 0], 4);
    }
  });

  it.each([
    [1, 'left'],
    [2, 'right'],
    [3, 'right'],
    [6, 'top'],
    [8, 'bottom'],
  ])('turns a picture upright whose camera noted orientation %i: red comes to the %s', async (orientation, side) => {
    const path = await save(`turned-${orientation}.png`, halves(16, 16).withMetadata({ orientation }).png());
    const pixels = await readPixels(path, 16, 16);
    const places = { left: [2, 8], right: [13, 8], top: [8, 2], bottom: [8, 13] } as const;
    const red = Object.entries(places).filter(([, [x, y]]) => colourAt(pixels, x, y)[0] === 255);
    expect(red.map(([name]) => name).filter((name) => name === side)).toEqual([side]);
    const [x, y] = places[({ left: 'right', right: 'left', top: 'bottom', bottom: 'top' } as const)[side as 'left']];
    expect(colourAt(pixels, x, y)).toEqual([0, 0, 255]);
  });

  it('refuses what is no whole image, and names the file', async () => {
    const jpeg = await readFile(await save('whole.jpg', halves(64, 64).jpeg()));
    const png = await readFile(await save('whole.png', halves(64, 64).png()));
    const files = {
      'cut.jpg': jpeg.subarray(0, jpeg.length - 80),
      'cut.png': png.subarray(0, png.length - 40),
      'empty.jpg': Buffer.alloc(0),
      'text.jpg': Buffer.from('no image at all'),
    };
    for (const [name, bytes] of Object.entries(files)) {
      const path = join(folder, name);
      await writeFile(path, bytes);
      await expect(readPixels(path, 8, 8)).rejects.toMatchObject({
        code: 'image-unreadable',
        message: expect.stringMatching(new RegExp(`^[^\\n]*${name} cannot be read as an image \\([^\\n]+$`)) as string,
      });
    }
    await expect(readPixels(join(folder, 'gone.png'), 8, 8)).rejects.toMatchObject({ code: 'image-unreadable' });
  });
});

describe('readPicture', () => {
  it('has the proportions of the upright image, and no more pixels than its own or than the frame asks for', async () => {
    const frame = { width: 20, height: 20 };
    const large = await readPicture(await save('large.png', plain([9, 9, 9], 120, 40).png()), frame);
    expect(large).toMatchObject({ width: 27, height: 27, aspect: 3 });
    expect(new Set(large.data)).toEqual(new Set([9]));
    const small = await readPicture(await save('small.png', plain([9, 9, 9], 60, 10).png()), frame);
    expect(small).toMatchObject({ width: 27, height: 10, aspect: 6 });
    const turned = await save('turned.jpg', plain([9, 9, 9], 60, 10).jpeg().withMetadata({ orientation: 6 }));
    expect(await readPicture(turned, frame)).toMatchObject({ width: 10, height: 27, aspect: 1 / 6 });
  });

  it('names a file that it cannot read', async () => {
    const path = join(folder, 'words.png');
    await writeFile(path, 'no image');
    await expect(readPicture(path, { width: 8, height: 8 })).rejects.toMatchObject({
      code: 'image-unreadable',
      message: expect.stringContaining(path) as string,
    });
  });
});

describe('drawOverlay', () => {
  const map = (width: number, height: number, values: number[]) => ({ category: 'x', score: 1, width, height, values });

  it('has the image’s size, and is the image where the opacity is 0', async () => {
    const image = await readFullSize(await save('overlaid.png', halves(30, 20).png()));
    const path = join(folder, 'overlay.png');
    await drawOverlay(path, image, map(2, 2, [0, 1, 2, 3]), colormapOf('jet'), 0);
    expect(await readFullSize(path)).toEqual(image);
    expect(await sharp(path).metadata()).toMatchObject({ width: 30, height: 20, format: 'png' });
  });

  it.each(['jet', 'turbo', 'viridis', 'magma'] as const)('is %s from the lowest to the highest value', async (name) => {
    const image: Pixels = { width: 4, height: 1, data: new Uint8Array(12) };
    const path = join(folder, `${name}.png`);
    const colours = colormapOf(name);
    await drawOverlay(path, image, map(4, 1, [-3, 0, 3, 6]), colours, 1);
    const at = (k: number) => [...colours.subarray(3 * k, 3 * k + 3)];
    const drawn = await readFullSize(path);
    expect([0, 1, 2, 3].map((x) => colourAt(drawn, x, 0))).toEqual([at(0), at(85), at(170), at(255)]);
  });

  it('draws a flat map in the lowest colour', async () => {
    const path = join(folder, 'flat.png');
    await drawOverlay(path, { width: 2, height: 2, data: new Uint8Array(12) }, map(1, 1, [5]), colormapOf('jet'), 1);
    expect(colourAt(await readFullSize(path), 1, 1)).toEqual([...colormapOf('jet').subarray(0, 3)]);
  });

  it('knows MATLAB’s jet: dark blue, blue, cyan, yellow, red, dark red', () => {
    const jet = colormapOf('jet');
    const at = (t: number) => [...jet.subarray(3 * Math.round(255 * t), 3 * Math.round(255 * t) + 3)];
    expectNear(at(0), [0, 0, 128], 1);
    expectNear(at(1), [128, 0, 0], 1);
    expectNear(at(0.375), [0, 255, 255], 3);
    expectNear(at(0.625), [255, 255, 0], 3);
    expectNear(at(0.5), [128, 255, 128], 3);
  });
});
