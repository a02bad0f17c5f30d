// labelscope explain: where the model looked, as Grad-CAM maps and overlays.
import type { ColormapName, ExplainResult } from '../../protocol/messages';
import { counted, table } from '../io';
import { defined, DEVICE, deviceOf, DONE, type Verb } from '../verb';

const COLORMAPS: readonly ColormapName[] = ['jet', 'turbo', 'viridis', 'magma'];

export const explain: Verb = {
  spec: {
    positionals: 'RUN|MODEL IMAGE…',
    count: [2, Infinity],
    help: 'Grad-CAM: where the model looked.',
    options: {
      category: {
        type: 'string',
        multiple: true,
        value: 'NAME',
        help: 'explain this category; may be repeated (default: the predicted ones)',
      },
      out: { type: 'string', value: 'DIR', help: 'folder of the overlays (default: gradcam)' },
      colormap: { type: 'string', value: COLORMAPS.join('|'), help: 'colours of the overlays (default: jet)' },
      opacity: { type: 'string', value: '0..1', help: 'of the colours over the image (default: 0.5)' },
      device: DEVICE,
    },
  },
  run: async (args, { io, engine, signal }) => {
    const [model, ...files] = args.positionals;
    const categories = args.texts('category');
    const params = {
      model: model!,
      files,
      device: deviceOf(args),
      out: args.text('out') ?? 'gradcam',
      colormap: args.choice('colormap', COLORMAPS, 'jet'),
      opacity: args.number('opacity', { min: 0, max: 1 }) ?? 0.5,
      ...defined({ categories: categories.length > 0 ? categories : undefined }),
    };
    const result = await engine.request('explain', params, { signal, onProgress: counted(io, 'Explaining') });
    for (const { error } of result.failed) io.note(`left out: ${error}`);
    io.result(result, () => lines(result));
    return result.images.length > 0 ? DONE : 1;
  },
};

function lines({ images }: ExplainResult): string[] {
  const rows = images.flatMap(({ file, maps }) =>
    maps.map(({ category, score, overlay }) => [file, category, score.toFixed(2), overlay ?? '']),
  );
  return table([['image', 'category', 'score', 'overlay'], ...rows]);
}
