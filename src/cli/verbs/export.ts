// labelscope export: the run's model as one ONNX file.
import { UsageError } from '../usage';
import { DONE, type Verb } from '../verb';

export const exportVerb: Verb = {
  spec: {
    positionals: 'RUN',
    count: [1, 1],
    help: 'Write the model of a run as one ONNX file: raw RGB bytes in, probabilities out.',
    options: { out: { type: 'string', value: 'FILE.onnx', help: 'the file to write' } },
  },
  run: async (args, { io, engine, signal }) => {
    const out = args.text('out');
    if (out === undefined) throw new UsageError('labelscope export needs --out FILE.onnx.');
    const result = await engine.request('export', { run: args.positionals[0]!, out }, { signal });
    io.result(result, () => [`${result.path}: ${(result.bytes / 1e6).toFixed(0)} MB, ${result.categories.length} categories`]);
    return DONE;
  },
};
