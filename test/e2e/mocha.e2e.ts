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
      // VS Code repeats a notification of an error in the console: the suite provokes one about this file, and nothing else complains.
      expect(complaints.filter((complaint) => !complaint.includes('instances_broken.json'))).toEqual([]);
    },
    LIMIT_MS,
  );
});
