// The faults of single records: which record, which of its fields, what is wrong. What an editor marks, and what can be repaired.
import { annotationsOfImages, eachDetail } from './details';
import { leaves } from './findings-annotations';
import { plainName } from './findings-categories';
import { type CheckedImage, sizeProblem } from './findings-images';
import { textOfId } from './ids';
import type { Section } from './records';
import { isAmong, repeatedIds } from './repeated-ids';
import type { AnnotationTable, CocoIndex, Detail, Finding } from './types';

/** One case of the finding of the same code. */
export interface Fault {
  readonly code: string;
  readonly severity: Finding['severity'];
  readonly section: Section;
  readonly row: number;
  /** The field at fault. */
  readonly field: string;
  readonly message: string;
  /** Set where a repair is certain. */
  readonly repair?: Repair;
}

/** Leave the record out, or write other values into some of its fields. */
type Repair =
  | { readonly kind: 'remove' }
  /** JSON texts by field. */
  | { readonly kind: 'set'; readonly values: Readonly<Record<string, string>> }
  /** Leave the category out, and give its annotations to that row. */
  | { readonly kind: 'merge'; readonly into: number };

/**
 * Throws the signal's reason and DatasetError (index-unreadable).
 *
 * @param checked by row of `index.images`; undefined for files that were not looked at
 */
export async function faultsOf(
  index: CocoIndex,
  checked: readonly (CheckedImage | undefined)[],
  signal?: AbortSignal,
): Promise<Fault[]> {
  const fits = await fitOf(index, checked);
  return [...imageFaults(index, checked, fits), ...(await annotationFaults(index, signal)), ...categoryFaults(index)];
}

function imageFaults(index: CocoIndex, checked: readonly (CheckedImage | undefined)[], fits: Fit): Fault[] {
  const faults: Fault[] = [];
  const [ids, files] = [new Set<string>(), new Set<string>()];
  index.images.forEach(({ id, fileName, width, height }, row) => {
    const fault = (code: string, severity: Fault['severity'], field: string, message: string, repair?: Repair) =>
      faults.push({ code, severity, section: 'images', row, field, message, ...(repair && { repair }) });
    if (ids.size === ids.add(id).size)
      fault('duplicate-image-id', 'error', 'id', `An earlier image has the id ${id}: this one is left out.`);
    else if (files.size === files.add(fileName).size)
      fault('duplicate-file-name', 'warning', 'file_name', `An earlier image names this file: both become one image.`);
    const file = checked[row];
    if (file?.problem) fault(file.problem.code, 'error', 'file_name', `${fileName}: ${file.problem.message}`);
    if (!file || file.width === 0 || width === 0 || height === 0) return;
    const kind = sizeProblem(width, height, file);
    if (kind === 'same') return;
    const size = `${file.width} × ${file.height}`;
    const repair = kind !== 'upright' && isCertain(width, height, file) && fits(row, file) ? sizeRepair(file) : undefined;
    const how = kind === 'upright' ? ' as stored, and its camera noted that it is to be turned by 90°' : '';
    const code = { other: 'image-size-differs', swapped: 'image-size-swapped', upright: 'image-size-upright' }[kind];
    fault(code, 'warning', 'width', `The file is ${size} pixels large${how}, here ${width} × ${height} is declared.`, repair);
  });
  return faults;
}

/** Of the same shape, the file may have been resized together with its boxes or without them: nobody can tell. */
function isCertain(width: number, height: number, file: CheckedImage): boolean {
  return Math.abs(Math.log((width / height) * (file.height / file.width))) > 0.02;
}

/** Upright: the size in which the file is shown. */
function sizeRepair({ width, height, turned }: CheckedImage): Repair {
  const [w, h] = turned ? [height, width] : [width, height];
  return { kind: 'set', values: { width: String(w), height: String(h) } };
}

/** Whether every box of an image lies in a picture of the file's size. */
type Fit = (row: number, file: CheckedImage) => boolean;

/** Only the boxes of images whose declared size could be corrected are looked up. */
async function fitOf(index: CocoIndex, checked: readonly (CheckedImage | undefined)[]): Promise<Fit> {
  const doubtful = index.images.flatMap(({ width, height }, row) => {
    const file = checked[row];
    const isKnown = file && file.width !== 0 && width !== 0 && height !== 0;
    return isKnown && isCertain(width, height, file) ? [row] : [];
  });
  const boxes = await annotationsOfImages(index, doubtful);
  return (row, file) => {
    const [w, h] = file.turned ? [file.height, file.width] : [file.width, file.height];
    return !(boxes.get(row) ?? []).some(({ x, y, width, height }) => leaves(x, width, w, y, height, h));
  };
}

async function annotationFaults({ annotations, images }: CocoIndex, signal: AbortSignal | undefined): Promise<Fault[]> {
  const faults: Fault[] = [];
  const repeated = await repeatedIds(annotations, signal);
  let next = repeated.length === 0 ? 1 : await freeId(annotations, signal);
  const seen = new Set<number>();
  const judge = (row: number, { id, x, y, width, height }: Detail) => {
    const fault = (code: string, severity: Fault['severity'], field: string, message: string, repair?: Repair) =>
      faults.push({ code, severity, section: 'annotations', row, field, message, ...(repair && { repair }) });
    const image = annotations.image[row]!;
    if (image === -1)
      fault('annotation-without-image', 'error', 'image_id', 'No image has this id: the annotation is left out.', REMOVE);
    else if (annotations.category[row] === -1)
      fault(
        'annotation-without-category',
        'error',
        'category_id',
        'No category has this id: the annotation is left out.',
        REMOVE,
      );
    if (isAmong(repeated, id) && seen.size === seen.add(id).size)
      fault('duplicate-annotation-id', 'warning', 'id', `An earlier annotation has the id ${textOfId(id, annotations.texts)}.`, {
        kind: 'set',
        values: { id: String(next++) },
      });
    if (Number.isNaN(x)) return;
    const of = images[image];
    if (!(width > 0 && height > 0)) fault('empty-box', 'warning', 'bbox', 'This box has no width or no height.');
    else if (of && leaves(x, width, of.width, y, height, of.height))
      fault('box-outside-image', 'warning', 'bbox', `This box leaves its image (${of.fileName}, ${of.width} × ${of.height}).`);
  };
  await eachDetail(annotations, judge, signal);
  return faults;
}

const REMOVE: Repair = { kind: 'remove' };

/** Beyond all that are safe integers, from 1 on. */
export async function freeId(annotations: AnnotationTable, signal: AbortSignal | undefined): Promise<number> {
  let most = 0;
  await eachDetail(
    annotations,
    (_, { id }) => {
      if (Number.isInteger(id) && id > most) most = id;
    },
    signal,
  );
  return most + 1;
}

function categoryFaults({ categories, annotations }: CocoIndex): Fault[] {
  const faults: Fault[] = [];
  const used = new Set(annotations.category);
  const ids = new Map<string, number>();
  const names = new Map<string, number>();
  categories.forEach(({ id, name }, row) => {
    const fault = (code: string, severity: Fault['severity'], field: string, message: string, repair?: Repair) =>
      faults.push({ code, severity, section: 'categories', row, field, message, ...(repair && { repair }) });
    if (ids.has(id))
      fault('duplicate-category-id', 'error', 'id', `An earlier category has the id ${id}: annotations count for that one.`);
    else ids.set(id, row);
    const into = names.get(plainName(name));
    if (into === undefined) names.set(plainName(name), row);
    else {
      const before = categories[into]!.name;
      const [code, words] =
        before === name
          ? ['duplicate-category-name', 'An earlier category has this name: both count as one.']
          : [
              'category-name-variant',
              `This differs from "${before}" by case or spacing only, and is learned as another category.`,
            ];
      // Annotations of an id that two categories have cannot be told apart.
      const isCertain = ids.get(id) === row && ids.get(categories[into]!.id) === into;
      const repair: Repair | undefined = isCertain ? { kind: 'merge', into } : undefined;
      fault(code, 'warning', 'name', words, repair);
    }
    if (!used.has(row)) fault('category-unused', 'info', 'name', 'No annotation has this category.');
  });
  return faults;
}
