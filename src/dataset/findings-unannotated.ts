// Images without any annotation: looked at and empty, or not annotated yet? COCO has no field for it, so this says what can be told and how.
import { add, finding, newTally, percent } from './findings';
import type { CocoIndex, Finding } from './types';

/** More than this part without annotations makes it doubtful that all of them were looked at. */
const MOST = 0.5;
/** How likely a run of images without annotations may be by chance before it is taken as one. */
const CHANCE = 1e-6;

/**
 * Every image without annotation counts as 'image-without-annotation'. Three kinds of evidence say more:
 * - a mark in the image record (`marks`, see `readMarks`): true is 'reviewed and empty', false is 'not annotated';
 * - a run of images without annotations, in the order of the file, that chance does not explain (`longestRun`);
 * - more than half of the images.
 * @param marks one an image: 1 reviewed, 0 not, -1 not said; undefined where none says it
 */
export function unannotatedFindings(index: CocoIndex, marks: Int8Array | undefined): Finding[] {
  const rows = rowsWithoutAnnotation(index);
  const tally = (wanted: readonly number[]) => {
    const counted = newTally();
    for (const row of wanted) add(counted, () => index.images[row]!.fileName, row);
    return counted;
  };
  const open = marks === undefined ? rows : rows.filter((row) => marks[row] === -1);
  return [
    ...finding('image-without-annotation', tally(rows), {
      severity: 'info',
      message: 'images have no annotation; they are used only with includeUnlabeled=true.',
      remedy: 'Nothing needs to be done if they show none of the categories; else annotate them.',
    }),
    ...finding('image-reviewed-empty', tally(rows.filter((row) => marks?.[row] === 1)), {
      severity: 'info',
      message: 'of these images are marked as reviewed: they are empty, and may be used with includeUnlabeled=true.',
      remedy: 'Nothing needs to be done.',
    }),
    ...finding('image-not-annotated', tally(rows.filter((row) => marks?.[row] === 0)), {
      severity: 'warning',
      message: 'of these images are marked as not annotated yet; as examples of nothing they would teach what is wrong.',
      remedy: 'Annotate them, or remove them before you train with includeUnlabeled=true.',
    }),
    ...unfinishedFindings(index, open, tally),
  ];
}

export function rowsWithoutAnnotation({ annotations, images }: CocoIndex): number[] {
  const annotated = new Uint8Array(images.length);
  for (const image of annotations.image) if (image >= 0) annotated[image] = 1;
  return Array.from(images.keys()).filter((row) => annotated[row] === 0);
}

function unfinishedFindings(
  { images }: CocoIndex,
  open: readonly number[],
  tally: (rows: readonly number[]) => ReturnType<typeof newTally>,
) {
  const total = images.length;
  const run = longestRun(open, total);
  const others = run && (open.length - run.length) / Math.max(1, total - run.length);
  const place = run && `${run.start + 1} to ${run.start + run.length} of ${total}`;
  const most = open.length > MOST * total && open.length < total;
  return [
    ...finding(
      'annotation-unfinished',
      tally(run ? open.filter((row) => row >= run.start && row < run.start + run.length) : []),
      {
        severity: 'warning',
        message: `images in a row (${place ?? ''}) have no annotation, but only ${percent(others ?? 0)} of the others: they were probably not annotated yet.`,
        remedy: 'Annotate them or remove them. If they were reviewed and are empty, nothing needs to be done.',
      },
    ),
    ...finding('images-mostly-unannotated', tally(most ? open : []), {
      severity: 'warning',
      message: `images of ${total} (${percent(open.length / Math.max(1, total))}) have no annotation: more than half. The file cannot say whether they were reviewed.`,
      remedy: 'Find out whether the work was finished before you train with includeUnlabeled=true.',
    }),
  ];
}

/**
 * The longest run of neighbouring rows, where it cannot be chance: with a share p of such images elsewhere (one added on
 * either side, Laplace's rule), a run of t begins at one of n places with probability at most n·p^t; below one in a million it
 * counts. Work that was broken off leaves such a run, nearly always at the end. A file without any annotation has none.
 */
function longestRun(rows: readonly number[], total: number): { start: number; length: number } | undefined {
  let best = { start: 0, length: 0 };
  let start = 0;
  rows.forEach((row, k) => {
    if (k === 0 || rows[k - 1] !== row - 1) start = row;
    if (row - start + 1 > best.length) best = { start, length: row - start + 1 };
  });
  const { length } = best;
  const elsewhere = (rows.length - length + 1) / (total - length + 2);
  return length > 0 && length < total && total * elsewhere ** length < CHANCE ? best : undefined;
}
