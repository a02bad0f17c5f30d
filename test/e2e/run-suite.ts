// Runs the suite of the extension host in the browser-served VS Code, with temporary files in a folder of its own.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format } from 'node:util';
import { ROOT, visit } from './person';

interface SuiteResult {
  /** VS Code's exit code: 0 where all tests passed. */
  readonly code: number;
  /** As a person's. */
  readonly complaints: readonly string[];
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
    try {
      return { code: await exited, complaints: person.complaints };
    } finally {
      await person.close();
    }
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
