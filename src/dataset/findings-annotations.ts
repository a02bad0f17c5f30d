// What can be wrong with annotations: references that lead nowhere, repeated ids, boxes that cannot be right.
import { eachDetail } from './details';
import { add, finding, newTally, type Tally } from './findings';
import { textOfId } from './ids';
import { isAmong, repeatedIds } from './repeated-ids';
import type { AnnotationTable, CocoImage, CocoIndex, Detail, Finding } from './types';

/** Throws the signal's reason and DatasetError (index-unreadable). */
export async function annotationFindings(index: CocoIndex, signal?: AbortSignal): Promise<Finding[]> {
  const { annotations } = index;
  return [
    ...finding('annotation-without-image', dangling(annotations, 'image_id'), {
      severity: 'error',
      message: 'annotations have an image_id that no image has; they are left out.',
      remedy: 'Add the missing image records or remove the annotations.',
    }),
    ...finding('annotation-without-category', dangling(annotations, 'category_id'), {
      severity: 'error',
      message: 'annotations have a category_id that no category has; they are left out.',
      remedy: 'Add the missing categories or remove the annotations.',
    }),
    ...finding('duplicate-annotation-id', await repeatedAnnotations(annotations, signal), {
      severity: 'warning',
      message: 'annotations have an id that another one has; all of them count.',
      remedy: 'If the file was joined from several, check that none came in twice; then number them anew.',
    }),
    ...(await boxFindings(index, signal)),
  ];
}

/** The reader has counted them; only the images behind them are looked for here. */
function dangling(annotations: AnnotationTable, field: 'image_id' | 'category_id'): Tally {
  const tally = newTally();
  const own = annotations.dangling.filter((reference) => reference.field === field);
  tally.examples.push(...own.map(({ annotation, value }) => `annotation ${annotation}: ${field} ${value}`));
  tally.count = field === 'image_id' ? annotations.withoutImage : annotations.withoutCategory;
  if (field === 'image_id' || tally.count === 0) return tally;
  return { ...tally, images: imagesOf(annotations.image, (k) => annotations.category[k] === -1) };
}

async function repeatedAnnotations(table: AnnotationTable, signal: AbortSignal | undefined): Promise<Tally> {
  const repeated = await repeatedIds(table, signal);
  const tally = newTally();
  for (const id of repeated) add(tally, () => `annotation ${textOfId(id, table.texts)}`);
  if (repeated.length === 0) return tally;
  const meant = newTally();
  await eachDetail(
    table,
    (row, { id }) => {
      if (isAmong(repeated, id)) add(meant, () => '', table.image[row]);
    },
    signal,
  );
  return { ...tally, images: meant.images };
}

/** The images of the annotations that are meant. */
function imagesOf(image: Int32Array, isMeant: (row: number) => boolean): Set<number> {
  const tally = newTally();
  for (let k = 0; k < image.length; k++) if (isMeant(k)) add(tally, () => '', image[k]);
  return tally.images;
}

type BoxFault = 'absent' | 'empty' | 'beyond';

function boxFault({ x, y, width, height }: Detail, image: CocoImage | undefined): BoxFault | undefined {
  if (Number.isNaN(x)) return 'absent';
  if (!(width > 0 && height > 0)) return 'empty';
  return image && leaves(x, width, image.width, y, height, image.height) ? 'beyond' : undefined;
}

function describeBox(
  fault: BoxFault,
  { id, x, y, width, height }: Detail,
  image: CocoImage | undefined,
  texts: readonly string[],
) {
  const name = `annotation ${textOfId(id, texts)}`;
  if (fault === 'absent') return name;
  if (fault === 'empty' || !image) return `${name}: ${width} × ${height}`;
  return `${name}: ${[x, y, width, height].join(', ')} in ${image.width} × ${image.height} (${image.fileName})`;
}

async function boxFindings({ annotations, images }: CocoIndex, signal: AbortSignal | undefined): Promise<Finding[]> {
  const { texts } = annotations;
  const tallies = { absent: newTally(), empty: newTally(), beyond: newTally() };
  const tell = (fault: BoxFault, detail: Detail, row: number) =>
    add(tallies[fault], () => describeBox(fault, detail, images[row], texts), row);
  await eachDetail(
    annotations,
    (k, detail) => {
      const row = annotations.image[k]!;
      // What is told of a fault stands elsewhere: closures made for each of millions would take most of the time.
      const fault = boxFault(detail, images[row]);
      if (fault !== undefined) tell(fault, detail, row);
    },
    signal,
  );
  const { absent, empty, beyond } = tallies;
  return [
    ...finding('box-missing', absent, {
      severity: 'info',
      message: 'annotations have no box of four numbers, or none of their own since a review of labels added them.',
      remedy: 'Nothing needs to be done: labels need no boxes.',
    }),
    ...finding('empty-box', empty, {
      severity: 'warning',
      message: 'annotations have a box without width or height; their labels count all the same.',
      remedy: 'Check whether the object is there; remove the annotation if not.',
    }),
    ...finding('box-outside-image', beyond, {
      severity: 'warning',
      message: 'annotations have a box that leaves the image by more than a pixel; their labels count all the same.',
      remedy: 'Check width and height of the image records, and that boxes are x, y, width, height in pixels.',
    }),
  ];
}

/** A pixel of slack: many tools round boxes outwards. Images without a size are not judged. */
export function leaves(x: number, width: number, imageWidth: number, y: number, height: number, imageHeight: number): boolean {
  if (imageWidth === 0 || imageHeight === 0) return false;
  return x < -1 || y < -1 || x + width > imageWidth + 1 || y + height > imageHeight + 1;
}
