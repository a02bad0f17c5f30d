// A data set of 120,000 images as the dataset panel is told of it: its report, its rows and their pictures.
import sharp from 'sharp';
import type { BrowsedImage, BrowseResult, Thumbnail } from '../../src/protocol/browse';
import type { DatasetReport } from '../../src/protocol/messages';
import type { BrowseQuery, DatasetData } from '../../src/protocol/windows';

export const IMAGES = 120_000;
const CATEGORIES = ['cat', 'dog', '<b>bird</b>', '=1+1'];

/** 100 images show a cat, 40 a dog, 20 both; the others as they may. */
export const REPORT: DatasetReport = {
  path: '/data/annotations/instances.json',
  bytes: 436e6,
  fingerprint: 'f',
  images: IMAGES,
  annotations: 860_001,
  labelledImages: 150,
  categories: CATEGORIES.map((name, k) => ({
    id: k + 1,
    name,
    images: [100, 40, 30, 0][k]!,
    annotations: [150, 260, 30, 0][k]!,
  })),
  labelsPerImage: { mean: 1.2, histogram: [IMAGES - 150, 120, 30] },
  imageFolder: '/data/images',
  checkedImages: 'none',
  suggestedCheck: 'none',
  findings: [
    {
      code: 'empty-box',
      severity: 'warning',
      message: '2 annotations have a box without width or height.',
      remedy: 'Check them.',
      count: 2,
      examples: ['annotation <i>7</i>'],
      images: [5, 9],
    },
    { code: 'image-missing', severity: 'error', message: '1 image is missing.', remedy: 'Copy it.', count: 1, examples: [] },
  ],
  imageFolderHow: 'as given',
  validation: null,
  coOccurrence: [100, 20, 5, 0, 20, 40, 0, 0, 5, 0, 30, 0, 0, 0, 0, 0],
  sizes: {
    unknown: 1,
    distinct: 2,
    common: [
      { width: 640, height: 480, images: IMAGES - 11 },
      { width: 480, height: 640, images: 10 },
    ],
    aspects: [
      { from: 0.7, to: 0.82, images: 10 },
      { from: 1.22, to: null, images: IMAGES - 11 },
    ],
  },
};

export const DATA: DatasetData = { annotations: REPORT.path, report: REPORT, progress: 1, checking: null, error: null };

/** Every image shows a cat in the box, and a crowd of dogs beside it. */
export const BOX = [100, 50, 120, 80] as const;

export function imageOf(row: number): BrowsedImage {
  const fileName = `image-${String(row).padStart(6, '0')}.jpg`;
  const boxes = [...BOX, 0, 0, 240, 20, 100, 150, 1, 1];
  return { row, fileName, file: `/data/images/${fileName}`, width: 400, height: 200, labels: [0, 1], boxes, boxCount: 2 };
}

type Asked = BrowseQuery & { readonly offset: number; readonly limit: number };

export function browse({ offset, limit, finding, filter }: Asked): BrowseResult {
  const total = finding === null ? (filter.has ? 100 : IMAGES) : 2;
  const rows = Array.from({ length: Math.max(0, Math.min(limit, total - offset)) }, (_, k) => offset + k);
  return { total, images: rows.map(imageOf) };
}

/** What the panel is answered when it asks for pictures: black where the cats are, white elsewhere; every tenth is missing. */
export async function pictures(): Promise<(asked: { readonly rows: readonly number[] }) => Thumbnail[]> {
  const [left, top, width, height] = BOX;
  const black = await sharp({ create: { width, height, channels: 3, background: '#000' } })
    .png()
    .toBuffer();
  const white = sharp({ create: { width: 400, height: 200, channels: 3, background: '#fff' } });
  const jpeg = new Uint8Array(
    await white
      .composite([{ input: black, left, top }])
      .jpeg()
      .toBuffer(),
  );
  return ({ rows }) =>
    rows.map((row) => (row % 10 === 3 ? { row, error: `image ${row} is missing` } : { row, jpeg, width: 400, height: 200 }));
}
