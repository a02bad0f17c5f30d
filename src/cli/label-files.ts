// Labels and scores of images as files that other programs read: CSV, JSON, COCO, FiftyOne.
import { extname, parse, relative, resolve, sep } from 'node:path';
import { withSlashes } from '../platform';
import { LabelscopeError } from '../protocol/errors';
import type { Arguments } from './usage';

export type LabelForm = 'csv' | 'json' | 'coco' | 'fiftyone';
export const LABEL_FORMS: readonly LabelForm[] = ['csv', 'json', 'coco', 'fiftyone'];

export interface LabelledFile {
  readonly name: string;
  readonly labels: readonly string[];
  /** By category, 0..1; absent where only labels are known. */
  readonly scores?: Readonly<Record<string, number>>;
  /** In pixels. */
  readonly size?: { readonly width: number; readonly height: number };
}

/** As `--format` says, else by the file's ending. @throws UsageError */
export function labelFormOf(args: Arguments, file: string): LabelForm {
  return args.choice('format', LABEL_FORMS, extname(file).toLowerCase() === '.csv' ? 'csv' : 'json');
}

/** The whole text of a file. */
export function labelText(form: LabelForm, categories: readonly string[], images: readonly LabelledFile[]): string {
  switch (form) {
    case 'csv':
      return csv(categories, images);
    case 'json':
      return JSON.stringify(scored(categories, images)) + '\n';
    case 'coco':
      return JSON.stringify(coco(categories, images)) + '\n';
    case 'fiftyone':
      return JSON.stringify(fiftyOne(categories, images)) + '\n';
  }
}

/** Scores, or 1 and 0 where only labels are known. */
function valuesOf({ labels, scores }: LabelledFile, categories: readonly string[]): number[] {
  const given = new Set(labels);
  return categories.map((name) => (scores ? scores[name]! : Number(given.has(name))));
}

/** What `evaluate --predictions` and `labels --from` read. */
function csv(categories: readonly string[], images: readonly LabelledFile[]): string {
  const rows = [['file_name', ...categories], ...images.map((image) => [image.name, ...valuesOf(image, categories)])];
  return rows.map((row) => row.map(field).join(',') + '\n').join('');
}

/** RFC 4180 */
function field(value: string | number): string {
  const text = String(value);
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** What `evaluate --predictions` reads. */
function scored(categories: readonly string[], images: readonly LabelledFile[]): object {
  return { categories, images: images.map((image) => ({ file_name: image.name, scores: valuesOf(image, categories) })) };
}

/** Each label an annotation with its score; its box is the whole image, so that readers which look for objects take it as well. */
function coco(categories: readonly string[], images: readonly LabelledFile[]): object {
  const annotations = images.flatMap(({ labels, scores, size }, k) =>
    labels.map((label) => ({
      ...{ image_id: k + 1, category_id: categories.indexOf(label) + 1 },
      ...(scores && { score: scores[label]! }),
      ...(size && boxOf(size)),
      iscrowd: 0,
    })),
  );
  return {
    images: images.map(({ name, size }, k) => ({ id: k + 1, file_name: name, ...size })),
    annotations: annotations.map((annotation, k) => ({ id: k + 1, ...annotation })),
    categories: categories.map((name, k) => ({ id: k + 1, name })),
  };
}

function boxOf({ width, height }: NonNullable<LabelledFile['size']>): object {
  return { bbox: [0, 0, width, height], area: width * height, segmentation: [[0, 0, width, 0, width, height, 0, height]] };
}

/** labels.json of FiftyOne's FiftyOneImageClassificationDataset: images by their names without ending, targets by their place in `classes`. */
function fiftyOne(classes: readonly string[], images: readonly LabelledFile[]): object {
  const targets = ({ labels, scores }: LabelledFile) =>
    labels.map((label) => ({ label: classes.indexOf(label), ...(scores && { confidence: scores[label]! }) }));
  return { classes, labels: Object.fromEntries(images.map((image) => [stem(image.name), targets(image)])) };
}

function stem(name: string): string {
  const { dir, name: last } = parse(name);
  return dir === '' ? last : `${dir}/${last}`;
}

/**
 * What files are called in a table: their place in the folder that was named, else their last name.
 * @throws LabelscopeError 'names-repeated' where two are called the same
 */
export function namesOf(files: readonly string[], places: readonly string[]): string[] {
  const folders = places.map((place) => resolve(place) + sep);
  const names = files.map((file) => {
    const folder = folders.find((one) => file.startsWith(one));
    return folder === undefined ? parse(file).base : withSlashes(relative(folder, file));
  });
  const seen = new Set<string>();
  const twice = names.find((name) => seen.size === seen.add(name).size);
  if (twice === undefined) return names;
  throw new LabelscopeError(
    'names-repeated',
    `Two of the images are called ${twice}, and a table tells images by their names. Write one file a folder.`,
  );
}
