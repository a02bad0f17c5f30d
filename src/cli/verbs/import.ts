// labelscope import: a multilabel ONNX classifier of another program as a model of ours.
import { basename, extname } from 'node:path';
import type { ImportProgress } from '../../protocol/import';
import { counted } from '../io';
import { UsageError } from '../usage';
import { categoriesOf, defined, DONE, type Verb } from '../verb';

export const importVerb: Verb = {
  spec: {
    positionals: 'MODEL.onnx',
    count: [1, 1],
    help: 'Take over a multilabel ONNX classifier, to evaluate, predict and explain with it.',
    options: {
      categories: {
        type: 'string',
        value: 'a,b,c',
        help: 'its categories in the order of its outputs (default: as its file says)',
      },
      out: { type: 'string', value: 'DIR', help: 'new or empty folder for the model' },
      name: { type: 'string', value: 'NAME', help: 'what people call it (default: the name of the file)' },
    },
  },
  run: async (args, { io, engine, signal }) => {
    const [model] = args.positionals as [string];
    const folder = args.text('out');
    if (folder === undefined) throw new UsageError('import needs --out DIR: where shall the model go?');
    const name = args.text('name') ?? basename(model, extname(model));
    const params = { model, folder, name, ...defined({ categories: categoriesOf(args) }) };
    const [read, written] = [counted(io, 'Reading', 'MB'), counted(io, 'Writing', 'MB')];
    const onProgress = ({ stage, ...count }: ImportProgress) => (stage === 'reading' ? read : written)(count);
    const result = await engine.request('import', params, { signal, onProgress });
    const grad = result.canExplain
      ? []
      : ['Grad-CAM is not possible: the network pools no convolutional stage in front of its head.'];
    io.result(result, () => [`Model ${result.folder} (${result.categories.length} categories)`, ...result.notes, ...grad]);
    return DONE;
  },
};
