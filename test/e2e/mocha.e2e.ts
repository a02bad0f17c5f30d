// Runs the suite of the extension host in the browser-served VS Code, and tells its lines as they come.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format } from 'node:util';
import { describe, expect, it } from 'vitest';
import { BROWSER, ROOT, visit } from './person';

const NO_BROWSER = BROWSER === undefined ? ' (skipped: no Chromium or Chrome is installed)' : '';
const LIMIT_MS = 400_000;

describe.skipIf(BROWSER === undefined)(`the suite in the extension host${NO_BROWSER}`, () => {
  it(
    'passes',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'labelscope-suite-'));
      const lines: string[] = [];
      const tell = (text: string) => {
        if (!text.startsWith('│')) return;
        lines.push(text);
        process.stderr.write(`${text}\n`);
      };
      let exit: (code: number) => void;
      const exited = new Promise<number>((resolve) => (exit = resolve));
      const person = await visit({
        folder,
        tests: join(ROOT, 'dist', 'e2e', 'suite.js'),
        prepare: async (page) => {
          await page.exposeFunction('codeAutomationLog', (_: string, words: readonly unknown[]) => tell(format(...words)));
          await page.exposeFunction('codeAutomationExit', (code: number) => exit(code));
        },
      });
      try {
        const code = await exited;
        expect(lines.filter((line) => /\d+ passing/.test(line))).toHaveLength(1);
        expect(code, lines.join('\n')).toBe(0);
        // VS Code repeats a notification of an error in the console: the suite provokes one about this file, and nothing else complains.
        expect(person.complaints.filter((complaint) => !complaint.includes('instances_broken.json'))).toEqual([]);
      } finally {
        await person.close();
        await rm(folder, { recursive: true, force: true, maxRetries: 5 });
      }
    },
    LIMIT_MS,
  );
});
