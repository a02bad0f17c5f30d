// labelscope predict: the labels of images.
import type { PredictResult } from '../../protocol/messages';
import { bar, table } from '../io';
import { defined, DEVICE, deviceOf, DONE, FLIP, THRESHOLD, thresholdOf, type Verb } from '../verb';

export const predict: Verb = {
  spec: {
    positionals: 'RUN|MODEL IMAGE|FOLDER…',
    count: [2, Infinity],
    help: 'Labels and scores of images.',
    options: { threshold: THRESHOLD, flip: FLIP, device: DEVICE },
  },
  run: async (args, { io, engine, signal }) => {
    const [model, ...files] = args.positionals;
    const params = {
      model: model!,
      files,
      device: deviceOf(args),
      flip: args.flag('flip'),
      ...defined({ threshold: thresholdOf(args) }),
    };
    const onProgress = ({ done, total }: { done: number; total: number }) =>
      io.progress(`Predicting  ${bar(done, total)}  ${done} of ${total} images`);
    const result = await engine.request('predict', params, { signal, onProgress });
    for (const { error } of result.failed) io.note(`left out: ${error}`);
    io.result(result, () => lines(result));
    return result.images.length > 0 ? DONE : 1;
  },
};

/** Labels with their scores; in brackets the likeliest category of an image without any. */
function lines({ images }: PredictResult): string[] {
  const rows = images.map(({ file, labels, scores }) => {
    const [best] = Object.entries(scores).sort(([, a], [, b]) => b - a);
    const shown = labels.map((name) => `${name} ${scores[name]!.toFixed(2)}`).join(', ');
    return [file, shown || `(none; likeliest: ${best?.[0] ?? '?'} ${best?.[1].toFixed(2) ?? ''})`];
  });
  return table([['image', 'labels'], ...rows]);
}
