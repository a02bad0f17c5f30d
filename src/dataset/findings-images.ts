// What a look into the image files found: damaged ones, other sizes than declared, and pictures that come twice.
import { add, finding, newTally, type Tally } from './findings';
import type { CocoIndex, Finding } from './types';

/** An image file as it lies on disk. */
export interface CheckedImage {
  readonly problem?: { readonly code: 'image-unreadable' | 'image-truncated'; readonly message: string };
  /** Pixels as stored; 0 where the file cannot be read. */
  readonly width: number;
  readonly height: number;
  /** Whether the camera's note (EXIF orientation) turns it by 90°, so that it is shown as height × width. */
  readonly turned: boolean;
}

/** Images of one file, or of a training and a validation file, that are the same: `exact` to the byte, else nearly. */
export interface SamePair {
  /** Rows of the training (or only) file, */
  readonly a: number;
  /** and of the same file, or of the validation file. */
  readonly b: number;
  readonly exact: boolean;
}

/** @param checked by row of `index.images`; undefined for files that were not looked at */
export function imageFindings({ images }: CocoIndex, checked: readonly (CheckedImage | undefined)[]): Finding[] {
  const tallies = { 'image-unreadable': newTally(), 'image-truncated': newTally() };
  const [other, swapped, upright] = [newTally(), newTally(), newTally()];
  images.forEach(({ fileName, width, height }, row) => {
    const file = checked[row];
    if (!file) return;
    if (file.problem) add(tallies[file.problem.code], () => `${fileName}: ${file.problem!.message}`, row);
    const kind = file.width > 0 && width > 0 && height > 0 ? sizeProblem(width, height, file) : 'same';
    if (kind === 'same') return;
    const tally = { other, swapped, upright }[kind];
    add(tally, () => `${fileName}: ${width} × ${height} declared, ${file.width} × ${file.height} in the file`, row);
  });
  return [...damageFindings(tallies['image-unreadable'], tallies['image-truncated']), ...sizeFindings(other, swapped, upright)];
}

/** `upright`: the declared size is that before the camera's note is followed. */
export function sizeProblem(width: number, height: number, file: CheckedImage): 'same' | 'other' | 'swapped' | 'upright' {
  const stored = width === file.width && height === file.height;
  const across = width === file.height && height === file.width;
  if (file.turned) return across ? 'same' : stored ? 'upright' : 'other';
  return stored ? 'same' : across ? 'swapped' : 'other';
}

function damageFindings(unreadable: Tally, truncated: Tally): Finding[] {
  return [
    ...finding('image-unreadable', unreadable, {
      severity: 'error',
      message: 'image files cannot be read; training takes other images in their place.',
      remedy: 'Replace the files or remove the images from the annotation file.',
    }),
    ...finding('image-truncated', truncated, {
      severity: 'error',
      message: 'image files are cut off or damaged inside: they begin well, but not all of the picture is there.',
      remedy: 'Copy or download them again, or remove the images from the annotation file.',
    }),
  ];
}

function sizeFindings(other: Tally, swapped: Tally, upright: Tally): Finding[] {
  return [
    ...finding('image-size-differs', other, {
      severity: 'warning',
      message: 'image files have another size than the annotation file declares; their boxes belong to another picture or scale.',
      remedy: 'Check that the folder is the right one and that the images were not resized after they were annotated.',
    }),
    ...finding('image-size-swapped', swapped, {
      severity: 'warning',
      message: 'image files have width and height the other way round than declared.',
      remedy: 'Check some boxes: either the two numbers were exchanged, or the images were turned after they were annotated.',
    }),
    ...finding('image-size-upright', upright, {
      severity: 'warning',
      message:
        'images are declared as their pixels are stored, but their camera noted (EXIF orientation) that they are to be turned by 90°: programs that follow the note show the boxes elsewhere.',
      remedy:
        'Labels are not touched. For boxes, turn the files themselves (without loss: jpegtran, exiftran) or exchange width and height.',
    }),
  ];
}

/** @param labelsOf the labels of a row in one line, for comparing and showing */
export function repeatedPictureFindings(
  index: CocoIndex,
  pairs: readonly SamePair[],
  labelsOf: (row: number) => string,
): Finding[] {
  const [same, differ] = [newTally(), newTally()];
  for (const { a, b, exact } of pairs) {
    const [first, second] = [labelsOf(a), labelsOf(b)];
    const [x, y] = [index.images[a]!.fileName, index.images[b]!.fileName];
    const how = exact ? '=' : '≈';
    if (first === second) addPair(same, () => `${x} ${how} ${y}`, a, b);
    else addPair(differ, () => `${x} (${first || 'no label'}) ${how} ${y} (${second || 'no label'})`, a, b);
  }
  return [
    ...finding('image-repeated-labels-differ', differ, {
      severity: 'warning',
      message: 'pairs of images are the same (=) or nearly the same (≈) and have different labels: one of the two is wrong.',
      remedy: 'Look at both and correct the labels, or keep one of them.',
    }),
    ...finding('image-repeated', same, {
      severity: 'info',
      message: 'pairs of images are the same (=) or nearly the same (≈), with the same labels; they count double.',
      remedy: 'Keep one of each, or at least on one side: labelscope split does not part them.',
    }),
  ];
}

/** `pairs`: a in the training file, b in the validation file. */
export function leakFindings(train: CocoIndex, validation: CocoIndex, pairs: readonly SamePair[]): Finding[] {
  const [exact, near] = [newTally(), newTally()];
  for (const pair of pairs) {
    const names = () => `${train.images[pair.a]!.fileName} and ${validation.images[pair.b]!.fileName}`;
    add(pair.exact ? exact : near, names, pair.a);
  }
  const remedy = 'Remove them from one of the two, or split all images anew: labelscope split keeps such images on one side.';
  return [
    ...finding('leak-exact', exact, {
      severity: 'error',
      message: 'images of the training file are, to the byte, validation images: what is learned by heart looks like success.',
      remedy,
    }),
    ...finding('leak-near', near, {
      severity: 'warning',
      message: 'images of the training file are nearly the same as a validation image: the evaluation is too good.',
      remedy,
    }),
  ];
}

function addPair(tally: Tally, example: () => string, a: number, b: number): void {
  add(tally, example, a);
  tally.images.add(b);
}
