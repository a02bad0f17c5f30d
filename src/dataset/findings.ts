// What can be wrong with a data set although it can be read: each finding with its count, examples and remedy.
import { textOfId } from './columns';
import type { FileProblem } from './image-files';
import type { CategoryCount, CocoIndex, Finding } from './types';

const EXAMPLES = 5;

/** Counts the cases and keeps the text of the first few. */
interface Tally {
  count: number;
  readonly examples: string[];
}

const newTally = (): Tally => ({ count: 0, examples: [] });

function add(tally: Tally, example: () => string): void {
  if (tally.count++ < EXAMPLES) tally.examples.push(example());
}

type Kind = Pick<Finding, 'severity' | 'message' | 'remedy'>;

/** `message` follows the count. None for a tally of nothing. */
function finding(code: string, tally: Tally, kind: Kind): Finding[] {
  if (tally.count === 0) return [];
  return [{ code, ...kind, message: `${tally.count} ${kind.message}`, count: tally.count, examples: tally.examples }];
}

export function fileFindings(problems: readonly FileProblem[], folder: string | undefined): Finding[] {
  const [missing, outside] = [newTally(), newTally()];
  for (const { code, fileName } of problems) add(code === 'image-missing' ? missing : outside, () => fileName);
  return [
    ...finding('image-missing', missing, {
      severity: 'error',
      message: `images are not in ${folder ?? 'the image folder'}; they are left out.`,
      remedy: 'Copy them there, or name the right folder with --images.',
    }),
    ...finding('image-path-outside-folder', outside, {
      severity: 'error',
      message: 'images have names that lead out of the image folder; they are left out.',
      remedy: 'Write names relative to the image folder into the annotation file.',
    }),
  ];
}

/** Repeated records of images and categories. */
export function recordFindings(index: CocoIndex): Finding[] {
  const imageIds = repeated(index.images, (image) => image.id);
  return [
    ...finding(
      'duplicate-image-id',
      tallyOf(imageIds, (image) => `image ${image.id}: ${image.fileName}`),
      {
        severity: 'error',
        message: 'image records repeat the id of an earlier one; they are left out.',
        remedy: 'Give every image its own id and correct the annotations that use it.',
      },
    ),
    ...finding(
      'duplicate-file-name',
      tallyOf(repeatedFiles(index), (image) => `image ${image.id}: ${image.fileName}`),
      {
        severity: 'warning',
        message: 'image records name a file that an earlier one names; they become one image with the labels of both.',
        remedy: 'Keep one record a file.',
      },
    ),
    ...finding(
      'duplicate-category-id',
      tallyOf(
        repeated(index.categories, (c) => c.id),
        (c) => `category ${c.id}: ${c.name}`,
      ),
      {
        severity: 'error',
        message: 'categories repeat the id of an earlier one; annotations count for the first.',
        remedy: 'Give every category its own id and correct the annotations that use it.',
      },
    ),
    ...finding(
      'duplicate-category-name',
      tallyOf(
        repeated(index.categories, (c) => c.name),
        (c) => `category ${c.id}: ${c.name}`,
      ),
      {
        severity: 'warning',
        message: 'categories have the name of an earlier one; they count as one.',
        remedy: 'Rename them, or join them into one category.',
      },
    ),
  ];
}

/** Every item whose key an earlier item has. */
function repeated<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  const seen = new Set<string>();
  return items.filter((item) => seen.size === seen.add(keyOf(item)).size);
}

/** Records that repeat a file under another id; those that repeat an id are counted as such. */
function repeatedFiles(index: CocoIndex) {
  const ids = new Set<string>();
  const first = index.images.filter((image) => ids.size !== ids.add(image.id).size);
  return repeated(first, (image) => image.fileName);
}

function tallyOf<T>(items: readonly T[], describe: (item: T) => string): Tally {
  return { count: items.length, examples: items.slice(0, EXAMPLES).map(describe) };
}

export function annotationFindings(index: CocoIndex): Finding[] {
  const { withoutImage, withoutCategory, dangling } = index.annotations;
  const examples = (field: string) =>
    dangling.filter((d) => d.field === field).map((d) => `annotation ${d.annotation}: ${field} ${d.value}`);
  return [
    ...finding(
      'annotation-without-image',
      { count: withoutImage, examples: examples('image_id') },
      {
        severity: 'error',
        message: 'annotations have an image_id that no image has; they are left out.',
        remedy: 'Add the missing image records or remove the annotations.',
      },
    ),
    ...finding(
      'annotation-without-category',
      { count: withoutCategory, examples: examples('category_id') },
      {
        severity: 'error',
        message: 'annotations have a category_id that no category has; they are left out.',
        remedy: 'Add the missing categories or remove the annotations.',
      },
    ),
    ...finding('duplicate-annotation-id', repeatedAnnotations(index), {
      severity: 'warning',
      message: 'annotations have an id that another one has; all of them count.',
      remedy: 'If the file was joined from several, check that none came in twice; then number them anew.',
    }),
    ...boxFindings(index),
    ...finding('image-without-annotation', imagesWithoutAnnotation(index), {
      severity: 'info',
      message: 'images have no annotation; they are used only with includeUnlabeled=true.',
      remedy: 'Nothing needs to be done if they show none of the categories; else annotate them.',
    }),
  ];
}

/** Sorting a copy needs far less memory than a set of 860,000 ids. */
function repeatedAnnotations(index: CocoIndex): Tally {
  const { id, texts } = index.annotations;
  const sorted = id.slice().sort();
  const tally = newTally();
  for (let k = 1; k < sorted.length; k++) {
    if (sorted[k] === sorted[k - 1]) add(tally, () => `annotation ${textOfId(sorted[k]!, texts)}`);
  }
  return tally;
}

function boxFindings(index: CocoIndex): Finding[] {
  const { annotations, images } = index;
  const { bbox } = annotations;
  const [absent, empty, beyond] = [newTally(), newTally(), newTally()];
  for (let k = 0; k < annotations.count; k++) {
    const name = () => `annotation ${textOfId(annotations.id[k]!, annotations.texts)}`;
    const [x, y, width, height] = [bbox[k * 4]!, bbox[k * 4 + 1]!, bbox[k * 4 + 2]!, bbox[k * 4 + 3]!];
    const image = images[annotations.image[k]!];
    if (Number.isNaN(x)) add(absent, name);
    else if (!(width > 0 && height > 0)) add(empty, () => `${name()}: ${width} × ${height}`);
    else if (image !== undefined && leaves(x, width, image.width, y, height, image.height))
      add(beyond, () => `${name()}: ${[x, y, width, height].join(', ')} in ${image.width} × ${image.height} (${image.fileName})`);
  }
  return [
    ...finding('box-missing', absent, {
      severity: 'info',
      message: 'annotations have no box of four numbers.',
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
function leaves(x: number, width: number, imageWidth: number, y: number, height: number, imageHeight: number): boolean {
  if (imageWidth === 0 || imageHeight === 0) return false;
  return x < -1 || y < -1 || x + width > imageWidth + 1 || y + height > imageHeight + 1;
}

function imagesWithoutAnnotation(index: CocoIndex): Tally {
  const annotated = new Uint8Array(index.images.length);
  for (const image of index.annotations.image) if (image >= 0) annotated[image] = 1;
  const tally = newTally();
  index.images.forEach((image, k) => {
    if (annotated[k] === 0) add(tally, () => image.fileName);
  });
  return tally;
}

/** Below this part of the largest category's images a category is called rare. */
const RARE = 1 / 20;

export function categoryFindings(categories: readonly CategoryCount[]): Finding[] {
  const largest = Math.max(0, ...categories.map((category) => category.images));
  const unused = categories.filter((category) => category.images === 0);
  const rare = categories.filter(({ images }) => images > 0 && images < RARE * largest).sort((a, b) => a.images - b.images);
  return [
    ...finding(
      'category-unused',
      tallyOf(unused, (category) => category.name),
      {
        severity: 'warning',
        message: 'categories are shown by no image; nothing can be learned or measured for them.',
        remedy: 'Leave them out with --categories, or annotate images that show them.',
      },
    ),
    ...finding(
      'category-imbalance',
      tallyOf(rare, (category) => `${category.name}: ${category.images} of at most ${largest} images`),
      {
        severity: 'warning',
        message: 'categories have less than a twentieth of the images of the largest.',
        remedy: 'Add images that show them, or judge them by their own rows of the evaluation: averages hide them.',
      },
    ),
  ];
}
