// The requests `browse`, `thumbnails` and `release`: the images behind a data set's numbers, a window of rows at a time.
import { resolve } from 'node:path';
import { detailsOf } from '../dataset/details';
import type { Detail } from '../dataset/types';
import type { BrowsedImage, BrowseParams, BrowseResult, DatasetKey, Thumbnail, ThumbnailsParams } from '../protocol/browse';
import { toWireError } from '../protocol/errors';
import { annotationsOf, selectionOf } from './browse-filter';
import { type BrowseIndex, forget, openIndex, type Reading } from './browse-index';
import { sparingly } from '../protocol/sparingly';
import type { BytesProgress } from '../protocol/messages';
import type { Opening } from './context';
import { readThumbnail } from './images';

/** More rows than a screen shows are not sent at once, nor more boxes than can be told apart on a small picture. */
const MOST_ROWS = 500;
const MOST_BOXES = 100;

/** Longer side in pixels: what a picture of the grid takes on a dense screen. About 8 KB each. */
const THUMBNAIL_SIDE = 224;
/** What fills a panel. */
const MOST_SIDE = 1280;

/** Pictures decoded at a time: the others wait, and are not begun when nobody wants them any more. */
const AT_ONCE = 4;

type Emit = (progress: BytesProgress) => void;

export async function browse(params: BrowseParams, opening: Opening, emit: Emit): Promise<BrowseResult> {
  const opened = await openIndex(params, reading(opening, emit));
  opening.signal.throwIfAborted();
  const rows = selectionOf(opened, params);
  const offset = Math.max(0, params.offset);
  const window = rows.subarray(offset, offset + Math.min(params.limit, MOST_ROWS));
  const places = await placesOf(opened, params);
  const details = await detailsOf(
    opened.index.annotations,
    Array.from(window).flatMap((row) => Array.from(rowsWithBoxes(opened, row))),
  );
  return { total: rows.length, images: Array.from(window, (row) => imageOf(opened, row, details, places)) };
}

const boxCountOf = ({ boxCount, imageOfRecord }: BrowseIndex, row: number) => boxCount[imageOfRecord[row]!] ?? 0;

/** The annotations of an image among which the boxes are that are shown. */
function rowsWithBoxes(opened: BrowseIndex, row: number): Int32Array {
  const annotations = annotationsOf(opened, row);
  const boxes = boxCountOf(opened, row);
  return boxes === annotations.length
    ? annotations.subarray(0, MOST_BOXES)
    : annotations.subarray(0, boxes === 0 ? 0 : undefined);
}

function reading({ runsFolder }: Opening, emit: Emit): Reading {
  const tell = sparingly(emit, ({ bytes, totalBytes }) => bytes >= totalBytes);
  return { runsFolder, onProgress: (bytes, totalBytes) => tell({ bytes, totalBytes }) };
}

type Places = Awaited<ReturnType<BrowseIndex['files']>>;

async function placesOf(opened: BrowseIndex, { imageFolder }: DatasetKey): Promise<Places> {
  return imageFolder === null ? new Map() : opened.files(imageFolder);
}

function imageOf(opened: BrowseIndex, row: number, details: ReadonlyMap<number, Detail>, places: Places): BrowsedImage {
  const { fileName, width, height } = opened.index.images[row]!;
  const { category } = opened.index.annotations;
  const place = places.get(fileName);
  const columnOf = (k: number) => opened.columns[category[k]!] ?? -1;
  const columns = new Set(Array.from(annotationsOf(opened, row), columnOf));
  const boxed = Array.from(rowsWithBoxes(opened, row)).filter((k) => !Number.isNaN(details.get(k)!.x));
  const boxes = boxed.slice(0, MOST_BOXES).flatMap((k) => {
    const box = details.get(k)!;
    return [box.x, box.y, box.width, box.height, columnOf(k), box.crowd];
  });
  return {
    row,
    fileName,
    file: place && 'path' in place ? place.path : null,
    width,
    height,
    labels: [...columns].filter((column) => column >= 0).sort((a, b) => a - b),
    boxes,
    boxCount: boxCountOf(opened, row),
  };
}

/** What cannot be shown is told in its place and does not stop the others. @throws the signal's reason when aborted */
export async function thumbnails(params: ThumbnailsParams, opening: Opening, emit: Emit): Promise<readonly Thumbnail[]> {
  const opened = await openIndex(params, reading(opening, emit));
  const places = await placesOf(opened, params);
  const side = Math.min(params.side ?? THUMBNAIL_SIDE, MOST_SIDE);
  return Promise.all(params.rows.map((row) => inTurn(() => thumbnailOf(opened, row, places, side), opening.signal)));
}

async function thumbnailOf({ index }: BrowseIndex, row: number, places: Places, side: number): Promise<Thumbnail> {
  const image = index.images[row];
  const place = image && places.get(image.fileName);
  if (!place) return { row, error: 'The folder of the images was not found.' };
  if (!('path' in place)) return { row, error: place.message };
  return readThumbnail(place.path, side, image).then(
    (thumbnail) => ({ row, ...thumbnail }),
    (error: unknown) => ({ row, error: toWireError(error).message }),
  );
}

let working = 0;
const waiting: (() => void)[] = [];

/** Runs the work when it is its turn, unless it was given up meanwhile. */
async function inTurn<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  if (working >= AT_ONCE) await new Promise<void>((go) => waiting.push(go));
  else working++;
  try {
    signal.throwIfAborted();
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else working--;
  }
}

export function release({ annotations }: { readonly annotations: string }): Promise<null> {
  forget(resolve(annotations));
  return Promise.resolve(null);
}
