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
      const { code, complaints, asked } = await runSuite((line) => {
        lines.push(line);
        process.stderr.write(`${line}\n`);
      });
      expect(lines.filter((line) => /\d+ passing/.test(line))).toHaveLength(1);
      expect(code, lines.join('\n')).toBe(0);
      // No tool for language models told anything that the person had not agreed to.
      for (const words of ['runs and models', 'how well "for-tools" does', 'Predict the labels of'])
        expect(asked.filter((question) => question.includes(words))).not.toEqual([]);
      // VS Code repeats a notification of an error in the console: the suite provokes one about this file, and nothing else complains.
      expect(complaints.filter((complaint) => !complaint.includes('instances_broken.json'))).toEqual([]);
    },
    LIMIT_MS,
  );
});
