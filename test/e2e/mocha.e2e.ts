// The suite of the extension host in the browser-served VS Code: it passes, and nothing complains.
import { describe, expect, it } from 'vitest';
import { BROWSER, NO_BROWSER } from './person';
import { runSuite } from './run-suite';

const LIMIT_MS = 400_000;

describe.skipIf(BROWSER === undefined)(`the suite in the extension host${NO_BROWSER}`, () => {
  it(
    'passes',
    async () => {
      const lines: string[] = [];
      const { code, complaints } = await runSuite((line) => {
        lines.push(line);
        process.stderr.write(`${line}\n`);
      });
      expect(lines.filter((line) => /\d+ passing/.test(line))).toHaveLength(1);
      expect(code, lines.join('\n')).toBe(0);
      // VS Code repeats in the console what a notification and what a tool for language models says of an error. The suite provokes some: of this file,
      // of runs that are not there, of files outside the workspace and of input that is not as the schemas say. Nothing else complains.
      const provoked =
        /instances_broken\.json|Error from tool labelscope_(metrics|predict) [^]*(There is no run|no file of this workspace|has to be)/;
      expect(complaints.filter((complaint) => !provoked.test(complaint))).toEqual([]);
    },
    LIMIT_MS,
  );
});
