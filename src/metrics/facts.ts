// What is known of the images of a scored set beside their labels and scores: sizes, objects, and fields of their records.

/**
 * Square pixels of the largest object of a category in an image; 'crowd' where only regions of many objects (iscrowd) show it, of
 * which no area is an object's; null where the annotation file gives neither area nor box.
 */
export type ObjectArea = number | 'crowd' | null;

export interface ImageFacts {
  /** Stored pixels; null where neither the annotation file nor the image tells. */
  readonly width: number | null;
  readonly height: number | null;
  /** One for each true category of the image, in the order of the set's categories. */
  readonly areas: readonly ObjectArea[];
}

export type FieldValue = string | number | boolean | null;

/** What a list in a record holds, each once: tags, say. */
export type FieldElements = readonly Exclude<FieldValue, null>[];

/** A field of the image records that is no object: a licence's number, a date, tags, whatever the file's makers wrote. */
export interface ImageField {
  readonly name: string;
  /** One an image; null where its record does not say, or its list is empty. */
  readonly values: readonly (FieldValue | FieldElements)[];
}

/** In the order of the set's images. */
export interface FactTable {
  readonly images: readonly ImageFacts[];
  readonly fields: readonly ImageField[];
}

export type AreaClass = 'small' | 'medium' | 'large' | 'crowd' | 'unknown';

export const AREA_CLASSES: readonly AreaClass[] = ['small', 'medium', 'large', 'crowd', 'unknown'];

/** COCO's classes (Lin et al. 2014, as its evaluation defines them): small below 32², large from 96² on. */
export function areaClass(area: ObjectArea): AreaClass {
  if (area === 'crowd') return 'crowd';
  if (area === null) return 'unknown';
  if (area < 32 ** 2) return 'small';
  return area < 96 ** 2 ? 'medium' : 'large';
}
