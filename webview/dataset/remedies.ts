// What to do about a finding, in the editor's words, where the engine's words are for the command line.
import { t } from '../kit/l10n';

/** Options and verbs of the command line. */
const OF_COMMAND_LINE = /(^|[\s(])--[a-z]|\blabelscope [a-z]/;

const split = () =>
  t('Remove them from one of the two, or divide all images anew with "Split Data Set…", which keeps such images on one side.');

/** By the finding's code. */
const REMEDIES: Readonly<Record<string, () => string>> = {
  'image-folder-not-found': () => t('Choose their folder, or put the images where COCO lays them out.'),
  'image-missing': () => t('Copy them there, or choose another image folder.'),
  'validation-unreadable': () => t('Correct it, or choose other validation images when training starts.'),
  'validation-images-not-found': () => t('Put them where COCO lays them out, or choose their folder when training asks for it.'),
  'category-not-in-validation': () =>
    t('Give both files the same list of categories, or choose those that both have when training starts.'),
  'category-unused': () => t('Leave them out when training starts, or annotate images that show them.'),
  'category-name-variant': () => t('If they mean the same, merge them: "Repair Annotation File into a New One" does.'),
  'category-never-trained': () =>
    t('Divide the images anew ("Split Data Set…" keeps the categories in balance), or add training images.'),
  'category-never-validated': () =>
    t('Divide the images anew ("Split Data Set…" keeps the categories in balance), or add validation images.'),
  'leak-file-name': () => t('Check the image files; remove from one file those that are the same.'),
  'leak-same-file': split,
  'leak-exact': split,
  'leak-near': split,
  'image-repeated': () => t('Keep one of each, or at least on one side: "Split Data Set…" does not part them.'),
};

export function remedyOf({ code, remedy }: { readonly code: string; readonly remedy: string }): string {
  return OF_COMMAND_LINE.test(remedy) ? (REMEDIES[code]?.() ?? '') : remedy;
}
