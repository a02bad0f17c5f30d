// VS Code as a person uses it: what is clicked, typed and read, in a real browser.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Browser, chromium, type FrameLocator, type Locator, type Page } from 'playwright-core';
import type { TestContext } from 'vitest';
import { BROWSER_ARGS, findBrowser } from '../../src/editor/browser';
import { EDITORS, type EditorVersion, installEditor } from '../../src/editor/install';
import { type EditorServer, installExtension, type ServerOptions, startServer } from '../../src/editor/server';

export const ROOT = resolve(__dirname, '..', '..');

const say = (message: string) => void process.stderr.write(`${message}\n`);

/** The browser that these tests use; undefined where there is none. */
export const BROWSER = findBrowser(say);
/** Said where the tests are skipped. */
export const NO_BROWSER = BROWSER === undefined ? ' (skipped: no Chromium or Chrome is installed)' : '';

export interface Person {
  readonly page: Page;
  /** Errors of the console and violations of content policies that come from our extension. */
  readonly complaints: string[];
  readonly folder: string;
  close(): Promise<void>;
}

export interface Visit extends ServerOptions {
  readonly folder: string;
  /** The packaged extension, to be installed in place of the one under development. */
  readonly vsix?: string;
  /** Another packaged extension beside it. */
  readonly other?: string;
  /** Opens no folder: the window is empty, and `folder` only lies on the machine. */
  readonly opensNothing?: boolean;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly size?: { readonly width: number; readonly height: number };
  /** Runs an extension's tests instead of waiting for clicks. */
  readonly tests?: string;
  readonly prepare?: (page: Page) => Promise<void>;
}

const SETTINGS = {
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'window.commandCenter': false,
  'telemetry.telemetryLevel': 'off',
  'security.workspace.trust.enabled': false,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'git.enabled': false,
  'chat.commandCenter.enabled': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.colorTheme': 'Default Dark Modern',
  // The editor's own preview comes from another extension host, and here, where all windows share one origin, the browser lets only the
  // windows of one of them load what they need.
  'workbench.editorAssociations': { '*.jpg': 'labelscope.image' },
};

export async function visit({
  folder,
  settings = {},
  size = { width: 1360, height: 860 },
  tests,
  prepare,
  vsix,
  other,
  opensNothing = false,
  ...options
}: Visit): Promise<Person> {
  const version = (process.env.LABELSCOPE_VSCODE ?? 'oldest') as EditorVersion;
  const installed = installEditor(version, say);
  const data = await mkdtemp(join(tmpdir(), 'labelscope-vscode-'));
  // A browser keeps a person's settings in itself, and a new one has none: the workspace's, or the machine's, take their place.
  const place = opensNothing ? join(data, 'data', 'Machine') : join(folder, '.vscode');
  await mkdir(place, { recursive: true });
  await writeFile(join(place, 'settings.json'), JSON.stringify({ ...SETTINGS, ...settings }));
  for (const file of [vsix, other]) if (file !== undefined) installExtension(installed, data, file);
  const server = await startServer(installed, data, { ...options, isDriven: vsix === undefined });
  const browser = await chromium.launch({ executablePath: server.reaching(BROWSER!), args: BROWSER_ARGS });
  const page = await browser.newPage({ viewport: size });
  const complaints: string[] = [];
  listen(page, complaints);
  await prepare?.(page);
  const development = vsix === undefined ? { extension: ROOT, ...(tests !== undefined && { tests }) } : undefined;
  await page.goto(server.address(opensNothing ? undefined : folder, development));
  return { page, complaints, folder, close: () => close(browser, server, data) };
}

async function close(browser: Browser, server: EditorServer, data: string): Promise<void> {
  await browser.close();
  await server.stop();
  await rm(data, { recursive: true, force: true, maxRetries: 5 });
}

/** VS Code's own noise names none of our files: only what does, and every refused policy in a window of ours, counts. */
function listen(page: Page, complaints: string[]): void {
  page.on('console', (message) => {
    // See windowWith.
    if (message.text().includes('ERR_NAME_NOT_RESOLVED') && message.location().url.includes('vscode-resource')) return;
    // VS Code lies in a folder of ours.
    const text = message.text().replaceAll(EDITORS, '');
    const where = message.location().url;
    const ours = /labelscope/i.test(where) || /labelscope/i.test(text) || /vscode-(cdn|resource|webview)/.test(where);
    const policy =
      /Content Security Policy|Refused to/.test(text) && !/workbench\.(js|html)|insecure|is deprecated/.test(`${where} ${text}`);
    if (ours && (message.type() === 'error' || policy)) complaints.push(`${message.type()}: ${text} (${where})`);
  });
  page.on('pageerror', (error) => /labelscope/i.test(error.stack ?? '') && complaints.push(String(error)));
}

/** For `afterEach`: what the screen shows after a test that failed, into the folder that LABELSCOPE_E2E_PICTURES names. */
export async function keepPicture({ page }: Person, { task }: TestContext): Promise<void> {
  const folder = process.env.LABELSCOPE_E2E_PICTURES;
  if (folder === undefined || task.result?.state !== 'fail') return;
  await page.screenshot({ path: join(folder, `${task.name.replace(/[^a-z]+/gi, '-').slice(0, 60)}.png`) });
}

/** For what is tried again where it fails. */
export function succeeds(action: Promise<unknown>): Promise<boolean> {
  return action.then(
    () => true,
    () => false,
  );
}

export async function ready({ page }: Person): Promise<void> {
  await page.locator('.part.sidebar .pane-header, .part.sidebar .composite').first().waitFor({ timeout: 60_000 });
}

/**
 * Once more where a window that just came took the keyboard, which closes the palette, or where the palette was opened before the extension's
 * commands were there: it lists those of the moment when it was opened. The row is clicked: Enter would go to that window, and nothing would run.
 */
export async function runCommand({ page }: Person, title: string): Promise<void> {
  const input = page.locator('.quick-input-widget input').first();
  // Another one can come first, until the list is filtered.
  const focused = page.locator('.quick-input-list .monaco-list-row.focused', { hasText: title });
  for (let trial = 0; trial < 10; trial++) {
    await page.keyboard.press('F1');
    if (await succeeds(input.fill(`>${title}`, { timeout: 3000 }).then(() => focused.click({ timeout: 3000 })))) return;
    await page.keyboard.press('Escape');
  }
  throw new Error(`The palette did not offer ${title}.`);
}

/**
 * The notification with these words, in the list behind the bell: the newest VS Code counts a message there without showing it by itself in an
 * empty window, and shown before it has come, the list closes.
 */
export async function notification(person: Person, words: string, timeout = 60_000): Promise<Locator> {
  const { page } = person;
  const found = page.locator('.notifications-center .notification-list-item', { hasText: words }).first();
  for (const end = Date.now() + timeout; Date.now() < end;) {
    await runCommand(person, 'Notifications: Show Notifications');
    if (await found.isVisible()) return found;
    await page.waitForTimeout(500);
  }
  throw new Error(`No notification says ${words}.`);
}

/** Answers a notification about images that were not found: another folder for those of `file`. */
export async function chooseImages(person: Person, words: string, file: string, place: string): Promise<void> {
  const { page } = person;
  await (await notification(person, words)).getByRole('button', { name: 'Choose Image Folder…' }).click();
  await page.locator('.quick-input-titlebar', { hasText: `Where are the images of ${file}?` }).waitFor();
  await page.locator('.quick-input-list .monaco-list-row', { hasText: '..' }).first().waitFor();
  // Without its last slash, a folder only filters the list of the one that is shown.
  await page.locator('.quick-input-widget input').first().fill(`${place}/`);
  await page.locator('.quick-input-widget .monaco-button', { hasText: 'Choose Image Folder' }).click();
}

/** A row of the Explorer, by its path's parts; folders on the way are opened. */
export async function explorerItem({ page }: Person, ...path: readonly string[]): Promise<Locator> {
  if (!(await page.locator('.explorer-folders-view').isVisible()))
    await page.locator('.activitybar [aria-label^="Explorer"]').first().click();
  const item = (name: string) => page.locator(`.explorer-folders-view .monaco-list-row[aria-label^="${name}"]`).first();
  for (const folder of path.slice(0, -1)) {
    const row = item(folder);
    await row.waitFor();
    // Files that come meanwhile move the rows: a click may hit another one.
    for (let trial = 0; trial < 5 && (await row.getAttribute('aria-expanded')) === 'false'; trial++) {
      await row.click();
      await page.waitForTimeout(500);
    }
  }
  const last = item(path.at(-1)!);
  await last.waitFor();
  return last;
}

/** Right-clicks until the entry is there: the extension looks through the workspace in its first seconds. */
export async function contextMenu({ page }: Person, row: Locator, entry: string): Promise<void> {
  const found = page.locator('.monaco-menu .action-label', { hasText: entry }).first();
  for (let trial = 0; trial < 20; trial++) {
    await row.click({ button: 'right' });
    if (await succeeds(found.waitFor({ timeout: 1500 }))) {
      // A menu that has just opened takes no clicks, so that the click that opened it chooses nothing.
      await page.waitForTimeout(500);
      await found.click({ delay: 60 });
      return;
    }
    await page.keyboard.press('Escape');
  }
  throw new Error(`The context menu has no entry ${entry}.`);
}

/** Presses Enter on the questions of a flow as they come, until there are no more. */
export async function enterThrough({ page }: Person, titles: readonly string[]): Promise<void> {
  for (const title of titles) {
    await page.locator(`.quick-input-widget input[placeholder*="${title}"]`).waitFor({ timeout: 60_000 });
    await page.locator('.quick-input-list .monaco-list-row').first().waitFor();
    await page.keyboard.press('Enter');
  }
}

/** Opens a validation image of `prepareWorkspace`'s sample, chooses its first label and waits for the map: the windows of both. */
export async function seeMap(person: Person): Promise<{ readonly view: FrameLocator; readonly editor: FrameLocator }> {
  await (await explorerItem(person, 'val', 'scene-000001.jpg')).dblclick();
  await runCommand(person, 'Labelscope: Show Predicted Labels');
  const view = await windowWith(person, '.list button.label');
  await view.locator('button.label').first().click();
  const editor = await windowWith(person, 'figure canvas');
  await editor.locator('figcaption', { hasNotText: 'computing' }).waitFor();
  return { view, editor };
}

/**
 * The page of the window that holds this. All windows of a browser-served VS Code share one origin and its service worker, which now and then
 * is not there yet when a window asks for its resources: then the windows are reloaded, once.
 */
export async function windowWith(person: Person, selector: string, timeout = 60_000): Promise<FrameLocator> {
  const found = await windowWithin(person, selector, timeout / 2);
  if (found) return found;
  await runCommand(person, 'Developer: Reload Webviews');
  const second = await windowWithin(person, selector, timeout / 2);
  if (second) return second;
  throw new Error(`No window shows ${selector}. ${await whatIsShown(person)}`);
}

/** For a failure where nobody sees the screen: the active editor, the messages, and the words of every window. */
async function whatIsShown({ page }: Person): Promise<string> {
  const words = (locator: Locator) => locator.allInnerTexts().catch(() => []);
  const windows = await Promise.all(
    (await page.locator('iframe.webview').all()).map(async (frame) => {
      const inner = frame.contentFrame().frameLocator('iframe#active-frame');
      const [text = 'no page'] = await words(inner.locator('body'));
      return {
        state: await frame.getAttribute('class').catch(() => null),
        shown: await frame.isVisible(),
        text: text.slice(0, 200),
      };
    }),
  );
  const [tabs, messages] = [await words(page.locator('.tab.active')), await words(page.locator('.notification-list-item'))];
  return `Shown are ${JSON.stringify({ tabs, messages, windows })}`;
}

async function windowWithin({ page }: Person, selector: string, timeout: number): Promise<FrameLocator | undefined> {
  const end = Date.now() + timeout;
  while (Date.now() < end) {
    await page.waitForTimeout(100);
    for (const frame of await page.locator('iframe.webview.ready').all()) {
      // By its name: its place among the others changes as windows come and go.
      const name = await frame.getAttribute('name').catch(() => null);
      const inner = page
        .locator(`iframe.webview[name="${name ?? ''}"]`)
        .contentFrame()
        .frameLocator('iframe#active-frame');
      const found = inner.locator(selector).first();
      if ((await found.count().catch(() => 0)) > 0 && (await found.isVisible().catch(() => false))) return inner;
    }
  }
  return undefined;
}
