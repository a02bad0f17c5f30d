// labelscope inspect: what is in an annotation file, and what is wrong with it.
import { inspect as inspectIndex } from '../../dataset/inspect';
import { openAnnotations } from '../../dataset/index-cache';
import type { Inspection } from '../../dataset/types';
import { findImageFolder } from '../../dataset/images';
import { bar, decimal, table } from '../io';
import { CATEGORIES, categoriesOf, defined, DONE, IMAGES, type Verb } from '../verb';

export const inspect: Verb = {
  spec: {
    positionals: 'ANNOTATIONS',
    count: [1, 1],
    help: 'Categories, labels per image and findings of a COCO annotation file.',
    options: { images: IMAGES, categories: CATEGORIES },
  },
  run: async (args, { io, signal }) => {
    const path = args.positionals[0]!;
    const onProgress = (done: number, total: number) =>
      io.progress(`Reading  ${bar(done, total)}  ${(done / 1e6).toFixed(0)} of ${(total / 1e6).toFixed(0)} MB`);
    const index = await openAnnotations(path, { signal, onProgress });
    const names = index.images.slice(0, 20).map(({ fileName }) => fileName);
    const explicit = args.text('images');
    // A report on the annotations is worth having without the images too, unless a folder was named.
    const folder =
      explicit === undefined
        ? await findImageFolder(path, names).catch(() => undefined)
        : await findImageFolder(path, names, explicit);
    io.note(
      folder
        ? `Image folder: ${folder.folder} (${folder.how})`
        : 'No image folder was found, so images are not looked at; name it with --images.',
    );
    const inspection = await inspectIndex(index, defined({ imageFolder: folder?.folder, categories: categoriesOf(args) }));
    io.result(inspection, () => report(inspection));
    return DONE;
  },
};

function report({ images, annotations, categories, labelsPerImage, findings }: Inspection): string[] {
  return [
    `${images} images, ${annotations} annotations, ${categories.length} categories, ${decimal(labelsPerImage.mean)} labels an image`,
    '',
    ...table([['category', 'images', 'annotations'], ...categories.map((row) => [row.name, row.images, row.annotations])]),
    '',
    ...table([['labels', 'images'], ...labelsPerImage.histogram.map((count, labels) => [labels, count])]),
    '',
    ...(findings.length === 0
      ? ['Nothing wrong was found.']
      : findings.flatMap(({ severity, message, remedy, examples }) => [
          `${severity}: ${message} ${remedy}`,
          ...examples.map((example) => `    ${example}`),
        ])),
  ];
}
