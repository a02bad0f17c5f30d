// The numbers of a data set: images and annotations per category, labels per image, and what is wrong with it.
import { findFiles, type FileProblem } from './image-files';
import { annotationFindings } from './findings-annotations';
import { categoryFindings } from './findings-categories';
import { fileFindings, recordFindings } from './findings-records';
import { rowsWithoutAnnotation, unannotatedFindings } from './findings-unannotated';
import { chooseCategories, columnsOf, distinctImages, multiHot } from './labels';
import { readMarks } from './marks';
import type { CategoryCount, CocoIndex, Inspection, LabelledImage } from './types';

interface InspectOptions {
  /** Look up every image file in this folder. */
  readonly imageFolder?: string | undefined;
  readonly categories?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Throws the signal's reason and DatasetError: unknown-category, repeated-category, image-folder-missing, index-unreadable. */
export async function inspect(index: CocoIndex, options: InspectOptions = {}): Promise<Inspection> {
  // A file with an empty list of categories can be inspected all the same.
  const chosen =
    index.categories.length === 0 && options.categories === undefined ? [] : chooseCategories(index, options.categories);
  const { images, rowOfImage } = distinctImages(index);
  const columns = columnsOf(index, chosen);
  const labels = multiHot(index.annotations, rowOfImage, columns, images.length, chosen.length);
  const perImage = labelsPerImage(labels, images.length, chosen.length);
  const categories = countCategories(index, chosen, columns, labels);
  const problems = options.imageFolder === undefined ? [] : await fileProblems(images, options.imageFolder);
  // Only for them the images are read again.
  const marks = rowsWithoutAnnotation(index).length === 0 ? undefined : await readMarks(index, options.signal);
  return {
    path: index.path,
    bytes: index.bytes,
    fingerprint: index.fingerprint,
    images: index.images.length,
    annotations: index.annotations.count,
    labelledImages: perImage.labelled,
    categories,
    labelsPerImage: { mean: perImage.mean, histogram: perImage.histogram },
    imageFolder: options.imageFolder ?? null,
    findings: [
      ...fileFindings(index, problems, options.imageFolder),
      ...recordFindings(index),
      ...(await annotationFindings(index, options.signal)),
      ...unannotatedFindings(index, marks),
      ...categoryFindings(index, categories, perImage.labelled),
    ],
  };
}

async function fileProblems(images: readonly LabelledImage[], folder: string): Promise<FileProblem[]> {
  const names = images.map((image) => image.fileName);
  return [...(await findFiles(names, folder)).values()].filter((file) => 'code' in file);
}

function labelsPerImage(labels: Uint8Array, rows: number, columns: number) {
  const histogram: number[] = Array<number>(columns + 1).fill(0);
  let total = 0;
  for (let row = 0; row < rows; row++) {
    let count = 0;
    for (let column = 0; column < columns; column++) count += labels[row * columns + column]!;
    histogram[count]!++;
    total += count;
  }
  const labelled = rows - histogram[0]!;
  while (histogram.length > 1 && histogram.at(-1) === 0) histogram.pop();
  return { histogram, labelled, mean: labelled === 0 ? null : total / labelled };
}

function countCategories(index: CocoIndex, chosen: readonly string[], columns: Int32Array, labels: Uint8Array): CategoryCount[] {
  const annotations = new Float64Array(chosen.length);
  for (const category of index.annotations.category) {
    const column = columns[category] ?? -1;
    if (column >= 0) annotations[column]!++;
  }
  const images = new Float64Array(chosen.length);
  labels.forEach((label, k) => (images[k % chosen.length]! += label));
  return chosen.map((name, k) => {
    const id = index.categories.find((category) => category.name === name)!.id;
    return { id: asNumber(id), name, images: images[k]!, annotations: annotations[k]! };
  });
}

/** Ids are text in here; readers of the JSON expect the number that the file has. */
function asNumber(id: string): number | string {
  const value = Number(id);
  return Number.isSafeInteger(value) && String(value) === id ? value : id;
}
