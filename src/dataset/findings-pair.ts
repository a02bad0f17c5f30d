// What can be wrong between a training and a validation file: categories that do not fit, and images that are in both.
import { add, finding, newTally, tallyOf } from './findings';
import { plainName } from './findings-categories';
import { rowsByName } from './findings-records';
import type { CocoIndex, Finding } from './types';

/** By name in the order of the file: the first id, and whether any annotation uses it. */
type Names = ReadonlyMap<string, { readonly id: string; used: boolean }>;

function namesOf({ categories, annotations }: CocoIndex): Names {
  const names = new Map<string, { id: string; used: boolean }>();
  for (const { id, name } of categories) if (!names.has(name)) names.set(name, { id, used: false });
  const used = new Uint8Array(categories.length);
  for (const row of annotations.category) if (row >= 0) used[row] = 1;
  categories.forEach(({ name }, row) => {
    if (used[row] === 1) names.get(name)!.used = true;
  });
  return names;
}

/** Category lists that differ between the two files, and categories that only one of them shows. */
export function categoryPairFindings(train: CocoIndex, validation: CocoIndex): Finding[] {
  const [ours, theirs] = [namesOf(train), namesOf(validation)];
  const onlyIn = (a: Names, b: Names) => [...a.keys()].filter((name) => !b.has(name));
  const both = [...ours.keys()].filter((name) => theirs.has(name));
  const others = ids(both, ours, theirs);
  const unseen = both.filter((name) => theirs.get(name)!.used && !ours.get(name)!.used);
  const unjudged = both.filter((name) => ours.get(name)!.used && !theirs.get(name)!.used);
  return [
    ...finding(
      'category-not-in-validation',
      tallyOf(onlyIn(ours, theirs), (name) => spelled(name, theirs)),
      {
        severity: 'error',
        message: 'categories are missing in the validation file, which has to know every category that is learned.',
        remedy: 'Give both files the same list of categories, or choose with --categories those that both have.',
      },
    ),
    ...finding(
      'category-not-in-train',
      tallyOf(onlyIn(theirs, ours), (name) => spelled(name, ours)),
      {
        severity: 'warning',
        message: 'categories of the validation file are missing in the training file; they are neither learned nor judged.',
        remedy: 'Give both files the same list of categories.',
      },
    ),
    ...finding(
      'category-id-differs',
      tallyOf(others, (name) => `${name}: ${ours.get(name)!.id} and ${theirs.get(name)!.id}`),
      {
        severity: 'warning',
        message:
          'categories have another id in the validation file. Labelscope goes by names; programs that go by ids mix them up.',
        remedy: 'Use the same ids in both files.',
      },
    ),
    ...finding(
      'category-never-trained',
      tallyOf(unseen, (name) => name),
      {
        severity: 'warning',
        message: 'categories are shown by validation images only; they cannot be learned.',
        remedy: 'Split the images anew (labelscope split keeps the categories in balance), or add training images.',
      },
    ),
    ...finding(
      'category-never-validated',
      tallyOf(unjudged, (name) => name),
      {
        severity: 'warning',
        message: 'categories are shown by training images only; an evaluation says nothing about them.',
        remedy: 'Split the images anew (labelscope split keeps the categories in balance), or add validation images.',
      },
    ),
  ];
}

const ids = (both: readonly string[], ours: Names, theirs: Names) =>
  both.filter((name) => ours.get(name)!.id !== theirs.get(name)!.id);

function spelled(name: string, others: Names): string {
  const near = [...others.keys()].find((other) => plainName(other) === plainName(name));
  return near === undefined ? name : `${name} (there "${near}")`;
}

/**
 * Images of both files by their names: the same file where both folders are one ('leak-same-file'), else, where the size
 * that both files declare is the same as well, probably the same ('leak-file-name').
 */
export function namePairFindings(train: CocoIndex, validation: CocoIndex, sameFolder: boolean): Finding[] {
  const rows = rowsByName(train);
  const tally = newTally();
  for (const { fileName, width, height } of validation.images) {
    const row = rows.get(fileName);
    const image = row === undefined ? undefined : train.images[row];
    if (image && (sameFolder || (image.width === width && image.height === height))) add(tally, () => fileName, row);
  }
  if (sameFolder)
    return finding('leak-same-file', tally, {
      severity: 'error',
      message: 'images are in the training and in the validation file: what is learned by heart looks like success.',
      remedy: 'Remove them from one of the two, or split anew with labelscope split.',
    });
  return finding('leak-file-name', tally, {
    severity: 'warning',
    message: 'images have the name and the size of an image of the other file: perhaps they are in both.',
    remedy: 'Compare the images themselves with --check-images pixels; remove from one file those that are the same.',
  });
}
