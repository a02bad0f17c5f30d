// A train/validation split for data sets that come without one, the same on every machine and in every order.
import { createHash } from 'node:crypto';
import { takeRows } from './labels';
import { stratify } from './stratify';
import type { LabelledSet } from './types';

interface Split {
  readonly train: LabelledSet;
  readonly validation: LabelledSet;
}

interface SplitOptions {
  /** Share of the validation part, 0..1 exclusive. */
  readonly fraction: number;
  readonly seed: number;
  /** File names of images that stay on one side. */
  readonly together?: readonly (readonly string[])[] | undefined;
}

/** Both sides show each category about as often as their shares say (see `stratify`). */
export function splitStratified(set: LabelledSet, { fraction, seed, together }: SplitOptions): Split {
  const parts = stratify(set, { shares: [1 - fraction, fraction], seed, together });
  const rows = (part: number) => Array.from(parts.keys()).filter((row) => parts[row] === part);
  return { train: takeRows(set, rows(0)), validation: takeRows(set, rows(1)) };
}

/**
 * The split of runs before stratification, kept so that they can go on and be judged. Splits by a hash of seed and file name: about `fraction` of the images are for validation, and an image keeps its side
 * when others are added, removed or reordered. Then, where a category with two images or more stands on one side only,
 * the image whose hash is nearest to the border and whose loss leaves no category behind moves over. Of two images or
 * more each side has one.
 * `fraction` in 0..1 exclusive.
 */
export function splitByHash(set: LabelledSet, fraction: number, seed: number): Split {
  const position = set.images.map((image) => hashPosition(image.fileName, seed));
  const isValidation = position.map((p) => p < fraction);
  const byBorder = Array.from(position.keys()).sort(
    (a, b) =>
      Math.abs(position[a]! - fraction) - Math.abs(position[b]! - fraction) ||
      (set.images[a]!.fileName < set.images[b]!.fileName ? -1 : 1),
  );
  // Names, not columns, give the order, so that the split does not depend on how categories were asked for.
  const columns = Array.from(set.categories.keys()).sort((a, b) => (set.categories[a]! < set.categories[b]! ? -1 : 1));
  for (const column of columns) balanceCategory(set, column, isValidation, byBorder);
  for (const side of [false, true]) keepOne(side, isValidation, byBorder);
  const rows = (side: boolean) => Array.from(position.keys()).filter((row) => isValidation[row] === side);
  return { train: takeRows(set, rows(false)), validation: takeRows(set, rows(true)) };
}

/** Uniform in 0..1 with 48 bits. */
function hashPosition(fileName: string, seed: number): number {
  const digest = createHash('sha256').update(`${seed}\n${fileName}`).digest();
  return digest.readUIntBE(0, 6) / 2 ** 48;
}

function balanceCategory(set: LabelledSet, column: number, isValidation: boolean[], byBorder: readonly number[]): void {
  const width = set.categories.length;
  const shows = (row: number, c: number) => set.labels[row * width + c] === 1;
  const members = byBorder.filter((row) => shows(row, column));
  const onValidation = members.filter((row) => isValidation[row]).length;
  if (members.length < 2 || (onValidation > 0 && onValidation < members.length)) return;
  const from = onValidation > 0;
  const count = (c: number) => byBorder.filter((row) => isValidation[row] === from && shows(row, c)).length;
  const isSpare = (row: number) => set.categories.every((_, c) => !shows(row, c) || count(c) > 1);
  const moved = members.find(isSpare);
  if (moved !== undefined) isValidation[moved] = !from;
}

function keepOne(side: boolean, isValidation: boolean[], byBorder: readonly number[]): void {
  if (byBorder.length >= 2 && !isValidation.includes(side)) isValidation[byBorder[0]!] = side;
}
