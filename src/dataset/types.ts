// The data that leaves the dataset room: a COCO file as columns, multi-hot labels, and what an inspection found.
// Types only, so that the protocol and the windows can import them without Node.

export interface CocoImage {
  /** The id as text: 285 and "285" are one id; integers beyond 2^53 keep every digit. */
  readonly id: string;
  /** As written in the file: not trusted, see `resolveImages`. */
  readonly fileName: string;
  /** Pixels; 0 where the file does not say. */
  readonly width: number;
  readonly height: number;
}

export interface CocoCategory {
  readonly id: string;
  readonly name: string;
  /** '' where the file does not say. */
  readonly supercategory: string;
}

/** An annotation whose image_id or category_id names no record. */
export interface DanglingReference {
  readonly annotation: string;
  readonly field: 'image_id' | 'category_id';
  readonly value: string;
}

/**
 * The annotations of a file, in file order: what every question asks for as columns of `count` rows, the rest as details. Two functions of
 * details.ts read those: `eachDetail` all of them in turn, `annotationsOfImages` those of some images.
 */
export interface AnnotationTable {
  readonly count: number;
  /** Row of `CocoIndex.images`, -1 where image_id names no image. */
  readonly image: Int32Array;
  /** Row of `CocoIndex.categories`, -1 where category_id names no category; 16 bits a row where that is enough. */
  readonly category: CategoryColumn;
  readonly details: AnnotationDetails;
  /** The ids that are not safe integers, see `Detail`. */
  readonly texts: readonly string[];
  /** How many annotations name no image and how many no category, and the first few of each. */
  readonly withoutImage: number;
  readonly withoutCategory: number;
  readonly dangling: readonly DanglingReference[];
}

export type CategoryColumn = Int16Array | Int32Array;

/** Id, box, area and crowd of each annotation: in memory, or on disk where they are so many that they would take too much of it. */
export interface AnnotationDetails {
  /** Where the first rows are, all the others being in memory. */
  readonly stored: StoredRows | undefined;
  /** The rows after those, in the form of `details.ts`: all blocks but the last one are full. */
  readonly blocks: readonly Float64Array[];
}

/** Rows in a file, which is closed when nobody holds this any more. */
export interface StoredRows {
  readonly file: OpenFile;
  /** Where they begin in the file, in bytes. */
  readonly start: number;
  readonly rows: number;
}

export interface OpenFile {
  readonly path: string;
  readonly fd: number;
}

/** What the file says of an annotation beside its image and its category. */
export interface Detail {
  /** The id where it is a safe integer; NaN where there is none; `texts[k]` is written as -(k + 0.5). */
  readonly id: number;
  /** The box in pixels, as 32-bit floats; all NaN where the annotation has no box of four numbers, or one that a review put in an object's place. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Square pixels, as a 32-bit float; NaN where not given, or not of an object either. */
  readonly area: number;
  /** 1 for iscrowd annotations, else 0. */
  readonly crowd: number;
}

/** An annotation as `annotationsOfImages` tells it. */
export interface Annotation extends Omit<Detail, 'id'> {
  /** Its row in the table. */
  readonly row: number;
  /** As text; '?' where it has none. */
  readonly id: string;
  /** Row of `CocoIndex.categories`, -1 where there is none. */
  readonly category: number;
}

export interface CocoIndex {
  readonly path: string;
  /** Size of the file on disk. */
  readonly bytes: number;
  /** SHA-256 (hex) of the JSON text: that of the file, or of what a .gz file unpacks to. */
  readonly fingerprint: string;
  /** Every record in file order, repeated ones too: `labelSet` leaves those out. */
  readonly images: readonly CocoImage[];
  readonly categories: readonly CocoCategory[];
  readonly annotations: AnnotationTable;
}

export interface LabelledImage {
  readonly id: string;
  readonly fileName: string;
  readonly width: number;
  readonly height: number;
}

/** Which of so many images show what. */
export interface Labels {
  readonly categories: readonly string[];
  readonly images: { readonly length: number };
  /** images × categories, 0 or 1, row-major. */
  readonly labels: Uint8Array;
}

export interface LabelledSet extends Labels {
  readonly images: readonly LabelledImage[];
}

/** What is read by its place: an array, or something smaller that makes it when it is asked for. */
export interface Listed<T> {
  readonly length: number;
  /** From 0 on; undefined beyond the last. */
  at(place: number): T | undefined;
}

export interface Finding {
  /** Stable: tests and settings match on it. */
  readonly code: string;
  readonly severity: 'error' | 'warning' | 'info';
  readonly message: string;
  readonly remedy: string;
  readonly count: number;
  /** At most five. */
  readonly examples: readonly string[];
  /** Rows of `CocoIndex.images` that it is about, at most 1,000 of them; absent where it is about no image of this file. */
  readonly images?: readonly number[];
  /** Numbers by name: of 'category-imbalance' the weight of each category's positive labels that would counter it. */
  readonly values?: Readonly<Record<string, number>>;
}

export interface CategoryCount {
  /** A number where the file's id is one that JSON readers keep exactly. */
  readonly id: number | string;
  readonly name: string;
  /** Distinct images that show the category. */
  readonly images: number;
  readonly annotations: number;
}

/** The JSON of `labelscope inspect`. */
export interface Inspection {
  readonly path: string;
  readonly bytes: number;
  readonly fingerprint: string;
  /** Image records in the file. */
  readonly images: number;
  readonly annotations: number;
  /** Distinct images that show at least one of the categories. */
  readonly labelledImages: number;
  /** The chosen categories in the order asked for, else all of them in the file's order. */
  readonly categories: readonly CategoryCount[];
  /** `mean` over the labelled images (null without any); `histogram[k]` counts the images with k of the categories. */
  readonly labelsPerImage: { readonly mean: number | null; readonly histogram: readonly number[] };
  /** The folder in which images were looked up; null where none was given. */
  readonly imageFolder: string | null;
  readonly findings: readonly Finding[];
}
