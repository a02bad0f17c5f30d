// labelscope inspect: what is in an annotation file, and what is wrong with it.
import type { CheckDepth, DatasetReport } from '../../protocol/messages';
import { countedFile, decimal, table } from '../io';
import { CATEGORIES, categoriesOf, CHECK_IMAGES, checkDepthOf, defined, DONE, IMAGES, type Verb } from '../verb';

export const inspect: Verb = {
  spec: {
    positionals: 'ANNOTATIONS',
    count: [1, 1],
    help: 'Categories, labels per image and findings of a COCO annotation file.',
    options: {
      images: IMAGES,
      categories: CATEGORIES,
      validation: { type: 'string', value: 'ANNOTATIONS', help: 'file to compare with (default: found by name)' },
      'validation-images': { type: 'string', value: 'DIR', help: 'folder of its images' },
      'check-images': CHECK_IMAGES,
    },
  },
  run: async (args, { io, engine, signal }) => {
    const params = {
      annotations: args.positionals[0]!,
      ...defined({
        images: args.text('images'),
        categories: categoriesOf(args),
        validation: args.text('validation'),
        validationImages: args.text('validation-images'),
        checkImages: checkDepthOf(args),
      }),
    };
    const report = await engine.request('inspect', params, { signal, onProgress: countedFile(io, 'Reading') });
    io.note(
      report.imageFolder === null
        ? 'No image folder was found, so images are not looked at; name it with --images.'
        : `Image folder: ${report.imageFolder} (${report.imageFolderHow!})`,
    );
    if (report.validation !== null) io.note(`Compared with ${report.validation}`);
    io.note(LOOKED[report.checkedImages]);
    if (args.flag('problems'))
      for (const { severity, message, remedy } of report.findings) io.problem(severity, `${message} ${remedy}`);
    io.result(report, () => lines(report));
    return DONE;
  },
};

const LOOKED: Readonly<Record<CheckDepth, string>> = {
  none: 'The images themselves were not looked at; --check-images pixels finds damaged ones and those that come twice.',
  headers: 'Of the images the sizes were looked at; --check-images pixels finds damaged ones and those that come twice as well.',
  pixels: 'All pixels of the images were looked at.',
};

function lines({ images, annotations, categories, labelsPerImage, findings }: DatasetReport): string[] {
  return [
    `${images} images, ${annotations} annotations, ${categories.length} categories, ${decimal(labelsPerImage.mean)} labels an image`,
    '',
    ...table([['category', 'images', 'annotations'], ...categories.map((row) => [row.name, row.images, row.annotations])]),
    '',
    ...table([['labels', 'images'], ...labelsPerImage.histogram.map((count, labels) => [labels, count])]),
    '',
    ...(findings.length === 0
      ? ['Nothing wrong was found.']
      : findings.flatMap(({ code, severity, message, remedy, examples }) => [
          `${severity} ${code}: ${message} ${remedy}`,
          ...examples.map((example) => `    ${example}`),
        ])),
  ];
}
