// labelscope split: training and validation files, or folds, out of one annotation file.
import type { SplitResult } from '../../protocol/health';
import { countedFile, table } from '../io';
import { type Arguments, UsageError } from '../usage';
import { CHECK_IMAGES, checkDepthOf, defined, DONE, IMAGES, seedOf, type Verb } from '../verb';

export const split: Verb = {
  spec: {
    positionals: 'ANNOTATIONS',
    count: [1, 1],
    help: 'Divide a COCO file into training and validation files, each category in proportion, nearly the same images on one side.',
    options: {
      out: { type: 'string', value: 'DIR', help: 'folder for the new files' },
      fraction: { type: 'string', value: '0.2', help: 'share of the images for validation (default: 0.2)' },
      folds: { type: 'string', value: 'K', help: 'instead: K folds, each with a training and a validation file' },
      seed: { type: 'string', value: 'N', help: 'same seed, same split (default: 0)' },
      images: IMAGES,
      'check-images': CHECK_IMAGES,
    },
  },
  run: async (args, { io, engine, signal }) => {
    const out = args.text('out');
    if (out === undefined) throw new UsageError('split needs --out DIR: where shall the files go?');
    const params = {
      annotations: args.positionals[0]!,
      out,
      parts: partsOf(args),
      seed: seedOf(args) ?? 0,
      ...defined({ images: args.text('images'), checkImages: checkDepthOf(args) }),
    };
    const result = await engine.request('split', params, { signal, onProgress: countedFile(io, 'Copying') });
    for (const note of notes(result)) io.note(note);
    io.result(result, () => lines(result));
    return DONE;
  },
};

function partsOf(args: Arguments) {
  const folds = args.number('folds', { min: 2, max: 100, integer: true });
  if (folds !== undefined && args.text('fraction') !== undefined)
    throw new UsageError('split takes --fraction or --folds, not both.');
  if (folds !== undefined) return { kind: 'folds', folds } as const;
  return { kind: 'fraction', fraction: args.number('fraction', { min: 0.001, max: 0.999 }) ?? 0.2 } as const;
}

function notes({ imageFolder, together, leftOut }: SplitResult): string[] {
  return [
    ...(imageFolder === null
      ? ['No image folder was found, so images that come twice may be parted; name it with --images.']
      : []),
    ...(together > 0 ? [`${together} groups of nearly the same images stay on one side.`] : []),
    ...(leftOut > 0 ? [`${leftOut} annotations that point to no image are left out.`] : []),
  ];
}

function lines({ files, categories, imageFolder }: SplitResult): string[] {
  const train = files[0]!.path;
  const folders = imageFolder === null ? '' : ` --images "${imageFolder}" --validation-images "${imageFolder}"`;
  return [
    ...table([['file', 'images', 'annotations'], ...files.map(({ path, images, annotations }) => [path, images, annotations])]),
    '',
    ...table([['category', ...files.map(nameOf)], ...categories.map(({ name, images }) => [name, ...images])]),
    '',
    `Next: labelscope train "${train}"${folders}`,
  ];
}

const nameOf = ({ path }: SplitResult['files'][number]) =>
  path
    .replace(/^.*[\\/]/, '')
    .replace(/^instances_/, '')
    .replace(/\.json$/, '');
