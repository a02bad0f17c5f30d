// A window as VS Code shows it, in a real browser: the page with its strict policy, a theme, and the extension host's side of the talk.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join, resolve } from 'node:path';
import { build } from 'esbuild';
import { type Browser, chromium, type Page } from 'playwright-core';
import type {
  FromWindow,
  ReportData,
  ToWindow,
  WindowCalls,
  WindowData,
  WindowEvent,
  WindowName,
} from '../../src/protocol/windows';
import { LabelscopeError, toWireError } from '../../src/protocol/errors';
import { policyOf } from '../../src/protocol/policy';
import { understood } from '../../src/protocol/window-shapes';
import { type Theme, THEMES } from './themes';

/** From here, or from the built benchmark in dist. */
const ROOT = [resolve(__dirname, '..', '..'), resolve(__dirname, '..')].find((folder) =>
  existsSync(join(folder, 'webview', 'kit')),
)!;
const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const FOLDERS = (process.env.PATH ?? '').split(delimiter);

/** A browser of this machine; undefined where there is none. */
const BROWSER =
  process.env.LABELSCOPE_CHROMIUM ??
  NAMES.flatMap((name) => FOLDERS.map((folder) => join(folder, name))).find((path) => existsSync(path));

/** '' where there is a browser; else what a skipped title says. */
export const NO_BROWSER = BROWSER === undefined ? ' (skipped: no Chromium or Chrome is installed)' : '';

export async function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: BROWSER!, args: ['--no-sandbox', '--disable-gpu', '--disable-quic'] });
}

export interface WindowOptions<W extends WindowName> {
  readonly data: WindowData<W>;
  /** Answers the window's calls: with a result, or by throwing. Calls without an answer of theirs get null. */
  readonly calls?: { readonly [C in keyof WindowCalls<W>]?: (params: never) => unknown };
  readonly size?: { readonly width: number; readonly height: number };
  readonly theme?: Theme;
  /** What the window had kept of itself before. */
  readonly kept?: Readonly<Record<string, unknown>>;
  /** Files that the page may load, by name. */
  readonly files?: Readonly<Record<string, Buffer>>;
}

export interface ShownWindow<W extends WindowName> {
  readonly page: Page;
  /** Errors of the console and of the page's policy. */
  readonly complaints: string[];
  /** What the window has asked for, in order. Bytes are arrays of numbers. */
  readonly asked: { readonly call: string; readonly params: Readonly<Record<string, unknown>> }[];
  readonly tell: (message: { readonly data: WindowData<W> } | { readonly event: WindowEvent<W> }) => Promise<void>;
  readonly close: () => Promise<void>;
}

const ORIGIN = 'http://window.test';

export async function showWindow<W extends WindowName>(
  browser: Browser,
  name: W,
  { data, calls = {}, size = { width: 1280, height: 800 }, theme = 'dark', files = {}, kept }: WindowOptions<W>,
): Promise<ShownWindow<W>> {
  const served: Readonly<Record<string, Buffer>> = {
    ...files,
    ...(await bundleOf(name)),
    'theme.css': Buffer.from(THEMES[theme]),
  };
  const page = await browser.newPage({ viewport: size });
  const complaints: string[] = [];
  const asked: { call: string; params: Record<string, unknown> }[] = [];
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.route(`${ORIGIN}/**`, (route) => {
    const file = decodeURIComponent(new URL(route.request().url()).pathname).slice(1);
    if (file === '')
      return route.fulfill({ contentType: 'text/html', body: pageOf(name, theme, kept, served['fitting-worker.js']) });
    const body = served[file];
    return body ? route.fulfill({ body, contentType: typeOf(file) }) : route.fulfill({ status: 404 });
  });
  const post = (message: ToWindow<W>) => page.evaluate((told) => (globalThis as unknown as InPage).told(told), plain(message));
  const tellAll = (told: WindowData<W>) => post({ kind: 'data', data: told, resource: 'test', strings: {} });
  await page.exposeFunction('heard', async (message: FromWindow<W>) => {
    if (message.kind === 'ready') return tellAll(data);
    const { id, call, params } = message as unknown as { id: number; call: string; params: Record<string, unknown> };
    asked.push({ call, params });
    const said = understood(name, call === 'save' ? { ...message, params: withBytes(params) } : message);
    if (said === undefined || said === 'ready' || 'wrong' in said) complaints.push(`not understood: ${JSON.stringify(message)}`);
    const answer = (calls as Record<string, ((params: unknown) => unknown) | undefined>)[call];
    try {
      await post({ kind: 'result', id, result: (await answer?.(params)) ?? null });
    } catch (error) {
      await post({
        kind: 'failed',
        id,
        error: error instanceof LabelscopeError ? toWireError(error) : { code: 'test', message: (error as Error).message },
      });
    }
  });
  await page.goto(`${ORIGIN}/`);
  return {
    page,
    complaints,
    asked,
    tell: (told) => ('data' in told ? tellAll(told.data) : post({ kind: 'event', event: told.event })),
    close: () => page.close(),
  };
}

/** A file's content as it comes to the host. */
function withBytes({ content, ...rest }: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return { ...rest, content: Array.isArray(content) ? Uint8Array.from(content as number[]) : content };
}

interface InPage {
  readonly told: (message: unknown) => void;
}

/** Bytes as arrays: between the page and this program all is JSON. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_, one: unknown) => (one instanceof Uint8Array ? [...one] : one)));
}

/** The page's own side, put in before its script runs. */
const bridge = (kept: WindowOptions<WindowName>['kept']) => `
  const bytes = (_, value) => value instanceof Uint8Array ? [...value] : value;
  let state = ${JSON.stringify({ view: kept })};
  window.told = (message) => {
    if (message.data?.png) message.data.png = new Uint8Array(message.data.png);
    window.postMessage(message, '*');
  };
  window.acquireVsCodeApi = () => ({
    postMessage: (message) => void window.heard(JSON.parse(JSON.stringify(message, bytes))),
    getState: () => state,
    setState: (next) => { state = next; },
  });
`;

function pageOf(name: WindowName, theme: Theme, kept: WindowOptions<WindowName>['kept'], worker?: Buffer): string {
  const policy = policyOf(name, ORIGIN, 'test');
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta http-equiv="Content-Security-Policy" content="${policy}" />
    <link rel="stylesheet" href="theme.css" />
    <link rel="stylesheet" href="${name}.css" />
    <title>Labelscope</title>
  </head>
  <body class="vscode-${theme}">
    <main id="root"></main>
    ${worker ? `<script type="application/json" id="fitting-worker">${JSON.stringify(String(worker)).replaceAll('<', '\\u003c')}</script>` : ''}
    <script nonce="test">${bridge(kept)}</script>
    <script nonce="test" src="${name}.js"></script>
  </body>
</html>`;
}

function typeOf(file: string): string {
  const types: Record<string, string> = { css: 'text/css', js: 'text/javascript', jpg: 'image/jpeg', png: 'image/png' };
  return types[file.split('.').at(-1) ?? ''] ?? 'application/octet-stream';
}

type PageName = WindowName | 'report';

/** Once a process. */
const bundles = new Map<PageName, Promise<Record<string, Buffer>>>();

function bundleOf(name: PageName): Promise<Record<string, Buffer>> {
  const made = bundles.get(name) ?? makeBundle(name);
  bundles.set(name, made);
  return made;
}

async function makeBundle(name: PageName): Promise<Record<string, Buffer>> {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: {
      [name]: `webview/${name}/main.ts`,
      ...(name === 'evaluation' && { 'fitting-worker': 'webview/evaluation/fitting-worker.ts' }),
    },
    outdir: 'out',
    bundle: true,
    write: false,
    platform: 'browser',
    target: 'chrome126',
    format: 'iife',
    logLevel: 'silent',
  });
  return Object.fromEntries(outputFiles.map(({ path, contents }) => [path.split(/[\\/]/).at(-1)!, Buffer.from(contents)]));
}

/** A report as a page of its own, opened without its worker. */
export async function showReport(browser: Browser, data: Partial<ReportData>): Promise<Page> {
  const files = await bundleOf('report');
  const text = (name: string) => files[name]!.toString().replaceAll('</', '<\\/');
  const whole: ReportData = { training: null, evaluation: null, comparison: null, reviews: [], ...data };
  const json = JSON.stringify(whole).replaceAll('<', '\\u003c');
  const page = await browser.newPage();
  await page.setContent(
    `<style>${text('report.css')}</style><main id="root"></main><script type="application/json" id="data">${json}</script><script>${text('report.js')}</script>`,
  );
  return page;
}

/** Serious and critical violations by axe-core's rules. */
export async function violations(page: Page): Promise<string[]> {
  const source = readFileSync(createRequire(__filename).resolve('axe-core/axe.min.js'), 'utf8');
  return page.evaluate(async (script) => {
    (0, eval)(script);
    const { axe } = globalThis as unknown as {
      axe: { run(context: unknown): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> };
    };
    const { violations: found } = await axe.run({ include: ['#root'] });
    return found
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join('\n')}`);
  }, source);
}
