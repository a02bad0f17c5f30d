// `npm run bench -- activation`: the packaged extension in a clean VS Code: what its activation costs there, beside VS Code's own extensions.
import { existsSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { BROWSER_ARGS, findBrowser } from '../src/editor/browser';
import { type EditorVersion, installEditor } from '../src/editor/install';
import { installExtension, startServer } from '../src/editor/server';
import { median } from './median';

const ROUNDS = 9;
const OURS = 'Labelscope';
/** Extensions that VS Code brings along and that start in every window. */
const PEERS = ['Git', 'GitHub', 'Merge Conflict'];

/** Lines of medians, in milliseconds, of what VS Code shows under "Developer: Show Running Extensions": loading the code and activating. */
export async function benchActivation(): Promise<string[]> {
  const root = join(__dirname, '..');
  const vsix = join(root, `labelscope-${process.platform}-${process.arch}-${process.env.LABELSCOPE_VERSION}.vsix`);
  if (!existsSync(vsix)) throw new Error(`There is no ${vsix}. Make it with: npm run package`);
  const say = (text: string) => void process.stderr.write(`${text}\n`);
  const program = findBrowser(say);
  if (program === undefined) throw new Error('No Chromium or Chrome was found. Install one.');
  const folder = await mkdtemp(join(tmpdir(), 'labelscope-activation-'));
  const [data, workspace] = [join(folder, 'data'), join(folder, 'workspace')];
  await mkdir(workspace);
  const installed = installEditor((process.env.LABELSCOPE_VSCODE ?? 'oldest') as EditorVersion, say);
  installExtension(installed, data, vsix);
  const server = await startServer(installed, data);
  const browser = await chromium.launch({ executablePath: program, args: BROWSER_ARGS });
  try {
    const rounds: ReadonlyMap<string, number>[] = [];
    // The first window fills caches of the editor and of the browser, and is not counted.
    for (let round = 0; round <= ROUNDS; round++) rounds.push(await activationsOf(browser, server.address(workspace)));
    const lines = [OURS, ...PEERS].map((name) => line(name, valuesOf(rounds.slice(1), name)));
    const bundle = statSync(join(root, 'dist', 'extension.js')).size;
    return [...lines, `${'host bundle'.padEnd(16)} ${(bundle / 1000).toFixed(0).padStart(6)} kB`];
  } finally {
    await browser.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

function valuesOf(rounds: readonly ReadonlyMap<string, number>[], name: string): number[] {
  return rounds.flatMap((round) => round.get(name) ?? []).sort((a, b) => a - b);
}

function line(name: string, values: readonly number[]): string {
  if (values.length === 0) return `${name.padEnd(16)} was not activated`;
  return `${name.padEnd(16)} ${String(median(values)).padStart(6)} ms (${values[0]} to ${values.at(-1)})`;
}

/** Milliseconds by the extension's name, of one new window. */
async function activationsOf(browser: Browser, address: string): Promise<Map<string, number>> {
  const page = await browser.newPage({ viewport: { width: 1300, height: 1300 } });
  try {
    await page.goto(address);
    await page.locator('.part.statusbar').waitFor();
    // Nothing may be asked of the window while its extensions start.
    await page.waitForTimeout(6000);
    await page.keyboard.press('F1');
    await page.locator('.quick-input-widget input').first().fill('>Developer: Show Running Extensions');
    await page.locator('.quick-input-list .monaco-list-row', { hasText: 'Running Extensions' }).first().click();
    const rows = page.locator('.runtime-extensions-editor .extension');
    await rows.filter({ hasText: OURS }).getByText('Activation:').waitFor();
    const texts = await rows.allInnerTexts();
    return new Map(
      texts.flatMap((text): [string, number][] => {
        const time = /Activation: (\d+)ms/.exec(text);
        return time ? [[text.trim().split('\n')[0]!.trim(), Number(time[1])]] : [];
      }),
    );
  } finally {
    await page.close();
  }
}
