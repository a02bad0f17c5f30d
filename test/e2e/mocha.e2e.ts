// Runs the suite of the extension host in the browser-served VS Code, and tells its lines as they come.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format } from 'node:util';
import type { Page } from 'playwright-core';
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
      const asked: string[] = [];
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
        void agree(person.page, asked);
        const code = await exited;
        expect(lines.filter((line) => /\d+ passing/.test(line))).toHaveLength(1);
        expect(code, lines.join('\n')).toBe(0);
        // No tool for language models told anything that the person had not agreed to.
        for (const words of ['runs and models', 'how well "for-tools" does', 'Predict the labels of'])
          expect(asked.some((question) => question.includes(words))).toBe(true);
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

/** Reads the dialogs that come and agrees, until the page is closed. */
async function agree(page: Page, asked: string[]): Promise<void> {
  const dialog = page.locator('.monaco-dialog-box');
  for (;;) {
    const isThere = await dialog.waitFor({ timeout: 0 }).then(
      () => true,
      () => false,
    );
    if (!isThere) return;
    asked.push(await dialog.innerText().catch(() => ''));
    await dialog
      .locator('.monaco-button')
      .first()
      .click({ timeout: 5000 })
      .catch(() => undefined);
    await dialog.waitFor({ state: 'hidden', timeout: 5000 }).catch(() => undefined);
  }
}
