// What can be wrong with the records of images and categories: repeated ids, names and files, files that are not there.
import { add, finding, newTally, tallyOf, type Tally } from './findings';
import type { FileProblem } from './image-files';
import type { CocoIndex, Finding } from './types';

export function fileFindings(index: CocoIndex, problems: readonly FileProblem[], folder: string | undefined): Finding[] {
  const [missing, outside] = [newTally(), newTally()];
  const rows = problems.length === 0 ? new Map<string, number>() : rowsByName(index);
  for (const { code, fileName } of problems)
    add(code === 'image-missing' ? missing : outside, () => fileName, rows.get(fileName));
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

/** The first record of each file name. */
export function rowsByName({ images }: CocoIndex): Map<string, number> {
  const rows = new Map<string, number>();
  images.forEach(({ fileName }, row) => {
    if (!rows.has(fileName)) rows.set(fileName, row);
  });
  return rows;
}

/** Repeated records of images and categories. */
export function recordFindings(index: CocoIndex): Finding[] {
  const { ids, files } = repeatedImages(index);
  return [
    ...finding('duplicate-image-id', ids, {
      severity: 'error',
      message: 'image records repeat the id of an earlier one; they are left out.',
      remedy: 'Give every image its own id and correct the annotations that use it.',
    }),
    ...finding('duplicate-file-name', files, {
      severity: 'warning',
      message: 'image records name a file that an earlier one names; they become one image with the labels of both.',
      remedy: 'Keep one record a file.',
    }),
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

/** Records that repeat an id, and those that repeat a file under another id. */
function repeatedImages({ images }: CocoIndex): { ids: Tally; files: Tally } {
  const [ids, files] = [newTally(), newTally()];
  const [seenIds, seenFiles] = [new Set<string>(), new Set<string>()];
  images.forEach(({ id, fileName }, row) => {
    const describe = () => `image ${id}: ${fileName}`;
    if (seenIds.size === seenIds.add(id).size) add(ids, describe, row);
    else if (seenFiles.size === seenFiles.add(fileName).size) add(files, describe, row);
  });
  return { ids, files };
}
