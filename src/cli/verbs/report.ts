// labelscope report: a run as one HTML file that needs nothing else.
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { LabelscopeError } from '../../protocol/errors';
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
    await writeReport(path, page);
    io.result({ path, bytes: Buffer.byteLength(page) }, () => [`Report ${path}`]);
    return DONE;
  },
};

async function writeReport(path: string, page: string): Promise<void> {
  await writeFile(path, page).catch((error: unknown) => {
    const detail = error instanceof Error ? error.message : String(error);
    throw new LabelscopeError(
      'write-failed',
      `${path} could not be written (${detail}). Check free space and permissions of the folder.`,
    );
  });
}
