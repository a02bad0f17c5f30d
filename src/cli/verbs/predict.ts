// labelscope predict: the labels of images, for people, or as a file that other programs read.
import { resolve } from 'node:path';
import type { PredictResult } from '../../protocol/messages';
import { writeAtomically } from '../../engine/client/atomic';
import { counted, table } from '../io';
import { LABEL_FORMS, type LabelForm, labelFormOf, labelText, namesOf } from '../label-files';
import { type Arguments, UsageError } from '../usage';
import { defined, DEVICE, deviceOf, DONE, FLIP, THRESHOLD, thresholdOf, type Verb } from '../verb';

export const predict: Verb = {
  spec: {
    positionals: 'RUN|MODEL IMAGE|FOLDER…',
    count: [2, Infinity],
    help: 'Labels and scores of images.',
    options: {
      threshold: THRESHOLD,
      flip: FLIP,
      device: DEVICE,
      out: { type: 'string', value: 'FILE', help: 'write labels and scores as a file, by its ending as CSV or JSON' },
      format: {
        type: 'string',
        value: LABEL_FORMS.join('|'),
        help: "the file's form: csv and json are what evaluate --predictions reads",
      },
    },
  },
  run: async (args, { io, engine, signal }) => {
    const [model, ...files] = args.positionals;
    const out = outOf(args);
    const params = {
      model: model!,
      files,
      device: deviceOf(args),
      flip: args.flag('flip'),
      sizes: out?.form === 'coco',
      ...defined({ threshold: thresholdOf(args) }),
    };
    const result = await engine.request('predict', params, { signal, onProgress: counted(io, 'Predicting') });
    for (const { error } of result.failed) io.note(`left out: ${error}`);
    if (out) {
      const names = namesOf(
        result.images.map(({ file }) => file),
        files,
      );
      const images = result.images.map((image, k) => ({ ...image, name: names[k]! }));
      await writeAtomically(out.path, [labelText(out.form, Object.keys(result.thresholds), images)], signal);
      io.note(`Written ${out.path}`);
    }
    io.result(result, () => lines(result));
    return result.images.length > 0 ? DONE : 1;
  },
};

interface Out {
  readonly path: string;
  readonly form: LabelForm;
}

/** @throws UsageError */
function outOf(args: Arguments): Out | undefined {
  const out = args.text('out');
  if (out === undefined) {
    if (args.text('format') !== undefined) throw new UsageError('--format needs --out FILE: where shall it go?');
    return undefined;
  }
  return { path: resolve(out), form: labelFormOf(args, out) };
}

/** Labels with their scores; in brackets the likeliest category of an image without any. */
function lines({ images }: PredictResult): string[] {
  const rows = images.map(({ file, labels, scores }) => {
    const [best] = Object.entries(scores).sort(([, a], [, b]) => b - a);
    const shown = labels.map((name) => `${name} ${scores[name]!.toFixed(2)}`).join(', ');
    return [file, shown || `(none; likeliest: ${best?.[0] ?? '?'} ${best?.[1].toFixed(2) ?? ''})`];
  });
  return table([['image', 'labels'], ...rows]);
}
