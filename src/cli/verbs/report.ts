// labelscope report: a run as one HTML file that needs nothing else.
import { resolve } from 'node:path';
import { writeAtomically } from '../../engine/client/atomic';
import { counted } from '../io';
import { reportOf } from '../report';
import { UsageError } from '../usage';
import { DONE, type Verb } from '../verb';

export const report: Verb = {
  spec: {
    positionals: 'RUN',
    count: [1, 1],
    help: "Write a run's curves, evaluation and suspect labels as one HTML page.",
    options: {
      out: { type: 'string', value: 'FILE.html', help: 'the page to write' },
      review: {
        type: 'string',
        value: 'FILE.json',
        help: "suspect labels, as 'review --json' wrote them (default: those that the editor keeps beside the run)",
      },
      decisions: { type: 'string', value: 'FILE.json|FILE.csv', help: 'with --review: what was decided of them' },
    },
  },
  run: async (args, { io, signal }) => {
    const out = args.text('out');
    if (out === undefined) throw new UsageError('report needs --out FILE.html: where shall the page go?');
    const path = resolve(out);
    const [review, decisions] = [args.text('review'), args.text('decisions')];
    if (decisions !== undefined && review === undefined)
      throw new UsageError('report --decisions needs --review FILE.json: of which suspect labels?');
    const given = review === undefined ? undefined : { review, decisions };
    const onProgress = counted(io, 'Writing the report', '%');
    const { page, notes } = await reportOf(args.positionals[0]!, { given, signal, onProgress });
    await writeAtomically(path, [page], signal);
    for (const note of notes) io.note(note);
    io.result({ path, bytes: Buffer.byteLength(page) }, () => [`Report ${path}`]);
    return DONE;
  },
};
