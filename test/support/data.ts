// A tiny COCO data set: coloured shapes on noise, one colour a category, so that a small network learns it in seconds.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { randomStream } from '../../src/metrics/random';

export const CATEGORIES = ['red square', 'green disc', 'blue stripe'] as const;
const COLOURS = [
  [230, 40, 40],
  [40, 220, 60],
  [50, 70, 235],
] as const;
const SIDE = 40;

export interface TinyData {
  readonly folder: string;
  readonly train: string;
  readonly validation: string;
  readonly trainImages: string;
  readonly validationImages: string;
}

export interface TinyOptions {
  readonly train?: number;
  /** 0 writes no validation file. */
  readonly validation?: number;
}

/** Lays out FOLDER/annotations/instances_train2017.json, FOLDER/train2017/*.png and the same for val2017. */
export async function writeTinyData(folder: string, { train = 24, validation = 9 }: TinyOptions = {}): Promise<TinyData> {
  await mkdir(join(folder, 'annotations'), { recursive: true });
  const file = (split: string) => join(folder, 'annotations', `instances_${split}2017.json`);
  await writeSplit(join(folder, 'train2017'), file('train'), 'train', train);
  if (validation > 0) await writeSplit(join(folder, 'val2017'), file('val'), 'val', validation);
  return {
    folder,
    train: file('train'),
    validation: file('val'),
    trainImages: join(folder, 'train2017'),
    validationImages: join(folder, 'val2017'),
  };
}

async function writeSplit(images: string, annotations: string, name: string, count: number): Promise<void> {
  await mkdir(images, { recursive: true });
  const rows = Array.from({ length: count }, (_, k) => k);
  await Promise.all(rows.map(async (k) => writeFile(join(images, fileName(name, k)), await picture(name, k))));
  await writeFile(annotations, JSON.stringify(cocoOf(name, rows)));
}

const fileName = (split: string, k: number): string => `${split}-${String(k).padStart(3, '0')}.png`;

/** Every mixture of the three categories in turn, the empty one left out. */
function labelsOf(k: number): number[] {
  const bits = 1 + (k % 7);
  return [0, 1, 2].filter((category) => (bits >> category) & 1);
}

function cocoOf(split: string, rows: readonly number[]): object {
  const annotations = rows.flatMap((k) => {
    return drawn(split, k).shapes.map(({ category, left, top }) => {
      const [x, y, width, height] = EXTENTS[category]!;
      const bbox = [left + x, top + y, width, height];
      return { image_id: k + 1, category_id: category + 1, bbox, area: width * height };
    });
  });
  return {
    images: rows.map((k) => ({ id: k + 1, file_name: fileName(split, k), width: SIDE, height: SIDE })),
    annotations: annotations.map((annotation, k) => ({ id: k + 1, iscrowd: 0, ...annotation })),
    categories: CATEGORIES.map((name, k) => ({ id: k + 1, name })),
  };
}

/** Grey noise, and the picture's categories as shapes at random places. */
function drawn(split: string, k: number) {
  const random = randomStream('tiny', split, k);
  const noise = Uint8Array.from({ length: SIDE * SIDE * 3 }, () => 90 + random.integer(60));
  const shapes = labelsOf(k).map((category) => ({ category, left: random.integer(SIDE - 16), top: random.integer(SIDE - 16) }));
  return { noise, shapes };
}

/** As PNG. */
async function picture(split: string, k: number): Promise<Buffer> {
  const { noise: data, shapes } = drawn(split, k);
  for (const { category, left, top } of shapes) {
    for (let y = 0; y < 16; y++) {
      for (let x = 0; x < 16; x++) {
        if (!covers(category, x - 7.5, y - 7.5)) continue;
        data.set(COLOURS[category]!, ((top + y) * SIDE + left + x) * 3);
      }
    }
  }
  return sharp(data, { raw: { width: SIDE, height: SIDE, channels: 3 } })
    .png()
    .toBuffer();
}

/** Of what a category's shape covers within its 16 × 16 pixels: x, y, width, height. */
const EXTENTS = [
  [1, 1, 14, 14],
  [0, 0, 16, 16],
  [0, 4, 16, 8],
] as const;

function covers(category: number, x: number, y: number): boolean {
  if (category === 0) return Math.max(Math.abs(x), Math.abs(y)) < 7;
  return category === 1 ? Math.hypot(x, y) < 8 : Math.abs(y) < 4;
}
