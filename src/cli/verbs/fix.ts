// labelscope fix: an annotation file without the faults whose repair is certain, as a new file.
import { countedFile, table } from '../io';
import { UsageError } from '../usage';
import { defined, DONE, IMAGES, type Verb } from '../verb';

export const fix: Verb = {
  spec: {
    positionals: 'ANNOTATIONS',
    count: [1, 1],
    help: 'Write a new COCO file without the faults whose repair is certain; everything else stays as it stands.',
    options: {
      out: { type: 'string', value: 'FILE.json', help: 'the new file' },
      only: { type: 'string', value: 'code,…', help: 'repair these findings of inspect (default: all that can be)' },
      images: IMAGES,
    },
  },
  run: async (args, { io, engine, signal }) => {
    const out = args.text('out');
    if (out === undefined) throw new UsageError('fix needs --out FILE.json: where shall the new file go?');
    const codes = args
      .text('only')
      ?.split(',')
      .map((code) => code.trim());
    const params = { annotations: args.positionals[0]!, out, ...defined({ codes, images: args.text('images') }) };
    const result = await engine.request('fix', params, { signal, onProgress: countedFile(io, 'Repairing') });
    io.result(result, () => [
      `Repaired ${result.path}`,
      '',
      ...table([['finding', 'repaired'], ...Object.entries(result.fixed)]),
    ]);
    return DONE;
  },
};
