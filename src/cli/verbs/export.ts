// labelscope export: the run's model as one ONNX file.
import { type ExportProgress, type ExportResult, WEIGHT_FORMATS } from '../../protocol/export';
import { counted } from '../io';
import { UsageError } from '../usage';
import { defined, DEVICE, deviceOf, DONE, IMAGES, type Verb } from '../verb';

export const exportVerb: Verb = {
  spec: {
    positionals: 'RUN',
    count: [1, 1],
    help: 'Write the model of a run as one ONNX file: raw RGB bytes in, probabilities out.',
    options: {
      out: { type: 'string', value: 'FILE.onnx', help: 'the file to write' },
      weights: {
        type: 'string',
        value: WEIGHT_FORMATS.join('|'),
        help: 'how weights are stored: exact, or in half or a quarter of the size with the loss measured (default: float32)',
      },
      annotations: {
        type: 'string',
        value: 'FILE.json',
        help: 'measure the loss on this file (default: the validation images of the run)',
      },
      images: IMAGES,
      device: DEVICE,
    },
  },
  run: async (args, { io, engine, signal }) => {
    const out = args.text('out');
    if (out === undefined) throw new UsageError('labelscope export needs --out FILE.onnx.');
    const params = {
      run: args.positionals[0]!,
      out,
      weights: args.choice('weights', WEIGHT_FORMATS, 'float32'),
      device: deviceOf(args),
      ...defined({ annotations: args.text('annotations'), images: args.text('images') }),
    };
    io.progress('Reading the model …');
    const [measured, written] = [counted(io, 'Measuring'), counted(io, 'Writing the model', 'MB')];
    const onProgress = ({ stage, ...count }: ExportProgress) => (stage === 'measuring' ? measured : written)(count);
    const result = await engine.request('export', params, { signal, onProgress });
    io.result(result, () => linesOf(result));
    return DONE;
  },
};

function linesOf({ path, bytes, categories, weights, loss, unmeasured }: ExportResult): string[] {
  const size = bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(0)} MB`;
  const file = `${path}: ${size}, ${categories.length} categories, weights in ${weights}`;
  if (unmeasured !== undefined) return [file, `What the smaller weights cost was not measured: ${unmeasured}`];
  if (!loss) return [file];
  const change = (name: string, { before, after }: typeof loss.mAP) => `${name} ${inWords(before)} → ${inWords(after)}`;
  return [
    file,
    `On ${loss.images} images of ${loss.annotations}: ${change('mAP', loss.mAP)}, ${change('micro F1', loss.microF1)};`,
    `${loss.changedLabels} of ${loss.decisions} labels differ, no probability by more than ${loss.largestDifference.toFixed(4)}.`,
  ];
}

const inWords = (value: number | null): string => value?.toFixed(4) ?? 'not defined';
