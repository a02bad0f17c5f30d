// The requests with which the dataset panel looks at the images behind its numbers: rows by filter and order, and thumbnails.

/** All of its conditions hold; one that is left out asks nothing. Categories are indices of the report's categories. */
export interface ImageFilter {
  /** A part of the file name, in either case. */
  readonly text?: string;
  /** Shows all of these. */
  readonly has?: readonly number[];
  /** Shows none of these. */
  readonly hasNot?: readonly number[];
  /** Number of labels, both ends included. */
  readonly labels?: readonly [from: number, to: number];
  /** Pixels of the longer side as the file declares it, both ends included. */
  readonly longSide?: readonly [from: number, to: number];
  /** Width over height as the file declares them: `from` included, `to` not. */
  readonly aspect?: readonly [from: number, to: number];
  /** Declared width and height. */
  readonly size?: readonly [width: number, height: number];
}

export type ImageOrder = 'file' | 'name' | 'labels' | 'boxes' | 'size';

/** Which annotation file, as it was when its report was made. */
export interface DatasetKey {
  readonly annotations: string;
  /** The report's: another content is refused. */
  readonly fingerprint: string;
  /** The report's image folder; null where none was found. */
  readonly imageFolder: string | null;
}

export interface BrowseParams extends DatasetKey {
  readonly filter: ImageFilter;
  /** Only these rows of the file's images; without, every distinct image. */
  readonly images?: readonly number[];
  readonly order: ImageOrder;
  readonly descending: boolean;
  /** The window of rows that is wanted. */
  readonly offset: number;
  readonly limit: number;
}

/** One image as the annotation file describes it. */
export interface BrowsedImage {
  /** Row of the file's images. */
  readonly row: number;
  readonly fileName: string;
  /** Where it lies; null where it is not in the image folder. */
  readonly file: string | null;
  readonly width: number;
  readonly height: number;
  /** Indices of the report's categories, ascending. */
  readonly labels: readonly number[];
  /** The first boxes, 6 numbers each: x, y, width, height in stored pixels, category (-1 unknown), 1 for a crowd. */
  readonly boxes: readonly number[];
  /** How many boxes there are. */
  readonly boxCount: number;
}

export interface BrowseResult {
  /** Images that the filter lets through. */
  readonly total: number;
  readonly images: readonly BrowsedImage[];
}

export interface ThumbnailsParams extends DatasetKey {
  /** Rows of the file's images. */
  readonly rows: readonly number[];
  /** Longer side in pixels, at most 1280; that of a grid's picture where it is not given. */
  readonly side?: number;
}

export type Thumbnail =
  | {
      readonly row: number;
      /** A JPEG of the pixels that boxes count. */
      readonly jpeg: Uint8Array;
      /** It shows the pixels as they are stored, although a camera noted that they are to be turned: networks see the image upright. */
      readonly isTurned?: true;
      /** The image's own size in pixels. */
      readonly width: number;
      readonly height: number;
    }
  | { readonly row: number; readonly error: string };

/** What distinct images declare of their sizes. */
export interface SizeReport {
  /** Images whose width or height the file does not say. */
  readonly unknown: number;
  /** How many sizes there are. */
  readonly distinct: number;
  /** The commonest, most images first. */
  readonly common: readonly { readonly width: number; readonly height: number; readonly images: number }[];
  /** Images by width over height, from `from` (included) to `to`; `to` is null where there is no end. */
  readonly aspects: readonly { readonly from: number; readonly to: number | null; readonly images: number }[];
}
