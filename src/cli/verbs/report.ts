// labelscope report: a run as one HTML file that needs nothing else.
import { resolve } from 'node:path';
import { writeWhole } from '../files';
import { reportOf } from '../report';
import { UsageError } from '../usage';
import { DONE, type Verb } from '../verb';

export const report: Verb = {
  spec: {
    positionals: 'RUN',
    count: [1, 1],
    help: "Write a run's curves and evaluation as one HTML page.",
    options: { out: { type: 'string', value: 'FILE.html', help: 'the page to write' } },
  },
  run: async (args, { io }) => {
    const out = args.text('out');
    if (out === undefined) throw new UsageError('report needs --out FILE.html: where shall the page go?');
    const path = resolve(out);
    const page = await reportOf(args.positionals[0]!);
    await writeWhole(path, page);
    io.result({ path, bytes: Buffer.byteLength(page) }, () => [`Report ${path}`]);
    return DONE;
  },
};
