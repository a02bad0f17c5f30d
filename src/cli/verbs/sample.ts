// labelscope sample: a data set that needs no download.
import { counted } from '../io';
import { defined, DONE, seedOf, type Verb } from '../verb';

export const sample: Verb = {
  spec: {
    positionals: 'DIR',
    count: [1, 1],
    help: 'Compose a small COCO data set of twelve categories from openly licensed drawings.',
    options: {
      images: {
        type: 'string',
        value: 'N',
        help: 'training images, 12 or more; a third as many, and at least 12, for validation (default: 240)',
      },
      seed: { type: 'string', value: 'N', help: 'same seed, same images (default: 1)' },
    },
  },
  run: async (args, { io, engine, signal }) => {
    const images = args.number('images', { min: 12, max: 100_000, integer: true });
    const seed = seedOf(args);
    const result = await engine.request(
      'sample',
      { directory: args.positionals[0]!, ...defined({ images, seed }) },
      { signal, onProgress: counted(io, 'Drawing') },
    );
    io.result(result, () => [
      `${result.trainImages} training and ${result.validationImages} validation images in ${result.directory}`,
      `Next: labelscope train ${result.trainAnnotations}`,
    ]);
    return DONE;
  },
};
