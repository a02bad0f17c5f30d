// Runs the suite of the extension host in the browser-served VS Code, with temporary files in a folder of its own.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format } from 'node:util';
import type { Page } from 'playwright-core';
import { ROOT, visit } from './person';

interface SuiteResult {
  /** VS Code's exit code: 0 where all tests passed. */
  readonly code: number;
  /** As a person's. */
  readonly complaints: readonly string[];
  /** The words of the dialogs that came; all were agreed to. */
  readonly asked: readonly string[];
}

/** @param tell told each line of the suite as it comes */
export async function runSuite(tell: (line: string) => void): Promise<SuiteResult> {
  const folder = await mkdtemp(join(tmpdir(), 'labelscope-suite-'));
  const before = process.env.TMPDIR;
  process.env.TMPDIR = join(folder, 'tmp');
  let exit: (code: number) => void;
  const exited = new Promise<number>((resolve) => (exit = resolve));
  try {
    await mkdir(process.env.TMPDIR);
    await mkdir(join(folder, 'workspace'));
    const person = await visit({
      folder: join(folder, 'workspace'),
      tests: join(ROOT, 'dist', 'e2e', 'suite.js'),
      prepare: async (page) => {
        await page.exposeFunction('codeAutomationLog', (_: string, words: readonly unknown[]) => {
          const text = format(...words);
          if (text.startsWith('│')) tell(text);
        });
        await page.exposeFunction('codeAutomationExit', (code: number) => exit(code));
      },
    });
    const asked: string[] = [];
    try {
      void agree(person.page, asked);
      return { code: await exited, complaints: person.complaints, asked };
    } finally {
      await person.close();
    }
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

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
