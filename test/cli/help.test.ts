// The document of the command line has every verb and every option that the help lists, in the help's words.
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { runCli } from '../support/cli';

const COMMON = /^ {2}--(json|problems|help) /;

/** Lines of the help as they stand in the document, indented as code. */
function asCode(help: string, chosen: (line: string) => boolean): string {
  const lines = help.trimEnd().split('\n').filter(chosen);
  return lines.map((line) => `    ${line}`.trimEnd()).join('\n');
}

it('docs/command-line.md says of every verb what its help says', async () => {
  const document = await readFile('docs/command-line.md', 'utf8');
  const { stdout: general } = await runCli(['--help']);
  expect(document).toContain(asCode(general, () => true));
  const verbs = [...general.matchAll(/^ {2}(\w+) /gm)].map(([, verb]) => verb!);
  expect(verbs.length).toBeGreaterThan(0);
  for (const verb of verbs) {
    const { stdout, status } = await runCli([verb, '--help']);
    expect(status, verb).toBe(0);
    expect(document).toContain(asCode(stdout, (line) => COMMON.test(line)));
    expect(document).toContain(`### ${verb}\n\n${asCode(stdout, (line) => !COMMON.test(line))}\n`);
  }
});
